interface Bucket {
  tokens: number
  at: number
}

interface Rate {
  burst: number
  perSecond: number
}

const EVERYBODY: Rate = { burst: 100, perSecond: 2 }
const ONE_REMOTE: Rate = { burst: 30, perSecond: 1 }
const MOST_REMOTES = 256

/** Counts failed keys, over all callers and per remote address; loopback is no exception. */
export interface FailureLimit {
  /** Notes one failure; false once there were too many lately. */
  note(remote: string): boolean
}

/** `monotonic` in milliseconds. What succeeds is never counted, so nobody can lock out a client that has a key. */
export function createFailureLimit(monotonic: () => number): FailureLimit {
  const all: Bucket = { tokens: EVERYBODY.burst, at: monotonic() }
  const remotes = new Map<string, Bucket>()

  const take = (bucket: Bucket, rate: Rate, now: number): boolean => {
    bucket.tokens = Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  return {
    note(remote) {
      const now = monotonic()
      let bucket = remotes.get(remote)
      if (!bucket) {
        if (remotes.size >= MOST_REMOTES) remotes.clear()
        bucket = { tokens: ONE_REMOTE.burst, at: now }
        remotes.set(remote, bucket)
      }
      const own = take(bucket, ONE_REMOTE, now)
      return take(all, EVERYBODY, now) && own
    },
  }
}
