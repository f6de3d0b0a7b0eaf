import { type Static, t } from 'elysia'
import { closed, Id } from './schemas'

/** Epoch milliseconds. */
const At = t.Numeric({ minimum: 0, maximum: 8.64e15 })

const wanted = {
  /** An action, or the beginning of one and a star. */
  action: t.Optional(t.String({ pattern: '^[a-z]+(\\.[a-z]+|\\.\\*)?$|^\\*$', maxLength: 64 })),
  since: t.Optional(At),
  until: t.Optional(At),
  client: t.Optional(Id),
  space: t.Optional(Id),
  server: t.Optional(Id),
}

/** Ids, not names: an entry outlives what it is about. */
export const AuditQuery = t.Object(
  {
    ...wanted,
    /** Entries with lower numbers. */
    before: t.Optional(t.Numeric({ minimum: 1, multipleOf: 1 })),
    limit: t.Optional(t.Numeric({ minimum: 1, maximum: 1000, multipleOf: 1 })),
  },
  closed,
)
export type AuditQuery = Static<typeof AuditQuery>
export const AuditStreamQuery = t.Object(
  { ...wanted, after: t.Optional(t.Numeric({ minimum: 0, multipleOf: 1 })) },
  closed,
)
