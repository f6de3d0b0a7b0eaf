// Random cases for the parsers, the policy and the open door. Where the parser is ours it is called as it is; raw HTTP is
// Bun's and goes over sockets.
import fc from 'fast-check'
import { targetOf } from '../bench/programs'
import { startDaemon } from '../support/daemon'
import { checkLines, checkScan, checkSse } from '../support/fuzz-checks'
import { fuzzDoor } from '../support/fuzz-door'
import { type Chance, chance, damaged, body } from '../support/fuzz-source'
import { rawExchange } from '../support/raw-http'
import { openCaller } from '../support/scripted'
import { grantedSets, meaningless, reference, resolved, wildWorld } from '../support/set-algebra'

export interface Fuzzed {
  part: string
  cases: number
  seconds: number
  /** One line for each case that went wrong, at most twenty, with its number. */
  wrong: string[]
}

/** Shares of all cases; what costs most gets least. */
const shares = { scan: 0.62, sse: 0.18, lines: 0.18, door: 0.014, policy: 0.005, http: 0.001 }

async function timed(part: string, cases: number, run: () => Promise<string[]> | string[]): Promise<Fuzzed> {
  const started = performance.now()
  const wrong = await run()
  return { part, cases, seconds: (performance.now() - started) / 1000, wrong }
}

async function checked(check: (c: Chance) => string | null, seed: number, cases: number): Promise<string[]> {
  const c = chance(seed)
  const wrong: string[] = []
  for (let n = 0; n < cases; n++) {
    const fault = check(c)
    if (fault !== null && wrong.length < 20) wrong.push(`case ${n}: ${fault}`)
    // A turn now and then, so that an interrupt gets through.
    if (n % 100_000 === 0) await Bun.sleep(0)
  }
  return wrong
}

function policies(seed: number, cases: number): string[] {
  const outcome = fc.check(
    fc.property(wildWorld, grantedSets, (sets, granted) => {
      const meant = meaningless(sets, granted) ? [] : reference(sets, granted)
      return JSON.stringify(resolved(sets, granted)) === JSON.stringify(meant)
    }),
    { numRuns: cases, seed },
  )
  return outcome.failed ? [JSON.stringify(outcome.counterexample)] : []
}

/** A request as bytes, nearly right, often damaged. */
function rawHttp(c: Chance, port: number, key: string): Uint8Array {
  const content = body(c)
  const line = `${c.pick(['POST', 'GET', 'DELETE', 'PUT', 'post', ''])} ${c.pick(['/mcp', '/health', '/mcp?x', '//mcp', '*', `http://localhost:${port}/mcp`])} ${c.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9'])}`
  const headers = [
    `Host: ${c.pick([`localhost:${port}`, `localhost:${port}`, 'evil.example', ''])}`,
    `Authorization: Bearer ${c.pick([key, key, 'mcp_x', ''])}`,
    `Content-Type: ${c.pick(['application/json', 'text/plain'])}`,
    c.oneIn(4)
      ? 'Transfer-Encoding: chunked'
      : `Content-Length: ${c.oneIn(5) ? c.below(99) : content.length}`,
    'Connection: close',
  ]
  const head = Buffer.from(`${line}\r\n${headers.join('\r\n')}\r\n\r\n`)
  return damaged(Buffer.concat([head, content]), c)
}

async function overHttp(seed: number, cases: number, port: number, key: string): Promise<string[]> {
  const wrong: string[] = []
  let next = 0
  const work = async (index: number) => {
    const c = chance(seed + index)
    while (next++ < cases) {
      const data = rawHttp(c, port, key)
      const reply = await rawExchange(port, data, { firstMs: 5000, quietMs: 10 })
      if (
        reply.statuses.some((status) => status >= 500 && status !== 501 && status !== 505) &&
        wrong.length < 20
      )
        wrong.push(`${JSON.stringify(Buffer.from(data).toString('latin1'))} => ${reply.text}`)
    }
  }
  await Promise.all(Array.from({ length: 64 }, (_, index) => work(index)))
  return wrong
}

export async function soakFuzz(cases: number, seed: number, say: (line: string) => void): Promise<Fuzzed[]> {
  const of = (share: number) => Math.ceil(cases * share)
  const rows: Fuzzed[] = []
  const add = async (part: string, count: number, run: () => Promise<string[]> | string[]) => {
    rows.push(await timed(part, count, run))
    say(`${part}: ${count} cases, ${rows.at(-1)?.wrong.length} wrong`)
  }
  await add('JSON-RPC bodies', of(shares.scan), () => checked(checkScan, seed, of(shares.scan)))
  await add('event streams', of(shares.sse), () => checked(checkSse, seed, of(shares.sse)))
  await add('lines of a server', of(shares.lines), () => checked(checkLines, seed, of(shares.lines)))
  await add('Feature Set algebra', of(shares.policy), () => policies(seed, of(shares.policy)))
  await using daemon = await startDaemon()
  const key = (await daemon.ok('key', 'create', 'fuzz')).trim()
  const target = targetOf(daemon, key, '')
  await add(
    'bodies at the door',
    of(shares.door),
    async () => (await fuzzDoor(target, seed, of(shares.door), 32)).wrong,
  )
  const port = Number(target.url.port)
  await add('raw HTTP', of(shares.http), () => overHttp(seed, of(shares.http), port, key))
  // It still opens a session.
  await openCaller(daemon, key)
  return rows
}
