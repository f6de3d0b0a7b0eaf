import { type Definition, type Server, type ServerInput } from '../domain/server'
import { GatewayError } from '../errors'
import { checkAlias, suggestAlias } from '../policy/naming'
import { Secret } from '../secrets/secret'
import { checkDefinition, checkInputValues } from './definition-rules'
import type { AdminDeps } from './deps'
import type { InputBody, ServerConsent, ServerCreate, ServerPatch } from './schemas'
import { inputViews, validConsent } from './server-view'

type Deps = Pick<
  AdminDeps,
  'servers' | 'spaces' | 'catalog' | 'consents' | 'consentSeal' | 'heldSecrets' | 'events'
>

const declarations = (inputs: readonly InputBody[]): ServerInput[] =>
  inputs.map(({ id, secret, value }) => ({ id, secret, value: secret ? null : value }))

/** Changes of servers: rules first, then the rows, then the event. Secret values go to memory, never to a row. */
export function createServerWrites({
  servers,
  spaces,
  catalog,
  consents,
  consentSeal,
  heldSecrets,
  events,
}: Deps) {
  const changed = ({ id, spaceId }: Server) => events.emit('server.changed', { spaceId, serverId: id })

  function holdSecrets(server: Server, inputs: readonly InputBody[]): void {
    for (const { id, secret, value } of inputs)
      if (secret && value !== null) heldSecrets.set(server.id, id, new Secret(value))
  }

  /** Keeps what is held of inputs that are still declared, and forgets the rest. */
  function reholdSecrets(server: Server, inputs: readonly InputBody[]): void {
    const kept = inputs
      .filter((input) => input.secret && input.value === null)
      .map(({ id }) => ({ id, value: heldSecrets.get(server.id, id) }))
    heldSecrets.forget(server.id)
    for (const { id, value } of kept) if (value) heldSecrets.set(server.id, id, value)
    holdSecrets(server, inputs)
  }

  /** Names that servers without a prefix offer: a new prefix may not look like one of them. */
  const unprefixedNames = (others: readonly Server[]): string[] =>
    others
      .filter((other) => other.alias === '')
      .flatMap((other) => catalog.get(other.id).features)
      .filter((feature) => feature.kind === 'tool' || feature.kind === 'prompt')
      .map((feature) => feature.name)

  const consent = (server: Server, givenBy: string) =>
    consents.put(server.id, consentSeal.seal(server), givenBy)

  /** The row of a new server. Throws what forbids it. */
  function draftOf({ inputs = [], consent: _, alias, ...draft }: ServerCreate) {
    const space = spaces.get(draft.spaceId)
    checkDefinition(draft.definition, inputs)
    checkInputValues(draft.definition, inputs)
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
      const server = servers.create(draftOf(body))
      holdSecrets(server, body.inputs ?? [])
      if (body.consent) consent(server, body.consent.givenBy)
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
      checkDefinition(nextDefinition, nextInputs)
      checkInputValues(nextDefinition, nextInputs)
      const server = servers.update(id, {
        ...rest,
        ...(definition ? { definition } : {}),
        ...(inputs ? { inputs: declarations(inputs) } : {}),
      })
      if (inputs) reholdSecrets(server, inputs)
      if (!validConsent(server, { consents, consentSeal })) consents.remove(id)
      changed(server)
      return server
    },

    /** Approves a stored server, if what was shown is what is stored. */
    approve(id: string, { givenBy, definition, inputs }: ServerConsent): Server {
      const server = servers.get(id)
      const stored = inputViews(server, heldSecrets).map(({ isSet: _, ...shown }) => shown)
      if (!Bun.deepEquals(definition, server.definition, true) || !Bun.deepEquals(inputs, stored, true))
        throw new GatewayError('consent.mismatch', 'look at the server again and approve what it is now')
      consent(server, givenBy)
      changed(server)
      return server
    },

    setSecrets(id: string, values: readonly { id: string; value: string }[]): Server {
      const server = servers.get(id)
      for (const { id: inputId } of values)
        if (!server.inputs.some((input) => input.id === inputId && input.secret))
          throw new GatewayError('input.invalid', 'the server declares no such secret input')
      checkInputValues(server.definition, values)
      for (const { id: inputId, value } of values) heldSecrets.set(id, inputId, new Secret(value))
      changed(server)
      return server
    },

    remove(id: string): void {
      const server = servers.get(id)
      servers.remove(id)
      heldSecrets.forget(id)
      changed(server)
    },
  }
}
