import { readConfig } from '../config'
import { GatewayError } from '../errors'

/** Variables that change what the program itself does, in ways nobody approved. */
const unwanted =
  /^(BUN_|JSC_|NODE_(OPTIONS|TLS_REJECT_UNAUTHORIZED|CHANNEL_|CLUSTER_|COMPILE_CACHE|DEBUG|REDIRECT_WARNINGS|UNIQUE_ID))/
/** Bun sends traces of a crash away by itself on some systems. */
const quietCrash = { BUN_ENABLE_CRASH_REPORTING: '0' }
/** Requests to servers that may be open at once in the whole process; Bun reads it once, when it starts. */
const manyRequests = { BUN_CONFIG_MAX_HTTP_REQUESTS: '20000' }

function wantedBy(name: string | undefined): Readonly<Record<string, string>> {
  if (name === 'serve') return { ...quietCrash, ...manyRequests }
  // On Linux it sends nothing unless told to, and a short command is spared the second start.
  return process.platform === 'linux' ? {} : quietCrash
}

/**
 * Puts this process in place of itself, with the same pid, under an environment that is right for it, before it touches
 * a secret. Bun opens at most 256 requests by default, so that one hanging server would hold up all others, and it can
 * be told otherwise only from outside. Returns when nothing is to be done. Where the system cannot do this (Windows) a
 * daemon throws `daemon.environment` rather than serve under variables that steer it; other commands go on.
 */
export function startClean(args: readonly string[]): void {
  const { environment } = readConfig()
  const wanted = wantedBy(args[0])
  const stray = Object.keys(environment).filter((name) => unwanted.test(name) && !Object.hasOwn(wanted, name))
  const complete = Object.entries(wanted).every(([name, value]) => environment[name] === value)
  if (stray.length === 0 && complete) return
  const kept = Object.entries(environment).filter(([name]) => !unwanted.test(name))
  const script = process.argv[1] ?? ''
  // A compiled binary carries its script inside and must not be given it again.
  const words = script.startsWith('/$bunfs/') ? args : [script, ...args]
  try {
    process.execve?.(process.execPath, [process.execPath, ...words], {
      ...Object.fromEntries(kept),
      ...wanted,
    })
  } catch {
    // It is no worse off than where there is no such call.
  }
  if (args[0] === 'serve' && stray.length > 0)
    throw new GatewayError('daemon.environment', `unset ${stray.sort().join(', ')} and start it again`)
}
