import { Worker } from 'node:worker_threads'
import type { KeychainAnswer, KeychainJob } from './keychain-worker'

type Outcome = Exclude<KeychainAnswer, { state: 'open' }>

export interface KeychainThread {
  /** Resolves when the library is done, however long it takes. `onOpen`: from now on a person may be asked. */
  run(job: Omit<KeychainJob, 'id'>, onOpen?: () => void): Promise<Outcome>
}

/** How long a thread with nothing to do is kept: it weighs some megabytes, and jobs come in groups. */
const IDLE_MS = 5_000

/** A bundled module has lost its name; its worker is embedded under the folder of the program's first file. */
const workerUrl = (own: string) =>
  new URL(own.endsWith('/keychain-thread.ts') ? './keychain-worker.ts' : './secrets/keychain-worker.ts', own)

/**
 * The thread starts with a job, ends when there was none for some seconds, and does not keep the program running. One
 * that breaks is replaced.
 */
export function createKeychainThread(idleMs = IDLE_MS): KeychainThread {
  const waiting = new Map<number, { resolve: (outcome: Outcome) => void; onOpen?: () => void }>()
  let worker: Worker | null = null
  let idle: ReturnType<typeof setTimeout> | undefined
  let lastId = 0

  function start(): Worker {
    const started = new Worker(workerUrl(import.meta.url))
    started.on('message', (answer: KeychainAnswer) => {
      const job = waiting.get(answer.id)
      if (answer.state === 'open') return job?.onOpen?.()
      waiting.delete(answer.id)
      job?.resolve(answer)
      endWhenIdle()
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

  /** A job may wait for a person for long; its thread waits with it. */
  function endWhenIdle(): void {
    clearTimeout(idle)
    if (waiting.size > 0) return
    idle = setTimeout(() => {
      const ended = worker
      worker = null
      void ended?.terminate()
    }, idleMs).unref()
  }

  return {
    run(job, onOpen) {
      clearTimeout(idle)
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      waiting.set(id, { resolve, onOpen })
      worker ??= start()
      worker.postMessage({ ...job, id } satisfies KeychainJob)
      return promise
    },
  }
}
