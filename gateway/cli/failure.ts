import type { UpstreamState } from '../domain/upstream-state'
import { type ErrorCode, GatewayError, toProblem } from '../errors'
import { RemoteError } from './client'
import { exit } from './command'
import { safe } from './output'

/** What is mended by a person who approves, gives a value, unlocks or signs in, and by nothing else. */
const needsPerson: readonly ErrorCode[] = [
  'upstream.needs_consent',
  'upstream.needs_input',
  'upstream.unauthorized',
  'upstream.credentials_refused',
  'oauth.registration_needed',
  'keychain.unavailable',
  'vault.locked',
  'vault.passphrase',
  'credential.unreadable',
]

/** One thing to do, for failures whose message does not say it already. */
const hints: Partial<Record<ErrorCode, string>> = {
  'admin.forbidden': 'run it as the user who runs the gateway, and not from inside a server',
  'approval.unknown': 'see "mcpmux approve --list"',
  'client.exists': 'repeat the command with --yes to change the client',
  'consent.mismatch': 'see it with "mcpmux show", then approve again',
  'daemon.absent': 'start it with "mcpmux serve"',
  'daemon.running': 'stop it with "mcpmux quit", or use another --data-dir',
  'client.unknown': 'see "mcpmux client list"',
  'key.replaced': 'see "mcpmux key list"',
  'key.unknown': 'see "mcpmux key list"',
  'oauth.registration_needed': 'then: mcpmux login SERVER --client-id C [--client-secret]',
  'listen.taken': 'to stay on another port: start with --port N, then "mcpmux config set port N"',
  'secret.unknown': 'see "mcpmux secret list"',
  'server.exists': 'choose another name, or remove the old one with "mcpmux remove"',
  'server.unknown': 'see "mcpmux list"',
  'set.preset': 'make one of your own with "mcpmux set create"',
  'set.unknown': 'see "mcpmux set list"',
  'setting.unknown': 'see "mcpmux config get"',
  'signin.unknown': 'see "mcpmux signin list"',
  'space.unknown': 'see "mcpmux space list"',
  'upstream.credentials_refused': 'give others with "mcpmux credentials set SERVER ID"',
  'upstream.needs_consent': 'see and approve it with "mcpmux consent SERVER"',
  'vault.locked': 'see "mcpmux vault status"',
  'store.unwritable':
    'check the free space and the permissions of the data folder, or choose another with --data-dir',
  internal: 'try again; if it stays, tell us what you did',
}

function exitCodeOf(code: ErrorCode): number {
  if (code === 'daemon.absent') return exit.absent
  if (needsPerson.includes(code)) return exit.needsPerson
  if (code === 'input.secret_in_argv') return exit.usage
  return toProblem(new GatewayError(code)).status === 409 ? exit.conflict : exit.failure
}

/** Whether a server that is like this waits for a person, so that a command ends with 4. */
export const waitsForPerson = (state: UpstreamState): boolean =>
  state.status === 'failed'
    ? needsPerson.includes(state.code)
    : ['needs_consent', 'needs_input', 'locked', 'needs_authorization'].includes(state.status)

/** First line of what lies behind an internal error: the terminal belongs to the person whose machine it is. */
function causeOf(thrown: unknown): string | null {
  const cause = thrown instanceof GatewayError ? thrown.cause : thrown
  if (!(cause instanceof Error) || cause instanceof RemoteError) return null
  return safe(cause.message.split('\n')[0] ?? '').slice(0, 300)
}

/** What the person reads about a failure, and the exit code. Never a stack. */
export function renderFailure(thrown: unknown): { lines: string[]; exitCode: number } {
  const known =
    thrown instanceof RemoteError || thrown instanceof GatewayError ? thrown : new GatewayError('internal')
  const hint = hints[known.code]
  const cause = known.code === 'internal' ? causeOf(thrown) : null
  const lines = [`mcpmux: ${known.message} (${known.code})`]
  if (cause) lines.push(`  because: ${cause}`)
  // Who names a command has said what to do.
  if (hint && !known.message.includes('mcpmux ')) lines.push(`  ${hint}`)
  return { lines, exitCode: exitCodeOf(known.code) }
}
