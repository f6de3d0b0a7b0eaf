// Wire shapes of Feature Sets, grants and what comes of them.
import { type Static, t } from 'elysia'
import { closed, Id, Name } from './schemas'

const Kind = t.Union([t.Literal('tool'), t.Literal('prompt'), t.Literal('resource'), t.Literal('template')])
const FeatureName = t.String({ minLength: 1, maxLength: 4096 })
const Mode = t.Union([t.Literal('include'), t.Literal('exclude')])

const SetMember = t.Object(
  {
    mode: Mode,
    target: t.Union([
      t.Object({ type: t.Literal('all') }, closed),
      t.Object({ type: t.Literal('server'), serverId: Id }, closed),
      t.Object({ type: t.Literal('feature'), serverId: Id, kind: Kind, name: FeatureName }, closed),
      t.Object(
        {
          type: t.Literal('pattern'),
          pattern: t.String({ minLength: 1, maxLength: 512 }),
          kind: t.Optional(Kind),
        },
        closed,
      ),
      t.Object(
        {
          type: t.Literal('hint'),
          hint: t.Union([
            t.Literal('readOnly'),
            t.Literal('destructive'),
            t.Literal('idempotent'),
            t.Literal('openWorld'),
          ]),
          is: t.Boolean(),
        },
        closed,
      ),
      t.Object({ type: t.Literal('set'), setId: Id }, closed),
      t.Object(
        {
          type: t.Literal('gone'),
          alias: t.String({ pattern: '^[a-z0-9-]{0,20}$' }),
          server: t.String({ minLength: 1, maxLength: 200 }),
          feature: t.Nullable(t.Object({ kind: Kind, name: FeatureName }, closed)),
        },
        closed,
      ),
    ]),
    filled: t.Optional(t.Literal(true)),
  },
  closed,
)
const Members = t.Array(SetMember, { maxItems: 10_000 })

/** A rule as a person writes it, see `policy/rule-text`. */
const Rule = t.String({ minLength: 1, maxLength: 8192 })
/** A rule of a new set, or one to be added. */
const RuleBody = t.Object({ mode: Mode, rule: Rule }, closed)
const Rules = t.Array(RuleBody, { maxItems: 10_000 })

export const SetCreate = t.Object(
  { spaceId: Id, name: Name, members: t.Optional(Members), rules: t.Optional(Rules) },
  closed,
)
export const SetMembers = t.Object({ members: Members }, closed)
/** Rules are counted from 1, as they are before anything of this is done. */
export const SetPatch = t.Object(
  {
    name: t.Optional(Name),
    add: t.Optional(Rules),
    remove: t.Optional(t.Array(t.Integer({ minimum: 1 }), { maxItems: 10_000 })),
    /** Rules of removed servers, and the server each is about from now on: alias, name or id. */
    point: t.Optional(
      t.Array(t.Object({ rule: t.Integer({ minimum: 1 }), server: Id }, closed), { maxItems: 10_000 }),
    ),
  },
  closed,
)
export type SetPatch = Static<typeof SetPatch>

/** Names or ids. Without a Space that in which the client works now; without sets, to revoke means all there. */
export const GrantChange = t.Object(
  {
    client: Id,
    space: t.Optional(Id),
    sets: t.Array(Id, { maxItems: 1000 }),
    mode: t.Union([t.Literal('add'), t.Literal('replace'), t.Literal('revoke')]),
  },
  closed,
)

/** Names or ids. A set by itself, a client with what it was granted, or a set with the limits of a client. */
export const EffectiveQuery = t.Object(
  { space: t.Optional(Id), set: t.Optional(Id), client: t.Optional(Id) },
  closed,
)
