import { expect, test } from 'bun:test'
import type { Handshake } from '../../gateway/domain/feature'
import type { UpstreamState } from '../../gateway/domain/upstream-state'
import { createEvents } from '../../gateway/events'
import { createFirstReads } from '../../gateway/upstream/first-reads'
import { stdioDefinition, tempStores } from '../support/temp-store'

const handshake: Handshake = {
  protocolVersion: '2025-11-25',
  capabilities: '{}',
  serverInfo: '{}',
  instructions: null,
  refreshedAt: 1,
}

/** Servers in one state each, and which of them were started. */
function open(stores: ReturnType<typeof tempStores>) {
  const events = createEvents((error) => {
    throw error
  })
  const started: string[] = []
  const upstreams = new Map<string, Parameters<ReturnType<typeof createFirstReads>['adopt']>[0]>()
  const reads = createFirstReads({ events, catalog: stores.catalog, upstreams })
  return {
    reads,
    started,
    add(name: string, state: UpstreamState) {
      const spaceId = stores.spaces.active().id
      const definition = stdioDefinition()
      const server = stores.servers.create({ spaceId, name, alias: name, definition, source: 'cli' })
      upstreams.set(server.id, { server, state, startSoon: () => void started.push(name) })
      return server
    },
    adopt: (id: string) => {
      const upstream = upstreams.get(id)
      if (upstream) reads.adopt(upstream)
    },
    enter: (serverId: string, state: UpstreamState) =>
      events.emit('upstream.state', { spaceId: '', serverId, state }),
  }
}
const locked = { status: 'locked' as const }
const idle = { status: 'idle' as const }
const connecting = { status: 'connecting' as const, since: 0 }

test('[process] a first connection that something cut short is made again, until it came to something', () => {
  using stores = tempStores()
  const { add, adopt, enter, started } = open(stores)
  const { id } = add('new', locked)
  adopt(id)
  expect(started).toEqual([])
  enter(id, idle)
  enter(id, connecting)
  // Its row changed meanwhile, so that it was stopped.
  enter(id, idle)
  expect(started).toEqual(['new', 'new'])
  enter(id, connecting)
  enter(id, { status: 'failed', code: 'upstream.spawn_failed', message: '', retryAt: null })
  enter(id, idle)
  expect(started).toEqual(['new', 'new'])
})

test('[process] what was read, waited for nothing, or was stopped by a person is not connected by itself', () => {
  using stores = tempStores()
  const { add, adopt, enter, started, reads } = open(stores)
  const read = add('read', locked)
  stores.catalog.setHandshake(read.id, handshake)
  const plain = add('plain', idle)
  const stopped = add('stopped', { status: 'needs_input', missing: ['K'] })
  for (const { id } of [read, plain, stopped]) adopt(id)
  reads.forget(stopped.id)
  for (const { id } of [read, plain, stopped]) enter(id, idle)
  reads.begin()
  expect(started).toEqual([])
})
