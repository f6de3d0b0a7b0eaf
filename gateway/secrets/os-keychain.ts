import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Keychain, KeychainReading, KeychainTrouble } from './keychain'
import { createKeychainThread, type KeychainThread } from './keychain-thread'
import type { KeychainJob } from './keychain-worker'

const SERVICE = 'com.mcpmux.desktop'
/** Longest wait of a caller. The library may wait longer: for a person, or for a service that hangs. */
const ANSWER_MS = 3_000
/** No keychain needs this long by itself; after it, a person was asked or the service hangs. */
const SLOW_MS = 1_000

const names: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'macOS Keychain',
  win32: 'Windows Credential Manager',
}

export interface OsKeychainDeps {
  platform: NodeJS.Platform
  runtime: Pick<Runtime, 'sleep' | 'monotonic'>
  /** Under which name entries are kept. */
  service?: string
  thread?: KeychainThread
}

type Outcome = Awaited<ReturnType<KeychainThread['run']>>
type Failed = Extract<Outcome, { state: 'failed' }>
type Action = KeychainJob['action']
type Unavailable = Extract<KeychainReading, { state: 'unavailable' }>

/** What the library is doing for one account. */
interface Job {
  reading: boolean
  started: number
  /** When it could first ask a person. */
  opened: number | null
  /** How many callers wait for it. */
  heard: number
  outcome: Promise<Outcome>
}

/**
 * The keychain of this system. Callers wait three seconds; what the library has begun goes on, and later callers for
 * the same account wait for it, so that a person is never asked twice at once. A write that timed out may therefore
 * still happen.
 */
export function createOsKeychain(deps: OsKeychainDeps): Keychain {
  const { platform, runtime, service = SERVICE, thread = createKeychainThread() } = deps
  const name = names[platform] ?? 'Secret Service'
  const jobs = new Map<string, Job>()
  /** Refusals by a person that came when nobody waited any more. The next reader gets them, and no person is asked. */
  const unheard = new Map<string, Unavailable>()

  const unavailable = (reason: KeychainTrouble, slow: boolean): Unavailable => ({
    state: 'unavailable',
    reason,
    detail: sentences[reason](name),
    slow,
  })

  function begin(account: string, action: Action): Job {
    const job: Job = {
      reading: action.do === 'read',
      started: runtime.monotonic(),
      opened: null,
      heard: 0,
      outcome: thread.run({ service, account, action }, () => {
        job.opened = runtime.monotonic()
      }),
    }
    jobs.set(account, job)
    void job.outcome
      .then((outcome) => {
        jobs.delete(account)
        if (outcome.state === 'failed' && outcome.refused && slow(job) && job.reading && job.heard === 0)
          unheard.set(account, explain(outcome, job))
        return outcome
      })
      // One turn later, when every reader has made its copy.
      .then((outcome) => outcome.state === 'present' && outcome.value.fill(0))
    return job
  }

  /** A store that is not open yet cannot have asked anybody. */
  const slow = ({ opened }: Job) => opened !== null && runtime.monotonic() - opened > SLOW_MS

  function explain({ refused, during }: Failed, job: Job): Unavailable {
    if (refused) return unavailable('locked', slow(job))
    if (during === 'load') return unavailable('error', false)
    if (runtime.monotonic() - job.started > SLOW_MS) return unavailable('timeout', slow(job))
    return unavailable(during === 'open' && platform === 'linux' ? 'no-service' : 'error', false)
  }

  async function perform(account: string, action: Action): Promise<Exclude<Outcome, Failed> | Unavailable> {
    const before = unheard.get(account)
    unheard.delete(account)
    if (before && action.do === 'read') return before
    const done = new AbortController()
    let mine: Job | null = null
    const late = runtime.sleep(ANSWER_MS, done.signal).then(
      () => null,
      () => null,
    )
    try {
      let job = jobs.get(account)
      while (job && !(job.reading && action.do === 'read')) {
        if ((await Promise.race([job.outcome, late])) === null) return unavailable('timeout', slow(job))
        job = jobs.get(account)
      }
      mine = job ?? begin(account, action)
      mine.heard += 1
      const copied = mine.outcome.then((outcome) =>
        outcome.state === 'present' && !done.signal.aborted
          ? { ...outcome, value: outcome.value.slice() }
          : outcome,
      )
      const outcome = await Promise.race([copied, late])
      if (outcome === null) return unavailable('timeout', slow(mine))
      return outcome.state === 'failed' ? explain(outcome, mine) : outcome
    } finally {
      if (mine) mine.heard -= 1
      done.abort()
    }
  }

  const failure = (detail: string) => new GatewayError('keychain.unavailable', detail)

  return {
    name,
    async read(account) {
      const answer = await perform(account, { do: 'read' })
      if (answer.state === 'present') return { state: 'present', value: answer.value }
      if (answer.state === 'absent') return { state: 'absent' }
      return answer.state === 'unavailable' ? answer : unavailable('error', false)
    },
    async write(account, value) {
      const answer = await perform(account, { do: 'write', value })
      if (answer.state === 'unavailable') throw failure(answer.detail)
      if (answer.state !== 'stored') throw failure(`the ${name} did not keep what was stored`)
    },
    async remove(account) {
      const answer = await perform(account, { do: 'remove' })
      if (answer.state === 'unavailable') throw failure(answer.detail)
    },
  }
}

const sentences: Record<KeychainTrouble, (name: string) => string> = {
  'no-service': (name) => `no ${name} is running`,
  locked: (name) => `the ${name} is locked`,
  timeout: (name) => `the ${name} did not answer in time`,
  error: (name) => `the ${name} could not be used`,
}
