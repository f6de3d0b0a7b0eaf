// Definitions that name addresses and loops: nobody follows them, and they arrive as they are.
import { expect, test } from 'bun:test'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { repository, startDaemon } from '../support/daemon'
import { openCaller, scripted, textOf } from '../support/scripted'

const program = join(repository, 'tests/servers/schema-bombs.ts')

test('[threat.47] no address in a definition is fetched, loops and many branches cost nobody anything, and all of it arrives', async () => {
  let hits = 0
  const canary = createServer((socket) => {
    hits += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
  const address = canary.address()
  const port = address !== null && typeof address !== 'string' ? address.port : 0
  await using daemon = await startDaemon()
  try {
    await daemon.ok('add', 'neighbour', '--yes', '--', ...scripted('plain'))
    await daemon.ok('add', 'bombs', '--yes', '--', process.execPath, program, String(port))
    const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
    const { message } = await caller.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
    for (const kept of ['remote-ref', 'self-ref', 'branches', 'bad-pattern', 'icons'])
      expect([kept, message.includes(`"bombs_${kept}"`)]).toEqual([kept, true])
    expect(message).toContain(`"$ref":"http://127.0.0.1:${port}/schema.json"`)
    for (const tool of ['remote-ref', 'self-ref', 'branches', 'bad-pattern', 'icons']) {
      const argument = { a: 'a'.repeat(50_000), nested: { nested: { nested: {} } } }
      expect([tool, textOf(await caller.call(`bombs_${tool}`, argument))]).toEqual([tool, 'called'])
    }
    await caller.request('resources/list')
    await caller.request('prompts/list')
    // A pattern that would take for ever, and a URI that would try it on.
    const { error } = await caller.request('resources/read', { uri: `bomb://${'a/'.repeat(5000)}!` })
    expect(error?.data?.code ?? 'answered').toMatch(/^(resource\.unknown|answered)$/)
    expect(textOf(await caller.call('neighbour_echo', { text: 'calm' }))).toBe('calm')
    await daemon.ok('show', 'bombs')
    await daemon.ok('tools')
    expect(hits).toBe(0)
  } finally {
    canary.close()
  }
})
