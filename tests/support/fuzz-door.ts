// Random JSON-RPC bodies through the door of a running gateway, and what it should say to each.
import { rawOf } from '../../gateway/wire/members'
import { openConnection } from '../bench/http-connection'
import { converse, post, type Target } from '../bench/target'
import { judge } from './fuzz-checks'
import { body, chance } from './fuzz-source'

export interface DoorFuzz {
  /** Answers by status. */
  statuses: Map<number, number>
  /** What was answered wrongly, at most twenty of them. */
  wrong: string[]
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Sends `cases` bodies over `connections` connections. A message must be answered under its own id, what is none must
 * be refused as such, and nothing may be a failure of the gateway, or never be answered.
 */
export async function fuzzDoor(
  target: Target,
  seed: number,
  cases: number,
  connections: number,
): Promise<DoorFuzz> {
  const statuses = new Map<number, number>()
  const wrong: string[] = []
  let left = cases
  const work = async (index: number) => {
    const c = chance(seed + index)
    let connection = await openConnection(target.url)
    let conversation = await converse(target, connection)
    while (left-- > 0) {
      const bytes = body(c)
      const judged = judge(bytes)
      const head = post(conversation, '')
      const request = Buffer.concat([withLength(head, bytes.length), bytes])
      const answer = await connection.exchange(request)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      const fault = faultOf(judged, answer.status, answer.text)
      if (fault && wrong.length < 20)
        wrong.push(`${fault}: ${JSON.stringify(decoder.decode(bytes))} => ${answer.text}`)
      if (answer.status !== 404) continue
      // Too many sessions were opened meanwhile, and this one had to go.
      connection.close()
      connection = await openConnection(target.url)
      conversation = await converse(target, connection)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, (_, index) => work(index)))
  return { statuses, wrong }
}

function withLength(head: Uint8Array, length: number): Uint8Array {
  return Buffer.from(
    Buffer.from(head).toString('latin1').replace('content-length: 0', `content-length: ${length}`),
    'latin1',
  )
}

function faultOf(judged: ReturnType<typeof judge>, status: number, text: string): string | null {
  if (status === 404) return null
  if ('reason' in judged) {
    const code = judged.reason === 'parse' ? -32700 : -32600
    if (status !== 400) return `${status} to no message (${judged.reason})`
    return text.includes(`"code":${code}`) ? null : 'another error code'
  }
  const { envelope } = judged
  if (envelope.kind !== 'request') return status === 202 ? null : `${status} to a ${envelope.kind}`
  if (status !== 200 && status !== 400) return `${status} to a request`
  const id = envelope.id && decoder.decode(rawOf(envelope.bytes, envelope.id))
  return text.includes(`"id":${id}`) ? null : 'another id'
}
