// A Space as a second one, and as a file.
import type { Member } from '../domain/policy'
import type { Server } from '../domain/server'
import type { ServerInput } from '../domain/server-input'
import type { Space } from '../domain/space'
import { ruleText } from '../policy/rule-text'
import type { AdminDeps } from './deps'
import { ruleNames } from './sets'

type Deps = Pick<AdminDeps, 'spaces' | 'servers' | 'sets' | 'secrets' | 'namedSecrets' | 'pins' | 'db'>

export interface SpaceCopy {
  space: Space
  servers: Server[]
}

/**
 * A new Space with the servers, Feature Sets and pin policy of another. Secrets only where `withSecrets` asks for them.
 * What was a person's decision about the original stays there: consents, pins, and which client may use it.
 * Throws what making a Space throws, and with secrets what reading and storing them throws.
 */
export function duplicateSpace(deps: Deps, original: Space, name: string, withSecrets: boolean): SpaceCopy {
  const { spaces, servers, secrets, namedSecrets, pins, db } = deps
  const inside = servers.list(original.id)
  const named = withSecrets ? namedSecrets.list(original.id) : []
  const hasSecrets = named.length > 0 || inside.some(({ inputs }) => inputs.some(({ secret }) => secret))
  if (withSecrets && hasSecrets) secrets.requireWritable()
  const made = db.transaction(() => {
    const space = spaces.create({ name, icon: original.icon })
    const serverIds = new Map<string, string>()
    for (const { name: secret } of named) {
      const stored = namedSecrets.get(original.id, secret)
      if (stored.state === 'present') namedSecrets.set(space.id, secret, stored.value)
    }
    const copies = inside.map((server) => {
      const { alias, definition, inputs, enabled, keepRunning, era, isolation, source } = server
      const copy = servers.create({
        spaceId: space.id,
        name: server.name,
        alias,
        definition,
        inputs: [...inputs],
        enabled,
        keepRunning,
        era,
        isolation,
        source,
      })
      serverIds.set(server.id, copy.id)
      if (withSecrets)
        for (const { id, secret } of inputs) {
          const stored = secret ? secrets.get(server, id) : null
          if (stored?.state === 'present') secrets.set(copy, id, stored.value)
        }
      return copy
    })
    copySets(deps, original, space, serverIds)
    return { space: spaces.get(space.id), servers: copies }
  })
  pins.setPolicy(made.space.id, pins.policy(original.id))
  return made
}

/** Own sets are made empty first, so that they can name each other in any order. */
function copySets(
  { spaces, sets }: Pick<Deps, 'spaces' | 'sets'>,
  original: Space,
  space: Space,
  serverIds: ReadonlyMap<string, string>,
): void {
  const theirs = sets.list(space.id)
  const setIds = new Map(
    sets.list(original.id).map((set) => {
      const twin = set.preset ? theirs.find(({ preset }) => preset === set.preset) : null
      return [set.id, (twin ?? sets.create(space.id, set.name, [])).id] as const
    }),
  )
  const translated = ({ target, ...member }: Member): Member => {
    if ('serverId' in target)
      return { ...member, target: { ...target, serverId: serverIds.get(target.serverId) ?? target.serverId } }
    if (target.type === 'set')
      return { ...member, target: { ...target, setId: setIds.get(target.setId) ?? target.setId } }
    return { ...member, target }
  }
  for (const set of sets.list(original.id)) {
    const id = setIds.get(set.id)
    if (id === undefined || (set.preset !== null && set.preset !== 'lean')) continue
    const members = set.members.map(translated)
    if (set.preset === null) sets.setMembers(id, members)
    else if (set.filledAt !== null) sets.fill(id, members)
  }
  const defaultSetId = setIds.get(original.defaultSetId)
  if (defaultSetId !== undefined) spaces.update(space.id, { defaultSetId })
}

/** A Space as a file that a person can read, keep and compare. Version 1. There is no secret in it. */
export interface SpaceFile {
  version: 1
  spaces: Record<string, SpaceInFile>
}

interface SpaceInFile {
  icon?: string
  /** Name of the Feature Set that new clients get. */
  defaultSet: string
  pins: string
  servers: Record<string, ServerInFile>
  /** Own sets and an edited *Lean*; rules as `mcpmux set` writes them. */
  featureSets: Record<string, { include: string[]; exclude: string[] }>
}

type ServerInFile = Pick<
  Server,
  'alias' | 'definition' | 'enabled' | 'keepRunning' | 'era' | 'isolation' | 'source'
> & {
  /** A secret one has no value here: whoever reads the file gives their own. */
  inputs: Record<string, Omit<ServerInput, 'id' | 'value'> & { value?: string | null }>
}

export function exportSpace(
  { servers, sets, pins }: Omit<Deps, 'spaces' | 'db' | 'secrets' | 'namedSecrets'>,
  space: Space,
): SpaceFile {
  const names = ruleNames(space.id, { sets, servers })
  const all = sets.list(space.id)
  const rules = (members: readonly Member[], mode: Member['mode']) =>
    members.filter((member) => member.mode === mode).map(({ target }) => ruleText(target, names))
  const listed = all.filter(
    ({ preset, filledAt }) => preset === null || (preset === 'lean' && filledAt !== null),
  )
  return {
    version: 1,
    spaces: {
      [space.name]: {
        ...(space.icon ? { icon: space.icon } : {}),
        defaultSet: sets.get(space.defaultSetId).name,
        pins: pins.policy(space.id),
        servers: Object.fromEntries(servers.list(space.id).map((server) => [server.name, inFile(server)])),
        featureSets: Object.fromEntries(
          listed.map(({ name, members }) => [
            name,
            { include: rules(members, 'include'), exclude: rules(members, 'exclude') },
          ]),
        ),
      },
    },
  }
}

const inFile = ({
  alias,
  definition,
  inputs,
  enabled,
  keepRunning,
  era,
  isolation,
  source,
}: Server): ServerInFile => ({
  alias,
  definition,
  inputs: Object.fromEntries(
    inputs.map(({ id, value, ...input }) => [id, input.secret ? input : { ...input, value }]),
  ),
  enabled,
  keepRunning,
  era,
  isolation,
  source,
})
