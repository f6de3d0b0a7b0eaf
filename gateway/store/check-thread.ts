import { Worker } from 'node:worker_threads'
import type { CheckVerdict } from './check-worker'

export interface CheckThread {
  /** Holds every page and index of a database against each other, beside whoever uses it. One at a time. */
  check(file: string): Promise<CheckVerdict>
  /** Gives up what is under way. */
  close(): Promise<void>
}

/** A bundled module has lost its name; its worker is embedded under the folder of the program's first file. */
const workerUrl = (own: string) =>
  new URL(own.endsWith('/check-thread.ts') ? './check-worker.ts' : './store/check-worker.ts', own)

export function createCheckThread(): CheckThread {
  let running: Worker | null = null
  return {
    check(file) {
      const worker = new Worker(workerUrl(import.meta.url), { workerData: file })
      running = worker
      worker.unref()
      return new Promise<CheckVerdict>((resolve) => {
        worker.on('message', (verdict: CheckVerdict) => resolve(verdict))
        for (const end of ['error', 'exit'] as const) worker.on(end, () => resolve('unread'))
      }).finally(() => {
        if (running === worker) running = null
      })
    },
    async close() {
      await running?.terminate()
    },
  }
}
