import { parentPort } from 'node:worker_threads'

// Runs as a thread of its own, because opening an entry waits for the Secret Service without giving way: up to two
// seconds in which the gateway would answer nobody.

/** One question to the native library. */
export interface KeychainJob {
  id: number
  service: string
  account: string
  action: { do: 'read' | 'remove' } | { do: 'write'; value: Uint8Array }
}

/**
 * What became of it. A job is `open` once the store is there and may now ask a person; `failed` says how far it came,
 * and whether the store itself refused.
 */
export type KeychainAnswer = { id: number } & (
  | { state: 'open' }
  | { state: 'present'; value: Uint8Array }
  | { state: 'absent' | 'stored' | 'differs' | 'removed' }
  | { state: 'failed'; during: 'load' | 'open' | 'use'; refused: boolean }
)

const post = (answer: KeychainAnswer, transfer: ArrayBuffer[] = []) =>
  parentPort?.postMessage(answer, transfer)

parentPort?.on('message', (job: KeychainJob) => void work(job))

async function work({ id, service, account, action }: KeychainJob): Promise<void> {
  let during: 'load' | 'open' | 'use' = 'load'
  try {
    // In the compiled program this unpacks the library to the folder for temporary files.
    const { AsyncEntry } = await import('@napi-rs/keyring')
    during = 'open'
    // Each time anew: an entry keeps a session that ends with the service. Pinned, because the library would fall
    // back to the kernel's keyring, which a reboot empties.
    const entry = new AsyncEntry(service, account, { linux: { store: 'secret-service' } })
    during = 'use'
    post({ id, state: 'open' })
    if (action.do === 'remove') {
      await entry.deleteCredential()
      return post({ id, state: 'removed' })
    }
    if (action.do === 'write') {
      await entry.setSecret(action.value)
      const back = take(await entry.getSecret())
      const same = back !== null && Buffer.compare(back, action.value) === 0
      back?.fill(0)
      return post({ id, state: same ? 'stored' : 'differs' })
    }
    const value = take(await entry.getSecret())
    if (value) post({ id, state: 'present', value }, [value.buffer])
    else post({ id, state: 'absent' })
  } catch (thrown) {
    post({ id, state: 'failed', during, refused: isRefusal(thrown) })
  } finally {
    if (action.do === 'write') action.value.fill(0)
  }
}

/** The library hands out numbers; they are wiped once they are bytes. */
function take(numbers: number[] | null): Uint8Array<ArrayBuffer> | null {
  if (numbers === null) return null
  const value = Uint8Array.from(numbers)
  numbers.fill(0)
  return value
}

/**
 * All failures of the library have one code. That the store is there but does not let us in (locked, prompt declined,
 * no person to ask) can only be told by the words it starts them with.
 */
const isRefusal = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.message.startsWith("Couldn't access platform storage")
