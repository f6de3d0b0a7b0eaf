// The official conformance suite against the fixture by itself, against the compiled gateway with the fixture behind it,
// and with the gateway as the client. `npm run conformance` shows the same as a table.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cells, directs, measureOf, nameOf, runDirect, runThrough } from '../conformance/cells'
import { prepareClients, runClients } from '../conformance/client-runs'
import { type Outcome, differences } from '../conformance/suite'
import { type Daemon, startDaemon } from '../support/daemon'
import { asKeyHolder, headRewriter } from '../support/forwarder'

const LIMIT = 400_000
const own = new Map<string, Outcome>()
let daemon: Daemon

beforeAll(async () => {
  daemon = await startDaemon()
}, LIMIT)
afterAll(() => daemon[Symbol.asyncDispose]())

for (const direct of directs)
  test(
    `[mcp.conformance] the fixture passes the suite: ${nameOf(direct)}`,
    async () => {
      const outcome = await runDirect(direct)
      own.set(nameOf(direct), outcome)
      const { code, passed, failed, scenarios } = outcome
      const broken = [...scenarios].filter(([, score]) => score.failed > 0).map(([name]) => name)
      // No SDK has the tasks extension, and the suite does not count it.
      expect(broken.filter((name) => !name.startsWith('tasks-'))).toEqual([])
      expect({ code, passed, failed }).toEqual({
        code: 0,
        ...(direct.revision === '2025-11-25' ? { passed: 84, failed: 0 } : { passed: 164, failed: 30 }),
      })
    },
    LIMIT,
  )

for (const cell of cells)
  test(
    `[mcp.conformance] the gateway loses nothing: ${nameOf(cell)}, ${cell.transport}`,
    async () => {
      const direct = own.get(measureOf(cell))
      if (!direct) throw new Error('the fixture was not judged by itself')
      const seen = await runThrough(daemon, cell)
      expect(differences(direct, seen, cell.excused)).toEqual([])
      if (!cell.excused) expect(seen.code).toBe(0)
    },
    LIMIT,
  )

/** Ways to sign in without a person, which we do not have; a revision requires none of them. */
const notOurs =
  /^auth\/(?:client-credentials-(?:jwt|basic)|enterprise-managed-authorization|dpop|dpop-nonce|wif-jwt-bearer)$/

for (const revision of ['2025-11-25', '2026-07-28'] as const)
  test(
    `[mcp.conformance] [oauth.flow] the gateway is a client as the suite wants it: ${revision}`,
    async () => {
      await using own = await startDaemon()
      await prepareClients(own)
      const { code, scenarios } = await runClients(own, revision)
      const broken = [...scenarios].filter(([name, { failed }]) => failed > 0 && !notOurs.test(name))
      expect(broken.map(([name, { broken: checks }]) => `${name}: ${checks.join(', ')}`)).toEqual([])
      expect({ code, enough: scenarios.size >= (revision === '2025-11-25' ? 18 : 32) }).toEqual({
        code: 0,
        enough: true,
      })
    },
    LIMIT,
  )

test('[mcp.conformance] the forwarder adds a key, changes its own authority and nothing else', () => {
  const rewrite = headRewriter((head) => asKeyHolder(head, 1234, '127.0.0.1:9315', 'mcp_key'))
  const own = 'POST /mcp HTTP/1.1\r\nHost: localhost:1234\r\nX-Odd:  ä\r\nOrigin: http://127.0.0.1:1234\r\n'
  const foreign = 'GET /mcp HTTP/1.1\r\nhost: evil.example.com\r\norigin: http://evil.example.com\r\n\r\n'
  const body = 'Host: localhost:1234\r\n\r\n'
  const sent = Buffer.from(`${own}Content-Length: ${body.length}\r\n\r\n${body}${foreign}`, 'latin1')
  const expected =
    'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:9315\r\nX-Odd:  ä\r\nOrigin: http://127.0.0.1:9315\r\n' +
    `Content-Length: ${body.length}\r\nAuthorization: Bearer mcp_key\r\n\r\n${body}` +
    foreign.replace(/\r\n$/, 'Authorization: Bearer mcp_key\r\n\r\n')
  expect(rewrite(sent).toString('latin1')).toBe(expected)
  const bytewise = headRewriter((head) => asKeyHolder(head, 1234, '127.0.0.1:9315', 'mcp_key'))
  expect(Buffer.concat([...sent].map((byte) => bytewise(Buffer.of(byte)))).toString('latin1')).toBe(expected)
})
