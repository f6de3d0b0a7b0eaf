import { Worker } from 'node:worker_threads'
import type { KeychainAnswer, KeychainJob } from './keychain-worker'

type Outcome = Exclude<KeychainAnswer, { state: 'open' }>

export interface KeychainThread {
  /** Resolves when the library is done, however long it takes. `onOpen`: from now on a person may be asked. */
  run(job: Omit<KeychainJob, 'id'>, onOpen?: () => void): Promise<Outcome>
}

/** A bundled module has lost its name; its worker is embedded under the folder of the program's first file. */
const workerUrl = (own: string) =>
  new URL(own.endsWith('/keychain-thread.ts') ? './keychain-worker.ts' : './secrets/keychain-worker.ts', own)

/** The thread starts with the first job, and does not keep the program running. One that breaks is replaced. */
export function createKeychainThread(): KeychainThread {
  const waiting = new Map<number, { resolve: (outcome: Outcome) => void; onOpen?: () => void }>()
  let worker: Worker | null = null
  let lastId = 0

  function start(): Worker {
    const started = new Worker(workerUrl(import.meta.url))
    started.on('message', (answer: KeychainAnswer) => {
      const job = waiting.get(answer.id)
      if (answer.state === 'open') return job?.onOpen?.()
      waiting.delete(answer.id)
      job?.resolve(answer)
    })
    const broken = () => {
      if (worker !== started) return
      worker = null
      for (const [id, { resolve }] of waiting)
        resolve({ id, state: 'failed', during: 'load', refused: false })
      waiting.clear()
    }
    started.on('error', broken)
    started.on('exit', broken)
    started.unref()
    return started
  }

  return {
    run(job, onOpen) {
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      waiting.set(id, { resolve, onOpen })
      worker ??= start()
      worker.postMessage({ ...job, id } satisfies KeychainJob)
      return promise
    },
  }
}
