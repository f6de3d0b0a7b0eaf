// Writes clients into the store for as long as it lives and says each name once it is stored.
import { writeSync } from 'node:fs'
import { openStores } from '../support/temp-store'

const [, , file = '', prefix = ''] = process.argv
const { clients } = openStores(file)
for (let n = 0; ; n++) {
  clients.create({ name: `${prefix}-${n}`, spaceId: null })
  writeSync(1, `${prefix}-${n}\n`)
}
