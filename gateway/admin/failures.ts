import { GatewayError, toGatewayError, toProblem } from '../errors'

interface Refusal {
  /** JSON pointer to the value the schema did not take. */
  path: string
  /** The schema does not know the property at all, so its name is the sender's own text. */
  unknown: boolean
}

function firstRefusal(error: unknown): Refusal {
  const first: unknown =
    typeof error === 'object' && error !== null && 'all' in error && Array.isArray(error.all)
      ? error.all[0]
      : null
  if (typeof first !== 'object' || first === null || !('path' in first)) return { path: '', unknown: false }
  return { path: String(first.path), unknown: 'message' in first && first.message === 'Unexpected property' }
}

/** The field a schema refused, by names the schema itself has: what was submitted is never repeated. */
function refusedField(error: unknown): string {
  const { path, unknown } = firstRefusal(error)
  const where =
    typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : 'request'
  const names = path.split('/').slice(1)
  if (unknown) return `${where}${fieldText(names.slice(0, -1))} has a field that is not known here`
  return `${where}${fieldText(names)} is missing or not as expected`
}

/** Keys of free maps (environment, headers) lie on a path too; of those only the map is named. */
function fieldText(names: readonly string[]): string {
  const map = names.findIndex((name) => name === 'env' || name === 'headers')
  const known = map < 0 ? names : names.slice(0, map + 1)
  return known.length > 0 ? ` field "${known.join('.')}"` : ''
}

/** Any failure of a route as the one error class; `code` is Elysia's own word for it. */
export function toAdminError(code: unknown, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  switch (code) {
    case 'VALIDATION':
      return new GatewayError('input.invalid', refusedField(error))
    case 'PARSE':
      return new GatewayError('http.bad_request', 'the body is not valid JSON')
    case 'NOT_FOUND':
      return new GatewayError('http.not_found')
    default:
      return toGatewayError(error)
  }
}

/** A failure as a problem document. One whose own place is inside a JSON-RPC answer (200) is 502 here. */
export function problemResponse(error: GatewayError): Response {
  const { status, body } = toProblem(error)
  return Response.json(body, { status: status === 200 ? 502 : status })
}
