// Questions a server puts into a result (MCP 2026-07-28, multi round-trip requests), for clients of the older era.
import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { Envelope, Span } from '../wire/envelope'
import { entries, member, rawOf } from '../wire/members'
import { scanMessage } from '../wire/scan'
import { concat } from '../wire/splice'
import { encodeUtf8, spells, textOf } from '../wire/text'
import { refusalOf } from './client-abilities'

/** Rounds of one call; a server that still asks then never answers. */
export const MOST_ROUNDS = 16
/** Questions of one round. */
const MOST_QUESTIONS = 32

/** Requests whose result may be a question. */
const asking: readonly string[] = ['tools/call', 'prompts/get', 'resources/read']
const noParams = encodeUtf8('{}')

/** One question: the request as the server wrote it, and its own key for it. */
interface Question {
  key: Uint8Array
  asked: Pick<Envelope, 'bytes' | 'method' | 'params'>
}

/** What a server wants to know before it answers. */
export interface InputRequired {
  questions: readonly Question[]
  /** Raw JSON, to be handed back as it is. */
  state: Uint8Array | null
}

/** The questions of an answer; null for an answer that is final. Throws `upstream.garbage` for what is neither. */
export function inputRequired(method: string | null, { bytes, result }: Envelope): InputRequired | null {
  if (!result || !asking.includes(method ?? '')) return null
  const type = member(bytes, result, 'resultType')
  if (!type || !spells(bytes, type.start, type.end, 'input_required')) return null
  const requests = member(bytes, result, 'inputRequests')
  const state = member(bytes, result, 'requestState')
  const wanted = requests ? entries(bytes, requests) : []
  if (wanted.length === 0 && !state) throw garbage('it asks for input and does not say for what')
  if (wanted.length > MOST_QUESTIONS) throw garbage(`it asks more than ${MOST_QUESTIONS} questions at once`)
  return {
    questions: wanted.map(({ key, value }) => ({ key: rawOf(bytes, key), asked: question(bytes, value) })),
    state: state && rawOf(bytes, state),
  }
}

function question(bytes: Uint8Array, value: Span): Question['asked'] {
  const name = member(bytes, value, 'method')
  const method = name && textOf(bytes, name)
  if (!method) throw garbage('it asks for input without a method')
  return { bytes, method, params: member(bytes, value, 'params') }
}

const garbage = (detail: string) => new GatewayError('upstream.garbage', detail)

/** The client's own words for why it does not answer; the call ends with them. */
export class ClientRefusal extends Error {
  constructor(readonly error: Uint8Array) {
    super('the client refused a question of the server')
    this.name = 'ClientRefusal'
  }
}

/**
 * Asks the client everything at once and gives the members that answer the server, `"key":value` with commas between
 * them. Rejects with `upstream.garbage` for a question the client never offered to answer, and with `ClientRefusal`.
 */
export async function answerInput(
  { questions, state }: InputRequired,
  exchange: Pick<Exchange, 'ask' | 'clientCapabilities'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (const { asked } of questions) {
    const refusal = refusalOf(asked, exchange.clientCapabilities)
    if (refusal) throw garbage(`it asks for ${asked.method?.slice(0, 80)}, but ${refusal}`)
  }
  const answers = await Promise.all(
    questions.map(async ({ key, asked }) => {
      const params = asked.params ? rawOf(asked.bytes, asked.params) : noParams
      const answer = await exchange.ask(asked.method ?? '', params, signal)
      const { bytes, result, error } = scanMessage(answer)
      if (!result) throw new ClientRefusal(error ? rawOf(bytes, error) : noParams)
      return concat([key, encodeUtf8(':'), rawOf(bytes, result)])
    }),
  )
  const pieces: Uint8Array[] = []
  if (answers.length > 0)
    pieces.push(encodeUtf8('"inputResponses":{'), ...separated(answers), encodeUtf8('}'))
  if (state) pieces.push(encodeUtf8(pieces.length > 0 ? ',"requestState":' : '"requestState":'), state)
  return concat(pieces)
}

const separated = (pieces: readonly Uint8Array[]): Uint8Array[] =>
  pieces.flatMap((piece, place) => (place === 0 ? [piece] : [encodeUtf8(','), piece]))
