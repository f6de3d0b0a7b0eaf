import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { GatewayError } from '../../gateway/errors'
import type { FeatureView } from '../../gateway/policy/feature-view'
import { createTaskIds } from '../../gateway/router/task-ids'
import { emptyView } from '../support/door'

const key = (byte: number) => new Uint8Array(32).fill(byte)
const idsWith = (...bytes: number[]) =>
  createTaskIds({ keys: () => bytes.map(key), isolated: (id) => id === 'apart' })
const viewOf = (spaceId: string, ...servers: string[]): FeatureView => ({
  ...emptyView(spaceId),
  servers: () =>
    servers.map((serverId) => ({ serverId, alias: serverId, instructions: null, capabilities: '{}' })),
})
const holder = (clientId: string) => ({ clientId, conversation: null })
const home = viewOf('home', 'a', 'b')
const refused = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error)
  }
  return 'opened'
}
const text = fc.string({ unit: 'grapheme', maxLength: 200 })

test('[mcp.tasks] any id comes back, after a restart too, and a short one stays short', () => {
  fc.assert(
    fc.property(text, fc.constantFrom('a', 'b'), text, (taskId, serverId, clientId) => {
      const id = idsWith(1).wrap(home, { serverId, taskId }, holder(clientId))
      expect(id.length).toBe(taskId.length + 23)
      expect(idsWith(2, 1).open(home, id, holder(clientId))).toEqual({ serverId, taskId })
    }),
  )
})

test('[mcp.tasks] an id is good for its client, Space and server, and no change of it is', () => {
  const task = { serverId: 'a', taskId: 'task-1' }
  const ids = idsWith(1)
  const id = ids.wrap(home, task, holder('one'))
  expect(refused(() => idsWith(1).open(home, id, holder('two')))).toBe('rpc.params')
  expect(refused(() => ids.open(viewOf('away', 'a', 'b'), id, holder('one')))).toBe('rpc.params')
  expect(refused(() => ids.open(viewOf('home', 'b'), id, holder('one')))).toBe('rpc.params')
  expect(refused(() => idsWith(2).open(home, id, holder('one')))).toBe('rpc.params')
  const place = fc.nat(id.length - 1)
  fc.assert(
    fc.property(place, fc.string({ maxLength: 2 }), fc.nat(2), (at, by, cut) => {
      const changed = id.slice(0, at) + by + id.slice(at + cut)
      if (changed !== id) expect(refused(() => ids.open(home, changed, holder('one')))).toBe('rpc.params')
    }),
  )
  fc.assert(fc.property(text, (made) => refused(() => ids.open(home, made, holder('one'))) === 'rpc.params'))
})

test('[mcp.tasks] an id that the server gave again to another client is that client alone', () => {
  const ids = idsWith(1)
  const task = { serverId: 'a', taskId: '1' }
  const old = ids.wrap(home, task, holder('one'))
  const now = ids.wrap(home, task, holder('two'))
  expect(refused(() => ids.open(home, old, holder('one')))).toBe('rpc.params')
  expect(ids.open(home, now, holder('two'))).toEqual(task)
  expect(ids.holderOf(task, null)).toEqual(expect.objectContaining(holder('two')))
  expect([...ids.serversOf('one')]).toEqual([])
})

test('[mcp.tasks] [isolation] equal ids of the processes of two clients are two tasks', () => {
  const ids = idsWith(1)
  const view = viewOf('home', 'apart')
  const task = { serverId: 'apart', taskId: '1' }
  const opened = ['one', 'two'].map((client) => [client, ids.wrap(view, task, holder(client))] as const)
  for (const [client, id] of opened) expect(ids.open(view, id, holder(client))).toEqual(task)
  expect(ids.holderOf(task, 'one')).toEqual(expect.objectContaining(holder('one')))
  expect(ids.holderOf(task, null)).toBeNull()
})
