import { OAuthError } from './failure'

const MOST_BYTES = 64 * 1024
const FORM = /^\s*application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i
const JSON_TYPE = /^\s*application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

const bad = (why: string) => new OAuthError('invalid_request', why)

async function readText(request: Request, type: RegExp, name: string): Promise<string> {
  if (!type.test(request.headers.get('content-type') ?? '')) throw bad(`Content-Type must be ${name}`)
  if (request.headers.has('content-encoding')) throw bad('the body must not be compressed')
  if (Number(request.headers.get('content-length') ?? 0) > MOST_BYTES) throw bad('the body is too large')
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length
      if (size > MOST_BYTES) break
      chunks.push(chunk)
    }
  } catch {
    throw bad('the body did not arrive')
  }
  if (size > MOST_BYTES) throw bad('the body is too large')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw bad('the body is not UTF-8')
  }
}

/** A JSON value. Throws `invalid_request`. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request, JSON_TYPE, 'application/json')
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw bad('the body is not JSON')
  }
}

/** Parameters by name, each at most once; `resource` may come several times (RFC 8707 section 2). */
export interface Parameters {
  /** Null for one that is not there, or empty (RFC 6749 section 3.1). */
  get(name: string): string | null
  resources: readonly string[]
}

/** Throws `invalid_request` for a parameter that comes twice (RFC 6749 section 3.1). */
export function parametersOf(query: URLSearchParams): Parameters {
  const values = new Map<string, string>()
  const resources: string[] = []
  for (const [name, value] of query) {
    if (name === 'resource') resources.push(value)
    else if (values.has(name)) throw bad('a parameter comes twice')
    else values.set(name, value)
  }
  return { get: (name) => values.get(name) || null, resources }
}

/** The parameters of a form. Throws `invalid_request`. */
export const readForm = async (request: Request): Promise<Parameters> =>
  parametersOf(new URLSearchParams(await readText(request, FORM, 'application/x-www-form-urlencoded')))
