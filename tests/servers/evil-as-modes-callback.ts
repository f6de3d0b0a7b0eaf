// Modes of what comes back through the browser: `iss` (RFC 9207), `state`, codes, errors.
import { hostileText } from './evil-as-answers'
import type { Mode, World } from './evil-as-world'

type Answer = (answer: URLSearchParams, world: World) => void

const callback = (
  threat: number,
  outcome: Mode['outcome'],
  change: Answer,
  more: Partial<Mode> = {},
): Mode => ({
  threat,
  outcome,
  callback: (answer, world) => {
    change(answer, world)
    return answer
  },
  ...more,
})
const refused = (threat: number, change: Answer, more?: Partial<Mode>) =>
  callback(threat, 'refused at callback', change, more)

/** The server does not say that its answers name it. */
const unannounced: Partial<Mode> = {
  metadata: ({ authorization_response_iss_parameter_supported: _, ...answer }) => answer,
}

const iss =
  (value: (world: World) => string): Answer =>
  (answer, world) =>
    answer.set('iss', value(world))

const failed =
  (error: string, more: Record<string, string> = {}): Answer =>
  (answer) => {
    answer.delete('code')
    answer.set('error', error)
    for (const [name, value] of Object.entries(more)) answer.set(name, value)
  }

export const callbackModes: Record<string, Mode> = {
  'iss-absent': refused(29, (answer) => answer.delete('iss')),
  'iss-empty': refused(
    29,
    iss(() => ''),
  ),
  'iss-other': refused(
    29,
    iss(({ other }) => other),
  ),
  'iss-trailing-slash': refused(
    29,
    iss(({ issuer }) => `${issuer}/`),
  ),
  'iss-upper-case': refused(
    29,
    iss(({ issuer }) => issuer.toUpperCase()),
  ),
  'iss-padded-port': refused(
    29,
    iss(({ issuer }) => issuer.replace(/:(\d+)$/, ':0$1')),
  ),
  'iss-short-address': refused(
    29,
    iss(({ issuer }) => issuer.replace('127.0.0.1', '127.1')),
  ),
  'iss-encoded-twice': refused(
    29,
    iss(({ issuer }) => encodeURIComponent(issuer)),
  ),
  'iss-twice': refused(29, (answer, { other }) => answer.append('iss', other)),
  'iss-twice-the-same': refused(29, (answer, { issuer }) => answer.append('iss', issuer)),
  'iss-unannounced': callback(29, 'works', () => undefined, unannounced),
  'iss-neither': callback(29, 'works', (answer) => answer.delete('iss'), unannounced),
  'iss-unannounced-other': refused(
    29,
    iss(({ other }) => other),
    unannounced,
  ),
  'iss-other-with-error': refused(29, (answer, world) => {
    failed('access_denied', { error_description: 'words of another issuer' })(answer, world)
    answer.set('iss', world.other)
  }),
  'iss-absent-with-error': refused(29, (answer, world) => {
    failed('access_denied', { error_description: 'words of another issuer' })(answer, world)
    answer.delete('iss')
  }),
  'state-absent': refused(31, (answer) => answer.delete('state')),
  'state-other': refused(31, (answer) => answer.set('state', 'A'.repeat(43))),
  'state-cut': refused(31, (answer) => answer.set('state', (answer.get('state') ?? '').slice(0, -1))),
  'state-longer': refused(31, (answer) => answer.set('state', `${answer.get('state')}A`)),
  'state-giant': refused(31, (answer) => answer.set('state', 'A'.repeat(7000))),
  'state-twice': refused(31, (answer) => answer.append('state', answer.get('state') ?? '')),
  'state-twice-other-first': refused(31, (answer) => {
    const state = answer.get('state') ?? ''
    answer.set('state', 'A'.repeat(43))
    answer.append('state', state)
  }),
  'code-absent': refused(31, (answer) => answer.delete('code')),
  'code-empty': refused(31, (answer) => answer.set('code', '')),
  'code-twice': refused(31, (answer) => answer.append('code', 'code-of-another')),
  'code-and-error': refused(31, (answer) => answer.set('error', 'access_denied')),
  'error-twice': refused(31, (answer, world) => {
    failed('access_denied')(answer, world)
    answer.append('error', 'server_error')
  }),
  'token-in-place-of-code': refused(31, (answer) => {
    answer.delete('code')
    answer.set('access_token', 'access-in-the-address')
    answer.set('token_type', 'Bearer')
  }),
  'error-denied': refused(31, failed('access_denied', { error_description: 'the person said no' })),
  'error-unknown': refused(31, failed('something_new')),
  'error-hostile-code': refused(31, failed(hostileText)),
  'error-hostile-words': refused(31, failed('server_error', { error_description: hostileText })),
  'error-giant-words': refused(31, failed('server_error', { error_description: 'x'.repeat(6000) })),
  'error-script-address': refused(31, failed('server_error', { error_uri: 'javascript:alert(1)' })),
  'more-parameters': callback(31, 'works', (answer) => {
    answer.set('session_state', 'x')
    answer.append('scope', 'a')
    answer.append('scope', 'b')
  }),
}
