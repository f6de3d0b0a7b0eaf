import { explainVault, type LockReason, type VaultPlace, type VaultState } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { DataKeyStore, StoredDataKey } from '../store/data-keys'
import type { SealedRowStore } from '../store/sealed-rows'
import { createDataKey } from './data-key'
import { openEnvelope, type Place, type SealingKey, sealEnvelope } from './envelope'
import { exportText, newExportKey } from './export-file'
import { createFirstKey } from './first-key'
import { createKeyChanges } from './key-changes'
import { clientKeys, createOwnKeys } from './own-keys'
import type { Resealed } from './reseal'
import { Secret } from './secret'
import type { WrappingKeys, WrappingName } from './wrapping-keys'

/** How often a vault that is not open looks for its key. */
const LOOK_MS = 2000

/** Seals fields of the database, while its key is at hand. */
export interface Vault extends Disposable {
  state(): VaultState
  /** Looks for the key now; with a passphrase where one is due. Throws `vault.passphrase` when that one is wrong. */
  unlock(passphrase: Secret | null): Promise<VaultState>
  /** Whether the key could be found if the gateway were started now; null when it could. Asks no person twice. */
  check(): Promise<LockReason | null>
  /**
   * Keeps the wrapping key elsewhere from now on. When it lay in a file the data key is replaced too, because whoever
   * copied the folder has that one. Throws what `requireOpen` and the place throw.
   */
  moveTo(place: VaultPlace, passphrase: Secret | null): Promise<VaultState>
  /**
   * A new wrapping key in the place where it is; with `data` a new data key as well, and everything sealed anew. Where
   * a passphrase is due it is the one there is, else `vault.passphrase` is thrown. Throws as `moveTo`.
   */
  rotate(what: 'wrapping' | 'data', passphrase: Secret | null): Promise<Resealed>
  /** From now on the keys that clients hold something of are others: nothing they hold counts. Throws as `requireOpen`. */
  renewClientKeys(): void
  /** The data key and what `collect` tells, under a passphrase; see `export-file`. Throws as `requireOpen`. */
  export(passphrase: Secret, collect: () => string): Promise<string>
  /**
   * Opens the locked vault with its data key out of an export, and keeps it in this place from now on. Throws
   * `vault.export_other` when it is not the key of this vault, and what the place throws; nothing is changed then.
   */
  recover(dataKey: SealingKey, place: VaultPlace, passphrase: Secret | null): Promise<VaultState>
  /** Begins with a new key. What the old one sealed stays as it is, and unreadable unless that one comes back. */
  reset(place: VaultPlace, passphrase: Secret | null): Promise<VaultState>
  /** Throws `keychain.unavailable` or `vault.locked`, with what to do. */
  requireOpen(): void
  /** The envelope and the id of its key. Throws as `requireOpen`. To be stored in the transaction it is called in. */
  seal(place: Place, plain: Secret): { keyId: string; envelope: Uint8Array }
  /** Null when it was not sealed for this place with this key. Throws as `requireOpen`. */
  open(place: Place, envelope: Uint8Array): Secret | null
  /** A key of the gateway's own, made on first use; null while the vault is not open. The vault keeps and wipes it. */
  ownKey(name: string): OwnKey | null
  /** Keeps looking for the key for as long as it is not there. */
  watch(): void
}

/**
 * `fresh`: the vault itself began in this run, so that nothing from before can be marked with it. A key that is made
 * anew because its row is gone, or because of a reset, is not.
 */
export interface OwnKey {
  bytes: Uint8Array
  fresh: boolean
}

export interface VaultDeps {
  keys: DataKeyStore
  rows: SealedRowStore
  wrapping: WrappingKeys
  /** Name of the keychain, for people. */
  keychain: string
  runtime: Pick<Runtime, 'randomBytes' | 'sleep' | 'monotonic'>
  /** Told the first time anybody looked, and whenever something else is found. */
  onChange(state: VaultState): void
}

/** Opens nothing by itself: `unlock` does, and `watch`. */
export function createVault(deps: VaultDeps): Vault {
  const { keys, wrapping, keychain, runtime, onChange } = deps
  const dataKey = createDataKey(deps)
  const over = new AbortController()
  const firstKey = createFirstKey({ wrapping, runtime, mint: (name) => mint(name, null) })
  const own = createOwnKeys({
    keys,
    runtime,
    seal,
    open: (place, envelope) => openEnvelope(requireKey(), place, envelope),
  })
  const changes = createKeyChanges({
    ...deps,
    dataKey,
    current: requireKey,
    newNonce: countedNonce,
    taken(made) {
      // Keys of the gateway's own stay what they are, so that what was made with them goes on.
      key?.bytes.fill(0)
      key = made
    },
    placed: (place) => void enter({ status: 'open', place, keychain }),
  })
  /** A check of the open vault asked a person, who said no. */
  let refused = false
  /** There was no data key before this run. */
  let began = false
  let key: SealingKey | null = null
  let state = initialState()
  /** The state that was last told, as text. */
  let told = ''
  let queue: Promise<unknown> = Promise.resolve()

  function initialState(): VaultState {
    const row = keys.active()
    return row
      ? { status: 'locked', place: row.place, keychain, why: firstReason(row) }
      : { status: 'new', keychain, why: 'no_keychain' }
  }

  function enter(next: VaultState): VaultState {
    state = next
    const text = JSON.stringify(next)
    if (text !== told) onChange(state)
    told = text
    return state
  }

  /** One at a time: two of these at once could each make a key. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    return turn
  }

  /** For one envelope with the key in use. */
  function countedNonce(): Uint8Array {
    if (!keys.count()) throw new GatewayError('vault.worn')
    return runtime.randomBytes(12)
  }

  function goOn(): void {
    if (over.signal.aborted) throw new GatewayError('vault.locked', 'McpMux is stopping')
  }

  function take(taken: SealingKey, place: VaultPlace): VaultState {
    forgetKeys()
    key = taken
    if (over.signal.aborted) forgetKeys()
    goOn()
    return enter({ status: 'open', place, keychain })
  }

  /** What is left of moves that were cut short. Nobody waits for it. */
  function tidyLater(): void {
    inTurn(async () => key && dataKey.tidy()).catch(() => undefined)
  }

  function forgetKeys(): void {
    key?.bytes.fill(0)
    key = null
    own.wipe()
  }

  /** A new data key under a new wrapping key. */
  async function mint(
    name: WrappingName,
    passphrase: Secret | null,
    isFirst = !keys.ever(),
  ): Promise<VaultState> {
    const made = await dataKey.mint(name, passphrase, goOn)
    began = isFirst
    return take(made, name.place)
  }

  async function look(passphrase: Secret | null): Promise<VaultState> {
    if (key) return state
    const row = keys.active()
    if (!row) {
      const why = await firstKey()
      return why === null ? state : enter({ status: 'new', keychain, why })
    }
    const found = await dataKey.unwrap(row, passphrase)
    if ('bytes' in found) {
      take({ id: row.id, bytes: found.bytes }, row.place)
      await changes.replaceWorn(row, passphrase)
      return state
    }
    if (passphrase && row.place === 'passphrase') throw new GatewayError('vault.passphrase')
    return enter({ status: 'locked', place: row.place, keychain, why: found.why })
  }

  /** Whether looking again has to wait for a person. */
  const needsPerson = () =>
    state.status !== 'open' && (state.why === 'passphrase' || state.why === 'keychain_refused')

  function requireKey(): SealingKey {
    if (key) return key
    goOn()
    const { what, todo } = explainVault(state)
    const inKeychain = state.status === 'new' || state.place === 'keychain'
    throw new GatewayError(inKeychain ? 'keychain.unavailable' : 'vault.locked', `${what}; ${todo}`)
  }

  function seal(place: Place, plain: Uint8Array) {
    const { id, bytes } = requireKey()
    return { keyId: id, envelope: sealEnvelope({ id, bytes }, place, plain, countedNonce()) }
  }

  return {
    state: () => state,
    unlock(passphrase) {
      refused = false
      return inTurn(() => look(passphrase)).finally(tidyLater)
    },
    check: () =>
      inTurn(async () => {
        const row = keys.active()
        if (!row || row.place === 'passphrase') return null
        if (state.status === 'locked') return state.why
        if (refused) return 'keychain_refused'
        const found = await dataKey.unwrap(row, null)
        if ('bytes' in found) found.bytes.fill(0)
        refused = 'why' in found && found.why === 'keychain_refused'
        return 'why' in found ? found.why : null
      }),
    moveTo: (place, passphrase) =>
      inTurn(async () => {
        const row = keys.active()
        if (!row) return mint(wrapping.plan(place), passphrase)
        requireKey()
        await changes.move(row, place, passphrase)
        return state
      }),
    rotate: (what, passphrase) => inTurn(() => changes.rotate(what, passphrase)),
    renewClientKeys() {
      requireKey()
      own.renew(clientKeys)
    },
    async export(passphrase, collect) {
      requireKey()
      using exportKey = await newExportKey(passphrase, runtime)
      // What is collected is sealed with the key at this moment.
      return exportText(exportKey, requireKey(), collect(), runtime)
    },
    recover: (exported, place, passphrase) =>
      inTurn(async () => {
        goOn()
        if (key) return state
        if (keys.active()?.id !== exported.id) throw new GatewayError('vault.export_other')
        await dataKey.move(wrapping.plan(place), passphrase, () => exported)
        take({ id: exported.id, bytes: exported.bytes.slice() }, place)
        await dataKey.tidy().catch(() => undefined)
        return state
      }),
    reset: (place, passphrase) => inTurn(() => mint(wrapping.plan(place), passphrase, false)),
    requireOpen: () => void requireKey(),
    seal(place, plain) {
      const bytes = new TextEncoder().encode(plain.reveal())
      try {
        return seal(place, bytes)
      } finally {
        bytes.fill(0)
      }
    },
    open(place, envelope) {
      const bytes = openEnvelope(requireKey(), place, envelope)
      if (!bytes) return null
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
      bytes.fill(0)
      return new Secret(text)
    },
    ownKey(name) {
      return key && { bytes: own.get(name), fresh: began }
    },
    watch() {
      const forever = async () => {
        for (;;) {
          await runtime.sleep(LOOK_MS, over.signal)
          if (!key && !needsPerson()) await inTurn(() => look(null)).then(tidyLater, () => undefined)
        }
      }
      // It ends with the vault.
      forever().catch(() => undefined)
    },
    [Symbol.dispose]() {
      over.abort()
      forgetKeys()
    },
  }
}

/** What can be said before anybody looked. */
const firstReason = (row: StoredDataKey): LockReason => {
  if (row.place === 'passphrase') return 'passphrase'
  return row.place === 'file' ? 'key_missing' : 'no_keychain'
}
