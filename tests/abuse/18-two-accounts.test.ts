// Two accounts of one service, twice in one Space and once more in another: the same program and the same address, each
// with its own secret. What one is given is never in a process, a request or an answer of the others.
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { startGivenHttp } from '../servers/given-http'
import { controlOf } from '../support/control'
import { eventually } from '../support/daemon'
import { givenProgram } from '../support/given'
import { startKeyring } from '../support/keyring'
import { oauthGateway } from '../support/oauth-gateway'
import { startOidc } from '../support/oidc'
import { openCaller, textOf } from '../support/scripted'
import { startSourceDaemon } from '../support/source-daemon'

interface Account {
  space: string
  name: string
  canary: string
}
const accounts: Account[] = [
  { space: 'Default', name: 'work', canary: 'canary-account-work-81' },
  { space: 'Default', name: 'home', canary: 'canary-account-home-82' },
  { space: 'Side', name: 'work', canary: 'canary-account-side-83' },
]
const others = (own: string) => accounts.map(({ canary }) => canary).filter((canary) => canary !== own)

/** Environments of the processes that run the server. */
const environments = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        return argv.includes(givenProgram) ? [readFileSync(`/proc/${pid}/environ`, 'latin1')] : []
      } catch {
        return []
      }
    })

test('[threat.18] [threat.15] [space.isolation] accounts of one service each get their own secret, in processes, requests and answers', async () => {
  await using remote = startGivenHttp()
  await using keyring = await startKeyring()
  await using daemon = await startSourceDaemon(keyring.env)
  const ok = async (args: readonly string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await daemon.cli(args, { env })
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`)
    return { stdout, stderr }
  }
  await ok(['space', 'create', 'Side'])
  const said: string[] = []
  for (const { space, name, canary } of accounts) {
    const place = ['--space', space, '--yes']
    await ok(['add', `${name}-local`, ...place, '--env', 'TOKEN', '--', process.execPath, givenProgram], {
      TOKEN: canary,
    })
    const far = [
      'add',
      `${name}-far`,
      ...place,
      '--url',
      remote.url,
      '--header',
      'Authorization: Bearer ${input:token}',
    ]
    said.push((await ok(far, { token: canary })).stderr)
  }
  // Said where it is in the same Space, and there alone.
  expect(said.map((text) => text.includes('work-far has the same address'))).toEqual([false, true, false])

  const callers = new Map<string, Awaited<ReturnType<typeof openCaller>>>()
  for (const space of ['Default', 'Side'])
    callers.set(
      space,
      await openCaller(daemon, (await ok(['key', 'create', space, '--space', space])).stdout.trim()),
    )
  for (let round = 0; round < 20; round++)
    await Promise.all(
      accounts.flatMap(({ space, name, canary }) =>
        ['local', 'far'].map(async (kind) => {
          const caller = callers.get(space)
          const text = caller ? textOf(await caller.call(`${name}-${kind}_given`)) : undefined
          expect([name, kind, text?.includes(canary)]).toEqual([name, kind, true])
          for (const other of others(canary)) expect(text).not.toContain(other)
        }),
      ),
    )

  const processes = environments()
  expect(processes.length).toBe(3)
  for (const texts of [processes, remote.requests])
    for (const text of texts) expect(accounts.filter(({ canary }) => text.includes(canary)).length).toBe(1)

  // A new secret of one, and the end of another, leave the rest alone.
  const control = controlOf(daemon)
  const spaces = await control.get<{ id: string; name: string }[]>('/spaces')
  const servers = await control.get<{ id: string; name: string }[]>(
    `/servers?space=${spaces.find(({ name }) => name === 'Default')?.id}`,
  )
  const idOf = (name: string) => servers.find((server) => server.name === name)?.id
  const values = [{ id: 'token', value: 'canary-new-84' }]
  await control.send('PUT', `/servers/${idOf('work-far')}/values`, { values })
  await control.send('DELETE', `/servers/${idOf('home-far')}`)
  for (const [space, token] of [
    ['Default', 'canary-new-84'],
    ['Side', 'canary-account-side-83'],
  ] as const) {
    const caller = callers.get(space)
    expect(caller && textOf(await caller.call('work-far_given'))).toContain(`Bearer ${token}`)
  }
}, 120_000)

test('[threat.36] [threat.18] two servers at one address sign in apart: the tokens of one are no use to the other', async () => {
  await using oidc = await startOidc()
  await using mux = await oauthGateway()
  const [work, home] = [await mux.add(oidc.mcpUrl, 'work'), await mux.add(oidc.mcpUrl, 'home')]
  const echo = async (name: string) => textOf(await mux.caller.call(`${name}_echo`, { text: name }))
  // Its lists are read a moment after it is connected.
  const heard = (name: string) =>
    eventually(
      () => echo(name),
      (text) => text === name,
    )
  const reconnect = (id: string) => mux.control.send('POST', `/servers/${id}/connect`, {})

  await mux.signIn(work.id)
  await heard('work')
  await reconnect(home.id)
  expect(await mux.view(home.id)).toMatchObject({ state: { status: 'needs_authorization' }, signIn: null })
  expect([await echo('work'), await echo('home')]).toEqual(['work', undefined])

  await mux.signIn(home.id)
  await heard('home')
  expect([await echo('work'), await echo('home')]).toEqual(['work', 'home'])
  await mux.control.send('POST', `/servers/${work.id}/logout`, {})
  await reconnect(work.id)
  expect([await echo('work'), await echo('home')]).toEqual([undefined, 'home'])
  expect(await mux.view(work.id)).toMatchObject({ signIn: null })
})
