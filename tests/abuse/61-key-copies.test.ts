// Threat 61: how often keys lie in the memory of the daemon, counted from outside by root.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openEnvelope, type SealingKey } from '../../gateway/secrets/envelope'
import { deriveKey } from '../../gateway/secrets/passphrase'
import { Secret } from '../../gateway/secrets/secret'
import { eventually } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { givenThrough } from '../support/given'
import { startKeyring } from '../support/keyring'
import { countInMemory, canCountInMemory } from '../support/process-memory'
import { openCaller, scripted } from '../support/scripted'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

if (!canCountInMemory()) console.warn('skipped: only root counts what lies in the memory of another process')

type Keys = Record<string, Uint8Array>

const PASSPHRASE = 'correct horse battery 61'
const stdin = `${PASSPHRASE}\n`
const TOKEN = 'canary-token-6161-of-a-server-at-rest'

/** Row of the data key in use, the key it wraps, and the gateway's own keys that are sealed with that. */
function opened(dataDir: string, wrappingBytes: Uint8Array): { data: Uint8Array; own: Keys } {
  using db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  const row = active(db)
  const open = (key: SealingKey, table: string, column: string, name: string, envelope: Uint8Array) => {
    const bytes = openEnvelope(key, { table, column, row: name, space: '' }, envelope)
    if (!bytes) throw new Error(`${table} ${name} does not open`)
    return bytes
  }
  const wrapping = { id: row.wrapping_id, bytes: wrappingBytes }
  const data = open(wrapping, 'data_keys', 'wrapped', row.id, row.wrapped)
  const sealed = db.prepare<{ name: string; envelope: Uint8Array }, []>('SELECT * FROM vault_secrets').all()
  const own = sealed.map(({ name, envelope }): [string, Uint8Array] => [
    name,
    open({ id: row.id, bytes: data }, 'vault_secrets', 'envelope', name, envelope),
  ])
  return { data, own: Object.fromEntries(own) }
}

interface KeyRow {
  id: string
  wrapping_id: string
  wrapped: Uint8Array
  derivation: string | null
}
function active(db: Database): KeyRow {
  const row = db.prepare<KeyRow, []>('SELECT * FROM data_keys WHERE active = 1').get()
  if (!row) throw new Error('there is no data key')
  return row
}

/** Where the wrapping key lies in a file. */
function keysInFile(dataDir: string): Keys & { wrapping: Uint8Array; data: Uint8Array } {
  using db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  const wrapping = new Uint8Array(readFileSync(join(dataDir, `vault-${active(db).wrapping_id}.key`)))
  const { data, own } = opened(dataDir, wrapping)
  return { wrapping, data, ...own }
}

/**
 * Copies that others made and freed without wiping them, until that memory is used again: WebCrypto of what signs tokens,
 * the client of the keychain of a wrapping key. Of the data key, which opens everything, there may be none.
 */
const unwiped: Record<string, number> = { session: 2, access: 2, wrapping: 1 }

/**
 * Each key that is in use once, everything else nowhere. What a request had goes with the next collections, which take
 * further requests: who is asked nothing collects nothing.
 */
async function expectCopies(
  daemon: SourceDaemon,
  label: string,
  keys: Keys,
  wanted: Record<string, number>,
): Promise<void> {
  const all = Object.fromEntries(Object.keys(keys).map((name) => [name, wanted[name] ?? 0]))
  const isExpected = (times: number, name: string) => {
    const least = all[name] ?? 0
    return times >= least && times <= least + (unwiped[name] ?? 0)
  }
  let last = {}
  const seen = await eventually(
    async () => {
      for (let i = 0; i < 20; i++) await (await daemon.fetch('/servers')).text()
      return (last = countInMemory(daemon.pid, keys))
    },
    (counts) => Object.entries(counts).every(([name, times]) => isExpected(times, name)),
    30_000,
  ).catch(() => null)
  if (seen === null) expect([label, last]).toEqual([label, all])
}

/** A gateway with one sealed value, one sign-in, and one client that has a session. */
async function fill(daemon: SourceDaemon, evilUrl: string, browse: (url: string) => Promise<URL | null>) {
  const { control, add } = givenThrough(daemon)
  await daemon.cli(['add', 'quiet', '--env', 'API_TOKEN', '--yes', '--', ...scripted('plain')], {
    env: { API_TOKEN: TOKEN },
  })
  const remote = await add('remote', { type: 'http', url: evilUrl, headers: {} })
  const flow = await control.send<{ id: string; url: string }>('POST', `/servers/${remote.id}/login`, {})
  const url = String(await browse(flow.url))
  await control.send('POST', `/flows/${flow.id}/callback`, { url })
  await control.send('POST', `/servers/${remote.id}/connect`, {})
  const key = (await daemon.cli(['key', 'create', 'tester'])).stdout.trim()
  const caller = await openCaller(daemon, key)
  await caller.names()
}

test.skipIf(!canCountInMemory())(
  '[threat.61] each key in use lies in memory once, and keys of moves, rotations, exports and imports nowhere',
  async () => {
    await using evil = await startEvilAs()
    using home = tempHome()
    const file = join(home.home, 'vault.export')
    const kept = { ...home, [Symbol.dispose]: () => undefined }
    const inUse = { data: 1, consent: 1, session: 1 }
    {
      await using daemon = await startSourceDaemon({}, kept)
      await daemon.cli(['vault', 'use', 'insecure', '--yes'])
      await fill(daemon, evil.mcpUrl, (url) => evil.browse(url))
      await expectCopies(daemon, 'made', keysInFile(daemon.dataDir), inUse)
    }
    await using daemon = await startSourceDaemon({}, kept)
    const { dataDir, cli } = daemon
    const before = keysInFile(dataDir)
    await cli(['call', 'remote/whoami'])
    await expectCopies(daemon, 'found', before, { data: 1, consent: 1 })

    expect((await cli(['vault', 'export', file, '--yes'], { stdin })).code).toBe(0)
    const { derivation } = JSON.parse(readFileSync(file, 'utf8')) as { derivation: string }
    const exportKey = (await deriveKey(new Secret(PASSPHRASE), derivation)) ?? new Uint8Array()
    await expectCopies(daemon, 'exported', { ...before, exportKey }, { data: 1, consent: 1 })

    expect((await cli(['vault', 'rotate'])).code).toBe(0)
    const after = keysInFile(dataDir)
    const { data, wrapping } = before
    await expectCopies(daemon, 'rotated, before', { data, wrapping }, {})
    await expectCopies(daemon, 'rotated', after, { data: 1, consent: 1 })

    expect((await cli(['vault', 'import', file, '--yes'], { stdin })).code).toBe(0)
    await expectCopies(daemon, 'imported', { data, exportKey }, {})

    expect((await cli(['vault', 'rotate', '--sessions'])).code).toBe(0)
    const { session = new Uint8Array(), access = new Uint8Array() } = after
    await expectCopies(daemon, 'sessions renewed', { session, ...(access.length > 0 && { access }) }, {})

    expect((await cli(['vault', 'use', 'passphrase'], { stdin })).code).toBe(0)
    using db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
    const derived = await deriveKey(new Secret(PASSPHRASE), active(db).derivation ?? '')
    if (!derived) throw new Error('it follows from a passphrase')
    await expectCopies(daemon, 'moved, before', { wrapping: after.wrapping, data: before.data }, {})
    await expectCopies(daemon, 'moved', { derived, data: opened(dataDir, derived).data }, { data: 1 })
  },
  240_000,
)

// Texts cannot be wiped: what used one leaves copies until the engine takes that memory again. Nothing used these.
test.skipIf(!canCountInMemory())(
  '[threat.61] secrets and tokens of servers at rest lie in memory ten times at most',
  async () => {
    await using evil = await startEvilAs()
    using home = tempHome()
    const kept = { ...home, [Symbol.dispose]: () => undefined }
    {
      await using daemon = await startSourceDaemon({}, kept)
      await daemon.cli(['vault', 'use', 'insecure', '--yes'])
      await fill(daemon, evil.mcpUrl, (url) => evil.browse(url))
    }
    await using daemon = await startSourceDaemon({}, kept)
    await daemon.cli(['status'])
    const text = (words: string | undefined) => new TextEncoder().encode(words ?? 'none')
    const [family] = evil.grants.families.values()
    const texts = {
      secret: text(TOKEN),
      access: text([...(family?.access ?? [])].at(-1)),
      refresh: text([...(family?.refresh ?? [])].at(-1)),
    }
    const counts = countInMemory(daemon.pid, texts)
    expect(Object.entries(counts).filter(([, times]) => times > 10)).toEqual([])
    // The tokens are at hand for the next call: none of them would mean that the wrong thing was counted.
    expect(counts.access).toBeGreaterThan(0)
  },
  120_000,
)

test.skipIf(!canCountInMemory())(
  '[threat.61] the wrapping key in a keychain lies in memory once at most when it was used',
  async () => {
    await using keyring = await startKeyring()
    using home = tempHome()
    const kept = { ...home, [Symbol.dispose]: () => undefined }
    for (const label of ['made', 'found']) {
      await using daemon = await startSourceDaemon(keyring.env, kept)
      await daemon.cli(['vault', 'unlock'])
      const [item] = await keyring.items()
      const wrapping = new Uint8Array(item?.value ?? [])
      const { data } = opened(daemon.dataDir, wrapping)
      await expectCopies(daemon, label, { wrapping, data }, { data: 1 })
    }
  },
  120_000,
)
