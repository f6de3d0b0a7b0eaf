// Wire shapes of the admin API. Objects are closed: a field nobody declared is an error, never dropped.
import { type Static, t } from 'elysia'
import { lineLevels, lineSources } from '../domain/log'

export const closed = { additionalProperties: false } as const

const Problem = t.Object({ code: t.String(), message: t.String() })

/** The failures every route may answer with, so that a typed client knows their shape. */
export const problems = {
  400: Problem,
  403: Problem,
  404: Problem,
  409: Problem,
  415: Problem,
  422: Problem,
  500: Problem,
  502: Problem,
  503: Problem,
}

export const Id = t.String({ minLength: 1, maxLength: 200 })
/** Display names: no control characters, at most 80 characters. */
export const Name = t.String({
  minLength: 1,
  maxLength: 80,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
})
const Alias = t.String({ pattern: '^[a-z0-9-]{0,20}$' })
const NoNul = t.String({ maxLength: 32_768, pattern: '^[^\\u0000]*$' })
const HeaderValue = t.String({ maxLength: 16_384, pattern: '^[^\\u0000\\r\\n]*$' })

/** Body of a route that takes none. */
export const Nothing = t.Optional(t.Object({}, closed))

export const SpaceCreate = t.Object(
  { name: Name, icon: t.Optional(t.Nullable(t.String({ maxLength: 64 }))) },
  closed,
)
export const SpacePatch = t.Object(
  {
    name: t.Optional(Name),
    icon: t.Optional(t.Nullable(t.String({ maxLength: 64 }))),
    defaultSetId: t.Optional(Id),
  },
  closed,
)
/** A name for the copy, and whether it gets the stored secrets as well. */
export const SpaceDuplicate = t.Object({ name: Name, secrets: t.Boolean() }, closed)
/** A place in the list of Spaces, from 0. */
export const SpaceMove = t.Object({ position: t.Integer({ minimum: 0, maximum: 9999 }) }, closed)

const StdioDefinition = t.Object(
  {
    type: t.Literal('stdio'),
    command: t.String({ minLength: 1, maxLength: 4096, pattern: '^[^\\u0000]+$' }),
    args: t.Array(NoNul, { maxItems: 1000 }),
    env: t.Record(t.String({ minLength: 1, maxLength: 256, pattern: '^[^=\\u0000]+$' }), NoNul, closed),
    cwd: t.Nullable(t.String({ minLength: 1, maxLength: 4096, pattern: '^[^\\u0000]+$' })),
  },
  closed,
)
const RemoteDefinition = t.Object(
  {
    type: t.Union([t.Literal('http'), t.Literal('sse')]),
    url: t.String({ minLength: 1, maxLength: 8192 }),
    headers: t.Record(
      t.String({ minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }),
      HeaderValue,
      closed,
    ),
  },
  closed,
)
export const DefinitionBody = t.Union([StdioDefinition, RemoteDefinition])
export type DefinitionBody = Static<typeof DefinitionBody>

const InputId = t.String({ minLength: 1, maxLength: 256, pattern: '^[^}\\u0000]+$' })
const InputType = t.Union([
  t.Literal('text'),
  t.Literal('number'),
  t.Literal('boolean'),
  t.Literal('url'),
  t.Literal('choice'),
  t.Literal('file'),
  t.Literal('folder'),
])
/** An input, and a value for it. Secret ones go in and never come out. */
export const InputBody = t.Object(
  {
    id: InputId,
    secret: t.Boolean(),
    value: t.Nullable(NoNul),
    type: t.Optional(InputType),
    title: t.Optional(t.String({ maxLength: 200 })),
    description: t.Optional(t.String({ maxLength: 2000 })),
    required: t.Optional(t.Boolean()),
    default: t.Optional(NoNul),
    choices: t.Optional(t.Array(t.String({ maxLength: 1000 }), { maxItems: 200 })),
    min: t.Optional(t.Number()),
    max: t.Optional(t.Number()),
    multiple: t.Optional(t.Boolean()),
  },
  closed,
)
export type InputBody = Static<typeof InputBody>

/** Values for inputs that a server already declares; null takes one away. */
export const InputValues = t.Object(
  {
    values: t.Array(t.Object({ id: InputId, value: t.Nullable(NoNul) }, closed), {
      minItems: 1,
      maxItems: 200,
    }),
  },
  closed,
)

/** A secret of a Space. It goes in and never comes out. */
export const SecretValue = t.Object(
  { value: t.String({ minLength: 1, maxLength: 32_768, pattern: '^[^\\u0000]*$' }) },
  closed,
)
/** `used`: also one that servers refer to. */
export const SecretRemoval = t.Object({ space: t.Optional(Id), used: t.Optional(t.Literal('true')) }, closed)

/** Where an approval was given. */
const GivenBy = t.Union([t.Literal('cli'), t.Literal('window'), t.Literal('demo')])
const ConsentBody = t.Object({ givenBy: GivenBy }, closed)

/** How a server is spoken to; `auto` finds out. */
const Isolation = t.Union([t.Literal('shared'), t.Literal('client'), t.Literal('session')])
const Era = t.Union([t.Literal('auto'), t.Literal('legacy'), t.Literal('modern')])

export const ServerCreate = t.Object(
  {
    spaceId: Id,
    name: Name,
    alias: t.Optional(Alias),
    definition: DefinitionBody,
    inputs: t.Optional(t.Array(InputBody, { maxItems: 200 })),
    keepRunning: t.Optional(t.Boolean()),
    enabled: t.Optional(t.Boolean()),
    era: t.Optional(Era),
    isolation: t.Optional(Isolation),
    source: t.Union([t.Literal('cli'), t.Literal('window'), t.Literal('demo')]),
    consent: t.Optional(ConsentBody),
  },
  closed,
)
export type ServerCreate = Static<typeof ServerCreate>

export const ServerPatch = t.Object(
  {
    name: t.Optional(Name),
    alias: t.Optional(Alias),
    definition: t.Optional(DefinitionBody),
    inputs: t.Optional(t.Array(InputBody, { maxItems: 200 })),
    enabled: t.Optional(t.Boolean()),
    keepRunning: t.Optional(t.Boolean()),
    era: t.Optional(Era),
    isolation: t.Optional(Isolation),
    position: t.Optional(t.Integer({ minimum: 0 })),
  },
  closed,
)
export type ServerPatch = Static<typeof ServerPatch>

const ShownInput = t.Object({ id: t.String(), secret: t.Boolean(), value: t.Nullable(t.String()) }, closed)
/** An approval of a stored server: it repeats what the person was shown, which must be what is stored. */
export const ServerConsent = t.Object(
  {
    givenBy: GivenBy,
    definition: DefinitionBody,
    inputs: t.Array(ShownInput, { maxItems: 200 }),
    /** Where it was shown to come from. */
    source: t.Optional(t.String({ maxLength: 256 })),
  },
  closed,
)
export type ServerConsent = Static<typeof ServerConsent>

/** What a person looked at, by its stamp; `all`: everything as it is, not only what differs. */
export const PinAccept = t.Object(
  { stamp: t.String({ maxLength: 64 }), givenBy: GivenBy, all: t.Optional(t.Boolean()) },
  closed,
)
/** `all`: every definition too, whole. */
export const PinQuery = t.Object({ all: t.Optional(t.Literal('true')) }, closed)
export const PinPolicyBody = t.Object(
  { policy: t.Union([t.Literal('guard'), t.Literal('strict'), t.Literal('off')]) },
  closed,
)

export const ClientPatch = t.Object(
  {
    name: t.Optional(Name),
    spaceId: t.Optional(t.Nullable(Id)),
    everywhere: t.Optional(t.Boolean()),
    asks: t.Optional(t.Boolean()),
  },
  closed,
)
/** The Space a client that waits for one is given. */
export const SpaceChoice = t.Object({ spaceId: Id }, closed)
export const GrantBody = t.Object({ spaceId: Id, setId: Id }, closed)

const Passphrase = t.String({ minLength: 1, maxLength: 1024 })
export const VaultUnlock = t.Object({ passphrase: t.Optional(Passphrase) }, closed)
export const VaultMove = t.Object(
  {
    place: t.Union([t.Literal('keychain'), t.Literal('passphrase'), t.Literal('file')]),
    passphrase: t.Optional(Passphrase),
  },
  closed,
)

/** Which keys are exchanged for new ones. A passphrase where the vault opens with one. */
export const VaultRotate = t.Object(
  {
    keys: t.Union([t.Literal('vault'), t.Literal('wrapping'), t.Literal('sessions'), t.Literal('all')]),
    passphrase: t.Optional(Passphrase),
  },
  closed,
)

/** `confirm`: whoever has the file and the passphrase can read every secret. */
export const VaultExport = t.Object({ passphrase: Passphrase, confirm: t.Literal(true) }, closed)
/** `place`: where the key of a locked vault is to lie. `replace`: values that are there and differ are overwritten. */
export const VaultImport = t.Object(
  {
    file: t.String({ maxLength: 12_000_000 }),
    passphrase: Passphrase,
    place: t.Optional(t.Union([t.Literal('keychain'), t.Literal('passphrase'), t.Literal('file')])),
    replace: t.Optional(t.Boolean()),
  },
  closed,
)

export const SettingBody = t.Object({ value: t.Union([t.String({ maxLength: 1024 }), t.Number()]) }, closed)

export const SpaceQuery = t.Object({ space: t.Optional(Id) }, closed)
export const ClientQuery = t.Object({ client: t.Optional(Id) }, closed)
export const ToolsQuery = t.Object({ space: t.Optional(Id), client: t.Optional(Id) }, closed)
export const CallQuery = t.Object({ tool: t.String({ minLength: 1, maxLength: 4096 }) }, closed)
const oneOf = <const T extends string>(words: readonly T[]) => t.Union(words.map((word) => t.Literal(word)))
const wanted = {
  level: t.Optional(oneOf(lineLevels)),
  source: t.Optional(oneOf(lineSources)),
  /** Epoch milliseconds. */
  since: t.Optional(t.Numeric({ minimum: 0, maximum: 8.64e15 })),
  limit: t.Optional(t.Numeric({ minimum: 0, maximum: 10_000, multipleOf: 1 })),
}
export const ServerLogQuery = t.Object(wanted, closed)
/** Without `of` the gateway's own log. */
export const LogQuery = t.Object({ ...wanted, of: t.Optional(oneOf(['app', 'audit', 'all'])) }, closed)
/** The same, or one server. */
export const LogStreamQuery = t.Object(
  { ...wanted, of: t.Optional(oneOf(['app', 'audit', 'all'])), server: t.Optional(Id) },
  closed,
)
export const IdParams = t.Object({ id: Id })
