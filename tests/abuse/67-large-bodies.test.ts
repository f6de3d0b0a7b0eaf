// A hundred bodies of four mebibytes at once, at the compiled program.
import { expect, test } from 'bun:test'
import { footprint } from '../bench/programs'
import { eventually, startDaemon } from '../support/daemon'
import { mcpHeaders } from '../support/raw-client'
import { openCaller, scripted, textOf } from '../support/scripted'

const MiB = 2 ** 20
const BODIES = 100

test('[threat.67] a hundred bodies of 4 MiB at once are answered, and their memory is given back', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'plain', '--yes', '--', ...scripted('plain'))
  const key = (await daemon.ok('key', 'create', 'one')).trim()
  const caller = await openCaller(daemon, key)
  await caller.call('plain_echo', { text: 'warm' })
  const frame = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nobody_here","arguments":{"pad":""}}}`
  const body = frame.replace('"pad":""', `"pad":"${'x'.repeat(4 * MiB - frame.length - 10)}"`)
  const memory = () => footprint(daemon.pid).bytes
  const before = memory()
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, memory())), 20)
  const headers = { ...mcpHeaders(key), 'mcp-session-id': caller.id }
  const statuses = await Promise.all(
    Array.from({ length: BODIES }, async (_, id) => {
      const answer = await fetch(daemon.mcpUrl, {
        method: 'POST',
        headers,
        body: body.replace('"id":1', `"id":${id}`),
      })
      expect(await answer.text()).toContain('feature.unknown')
      return answer.status
    }),
  )
  clearInterval(watch)
  expect([...new Set(statuses)]).toEqual([200])
  // 600 MB are promised; a machine under load collects later.
  expect(peak - before).toBeLessThan(900 * MiB)
  await eventually(memory, (bytes) => bytes - before < 100 * MiB, 60_000)
  expect(textOf(await caller.call('plain_echo', { text: 'still here' }))).toBe('still here')
})
