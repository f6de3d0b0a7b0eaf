import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemRuntime } from '../../gateway/runtime'
import { openEnvelope, type Place, sealEnvelope } from '../../gateway/secrets/envelope'
import { Secret } from '../../gateway/secrets/secret'
import { createServerSecrets } from '../../gateway/secrets/server-secrets'
import { tempVault } from '../support/temp-vault'
import { stdioDefinition, tempStores } from '../support/temp-store'

const key = { id: '0011223344556677', bytes: systemRuntime.randomBytes(32) }
const place: Place = { table: 'credentials', column: 'envelope', row: 'server/TOKEN', space: 'space' }
const nonce = () => systemRuntime.randomBytes(12)
const plain = new TextEncoder().encode('a secret of some length')
const sealed = () => sealEnvelope(key, place, plain, nonce())

test('[cred.encrypted] what was sealed opens in its own place, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.string(), fc.string(), fc.string()),
      (bytes, [a, b, c]) => {
        const here = { table: a, column: b, row: c, space: '' }
        expect(openEnvelope(key, here, sealEnvelope(key, here, bytes, nonce()))).toEqual(bytes)
      },
    ),
  )
})

test('[threat.56] ten thousand envelopes with one bit flipped, cut or grown are none of them accepted', () => {
  let tried = 0
  let accepted = 0
  const attempt = (bytes: Uint8Array) => {
    tried++
    if (openEnvelope(key, place, bytes)) accepted++
  }
  while (tried < 10_000) {
    const whole = sealed()
    for (let at = 0; at < whole.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = whole.slice()
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
        attempt(flipped)
      }
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length))
    for (let cut = 1; cut < 16; cut++) attempt(whole.subarray(cut))
    attempt(Buffer.concat([whole, new Uint8Array(1)]))
  }
  expect([tried >= 10_000, accepted]).toEqual([true, 0])
  expect(openEnvelope(key, place, sealed())).toEqual(plain)
})

test('[threat.56] another key, another id and every other place are refused, and no two places spell alike', () => {
  const envelope = sealed()
  expect(openEnvelope({ ...key, bytes: systemRuntime.randomBytes(32) }, place, envelope)).toBeNull()
  expect(openEnvelope({ ...key, id: '0011223344556678' }, place, envelope)).toBeNull()
  for (const part of ['table', 'column', 'row', 'space'] as const)
    expect(openEnvelope(key, { ...place, [part]: `${place[part]}x` }, envelope)).toBeNull()
  // The same characters, divided differently.
  expect(openEnvelope(key, { ...place, table: 'credential', column: 'senvelope' }, envelope)).toBeNull()
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 4 }), { minLength: 8, maxLength: 8 }), (parts) => {
      const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = ''] = parts
      fc.pre([a, b, c, d].some((part, at) => part !== [e, f, g, h][at]))
      const one = sealEnvelope(key, { table: a, column: b, row: c, space: d }, plain, nonce())
      expect(openEnvelope(key, { table: e, column: f, row: g, space: h }, one)).toBeNull()
    }),
    { numRuns: 2000 },
  )
})

test('[threat.56] a hundred thousand encryptions repeat no nonce, and equal values do not look equal', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 100_000; i++) seen.add(Buffer.from(sealed().subarray(10, 22)).toString('latin1'))
  expect(seen.size).toBe(100_000)
  expect(Buffer.from(sealed()).equals(Buffer.from(sealed()))).toBe(false)
})

test('[threat.56] no swap of rows, names or Spaces in the database is accepted', async () => {
  using stores = tempStores()
  using vault = tempVault(stores).vault
  await vault.unlock(null)
  const secrets = createServerSecrets({ vault, credentials: stores.credentials })
  const other = stores.spaces.create({ name: 'Other' })
  const servers = [stores.spaces.active().id, other.id].flatMap((spaceId) =>
    ['a', 'b'].map((alias) =>
      stores.servers.create({ spaceId, name: alias, alias, definition: stdioDefinition(), source: 'cli' }),
    ),
  )
  const owners = servers.flatMap((server) => ['ONE', 'TWO'].map((input) => ({ server, input })))
  for (const { server, input } of owners) secrets.set(server, input, new Secret(`${server.id} ${input}`))
  const rows = owners.map(({ server, input }) => stores.credentials.get(server.id, input))
  const put = stores.db.statement(
    'UPDATE credentials SET envelope = $envelope WHERE server_id = $id AND name = $name',
  )
  let tried = 0
  for (const [to, { server, input }] of owners.entries())
    for (const [from, row] of rows.entries()) {
      if (from === to || !row) continue
      tried++
      put.run({ envelope: row.envelope, id: server.id, name: input })
      expect(secrets.get(server, input)).toEqual({ state: 'unreadable' })
      put.run({ envelope: rows[to]?.envelope ?? null, id: server.id, name: input })
    }
  expect(tried).toBe(56)
  for (const { server, input } of owners) {
    const stored = secrets.get(server, input)
    expect(stored.state === 'present' && stored.value.reveal()).toBe(`${server.id} ${input}`)
  }
})
