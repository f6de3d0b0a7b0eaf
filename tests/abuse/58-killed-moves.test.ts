// The key of the vault is moved without a pause, by a gateway that is killed or stopped in the middle, again and again.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { VaultPlace } from '../../gateway/domain/vault-state'
import { eventually, repository } from '../support/daemon'
import { type Keyring, startKeyring } from '../support/keyring'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const ROUNDS = 24
const TOKEN = 'canary-token-5858'
const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']

const post = (daemon: SourceDaemon, path: string, body: object) =>
  daemon.fetch(path, { method: 'POST', body: JSON.stringify(body) })

/** Moves the key to and fro until the gateway is gone; tells of each move that was acknowledged. */
async function moveOn(daemon: SourceDaemon, order: readonly VaultPlace[], moved: () => void): Promise<void> {
  for (let n = 0; ; n++) {
    const answer = await post(daemon, '/vault/move', { place: order[n % order.length] }).catch(() => null)
    if (answer?.status !== 200) return
    // The daemon may be killed between the head of an answer and its end.
    if ((await answer.text().catch(() => null)) === null) return
    moved()
  }
}

/** What the database says: the wrapping key in use, and how many are noted. */
function stored(dataDir: string) {
  const db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  try {
    const inUse = db
      .prepare<{ place: VaultPlace; id: string }, []>('SELECT place, wrapping_id AS id FROM data_keys')
      .all()
    const noted = db.prepare<{ n: number }, []>('SELECT count(*) AS n FROM wrapping_keys').get()?.n
    return { inUse, noted }
  } finally {
    db.close()
  }
}

/** Every wrapping key there is, in the keychain and in the folder, whole or in part. */
const lying = async (keyring: Keyring, dataDir: string) => [
  ...(await keyring.items()).map(({ account }) => account),
  ...readdirSync(dataDir).filter((name) => name.startsWith('vault-')),
]

test('[threat.58] a gateway killed in the middle of moves, many times, loses no secret and leaves no key behind', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const kept = { ...home, [Symbol.dispose]: () => undefined }
  let left = 0
  let moves = 0
  for (let round = 0; round <= ROUNDS; round++) {
    await using daemon = await startSourceDaemon(keyring.env, kept)
    const { dataDir } = daemon
    if (round === 0)
      await daemon.cli(['add', 'safe', '--env', 'API_TOKEN', '--yes', '--', ...raw], {
        env: { API_TOKEN: TOKEN },
      })
    await eventually(
      () => stored(dataDir),
      ({ noted }) => noted === 0,
    )
    const [{ place, id } = { place: 'passphrase', id: '' }, ...others] = stored(dataDir).inUse
    expect(others).toEqual([])
    expect(await lying(keyring, dataDir)).toEqual([place === 'file' ? `vault-${id}.key` : `vault-${id}`])
    const read = await daemon.cli(['call', 'safe/environment', '{}'])
    expect([round, read.stderr, read.stdout.includes(TOKEN)]).toEqual([round, '', true])
    if (round === ROUNDS) break

    const order: VaultPlace[] = round % 3 === 0 ? ['keychain'] : ['file', 'keychain']
    const begun = Promise.withResolvers<void>()
    const moving = moveOn(daemon, order, () => {
      moves += 1
      begun.resolve()
    })
    await Promise.race([begun.promise, moving])
    // Where in a move it ends is up to chance; every step by itself is a matter of tests/unit/vault-moves.
    await Bun.sleep((round * 7) % 40)
    daemon.kill(round % 4 === 3 ? 'SIGTERM' : 'SIGKILL')
    await daemon.exited
    await moving
    left += stored(dataDir).noted ?? 0
  }
  expect(moves).toBeGreaterThanOrEqual(ROUNDS)
  // Else none of them was cut short, and the test showed nothing.
  expect(left).toBeGreaterThan(0)
}, 240_000)
