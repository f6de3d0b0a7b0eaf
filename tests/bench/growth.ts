import { atMost, median, type Row } from './figures'
import { interleave, openLoader, warmUp } from './load'
import { type Bench, echoCommand, type ServerWanted, startBench } from './programs'

const rounds = 11
const duration = 300
const connections = 8

const echoes = (count: number, tools: number): ServerWanted[] =>
  Array.from({ length: count }, (_, index) => ({ name: `echo${index + 1}`, from: echoCommand(tools) }))

/** What a call costs in a gateway that grew in one respect, beside a small one in the same rounds. */
export async function growthRows(): Promise<Row[]> {
  const small = echoes(1, 10)
  return [
    await grown('servers 1 → 50', small, echoes(50, 10), 1),
    await grown('tools 10 → 5000', small, echoes(5, 1000), 1),
    await grown('sessions 1 → 200', small, small, 190),
  ]
}

async function grown(
  figure: string,
  from: ServerWanted[],
  to: ServerWanted[],
  sessions: number,
): Promise<Row> {
  await using base = await startBench(from)
  await using other = await startBench(to)
  await settled(base)
  await settled(other)
  const plain = await openLoader(base.target)
  // Each connection of the pool has a session too.
  const large = await openLoader(other.target, sessions)
  await warmUp([plain, large], connections)
  const [before = [], after = []] = await interleave([plain, large], rounds, connections, duration)
  plain.close()
  large.close()
  const cost = (rate: number) => 1000 / rate
  const ratio = median(
    before.map((round, index) => round.perSecond / (after[index]?.perSecond ?? Number.NaN)),
  )
  const show = (list: typeof before) =>
    `${(cost(median(list.map((round) => round.perSecond))) * 1000).toFixed(1)} µs/call`
  return { part: 'growth', figure, base: show(before), value: show(after), ...atMost(ratio, 1.2) }
}

/** Idle servers end first, so that their processes do not disturb. */
async function settled({ daemon }: Bench): Promise<void> {
  await daemon.ok('config', 'set', 'timeouts.idle_stop', '1000')
}
