import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { consentChanges, consentForm } from '../../gateway/domain/consent-form'
import type { Server } from '../../gateway/domain/server'
import { createConsentSeal, formText } from '../../gateway/secrets/consent-seal'
import { parseDefinition } from '../../gateway/store/definition'
import { stdioDefinition, tempStores } from '../support/temp-store'

type Sealed = Pick<Server, 'spaceId' | 'definition' | 'source' | 'inputs'>

const { seal, matches } = createConsentSeal(new Uint8Array(32).fill(7))

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const record = fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, { maxKeys: 4 })
const inputs = fc.uniqueArray(
  fc.oneof(
    fc.record({ id: text, secret: fc.constant(true), value: fc.constant(null) }),
    fc.record({ id: text, secret: fc.constant(false), value: fc.option(text) }),
  ),
  { selector: ({ id }) => id, maxLength: 4 },
)
const definition = fc.oneof(
  fc.record({
    type: fc.constant('stdio' as const),
    command: text,
    args: fc.array(text, { maxLength: 5 }),
    env: record,
    cwd: fc.option(text),
  }),
  fc.record({ type: fc.constantFrom('http' as const, 'sse' as const), url: text, headers: record }),
)
const sealed: fc.Arbitrary<Sealed> = fc.record({ spaceId: text, source: text, definition, inputs })

/** What a row can hold: the rest never becomes a server. */
const isDefinition = (value: unknown): boolean => {
  const read = parseDefinition(JSON.stringify(value))
  return read !== null && Bun.deepEquals(read, value, true)
}

/** Every value that differs from this one in exactly one place. */
function* singleChanges(value: unknown): Generator<unknown> {
  if (typeof value === 'string') yield* [`${value}x`, `x${value}`, `${value} `, null]
  else if (typeof value === 'boolean') yield !value
  else if (value === null) yield* ['', 'null']
  else if (Array.isArray(value)) {
    yield [...value, '']
    for (const [i, member] of value.entries()) {
      yield value.toSpliced(i, 1)
      for (const changed of singleChanges(member)) yield value.with(i, changed)
    }
  } else if (typeof value === 'object') {
    const entries = Object.entries(value)
    yield Object.fromEntries([...entries, [`${entries.length} more`, '']])
    for (const [i, [key, member]] of entries.entries()) {
      yield Object.fromEntries(entries.toSpliced(i, 1))
      yield Object.fromEntries(entries.with(i, [`${key}+`, member]))
      for (const changed of singleChanges(member)) yield Object.fromEntries(entries.with(i, [key, changed]))
    }
  }
}

test('[consent] what was agreed to keeps its seal, in whatever order its names are stored', () => {
  fc.assert(
    fc.property(sealed, (server) => {
      const given = seal(server)
      expect(matches(structuredClone(server), given)).toBe(true)
      const reversed = (object: object) => Object.fromEntries(Object.entries(object).toReversed())
      const { definition: old } = server
      const reordered =
        old.type === 'stdio' ? { ...old, env: reversed(old.env) } : { ...old, headers: reversed(old.headers) }
      expect(matches({ ...server, definition: reordered, inputs: server.inputs.toReversed() }, given)).toBe(
        true,
      )
    }),
  )
})

test('[consent] any single change to a definition, its source or its Space breaks the seal', () => {
  fc.assert(
    fc.property(sealed, (server) => {
      const given = seal(server)
      for (const spaceId of singleChanges(server.spaceId))
        expect(matches({ ...server, spaceId: String(spaceId) }, given)).toBe(false)
      for (const source of singleChanges(server.source))
        expect(matches({ ...server, source: String(source) }, given)).toBe(false)
      for (const changed of singleChanges(server.definition))
        expect(matches({ ...server, definition: changed as Server['definition'] }, given)).toBe(false)
    }),
  )
})

test('[consent] an input that is added, removed, changed or turned secret breaks the seal', () => {
  fc.assert(
    fc.property(sealed, (server) => {
      const given = seal(server)
      const added = { id: server.inputs.map(({ id }) => id).join('') + '+', secret: false, value: null }
      expect(matches({ ...server, inputs: [...server.inputs, added] }, given)).toBe(false)
      for (const [i, input] of server.inputs.entries()) {
        const others = [
          { ...input, secret: !input.secret, value: null },
          { ...added, secret: input.secret, value: input.value },
          ...(input.secret ? [] : [{ ...input, value: `${input.value ?? ''}+` }]),
        ]
        for (const other of others)
          expect(matches({ ...server, inputs: server.inputs.with(i, other) }, given)).toBe(false)
        expect(matches({ ...server, inputs: server.inputs.toSpliced(i, 1) }, given)).toBe(false)
      }
    }),
  )
})

test('[consent] two different servers never share a seal', () => {
  const texts = new Map<string, string>()
  const keyed = (server: Sealed) => Bun.hash(JSON.stringify([server])).toString()
  fc.assert(
    fc.property(sealed, sealed, (a, b) => {
      expect(matches(b, seal(a))).toBe(Bun.deepEquals(a, b))
      texts.set(keyed(a), seal(a))
    }),
  )
  expect(texts.size).toBeGreaterThan(10)
})

test('[consent] arguments cannot be shifted into each other', () => {
  const of = (...args: string[]): Sealed => ({
    spaceId: 's',
    source: 'cli',
    inputs: [],
    definition: stdioDefinition({ args }),
  })
  const variants = [
    of('a', 'b'),
    of('ab'),
    of('a b'),
    of('a","b'),
    of('b', 'a'),
    of('a', 'b', ''),
    of('', 'a', 'b'),
  ]
  expect(new Set(variants.map(seal)).size).toBe(variants.length)
})

test('[consent] a seal counts under its own key only, and nothing but the seal counts', () => {
  const server: Sealed = { spaceId: 's', source: 'cli', inputs: [], definition: stdioDefinition() }
  const given = seal(server)
  expect(createConsentSeal(new Uint8Array(32).fill(8)).matches(server, given)).toBe(false)
  for (const forged of ['', given.slice(1), `${given}00`, `${given} `, given.toUpperCase(), 'ü'.repeat(64)])
    expect(matches(server, forged)).toBe(false)
})

test('[threat.46] a definition edited straight in the database has no consent', () => {
  const edits = {
    argument: `UPDATE servers SET definition = json_set(definition, '$.args[1]', '--evil')`,
    'added argument': `UPDATE servers SET definition = json_insert(definition, '$.args[#]', '')`,
    command: `UPDATE servers SET definition = json_set(definition, '$.command', 'sh')`,
    'environment value': `UPDATE servers SET definition = json_set(definition, '$.env.LEVEL', 'x')`,
    'environment name': `UPDATE servers SET definition = json_set(definition, '$.env.NODE_OPTIONS', '')`,
    reference: `UPDATE servers SET definition = json_set(definition, '$.env.TOKEN', '\${input:OTHER}')`,
    folder: `UPDATE servers SET definition = json_set(definition, '$.cwd', '/')`,
    transport: `UPDATE servers SET definition = '{"type":"http","url":"http://localhost","headers":{}}'`,
    source: `UPDATE servers SET source = 'demo'`,
    Space: `UPDATE servers SET space_id = (SELECT id FROM spaces WHERE name = 'Other')`,
    'input value': `UPDATE server_inputs SET value = 'other' WHERE id = 'LEVEL'`,
    'secret input': `UPDATE server_inputs SET secret = 0, value = 'known' WHERE id = 'TOKEN'`,
    'another seal': `UPDATE consents SET seal = iif(seal LIKE 'f%', '0', 'f') || substr(seal, 2)`,
  }
  for (const [what, sql] of Object.entries(edits)) {
    using stores = tempStores()
    const { servers, consents, spaces, db } = stores
    spaces.create({ name: 'Other' })
    const { id } = servers.create({
      spaceId: spaces.active().id,
      name: 'Files',
      alias: 'files',
      definition: stdioDefinition(),
      source: 'cli',
      inputs: [
        { id: 'TOKEN', secret: true, value: null },
        { id: 'LEVEL', secret: false, value: 'high' },
      ],
    })
    consents.put(id, seal(servers.get(id)), 'cli')
    const consented = () => matches(servers.get(id), consents.get(id)?.seal ?? '')
    servers.update(id, { name: 'Renamed', alias: 'renamed', enabled: false, keepRunning: true, position: 4 })
    expect(consented(), what).toBe(true)
    expect(db.statement(sql).run(), what).toBeGreaterThan(0)
    expect(consented(), what).toBe(false)
  }
})

test('[threat.46] a consent does not follow to another server, and goes with its own', () => {
  using stores = tempStores()
  const { servers, consents, spaces } = stores
  const add = (name: string, command: string) =>
    servers.create({
      spaceId: spaces.active().id,
      name,
      alias: name,
      definition: stdioDefinition({ command }),
      source: 'cli',
    })
  const trusted = add('trusted', 'node')
  const other = add('other', 'sh')
  consents.put(trusted.id, seal(trusted), 'cli')
  expect(consents.get(trusted.id)).toMatchObject({ seal: seal(trusted), givenBy: 'cli' })
  expect(consents.get(other.id)).toBeNull()
  expect(matches(other, consents.get(trusted.id)?.seal ?? '')).toBe(false)
  consents.put(trusted.id, seal(other), 'window')
  expect(consents.get(trusted.id)?.givenBy).toBe('window')
  servers.remove(trusted.id)
  expect(consents.get(trusted.id)).toBeNull()
  expect(() => consents.put(trusted.id, 'seal', 'cli')).toThrow(
    expect.objectContaining({ code: 'server.unknown' }),
  )
  consents.put(other.id, seal(other), 'cli')
  consents.remove(other.id)
  expect(consents.get(other.id)).toBeNull()
})

test('[consent] two forms have no changes between them exactly when they are the same', () => {
  fc.assert(
    fc.property(sealed, sealed, (a, b) => {
      const [one, other] = [consentForm(a as Server), consentForm(b as Server)]
      expect(consentChanges(one, structuredClone(one))).toEqual([])
      expect(consentChanges(one, other).length === 0).toBe(formText(a) === formText(b))
    }),
  )
  fc.assert(
    fc.property(sealed, (server) => {
      for (const changed of singleChanges(server.definition)) {
        const other = { ...server, definition: changed as Server['definition'] }
        if (!isDefinition(other.definition)) continue
        expect(
          consentChanges(consentForm(server as Server), consentForm(other as Server)).length,
        ).toBeGreaterThan(0)
      }
    }),
    { numRuns: 50 },
  )
})
