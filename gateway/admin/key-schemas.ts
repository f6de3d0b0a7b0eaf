import { type Static, t } from 'elysia'
import { closed, Id, Name } from './schemas'

/** Epoch milliseconds; null for never. */
const ExpiresAt = t.Nullable(t.Integer({ minimum: 1, maximum: 8.64e15 }))
/** What tells keys of one client apart. */
const Label = t.Nullable(Name)

export const KeyCreate = t.Object(
  {
    client: Name,
    label: t.Optional(Label),
    /** Name or id; without it the active Space. */
    space: t.Optional(Id),
    /** Name or id; without it the Space's default Feature Set. */
    set: t.Optional(Id),
    /** Allows changing the rights of a client that exists. */
    confirm: t.Optional(t.Boolean()),
    expiresAt: t.Optional(ExpiresAt),
  },
  closed,
)
export type KeyCreate = Static<typeof KeyCreate>

export const KeyPatch = t.Object({ label: t.Optional(Label), expiresAt: t.Optional(ExpiresAt) }, closed)

export const KeyRotate = t.Optional(
  t.Object(
    {
      /** Milliseconds for which the old key goes on counting; without it none. */
      overlap: t.Optional(t.Integer({ minimum: 0, maximum: 90 * 86_400_000 })),
      /** Of the new key; without it as long from now as the old one had. */
      expiresAt: t.Optional(ExpiresAt),
    },
    closed,
  ),
)
