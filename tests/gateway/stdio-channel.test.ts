import { expect, test } from 'bun:test'
import { existsSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError } from '../../gateway/errors'
import { Secret } from '../../gateway/secrets/secret'
import { UndeliveredError } from '../../gateway/transport/channel'
import type { ServerLostError } from '../../gateway/transport/stdio-channel'
import { processesWith, waitUntil } from '../support/processes'
import { evil, openStdioLeg } from '../support/stdio-leg'

const bytes = (text: string) => Buffer.from(text)

test('[gw.transports] a stdio server answers over its own process, in a folder of its own', async () => {
  await using leg = await openStdioLeg(evil('echo-argv', 'one'))
  const answer = JSON.parse((await leg.call(1)) as string) as { result: { argv: string[]; cwd: string } }
  expect(answer.result.argv).toEqual(['one'])
  expect(answer.result.cwd).toEndWith('servers/one')
  expect(statSync(answer.result.cwd).mode & 0o777).toBe(0o700)
})

test('[gw.transparent] a message that spans lines goes up as one line, its literals untouched', async () => {
  await using leg = await openStdioLeg({ command: '/bin/cat', args: [] })
  await leg.channel.send(
    bytes('{"jsonrpc":"2.0",\n"method":"x",\r\n"params":{"n":9007199254740993,"f":1e400,"o":1.0}}'),
    null,
  )
  await waitUntil('the echo', () => leg.messages.length === 1)
  expect(Buffer.from(leg.messages[0]?.bytes ?? []).toString()).toContain(
    '{"n":9007199254740993,"f":1e400,"o":1.0}',
  )
})

test('[gw.transports] a thousand calls at once all come back, in order', async () => {
  await using leg = await openStdioLeg({ command: '/bin/cat', args: [] })
  for (let n = 0; n < 1000; n++) await leg.channel.send(bytes(`{"jsonrpc":"2.0","id":${n},"method":"m"}`), n)
  await waitUntil('all echoes', () => leg.messages.length === 1000)
  const ids = leg.messages.map(({ bytes: b, id }) => Number(Buffer.from(b.subarray(id?.start, id?.end))))
  expect(ids).toEqual(Array.from({ length: 1000 }, (_, n) => n))
})

test('[limits] a server that does not read stops at the queue limit and is refused at once', async () => {
  await using leg = await openStdioLeg(evil('never-reads'), { limits: { maxQueuedBytes: 2 ** 20 } })
  const message = bytes(`{"jsonrpc":"2.0","method":"x","params":{"text":"${'x'.repeat(100_000)}"}}`)
  const waiting: Promise<unknown>[] = []
  let refused: unknown = null
  for (let n = 0; n < 100 && !refused; n++) {
    try {
      const sent = leg.channel.send(message, null)
      if (sent) waiting.push(sent.catch((error: unknown) => error))
    } catch (error) {
      refused = error
    }
  }
  expect(refused).toBeInstanceOf(GatewayError)
  expect((refused as GatewayError).code).toBe('upstream.busy')
  expect(refused).not.toBeInstanceOf(UndeliveredError)
  expect(waiting.length).toBeGreaterThan(0)
  expect(waiting.length).toBeLessThan(13)
  await leg.channel.close()
  for (const outcome of await Promise.all(waiting)) expect(outcome).toBeInstanceOf(UndeliveredError)
})

test('[limits] a single message over the queue limit still goes alone, and back-pressure keeps the order', async () => {
  await using leg = await openStdioLeg(
    { command: '/bin/cat', args: [] },
    { limits: { maxQueuedBytes: 3_100_000 } },
  )
  const sent: unknown[] = []
  sent.push(leg.channel.send(bytes(`{"jsonrpc":"2.0","id":0,"method":"${'x'.repeat(3_000_000)}"}`), null))
  for (let id = 1; id < 5; id++)
    sent.push(leg.channel.send(bytes(`{"jsonrpc":"2.0","id":${id},"method":"m"}`), null))
  await Promise.all(sent)
  await waitUntil('all five', () => leg.messages.length === 5)
  expect(leg.messages.map(({ bytes: b, id }) => Number(Buffer.from(b.subarray(id?.start, id?.end))))).toEqual(
    [0, 1, 2, 3, 4],
  )
})

test('[faults] the end of the process says how, and keeps the last words of stderr for the person only', async () => {
  await using leg = await openStdioLeg(evil('dies-at-start'))
  const error = await leg.closing()
  expect(error?.code).toBe('upstream.lost')
  expect(error?.message).toContain('code 3')
  expect(error?.message).not.toContain('configuration')
  expect((error as ServerLostError).lastWords).toBe('cannot find my configuration')
  expect(leg.logs).toContain('Connection: cannot find my configuration')
})

test('[faults] a server killed by a signal is lost with the name of the signal, and later sends are surely undelivered', async () => {
  await using leg = await openStdioLeg(evil('killed-on-call'))
  const error = await leg.call(1)
  expect((error as GatewayError).message).toContain('SIGKILL')
  expect(() => leg.channel.send(bytes('{}'), 2)).toThrow(UndeliveredError)
})

test('[faults] the last answer before the end of the process still arrives', async () => {
  await using leg = await openStdioLeg(evil('answers-and-dies'))
  expect(await leg.call(1)).toContain('last words')
  expect((await leg.closing())?.code).toBe('upstream.lost')
})

for (const mode of ['closes-stdin', 'closes-stdout'])
  test(`[faults] a server that ${mode} but lives is lost, and its process ends`, async () => {
    await using leg = await openStdioLeg(evil(mode))
    await waitUntil('it runs', () => processesWith(leg.token).length > 0)
    while (!leg.closed()) {
      try {
        await leg.channel.send(bytes('{"jsonrpc":"2.0","method":"x"}'), null)
      } catch {
        break
      }
      await Bun.sleep(20)
    }
    expect((await leg.closing())?.code).toBe('upstream.lost')
    await leg.channel.close()
    expect(processesWith(leg.token)).toEqual([])
  })

test('[process] closing is idempotent, reports null once, and nothing is reported afterwards', async () => {
  await using leg = await openStdioLeg(evil('stderr-flood'))
  await Promise.all([leg.channel.close(), leg.channel.close()])
  expect(leg.closed()).toEqual({ error: null })
  const before = leg.logs.length
  await leg.channel.close()
  expect(leg.logs.length).toBe(before)
  expect(processesWith(leg.token)).toEqual([])
})

test('[faults] what cannot be started is a clear spawn failure without a path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mux-spawn-'))
  const noInterpreter = join(folder, 'tool')
  writeFileSync(noInterpreter, '#!/no/such/interpreter\n', { mode: 0o755 })
  const programs = [
    { command: 'no-such-program-anywhere', args: [] },
    { command: './evil', args: [] },
    { command: '/no/such/file', args: [] },
    { command: folder, args: [] },
    { command: noInterpreter, args: [] },
    { command: '', args: [] },
  ]
  for (const program of programs) {
    const error = await openStdioLeg(program).then(
      async (leg) => {
        const lost = await leg.closing()
        await leg.channel.close()
        return lost
      },
      (thrown: GatewayError) => thrown,
    )
    expect(error?.code).toBe('upstream.spawn_failed')
    expect(error?.message).not.toContain(folder)
    expect(error?.message).not.toContain('/no/such')
  }
  const elsewhere = openStdioLeg({ command: '/bin/cat', args: [] }, { cwd: join(folder, 'absent') })
  expect(elsewhere).rejects.toThrow('working folder')
  expect(existsSync(join(folder, 'absent'))).toBe(false)
})

test('[logs] a secret a server was given does not reach its log', async () => {
  await using leg = await openStdioLeg(evil('echo-secret'), {
    env: { TOKEN: new Secret('sw0rdfish-canary') },
  })
  await leg.call(1)
  await waitUntil('the line', () => leg.logs.some((line) => line.includes('token is')))
  expect(leg.logs.join('\n')).not.toContain('sw0rdfish-canary')
  expect(leg.logs).toContain('Connection: token is [secret]')
})
