import { atLeast, atMost, informing, milliseconds, perSecond, type Row } from './figures'
import { compare, interleave, type Loader, openLoader, type Round, warmUp } from './load'
import { echoCommand, floorTarget, startBench, startFloor, startHttpEcho } from './programs'
import type { Target } from './target'

const rounds = 7
/** Ratios that are asked for. Over HTTP that is the latency alone; the other figures are shown. */
const asked = { stdio: { p50: 1.5, rate: 0.5, p99: 2 }, http: { p50: 1.5, rate: null, p99: null } } as const
type Part = keyof typeof asked
const oneAtATime = 300
const manyAtOnce = 400

/** Calls through one stdio server: the gateway and its peers beside a floor that only forwards. */
export async function callRows(peers: readonly Target[]): Promise<Row[]> {
  await using floor = await startFloor('stdio', ...echoCommand())
  await using gateway = await startBench([{ name: 'echo', from: echoCommand() }])
  return await measure('stdio', eras(floorTarget('floor', floor)), [...eras(gateway.target), ...peers])
}

/** The same calls where the server is reached over Streamable HTTP. */
export async function httpRows(): Promise<Row[]> {
  await using echo = await startHttpEcho()
  await using floor = await startFloor('http', echo.url.href)
  await using gateway = await startBench([{ name: 'echo', from: echo.url }])
  return await measure('http', eras(floorTarget('floor', floor)), eras(gateway.target))
}

/** A target as clients of both eras call it. Their messages differ in length, so that each is held against its own. */
const eras = (target: Target): Target[] => [
  target,
  { ...target, name: `${target.name} 2026-07-28`, modern: true },
]

async function measure(part: Part, floors: readonly Target[], targets: readonly Target[]): Promise<Row[]> {
  const loaders: Loader[] = []
  try {
    for (const target of [...floors, ...targets]) loaders.push(await openLoader(target))
    await warmUp(loaders, 32)
    const one = await interleave(loaders, rounds, 1, oneAtATime)
    const many = await interleave(loaders, rounds, 32, manyAtOnce)
    const load = (index: number): Load => ({ one: one[index] ?? [], many: many[index] ?? [] })
    return targets.flatMap(({ name, modern }, index) => {
      const base = floors.findIndex((floor) => floor.modern === modern)
      return rowsOf(part, name, name.startsWith('mcpmux'), load(base), load(floors.length + index))
    })
  } finally {
    for (const loader of loaders) loader.close()
  }
}

interface Load {
  one: Round[]
  many: Round[]
}

function rowsOf(part: Part, name: string, judged: boolean, base: Load, own: Load): Row[] {
  const target = asked[part]
  const p50 = compare(base.one, own.one, 'p50')
  const rate = compare(base.many, own.many, 'perSecond')
  const p99 = compare(base.many, own.many, 'p99')
  const row = (
    figure: string,
    show: (value: number) => string,
    seen: typeof p50,
    verdict: Pick<Row, 'measured' | 'target' | 'ok'>,
  ) => ({
    part,
    figure: `${name} ${figure}`,
    base: show(seen.base),
    value: show(seen.value),
    ...(judged ? verdict : informing(seen.ratio)),
  })
  return [
    row('c=1 p50', milliseconds, p50, atMost(p50.ratio, target.p50)),
    row('c=32 calls', perSecond, rate, against(rate.ratio, target.rate, atLeast)),
    row('c=32 p99', milliseconds, p99, against(p99.ratio, target.p99, atMost)),
  ]
}

const against = (
  ratio: number,
  limit: number | null,
  judge: typeof atMost,
): Pick<Row, 'measured' | 'target' | 'ok'> => (limit === null ? informing(ratio) : judge(ratio, limit))
