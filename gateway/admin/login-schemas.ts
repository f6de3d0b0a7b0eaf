import { type Static, t } from 'elysia'
import { closed, Id } from './schemas'

/** A sign-in to begin. `scope`: rights wanted beyond what the server asks for, as RFC 6749 section 3.3 spells them. */
export const LoginBody = t.Optional(
  t.Object(
    {
      scope: t.Optional(t.String({ maxLength: 2000, pattern: '^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$' })),
      /** Opens the browser of the person the gateway runs for. */
      open: t.Optional(t.Boolean()),
    },
    closed,
  ),
)
export type LoginBody = Static<typeof LoginBody>

/**
 * A client id a person got at an authorization server, with its secret where it has one; without an issuer for the first
 * that is found.
 */
export const RegistrationBody = t.Object(
  {
    clientId: t.String({ minLength: 1, maxLength: 4096 }),
    clientSecret: t.Optional(t.String({ minLength: 1, maxLength: 4096 })),
    issuer: t.Optional(t.String({ minLength: 1, maxLength: 2048 })),
  },
  closed,
)

/** The whole address a browser ended at. */
export const CallbackBody = t.Object({ url: t.String({ minLength: 1, maxLength: 16_384 }) }, closed)

export const FlowQuery = t.Object({ server: t.Optional(Id) }, closed)
