import { type Static, t } from 'elysia'

const closed = { additionalProperties: false } as const
const NameOrId = t.String({ minLength: 1, maxLength: 200 })

/** An id, or the four characters. */
export const ApprovalParams = t.Object({ id: NameOrId })

/** What a person decides with an approval, as `Decision` has it. */
export const DecisionBody = t.Object(
  {
    space: t.Optional(NameOrId),
    set: t.Optional(NameOrId),
    everywhere: t.Optional(t.Boolean()),
    client: t.Optional(NameOrId),
  },
  closed,
)
export type DecisionBody = Static<typeof DecisionBody>
