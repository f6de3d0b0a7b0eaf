import { expect, test } from 'bun:test'
import { createEvents } from '../../gateway/events'
import { createClientSpace } from '../../gateway/session/client-space'
import { tempStores } from '../support/temp-store'

test('[space.switch] a client follows the active Space unless it is pinned, from the next request on', () => {
  using stores = tempStores()
  const events = createEvents(() => {})
  let reads = 0
  const spaceOf = createClientSpace({
    clients: {
      get: (id) => {
        reads += 1
        return stores.clients.get(id)
      },
    },
    spaces: stores.spaces,
    questions: { chosen: () => null },
    events,
  })
  const first = stores.spaces.active().id
  const work = stores.spaces.create({ name: 'Work' }).id
  const free = stores.clients.create({ name: 'free', spaceId: null }).id
  const pinned = stores.clients.create({ name: 'pinned', spaceId: first }).id
  for (let i = 0; i < 5; i += 1) expect([spaceOf(free), spaceOf(pinned)]).toEqual([first, first])
  expect(reads).toBe(2)
  stores.spaces.use(work)
  events.emit('policy.changed', { spaceId: null, clientId: null })
  expect([spaceOf(free), spaceOf(pinned)]).toEqual([work, first])
  stores.clients.update(pinned, { spaceId: null })
  events.emit('client.changed', { clientId: pinned })
  expect(spaceOf(pinned)).toBe(work)
  stores.clients.remove(free)
  events.emit('client.revoked', { clientId: free, credentialId: null })
  expect(() => spaceOf(free)).toThrow('no such client')
})
