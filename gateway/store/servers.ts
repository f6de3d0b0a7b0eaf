import { eraChoices, type EraChoice } from '../domain/era'
import { isolations, type Isolation } from '../domain/isolation'
import type { Definition, Server } from '../domain/server'
import type { ServerInput } from '../domain/server-input'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'
import { definitionText, parseDefinition } from './definition'
import { inputColumns, inputOf, inputParams, type InputRow } from './input-rows'

export interface ServerDraft {
  spaceId: string
  name: string
  alias: string
  definition: Definition
  /** The value of a secret one must be null: this store has no place for it. */
  inputs?: ServerInput[]
  keepRunning?: boolean
  source: string
  enabled?: boolean
  era?: EraChoice
  isolation?: Isolation
}

export type ServerPatch = Partial<
  Pick<
    Server,
    'name' | 'alias' | 'definition' | 'inputs' | 'enabled' | 'keepRunning' | 'position' | 'era' | 'isolation'
  >
>

export interface ServerStore {
  /** All servers, or those of one Space, in their order. A row that cannot be read is reported and left out. */
  list(spaceId?: string): Server[]
  /** Throws `server.unknown`. */
  get(id: string): Server
  /** Throws what `create` would throw for the names of this server. */
  checkNew(draft: Pick<ServerDraft, 'spaceId' | 'name' | 'alias'>): void
  /** Throws `server.exists` for a taken name or alias, `space.unknown`, `input.invalid`. */
  create(draft: ServerDraft): Server
  /** Throws `server.unknown`, `server.exists`, `input.invalid`. */
  update(id: string, patch: ServerPatch): Server
  /**
   * Removes a server with its catalog, inputs, credentials and consent. Rules of Feature Sets that name it stay and say
   * so, which never widens what a client may use: see `GoneTarget`.
   */
  remove(id: string): void
}

interface Row {
  id: string
  space_id: string
  name: string
  alias: string
  definition: string
  enabled: number
  keep_running: number
  era: string
  isolation: string
  source: string
  position: number
  created_at: number
  updated_at: number
}

const ALIAS = /^[a-z0-9-]{0,20}$/

/** Servers of all Spaces. */
export function createServerStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): ServerStore {
  const order = 'ORDER BY servers.space_id, servers.position, servers.created_at'
  const rows = db.statement<Row>(`SELECT * FROM servers ${order}`)
  const rowsOfSpace = db.statement<Row>(`SELECT * FROM servers WHERE space_id = $spaceId ${order}`)
  const byId = db.statement<Row>('SELECT * FROM servers WHERE id = $id')
  const byAlias = db.statement<Row>(
    "SELECT * FROM servers WHERE space_id = $spaceId AND alias = $alias AND alias <> ''",
  )
  const byName = db.statement<Row>('SELECT * FROM servers WHERE space_id = $spaceId AND name = $name')
  const space = db.statement('SELECT 1 FROM spaces WHERE id = $id')
  const inputs = db.statement<InputRow>('SELECT * FROM server_inputs ORDER BY server_id, position')
  const inputsOf = db.statement<InputRow>(
    'SELECT * FROM server_inputs WHERE server_id = $id ORDER BY position',
  )
  const insert = db.statement(`
    INSERT INTO servers (id, space_id, name, alias, definition, enabled, keep_running, era, isolation, source, position,
      created_at, updated_at)
    VALUES ($id, $spaceId, $name, $alias, $definition, $enabled, $keepRunning, $era, $isolation, $source,
      (SELECT coalesce(max(position) + 1, 0) FROM servers WHERE space_id = $spaceId), $now, $now)`)
  const change = db.statement(`
    UPDATE servers SET name = $name, alias = $alias, definition = $definition, enabled = $enabled,
      keep_running = $keepRunning, era = $era, isolation = $isolation, position = $position, updated_at = $now WHERE id = $id`)
  const clearInputs = db.statement('DELETE FROM server_inputs WHERE server_id = $id')
  const insertInput = db.statement(`
    INSERT INTO server_inputs (server_id, ${inputColumns}, position)
    VALUES ($serverId, ${inputColumns.replaceAll(/\w+/g, '$$$&')}, $position)`)
  const drop = db.statement('DELETE FROM servers WHERE id = $id')

  const toServer = (row: Row, own: readonly InputRow[]): Server | null => {
    const definition = parseDefinition(row.definition)
    if (!definition || !ALIAS.test(row.alias)) {
      const part = definition ? 'alias' : 'definition'
      db.report({ table: 'servers', id: row.id, what: `its ${part} cannot be read` })
      return null
    }
    const era = eraChoices.find((choice) => choice === row.era) ?? 'auto'
    const isolation = isolations.find((one) => one === row.isolation) ?? 'shared'
    return {
      id: row.id,
      spaceId: row.space_id,
      name: row.name,
      alias: row.alias,
      definition,
      inputs: own.map(inputOf),
      enabled: row.enabled === 1,
      keepRunning: row.keep_running === 1,
      era,
      isolation,
      source: row.source,
      position: row.position,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  }

  const known = (row: Row | null): Server => {
    const server = row && toServer(row, inputsOf.all({ id: row.id }))
    if (!server) throw new GatewayError('server.unknown')
    return server
  }

  const checkNames = (spaceId: string, name: string, alias: string, ownId: string | null) => {
    if (!name.trim()) throw new GatewayError('input.invalid', 'a server needs a name')
    if (!ALIAS.test(alias)) throw new GatewayError('input.invalid', 'an alias is up to 20 of a-z, 0-9 and -')
    const named = byName.get({ spaceId, name })
    if (named && named.id !== ownId) throw new GatewayError('server.exists', name)
    const aliased = byAlias.get({ spaceId, alias })
    if (aliased && aliased.id !== ownId) throw new GatewayError('server.exists', `alias ${alias}`)
  }

  const checkNew: ServerStore['checkNew'] = ({ spaceId, name, alias }) => {
    if (!space.get({ id: spaceId })) throw new GatewayError('space.unknown')
    checkNames(spaceId, name.trim(), alias, null)
  }

  const writeInputs = (serverId: string, list: readonly ServerInput[]) => {
    if (new Set(list.map((input) => input.id)).size !== list.length)
      throw new GatewayError('input.invalid', 'two inputs of one id')
    clearInputs.run({ id: serverId })
    for (const [position, input] of list.entries()) {
      if (input.secret && input.value !== null)
        throw new GatewayError('input.invalid', 'a secret is not stored with its server')
      insertInput.run({ serverId, ...inputParams(input), position })
    }
  }

  return {
    list(spaceId) {
      const own = Map.groupBy(inputs.all(), (input) => input.server_id)
      return (spaceId === undefined ? rows.all() : rowsOfSpace.all({ spaceId })).flatMap(
        (row) => toServer(row, own.get(row.id) ?? []) ?? [],
      )
    },
    get: (id) => known(byId.get({ id })),
    checkNew,
    create: (draft) =>
      db.transaction(() => {
        checkNew(draft)
        const name = draft.name.trim()
        const id = runtime.newId()
        insert.run({
          id,
          spaceId: draft.spaceId,
          name,
          alias: draft.alias,
          definition: definitionText(draft.definition),
          enabled: Number(draft.enabled ?? true),
          keepRunning: Number(draft.keepRunning ?? false),
          era: draft.era ?? 'auto',
          isolation: draft.isolation ?? 'shared',
          source: draft.source,
          now: runtime.now(),
        })
        writeInputs(id, draft.inputs ?? [])
        return known(byId.get({ id }))
      }),
    update: (id, patch) =>
      db.transaction(() => {
        const before = known(byId.get({ id }))
        const after = { ...before, ...defined(patch) }
        const name = after.name.trim()
        checkNames(before.spaceId, name, after.alias, id)
        change.run({
          id,
          name,
          alias: after.alias,
          definition: definitionText(after.definition),
          enabled: Number(after.enabled),
          keepRunning: Number(after.keepRunning),
          era: after.era,
          isolation: after.isolation,
          position: after.position,
          now: runtime.now(),
        })
        if (patch.inputs) writeInputs(id, patch.inputs)
        return known(byId.get({ id }))
      }),
    remove(id) {
      if (drop.run({ id }) === 0) throw new GatewayError('server.unknown')
    },
  }
}

/** Without members that are there but undefined, which would otherwise erase what they stand for. */
const defined = (patch: ServerPatch): ServerPatch =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
