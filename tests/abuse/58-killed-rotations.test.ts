// The keys of the vault are exchanged by a gateway that is killed at one step of it after the other.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sealedTables } from '../../gateway/store/sealed-rows'
import { eventually, repository } from '../support/daemon'
import { startKeyring } from '../support/keyring'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

const TOKEN = 'canary-token-5859'
const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']

/** The keys the database knows, those that anything is sealed with, and how many wrapping keys are noted. */
function stored(dataDir: string) {
  const db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  try {
    const keys = db
      .prepare<{ id: string; wrapping: string }, []>('SELECT id, wrapping_id AS wrapping FROM data_keys')
      .all()
    const used = sealedTables.flatMap(({ table }) =>
      db.prepare<{ id: string }, []>(`SELECT key_id AS id FROM ${table} WHERE envelope IS NOT NULL`).all(),
    )
    const noted = db.prepare<{ n: number }, []>('SELECT count(*) AS n FROM wrapping_keys').get()?.n
    return { keys, used: [...new Set(used.map(({ id }) => id))], values: used.length, noted }
  } finally {
    db.close()
  }
}

test('[threat.58] a gateway killed at each step of a rotation has all secrets afterwards, and one key', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const kept = { ...home, [Symbol.dispose]: () => undefined }
  const dataDir = join(home.home, 'data')
  const known = new Set<string>()
  let point = 0
  for (let killed = true; killed; point++) {
    {
      await using daemon = await startSourceDaemon(keyring.env, kept)
      if (point === 0) {
        await daemon.cli(['add', 'safe', '--env', 'API_TOKEN', '--yes', '--', ...raw], {
          env: { API_TOKEN: TOKEN },
        })
        await daemon.cli(['secret', 'set', 'SHARED'], { stdin: TOKEN })
      }
      await eventually(
        () => stored(dataDir),
        ({ noted }) => noted === 0,
      )
      const { keys, used, values } = stored(dataDir)
      const [{ id, wrapping } = { id: '', wrapping: '' }, ...more] = keys
      expect([point, more, used]).toEqual([point, [], [id]])
      expect(values).toBeGreaterThanOrEqual(3)
      known.add(id)
      expect((await keyring.items()).map(({ account }) => account)).toEqual([`vault-${wrapping}`])
      expect(readdirSync(dataDir).filter((name) => name.startsWith('vault-'))).toEqual([])
      const read = await daemon.cli(['call', 'safe/environment', '{}'])
      expect([point, read.stderr, read.stdout.includes(TOKEN)]).toEqual([point, '', true])
    }
    const env = { ...keyring.env, MUX_KILL_AT: String(point) }
    await using daemon = await startSourceDaemon(env, kept, [], 'tests/servers/killed-daemon.ts')
    const body = JSON.stringify({ keys: 'vault' })
    const answer = await daemon.fetch('/vault/rotate', { method: 'POST', body }).catch(() => null)
    killed = answer?.status !== 200
    if (killed) await daemon.exited
    else await answer?.text()
  }
  expect(point).toBeGreaterThan(20)
  // Before the commit the old key is in use, after it the new one: some were killed on either side.
  expect(known.size).toBeGreaterThan(1)
  expect(known.size).toBeLessThan(point)
}, 400_000)
