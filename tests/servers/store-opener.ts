// Opens the store of a folder. Prints the code and the words of what went wrong, or "opened".
import { join } from 'node:path'
import { toGatewayError } from '../../gateway/errors'
import { openStores } from '../support/temp-store'

const [, , folder = ''] = process.argv
try {
  openStores(join(folder, 'mcpmux.db')).db.close()
  console.log(JSON.stringify({ code: 'opened', message: '' }))
} catch (thrown) {
  const { code, message } = toGatewayError(thrown)
  console.log(JSON.stringify({ code, message }))
}
