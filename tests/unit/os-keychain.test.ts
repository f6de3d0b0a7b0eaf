import { expect, test } from 'bun:test'
import type { Runtime } from '../../gateway/runtime'
import type { KeychainThread } from '../../gateway/secrets/keychain-thread'
import { createOsKeychain } from '../../gateway/secrets/os-keychain'

type Run = KeychainThread['run']
type Outcome = Awaited<ReturnType<Run>>

/** A library whose answers a test gives when it likes, and a clock that stands until it is moved. */
function createBench(platform: NodeJS.Platform = 'linux') {
  const jobs: { job: Parameters<Run>[0]; open?: () => void; answer: (outcome: Outcome) => void }[] = []
  const sleepers: { until: number; wake: () => void }[] = []
  let now = 0
  const runtime: Pick<Runtime, 'sleep' | 'monotonic'> = {
    monotonic: () => now,
    sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      sleepers.push({ until: now + ms, wake: resolve })
      signal?.addEventListener('abort', () => reject(signal.reason))
      return promise
    },
  }
  const thread: KeychainThread = {
    run(job, open) {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      jobs.push({ job, open, answer: resolve })
      return promise
    },
  }
  return {
    jobs,
    keychain: createOsKeychain({ platform, runtime, thread }),
    pass(ms: number) {
      now += ms
      for (const { until, wake } of sleepers) if (until <= now) wake()
    },
  }
}

const failed = (during: 'load' | 'open' | 'use', refused = false): Outcome => ({
  id: 1,
  state: 'failed',
  during,
  refused,
})

test('[threat.54] a prompt that nobody answers is asked once, however many want to know', async () => {
  const { keychain, jobs, pass } = createBench()
  const early = [keychain.read('key'), keychain.read('key')]
  jobs[0]?.open?.()
  pass(3_000)
  const unanswered = { state: 'unavailable', reason: 'timeout', slow: true }
  for (const reading of await Promise.all(early)) expect(reading).toMatchObject(unanswered)
  const late = keychain.read('key')
  const write = keychain.write('key', new Uint8Array([1])).catch((thrown) => thrown.code)
  expect(jobs.length).toBe(1)
  pass(3_000)
  expect(await late).toMatchObject(unanswered)
  expect(await write).toBe('keychain.unavailable')
  expect(jobs.length).toBe(1)
})

test('[threat.54] a person who declines is told from a keychain that refuses at once', async () => {
  const { keychain, jobs, pass } = createBench()
  const declined = keychain.read('key')
  jobs[0]?.open?.()
  pass(2_000)
  jobs[0]?.answer(failed('use', true))
  expect(await declined).toMatchObject({ reason: 'locked', slow: true })
  const refused = keychain.read('key')
  jobs[1]?.open?.()
  jobs[1]?.answer(failed('use', true))
  expect(await refused).toMatchObject({ reason: 'locked', slow: false })
})

test('[threat.54] a service that hangs before it can ask anybody may be asked again', async () => {
  const { keychain, jobs, pass } = createBench()
  const hung = keychain.read('key')
  pass(2_000)
  jobs[0]?.answer(failed('open'))
  expect(await hung).toMatchObject({ reason: 'timeout', slow: false })
})

test('[threat.54] a library that cannot be loaded is a keychain that is away', async () => {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    const { keychain, jobs } = createBench(platform)
    const reading = keychain.read('key')
    jobs[0]?.answer(failed('load'))
    expect(await reading).toMatchObject({ state: 'unavailable', reason: 'error', slow: false })
  }
})

test('[cred.keychain] a write whose bytes come back different is no write', async () => {
  const { keychain, jobs } = createBench()
  const written = keychain.write('key', new Uint8Array([1])).catch((thrown) => thrown.code)
  jobs[0]?.answer({ id: 1, state: 'differs' })
  expect(await written).toBe('keychain.unavailable')
})

test('[cred.keychain] each reader has its own copy, and what the library gave is wiped', async () => {
  const { keychain, jobs } = createBench()
  const readers = [keychain.read('key'), keychain.read('key')]
  const given = new Uint8Array([1, 2, 3])
  jobs[0]?.answer({ id: 1, state: 'present', value: given })
  const [first, second] = await Promise.all(readers)
  if (first?.state === 'present') first.value.fill(0)
  expect(second).toEqual({ state: 'present', value: new Uint8Array([1, 2, 3]) })
  expect([...given]).toEqual([0, 0, 0])
})

test('[threat.54] a refusal that comes when nobody waits any more is told to the next reader, who asks nobody', async () => {
  const { keychain, jobs, pass } = createBench()
  const early = keychain.read('key')
  jobs[0]?.open?.()
  pass(3_000)
  expect(await early).toMatchObject({ reason: 'timeout', slow: true })
  pass(5_000)
  jobs[0]?.answer(failed('use', true))
  await Promise.resolve()
  await Promise.resolve()
  expect(await keychain.read('key')).toMatchObject({ reason: 'locked', slow: true })
  expect(jobs.length).toBe(1)
  // Told once: who reads then was told to.
  void keychain.read('key')
  expect(jobs.length).toBe(2)
})
