import { median, quantile } from './figures'
import type { HttpConnection } from './http-connection'
import { checked, converse, type Conversation, open, postCall, type Target } from './target'

/** One round of load. Times in milliseconds. */
export interface Round {
  p50: number
  p99: number
  perSecond: number
}

export interface Loader {
  target: Target
  /** Calls the tool over `connections` connections for `duration` milliseconds; every answer is checked. */
  round(connections: number, duration: number): Promise<Round>
  /** The same for a number of calls altogether. */
  calls(connections: number, count: number): Promise<void>
  close(): void
}

const message = 'hello'
const firstId = 1_000_000_000

/** A request whose id can be rewritten in place, so that each is new to its session. */
interface Shot {
  bytes: Uint8Array
  idAt: number
}

/**
 * Opens a target for load. With several `conversations` the connections take turns among them, as many clients
 * would; all are opened first.
 */
export async function openLoader(target: Target, conversations = 1): Promise<Loader> {
  const first = await open(target)
  const pool: HttpConnection[] = [first.connection]
  const shots: Shot[] = [shotFor(first.conversation)]
  for (let index = 1; index < conversations; index++) {
    shots.push(shotFor(await converse(target, first.connection)))
  }
  let ids = firstId
  let turn = 0

  const call = async (connection: HttpConnection): Promise<number> => {
    const { bytes, idAt } = shots[turn++ % shots.length] as Shot
    const id = ++ids
    writeDigits(bytes, idAt, id)
    const started = performance.now()
    const { text } = checked(target, await connection.exchange(bytes))
    const took = performance.now() - started
    const answer = JSON.parse(text) as { id?: unknown; result?: { content?: { text?: unknown }[] } }
    const said = answer.result?.content?.[0]?.text
    if (answer.id !== id || typeof said !== 'string' || !said.includes(message)) {
      throw new Error(`${target.name} answers ${text.slice(0, 300)}`)
    }
    return took
  }

  const grow = async (connections: number) => {
    while (pool.length < connections) pool.push((await open(target)).connection)
    return pool.slice(0, connections)
  }

  return {
    target,
    async round(connections, duration) {
      const used = await grow(connections)
      const times: number[] = []
      const started = performance.now()
      const end = started + duration
      const run = async (connection: HttpConnection) => {
        while (performance.now() < end) times.push(await call(connection))
      }
      await Promise.all(used.map(run))
      const elapsed = performance.now() - started
      const sorted = Float64Array.from(times).sort()
      return {
        p50: quantile(sorted, 0.5),
        p99: quantile(sorted, 0.99),
        perSecond: (times.length / elapsed) * 1000,
      }
    },
    async calls(connections, count) {
      const used = await grow(connections)
      let left = count
      const run = async (connection: HttpConnection) => {
        while (left-- > 0) await call(connection)
      }
      await Promise.all(used.map(run))
    },
    close: () => {
      for (const connection of pool) connection.close()
    },
  }
}

function shotFor(conversation: Conversation): Shot {
  const bytes = postCall(conversation, firstId, { message })
  return { bytes, idAt: Buffer.from(bytes).indexOf(`"id":${firstId}`) + 5 }
}

function writeDigits(bytes: Uint8Array, at: number, value: number): void {
  let rest = value
  for (let pos = at + 9; pos >= at; pos--) {
    bytes[pos] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

/** Lets every target reach its speed: compilers need some ten thousand calls. */
export async function warmUp(loaders: readonly Loader[], connections: number): Promise<void> {
  for (const loader of loaders) await loader.round(connections, 1500)
}

/**
 * Interleaved rounds: each target once a round, the order turned by one each time and every other time backwards, so that
 * none always comes behind the same one: a process that was at rest is slower for its first calls. Rounds by target.
 */
export async function interleave(
  loaders: readonly Loader[],
  rounds: number,
  connections: number,
  duration: number,
): Promise<Round[][]> {
  const found: Round[][] = loaders.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < loaders.length; index++) {
      const place = round % 2 === 0 ? index : loaders.length - 1 - index
      const turn = (place + round) % loaders.length
      found[turn]?.push(await (loaders[turn] as Loader).round(connections, duration))
    }
  }
  return found
}

/** Median over rounds of one figure, and of its ratio to the base in the same round. */
export function compare(base: readonly Round[], other: readonly Round[], figure: keyof Round) {
  return {
    base: median(base.map((round) => round[figure])),
    value: median(other.map((round) => round[figure])),
    ratio: median(other.map((round, index) => round[figure] / (base[index]?.[figure] ?? Number.NaN))),
  }
}
