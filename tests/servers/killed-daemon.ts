// The gateway, killed with -9 at step N of the first change of keys of the vault: before its N-th statement of SQL or job
// for the keychain, counted from the note of a new wrapping key. N is MUX_KILL_AT.
import { Database } from 'bun:sqlite'
import { Worker } from 'node:worker_threads'
import { run } from '../../gateway/cli/run'

const at = Number(process.env.MUX_KILL_AT)
let step = -1

function count(): void {
  if (step++ === at) process.kill(process.pid, 'SIGKILL')
}

const stepOn = (): void => {
  if (step >= 0) count()
}

/** Calls `before` each time one of the methods is called on the object. */
function watch(object: object, names: readonly string[], before: () => void): void {
  for (const name of names) {
    const method: unknown = Reflect.get(object, name)
    if (typeof method !== 'function') throw new Error(`no method ${name}`)
    Object.defineProperty(object, name, {
      value(this: unknown, ...args: unknown[]): unknown {
        before()
        return Reflect.apply(method, this, args)
      },
    })
  }
}

const prepare = Reflect.get(Database.prototype, 'prepare')
Object.defineProperty(Database.prototype, 'prepare', {
  value(this: Database, sql: string, ...more: unknown[]): unknown {
    const statement: unknown = Reflect.apply(prepare, this, [sql, ...more])
    if (typeof statement === 'object' && statement !== null)
      watch(statement, ['run', 'get', 'all'], () => {
        if (step < 0 && sql.includes('INTO wrapping_keys')) step = 0
        stepOn()
      })
    return statement
  },
})
watch(Database.prototype, ['run'], stepOn)
watch(Worker.prototype, ['postMessage'], stepOn)

process.exitCode = await run(process.argv.slice(2))
