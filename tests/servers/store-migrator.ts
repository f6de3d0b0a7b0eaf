// Migrates a database and is gone, without goodbye, right before statement number `stop`.
import { systemRuntime } from '../../gateway/runtime'
import { openDatabase } from '../../gateway/store/database'

const [, , file = '', list = '[]', stop = '0'] = process.argv
const migrations: string[] = JSON.parse(list)
let statements = 0
openDatabase(file, systemRuntime, {
  migrations,
  onStatement: () => {
    if (statements++ === Number(stop)) process.kill(process.pid, 'SIGKILL')
  },
}).close()
