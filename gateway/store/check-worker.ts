import { Database as Sqlite } from 'bun:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { GatewayError } from '../errors'
import { toStoreError } from './errors'

// Runs as a thread of its own: a large database takes most of a second, in which the gateway would answer nobody.

/** `unread` when the check could not be made. */
export type CheckVerdict = 'ok' | 'broken' | 'unread'

function check(file: string): CheckVerdict {
  try {
    const sqlite = new Sqlite(file, { readonly: true })
    try {
      // As at a start: a row that breaks a rule of its table is a matter of its own.
      sqlite.run('PRAGMA ignore_check_constraints = ON')
      const statement = sqlite.prepare<{ integrity_check: string }, []>('PRAGMA integrity_check(1)')
      const row = statement.get()
      statement.finalize()
      return row?.integrity_check === 'ok' ? 'ok' : 'broken'
    } finally {
      sqlite.close(true)
    }
  } catch (thrown) {
    const error = toStoreError(thrown)
    return error instanceof GatewayError && error.code === 'store.broken' ? 'broken' : 'unread'
  }
}

parentPort?.postMessage(check(String(workerData)))
