import { readConfig } from '../config'

/** What Bun reads once, when it starts. */
const wanted: Readonly<Record<string, string>> = {
  // Requests to servers that may be open at once in the whole process.
  BUN_CONFIG_MAX_HTTP_REQUESTS: '20000',
  // On some systems a crash is told to Bun's makers unless this forbids it.
  BUN_ENABLE_CRASH_REPORTING: '0',
}
/** Variables that change what the daemon itself does, in ways nobody approved. */
const unwanted = /^(BUN_|NODE_OPTIONS$|NODE_TLS_REJECT_UNAUTHORIZED$)/

/**
 * Puts this process in place of itself, with the same pid, under an environment that is right for a daemon. Bun opens
 * at most 256 requests by default, so that one hanging server would hold up all others, and on some systems it sends
 * crash reports; both can be told otherwise only from outside. Returns where nothing is to be done, or where the
 * system cannot (Windows).
 */
export function startClean(args: readonly string[]): void {
  const { environment } = readConfig()
  const clean = Object.keys(environment).every((key) => key in wanted || !unwanted.test(key))
  const complete = Object.entries(wanted).every(([name, value]) => environment[name] === value)
  if (typeof process.execve !== 'function' || (clean && complete)) return
  const kept = Object.entries(environment).filter(([key]) => !unwanted.test(key))
  const script = process.argv[1] ?? ''
  // A compiled binary carries its script inside and must not be given it again.
  const words = script.startsWith('/$bunfs/') ? args : [script, ...args]
  process.execve(process.execPath, [process.execPath, ...words], {
    ...Object.fromEntries(kept),
    ...wanted,
  })
}
