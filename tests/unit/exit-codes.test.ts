import { expect, test } from 'bun:test'
import { exit } from '../../gateway/cli/command'
import { renderFailure, waitsForPerson } from '../../gateway/cli/failure'
import { type ErrorCode, errorCodes, GatewayError } from '../../gateway/errors'

const codeOf = (code: ErrorCode) => renderFailure(new GatewayError(code)).exitCode

test('[cli] what a person mends by approving, giving a value, unlocking or signing in ends with 4', () => {
  expect(errorCodes.filter((code) => codeOf(code) === exit.needsPerson)).toEqual([
    'upstream.needs_consent',
    'upstream.needs_input',
    'upstream.unauthorized',
    'upstream.credentials_refused',
    'oauth.registration_needed',
    'keychain.unavailable',
    'vault.locked',
    'vault.passphrase',
    'credential.unreadable',
  ])
})

test('[cli] a state of a server ends a command as the failure does that a call of it would have', () => {
  const failed = (code: ErrorCode) => ({ status: 'failed' as const, code, message: '', retryAt: null })
  expect(
    [
      { status: 'needs_consent' as const },
      { status: 'locked' as const },
      { status: 'needs_input' as const, missing: ['KEY'] },
      { status: 'needs_authorization' as const, need: 'first' as const },
      failed('upstream.credentials_refused'),
      failed('credential.unreadable'),
    ].filter((state) => !waitsForPerson(state)),
  ).toEqual([])
  expect(
    [
      { status: 'idle' as const },
      { status: 'disabled' as const },
      { status: 'ready' as const, since: 0, protocolVersion: '' },
      failed('upstream.spawn_failed'),
    ].filter(waitsForPerson),
  ).toEqual([])
})
