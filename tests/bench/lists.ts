import { atMost, informing, median, megabytes, milliseconds, type Row } from './figures'
import { echoCommand, floorTarget, startBench, startFloor } from './programs'
import { checked, open, post, type Target } from './target'

const servers = 20
const toolsEach = 50
const rounds = 40

/** `tools/list` with 1000 tools from 20 servers, beside a server that serialises one list of 1000 for each request. */
export async function listRows(): Promise<Row[]> {
  const wanted = Array.from({ length: servers }, (_, index) => ({
    name: `echo${index + 1}`,
    from: echoCommand(toolsEach),
  }))
  await using gateway = await startBench(wanted)
  await using floor = await startFloor('list', String(servers * toolsEach))
  const base = await openLister(floorTarget('floor', floor))
  const own = await openLister(gateway.target)
  const baseTimes: number[] = []
  const ownTimes: number[] = []
  for (let round = -5; round < rounds; round++) {
    const first = await base.list()
    const second = await own.list()
    if (second.tools !== servers * toolsEach) throw new Error(`the gateway lists ${second.tools} tools`)
    if (round < 0) continue
    baseTimes.push(first.took)
    ownTimes.push(second.took)
  }
  const ratio = median(ownTimes.map((time, index) => time / (baseTimes[index] ?? Number.NaN)))
  const size = await own.list()
  base.close()
  own.close()
  return [
    {
      part: 'list',
      figure: '1000 tools of 20 servers',
      base: milliseconds(median(baseTimes)),
      value: milliseconds(median(ownTimes)),
      ...atMost(ratio, 2),
    },
    {
      part: 'list',
      figure: 'size',
      base: '',
      value: megabytes(size.length),
      ...informing(size.length / 1e6),
    },
  ]
}

async function openLister(target: Target) {
  const { conversation, connection } = await open(target)
  const request = post(conversation, '{"jsonrpc":"2.0","id":2,"method":"tools/list"}')
  return {
    async list() {
      const started = performance.now()
      const { text } = checked(target, await connection.exchange(request))
      const took = performance.now() - started
      const { result } = JSON.parse(text) as { result: { tools: unknown[] } }
      return { took, tools: result.tools.length, length: text.length }
    },
    close: () => connection.close(),
  }
}
