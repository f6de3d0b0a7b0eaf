// Servers that could not be connected when they were added, because a value or the vault was away, get their tools known.
import { expect, test } from 'bun:test'
import { eventually } from '../support/daemon'
import { givenStdio, givenThrough } from '../support/given'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const stdin = 'correct horse battery\n'

/** Runs a gateway in the home until `use` is done. */
async function during(
  home: ReturnType<typeof tempHome>,
  env: Record<string, string>,
  use: (gateway: ReturnType<typeof givenThrough>, daemon: SourceDaemon) => Promise<void>,
): Promise<void> {
  await using daemon = await startSourceDaemon(env, { ...home, [Symbol.dispose]: () => undefined })
  await use(givenThrough(daemon), daemon)
}

/** Names of servers, one for each process they ever had here, the newest last. */
async function spawned({ cli }: SourceDaemon): Promise<string[]> {
  const { stdout } = await cli(['audit', '--action', 'server.spawned', '-n', '1000', '--json'])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { subject: string }).subject)
}

test('[cred.inputs] [threat.54] when the vault opens, servers that waited for it and were never read are connected, and no others', async () => {
  using home = tempHome()
  const ids = new Map<string, string>()
  const key = (value: string | null) => [{ id: 'k', secret: true, value }]
  const env = { K: '${input:k}' }
  await during(home, {}, async ({ add, given, control }, { cli }) => {
    await cli(['vault', 'use', 'passphrase'], { stdin })
    for (const name of ['read-1', 'read-2', 'read-3', 'read-4']) {
      ids.set(name, (await add(name, givenStdio(env), key('hush-1'))).id)
      await given(ids.get(name) ?? '')
    }
    for (const name of ['new-1', 'new-2', 'new-3', 'new-4', 'new-5', 'off'])
      ids.set(name, (await add(name, givenStdio(env), key('hush-2'))).id)
    ids.set('lacks', (await add('lacks', givenStdio(env), key(null))).id)
    await control.send('PATCH', `/servers/${ids.get('off')}`, { enabled: false })
  })
  await during(home, {}, async ({ server, control }, daemon) => {
    const known = async () => {
      const views = await Promise.all([...ids].map(async ([name, id]) => [name, await server(id)] as const))
      return views.filter(([, view]) => view.features.tool > 0).map(([name]) => name)
    }
    const read = ['read-1', 'read-2', 'read-3', 'read-4']
    expect(await known()).toEqual(read)
    expect((await server(ids.get('new-1') ?? '')).state.status).toBe('locked')
    const before = await spawned(daemon)
    expect((await daemon.cli(['vault', 'unlock'], { stdin })).code).toBe(0)
    const fresh = ['new-1', 'new-2', 'new-3', 'new-4', 'new-5']
    expect(await eventually(known, (names) => names.length === 9)).toEqual([...read, ...fresh])
    // A value that comes by any way does the same.
    const values = [{ id: 'k', value: 'hush-3' }]
    await control.send('PUT', `/servers/${ids.get('lacks')}/values`, { values })
    expect(await eventually(known, (names) => names.length === 10)).toContain('lacks')
    // An entry of a start is written a second later.
    const starts = await eventually(
      () => spawned(daemon),
      (names) => names.includes('lacks'),
    )
    // The era is found out beside the process that is used, so a first connection may have two.
    expect([...new Set(starts.slice(before.length))].toSorted()).toEqual(['lacks', ...fresh])
    expect((await server(ids.get('read-1') ?? '')).state.status).toBe('idle')
  })
})

test('[cred.inputs] a server that waited for a variable is connected by the start that has it, once', async () => {
  using home = tempHome()
  let [late, plain] = ['', '']
  await during(home, {}, async ({ add, server }) => {
    late = (await add('late', givenStdio({ K: '${env:LATE_VALUE}' }))).id
    // One that nobody connected and that waits for nothing is left to who uses it.
    plain = (await add('plain', givenStdio({}))).id
    expect((await server(late)).state).toEqual({ status: 'needs_input', missing: ['${env:LATE_VALUE}'] })
  })
  let starts: string[] = []
  for (const isFirst of [true, false])
    await during(home, { LATE_VALUE: 'there' }, async ({ server }, daemon) => {
      await eventually(
        () => server(late),
        (view) => view.features.tool > 0,
      )
      await Bun.sleep(1500)
      if (isFirst) starts = await spawned(daemon)
      expect(new Set(starts)).toEqual(new Set(['late']))
      expect(await spawned(daemon)).toEqual(starts)
      expect((await server(plain)).features.tool).toBe(0)
    })
})
