import type { Envelope } from '../wire/envelope'
import { member } from '../wire/members'
import { textOf } from '../wire/text'

/**
 * What is declared to servers with an `initialize` handshake: everything a client may have. Whether the one that is
 * asked has it is looked at for each request.
 */
export const everyAbility = {
  roots: { listChanged: true },
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
} as const

type Asked = Pick<Envelope, 'bytes' | 'method' | 'params'>

/**
 * Why a request must not be passed to a client with these capabilities (raw JSON object), in words for the server;
 * null when it may (MCP 2025-11-25, client features).
 */
export function refusalOf(message: Asked, clientCapabilities: string): string | null {
  const has = (...path: string[]): boolean => isObject(at(JSON.parse(clientCapabilities), path))
  const lacks = (what: string) => `the client of this call does not support ${what}`
  switch (message.method) {
    case 'roots/list':
      return has('roots') ? null : lacks('roots')
    case 'sampling/createMessage':
      if (!has('sampling')) return lacks('sampling')
      return has('sampling', 'tools') || !(given(message, 'tools') || given(message, 'toolChoice'))
        ? null
        : lacks('sampling with tools')
    case 'elicitation/create': {
      if (!has('elicitation')) return lacks('elicitation')
      if (modeOf(message) === 'url') return has('elicitation', 'url') ? null : lacks('elicitation by URL')
      // An empty object is how revisions before modes said "form".
      return has('elicitation', 'form') || !has('elicitation', 'url') ? null : lacks('elicitation by form')
    }
    default:
      return lacks(String(message.method))
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((found, key) => (isObject(found) ? found[key] : undefined), value)

const given = ({ bytes, params }: Asked, key: string): boolean =>
  params !== null && member(bytes, params, key) !== null

function modeOf({ bytes, params }: Asked): string {
  const span = params && member(bytes, params, 'mode')
  return (span && textOf(bytes, span)) ?? 'form'
}
