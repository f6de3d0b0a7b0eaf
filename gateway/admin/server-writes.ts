import type { Definition, Server } from '../domain/server'
import { type ServerInput, valueOf } from '../domain/server-input'
import { GatewayError } from '../errors'
import { checkAlias, suggestAlias } from '../policy/naming'
import { Secret } from '../secrets/secret'
import { checkDefinition, checkEra, checkInputValues } from './definition-rules'
import type { AdminDeps } from './deps'
import type { InputBody, ServerConsent, ServerCreate, ServerPatch } from './schemas'

type Deps = Pick<AdminDeps, 'servers' | 'spaces' | 'catalog' | 'consents' | 'secrets' | 'db' | 'events'>

const declarations = (inputs: readonly InputBody[]): ServerInput[] =>
  inputs.map((input) => ({ ...input, value: input.secret ? null : input.value }))

/** Inputs as an approval is shown them: what a value comes to, and of a secret one only that it is there. */
const shownInputs = (inputs: readonly ServerInput[]) =>
  inputs.map((input) => ({ id: input.id, secret: input.secret, value: input.secret ? null : valueOf(input) }))

/** Changes of servers: rules first, then the rows, then the event. Secret values are sealed before they become one. */
export function createServerWrites({ servers, spaces, catalog, consents, secrets, db, events }: Deps) {
  const changed = ({ id, spaceId }: Server) => events.emit('server.changed', { spaceId, serverId: id })

  function storeSecrets(server: Server, inputs: readonly InputBody[]): void {
    for (const { id, secret, value } of inputs)
      if (secret && value !== null) secrets.set(server, id, new Secret(value))
  }

  /** Keeps what is stored of inputs that are still declared secret, and removes the rest. */
  function replaceSecrets(before: Server, server: Server, inputs: readonly InputBody[]): void {
    for (const { id } of before.inputs)
      if (!inputs.some((input) => input.id === id && input.secret)) secrets.remove(server, id)
    storeSecrets(server, inputs)
  }

  /** Names that servers without a prefix offer: a new prefix may not look like one of them. */
  const unprefixedNames = (others: readonly Server[]): string[] =>
    others
      .filter((other) => other.alias === '')
      .flatMap((other) => catalog.get(other.id).features)
      .filter((feature) => feature.kind === 'tool' || feature.kind === 'prompt')
      .map((feature) => feature.name)

  /** The row of a new server. Throws what forbids it. */
  function draftOf({ inputs = [], consent: _, alias, ...draft }: ServerCreate) {
    const space = spaces.get(draft.spaceId)
    checkDefinition(draft.definition, inputs)
    checkEra(draft.definition, draft.era)
    checkInputValues(draft.definition, inputs, inputs)
    if (inputs.some((input) => input.secret)) secrets.requireWritable()
    const others = servers.list(space.id)
    const chosen =
      alias ??
      suggestAlias(
        draft.name,
        others.map((other) => other.alias),
      )
    checkAlias(chosen, [], unprefixedNames(others))
    return { ...draft, alias: chosen, inputs: declarations(inputs) }
  }

  return {
    /** Throws what `create` would throw and makes nothing, so that nobody types a secret for nothing. */
    check(body: ServerCreate): { alias: string } {
      const draft = draftOf(body)
      servers.checkNew(draft)
      return { alias: draft.alias }
    },

    create(body: ServerCreate): Server {
      const server = db.transaction(() => {
        const created = servers.create(draftOf(body))
        storeSecrets(created, body.inputs ?? [])
        if (body.consent) consents.give(created, body.consent.givenBy)
        return created
      })
      changed(server)
      return server
    },

    /** A change of what would run takes the consent with it; a transport never changes into another. */
    patch(id: string, { inputs, definition, ...rest }: ServerPatch): Server {
      const before = servers.get(id)
      const nextDefinition: Definition = definition ?? before.definition
      if (nextDefinition.type !== before.definition.type)
        throw new GatewayError(
          'input.invalid',
          'the transport of a server cannot change; remove it and add a new one',
        )
      const nextInputs = inputs ?? before.inputs
      if (rest.alias !== undefined && rest.alias !== before.alias)
        checkAlias(
          rest.alias,
          [],
          unprefixedNames(servers.list(before.spaceId).filter((other) => other.id !== id)),
        )
      // One from before a rule can still be switched off.
      if (definition || inputs) {
        checkDefinition(nextDefinition, nextInputs)
        checkInputValues(nextDefinition, nextInputs, nextInputs)
      }
      checkEra(nextDefinition, rest.era)
      const server = db.transaction(() => {
        const updated = servers.update(id, {
          ...rest,
          ...(definition ? { definition } : {}),
          ...(inputs ? { inputs: declarations(inputs) } : {}),
        })
        if (inputs) replaceSecrets(before, updated, inputs)
        if (!consents.of(updated)) consents.withdraw(before)
        return updated
      })
      changed(server)
      return server
    },

    /** Approves a stored server, if what was shown is what is stored. */
    approve(id: string, { givenBy, definition, inputs, source }: ServerConsent): Server {
      const server = servers.get(id)
      const isStored =
        Bun.deepEquals(definition, server.definition, true) &&
        Bun.deepEquals(inputs, shownInputs(server.inputs), true) &&
        (source ?? server.source) === server.source
      if (!isStored)
        throw new GatewayError('consent.mismatch', 'look at the server again and approve what it is now')
      consents.give(server, givenBy)
      changed(server)
      return server
    },

    /** Takes the approval back. What runs is for the caller to stop. */
    disapprove(id: string): Server {
      const server = servers.get(id)
      consents.withdraw(server)
      changed(server)
      return server
    },

    /** Gives values to inputs that are declared, or takes them away. A change of what would run takes the consent. */
    setValues(id: string, values: readonly { id: string; value: string | null }[]): Server {
      const before = servers.get(id)
      checkInputValues(before.definition, before.inputs, values)
      const given = new Map(values.map((one) => [one.id, one.value]))
      const server = db.transaction(() => {
        for (const { id: inputId, secret } of before.inputs) {
          const value = given.get(inputId)
          if (!secret || value === undefined) continue
          if (value === null) secrets.remove(before, inputId)
          else secrets.set(before, inputId, new Secret(value))
        }
        const open = before.inputs.map((input) =>
          input.secret
            ? input
            : { ...input, value: given.has(input.id) ? (given.get(input.id) ?? null) : input.value },
        )
        if (Bun.deepEquals(open, before.inputs)) return before
        const updated = servers.update(id, { inputs: open })
        if (!consents.of(updated)) consents.withdraw(before)
        return updated
      })
      changed(server)
      return server
    },

    remove(id: string): void {
      const server = servers.get(id)
      servers.remove(id)
      changed(server)
    },
  }
}
