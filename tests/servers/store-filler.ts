// Fills a small disk through the store, then looks what still works. Prints one JSON line.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toGatewayError } from '../../gateway/errors'
import { openStores } from '../support/temp-store'

const [, , folder = ''] = process.argv
const ballast = join(folder, 'ballast')
const { clients, db, spaces } = openStores(join(folder, 'mcpmux.db'))
writeFileSync(ballast, new Uint8Array(512 * 1024))
let stored = 0
let failure = { code: 'none', message: '' }
while (failure.code === 'none' && stored < 10_000) {
  try {
    clients.create({ name: `${stored} ${'x'.repeat(4000)}`, spaceId: null })
    stored += 1
  } catch (thrown) {
    failure = toGatewayError(thrown)
  }
}
const readsWhileFull = clients.list().length
const integrity = db.statement<{ integrity_check: string }>('PRAGMA integrity_check').get()?.integrity_check
rmSync(ballast)
spaces.create({ name: 'after' })
const readsAfter = clients.list().length
db.close()
const { code, message } = failure
console.log(JSON.stringify({ code, message, stored, readsWhileFull, integrity, readsAfter }))
