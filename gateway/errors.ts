// Thrown once, rendered once. The table is the only place that pairs a code with a status and a number.
import type { Era } from './domain/exchange'

interface Row {
  /** HTTP status when the failure is the answer to an HTTP request as a whole. */
  http: number
  /** JSON-RPC error number; -32000..-32019 is the older eras' own range. */
  rpc: number
  /** What happened, in words for a person. `detail` follows after a colon. */
  message: string
  /** Where MCP 2026-07-28 has another one. */
  modern?: { http?: number; rpc?: number }
}

const table = {
  'auth.missing_key': { http: 401, rpc: -32000, message: 'access key required' },
  'auth.invalid_key': { http: 401, rpc: -32000, message: 'access key not valid' },
  'auth.invalid_token': { http: 401, rpc: -32000, message: 'access token not valid' },
  'auth.too_many_failures': { http: 429, rpc: -32000, message: 'too many failed keys, wait a moment' },
  'admin.forbidden': { http: 403, rpc: -32000, message: 'not allowed on this door' },
  'http.bad_host': { http: 403, rpc: -32000, message: 'this Host is not served here' },
  'http.bad_origin': { http: 403, rpc: -32000, message: 'this Origin may not call the gateway' },
  'http.bad_request': { http: 400, rpc: -32600, message: 'malformed HTTP request' },
  'http.not_found': { http: 404, rpc: -32601, message: 'nothing at this address' },
  'http.method_not_allowed': { http: 405, rpc: -32000, message: 'method not allowed here' },
  'http.not_acceptable': { http: 406, rpc: -32000, message: 'the Accept header refuses the answer' },
  'http.unsupported_media_type': { http: 415, rpc: -32000, message: 'Content-Type must be application/json' },
  'http.too_large': { http: 413, rpc: -32600, message: 'request body is too large' },
  'http.too_busy': { http: 503, rpc: -32000, message: 'too many requests at once' },
  'rpc.parse': { http: 400, rpc: -32700, message: 'body is not valid JSON' },
  'rpc.invalid': { http: 400, rpc: -32600, message: 'not a valid JSON-RPC message' },
  'rpc.batch': { http: 400, rpc: -32600, message: 'batches are not supported' },
  'rpc.params': { http: 200, rpc: -32602, message: 'invalid parameters' },
  'rpc.method_unknown': { http: 200, rpc: -32601, message: 'method not found', modern: { http: 404 } },
  'rpc.protocol_version': { http: 400, rpc: -32600, message: 'unsupported protocol version' },
  // MCP 2026-07-28, its own range of numbers.
  'rpc.header_mismatch': { http: 400, rpc: -32020, message: 'a header contradicts the message' },
  'rpc.capability_missing': { http: 400, rpc: -32021, message: 'the client lacks a capability this needs' },
  'rpc.version_unsupported': { http: 400, rpc: -32022, message: 'unsupported protocol version' },
  'rpc.envelope': { http: 400, rpc: -32602, message: 'the _meta of the request is not complete' },
  'rpc.state_invalid': { http: 200, rpc: -32602, message: 'requestState is not valid here' },
  'rpc.cancelled': { http: 200, rpc: -32000, message: 'request was cancelled' },
  'session.missing': { http: 400, rpc: -32000, message: 'Mcp-Session-Id header required' },
  'session.unknown': { http: 404, rpc: -32001, message: 'session not found' },
  'session.stream_unknown': { http: 400, rpc: -32000, message: 'this stream cannot be resumed' },
  'session.answer_dropped': { http: 200, rpc: -32603, message: 'the answer could not be kept' },
  // Denied and nonexistent are one code: a client cannot probe for what it may not see.
  'feature.unknown': { http: 200, rpc: -32602, message: 'unknown feature' },
  'resource.unknown': { http: 200, rpc: -32002, message: 'unknown resource', modern: { rpc: -32602 } },
  'cursor.invalid': { http: 200, rpc: -32602, message: 'cursor is not valid, list again from the start' },
  'upstream.busy': { http: 200, rpc: -32603, message: 'server is at its limit' },
  'upstream.unavailable': { http: 200, rpc: -32603, message: 'server is not connected' },
  'upstream.disabled': { http: 200, rpc: -32603, message: 'server is disabled' },
  'upstream.needs_consent': { http: 200, rpc: -32603, message: 'server waits for your consent' },
  'upstream.needs_input': { http: 200, rpc: -32603, message: 'server needs a value that is not set' },
  'upstream.unauthorized': { http: 200, rpc: -32603, message: 'server asks for a sign-in' },
  'upstream.credentials_refused': { http: 200, rpc: -32603, message: 'server refuses its credentials' },
  'upstream.timeout': { http: 200, rpc: -32603, message: 'server did not answer in time' },
  'upstream.lost': { http: 200, rpc: -32603, message: 'server went away, or cannot be reached' },
  'upstream.garbage': { http: 200, rpc: -32603, message: 'server sent something that is not MCP' },
  'upstream.http_error': { http: 200, rpc: -32603, message: 'server answered with an HTTP error' },
  'upstream.too_large': { http: 200, rpc: -32603, message: 'server sent a message over the limit' },
  'upstream.spawn_failed': { http: 200, rpc: -32603, message: 'server could not be started' },
  'upstream.crash_loop': { http: 200, rpc: -32603, message: 'server keeps failing and is paused' },
  'oauth.refused': { http: 502, rpc: -32603, message: 'the authorization server refuses' },
  'oauth.unreachable': {
    http: 502,
    rpc: -32603,
    message: 'the authorization server gives no usable answer',
  },
  'oauth.not_offered': { http: 409, rpc: -32603, message: 'there is no sign-in at this server' },
  'oauth.metadata': { http: 502, rpc: -32603, message: 'a sign-in at this server cannot begin' },
  'oauth.resource_mismatch': {
    http: 502,
    rpc: -32603,
    message: 'the server describes itself under another address',
  },
  'oauth.issuer_mismatch': {
    http: 502,
    rpc: -32603,
    message: 'the authorization server is not what the server names',
  },
  'oauth.no_pkce': {
    http: 502,
    rpc: -32603,
    message: 'the authorization server does not protect sign-ins',
  },
  'oauth.registration_needed': {
    http: 409,
    rpc: -32603,
    message: 'the authorization server wants to know McpMux beforehand',
  },
  'oauth.registration_refused': {
    http: 502,
    rpc: -32603,
    message: 'the authorization server does not register McpMux',
  },
  'oauth.denied': { http: 403, rpc: -32603, message: 'the sign-in was not granted' },
  'oauth.answer_invalid': {
    http: 502,
    rpc: -32603,
    message: 'the answer to the sign-in cannot be trusted',
  },
  'oauth.scope_refused': { http: 409, rpc: -32603, message: 'the server asks for the same rights again' },
  'oauth.interrupted': { http: 503, rpc: -32603, message: 'the sign-in was cut short' },
  'oauth.flow_unknown': { http: 404, rpc: -32602, message: 'no such sign-in waits' },
  'net.blocked': { http: 400, rpc: -32603, message: 'this address may not be fetched' },
  'net.redirect': { http: 502, rpc: -32603, message: 'a redirect that must not be followed' },
  'net.too_large': { http: 502, rpc: -32603, message: 'the answer is too large' },
  'net.failed': { http: 502, rpc: -32603, message: 'the address did not answer' },
  'net.tls': { http: 502, rpc: -32603, message: 'no trusted connection to the address' },
  'input.invalid': { http: 422, rpc: -32602, message: 'invalid input' },
  'input.secret_in_argv': { http: 422, rpc: -32602, message: 'a secret does not belong on a command line' },
  'input.path': { http: 200, rpc: -32603, message: 'what the server is given cannot be found' },
  'secret.unknown': { http: 404, rpc: -32602, message: 'the Space has no such secret' },
  'secret.in_use': { http: 409, rpc: -32602, message: 'servers of the Space refer to this secret' },
  'space.unknown': { http: 404, rpc: -32602, message: 'no such Space' },
  'space.exists': { http: 409, rpc: -32602, message: 'a Space of this name exists' },
  'space.in_use': { http: 409, rpc: -32602, message: 'this Space cannot be removed' },
  'server.unknown': { http: 404, rpc: -32602, message: 'no such server' },
  'server.exists': { http: 409, rpc: -32602, message: 'a server of this name exists in the Space' },
  'server.name_clash': { http: 409, rpc: -32602, message: 'names would collide' },
  'set.unknown': { http: 404, rpc: -32602, message: 'no such Feature Set' },
  'set.exists': { http: 409, rpc: -32602, message: 'a Feature Set of this name exists in the Space' },
  'set.in_use': { http: 409, rpc: -32602, message: 'this Feature Set cannot be removed' },
  'set.preset': {
    http: 409,
    rpc: -32602,
    message: 'this Feature Set comes with every Space and stays as it is',
  },
  'set.cycle': { http: 409, rpc: -32602, message: 'a Feature Set may not contain itself' },
  'client.unknown': { http: 404, rpc: -32602, message: 'no such client' },
  'client.exists': { http: 409, rpc: -32602, message: 'this client exists with other rights' },
  'client.no_space': { http: 200, rpc: -32603, message: 'no Space was chosen for this client' },
  'client.not_asking': { http: 409, rpc: -32602, message: 'this client does not wait for a Space' },
  'key.unknown': { http: 404, rpc: -32602, message: 'no such key' },
  'approval.unknown': { http: 404, rpc: -32602, message: 'nobody waits for this approval' },
  'approval.too_many': { http: 503, rpc: -32603, message: 'too many wait for an approval' },
  'signin.unknown': { http: 404, rpc: -32602, message: 'no such sign-in' },
  'key.replaced': { http: 409, rpc: -32602, message: 'this key was rotated already' },
  'setting.unknown': { http: 404, rpc: -32602, message: 'no such setting' },
  'setting.invalid': { http: 422, rpc: -32602, message: 'this value does not fit the setting' },
  'consent.mismatch': { http: 409, rpc: -32602, message: 'what was shown is not what would run' },
  'pins.mismatch': { http: 409, rpc: -32602, message: 'what was shown is not what is offered now' },
  'keychain.unavailable': { http: 503, rpc: -32603, message: 'the keychain cannot be used' },
  'vault.locked': { http: 423, rpc: -32603, message: 'the vault is locked' },
  'vault.passphrase': { http: 403, rpc: -32603, message: 'this passphrase is not the right one' },
  'vault.export_broken': { http: 422, rpc: -32602, message: 'this is no whole export of a vault' },
  'vault.export_newer': { http: 409, rpc: -32602, message: 'this export was made by a newer McpMux' },
  'vault.export_other': { http: 409, rpc: -32602, message: 'this export is of another vault' },
  'vault.worn': { http: 503, rpc: -32603, message: 'the key of the vault has sealed as much as it may' },
  'credential.unreadable': {
    http: 500,
    rpc: -32603,
    message: 'a stored secret of the server cannot be read',
  },
  'store.newer': { http: 500, rpc: -32603, message: 'the data folder belongs to a newer McpMux' },
  'store.broken': { http: 500, rpc: -32603, message: 'the database does not pass its check' },
  'store.unwritable': { http: 500, rpc: -32603, message: 'the database cannot be written' },
  'store.gone': { http: 500, rpc: -32603, message: 'the data folder was moved or removed' },
  'daemon.running': { http: 409, rpc: -32603, message: 'McpMux already runs on this data folder' },
  'daemon.absent': { http: 503, rpc: -32603, message: 'McpMux is not running' },
  'daemon.environment': {
    http: 500,
    rpc: -32603,
    message: 'the environment would change what McpMux does',
  },
  'control.unsafe': { http: 500, rpc: -32603, message: 'the folder of the control socket cannot be trusted' },
  'listen.taken': { http: 500, rpc: -32603, message: 'the port is taken' },
  'listen.not_loopback': { http: 422, rpc: -32603, message: 'only loopback addresses are served' },
  internal: { http: 500, rpc: -32603, message: 'internal error' },
} as const satisfies Record<string, Row>

/** Stable dotted code, the same over HTTP, in JSON-RPC `error.data.code`, on the command line and in the window. */
export type ErrorCode = keyof typeof table

export const errorCodes = Object.keys(table) as ErrorCode[]

/** A failure with a code of ours. `detail` is shown to the reader: no secret, no path, no stack belongs in it. */
export class GatewayError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly detail?: string,
    /** `data`: members a protocol wants beside `code` in the JSON-RPC error's `data`. */
    readonly options?: { cause?: unknown; data?: Readonly<Record<string, unknown>> },
  ) {
    super(detail ? `${table[code].message}: ${detail}` : table[code].message, options)
    this.name = 'GatewayError'
  }
}

/** Any throwable as a GatewayError; what is not ours becomes `internal`, its cause kept for the log only. */
export const toGatewayError = (thrown: unknown): GatewayError =>
  thrown instanceof GatewayError ? thrown : new GatewayError('internal', undefined, { cause: thrown })

const rowOf = (code: ErrorCode, era: Era): Row => {
  const row: Row = table[code]
  return era === 'modern' ? { ...row, ...row.modern } : row
}

/** HTTP rendering. */
export const toProblem = (error: GatewayError, era: Era = 'legacy') => ({
  status: rowOf(error.code, era).http,
  body: { code: error.code, message: error.message },
})

/** JSON-RPC rendering (JSON-RPC 2.0 section 5.1). */
export const toJsonRpcError = (error: GatewayError, era: Era = 'legacy') => ({
  code: rowOf(error.code, era).rpc,
  message: error.message,
  data: { ...error.options?.data, code: error.code },
})
