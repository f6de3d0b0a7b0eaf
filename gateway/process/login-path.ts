import { isAbsolute } from 'node:path'
import type { Runtime } from '../runtime'
import { inheritedEnvironment } from './environment'
import { sendSignal } from './tree-end'

const PATIENCE = 3000
const MOST_OUTPUT = 1024 * 1024

/** The PATH between the marks of a login shell's output; null when there is none worth using. */
export function pathBetween(output: string, mark: string): string | null {
  const [, printed, end] = output.split(`${mark}\n`)
  if (printed === undefined || end === undefined) return null
  const path = /^PATH=(.*)$/m.exec(printed)?.[1]
  return path?.split(':').some(isAbsolute) ? path : null
}

/**
 * The PATH a person has in a terminal, which a program started from a desktop has not. Asks `$SHELL -ilc` once, for at
 * most 3 s; whatever start-up files print, do or break, the answer is then a PATH or null. Null on Windows.
 */
export function createLoginPath(deps: {
  environment: Readonly<Record<string, string>>
  platform: NodeJS.Platform
  runtime: Pick<Runtime, 'randomBytes' | 'sleep'>
}): () => Promise<string | null> {
  const { environment, platform, runtime } = deps

  async function ask(shell: string): Promise<string | null> {
    const mark = `mark-${Buffer.from(runtime.randomBytes(12)).toString('hex')}`
    const child = Bun.spawn({
      cmd: [shell, '-ilc', `echo ${mark}; /usr/bin/env; echo ${mark}`],
      env: { ...inheritedEnvironment(environment, platform), TERM: 'dumb' },
      cwd: '/',
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'ignore',
      lazy: true,
      detached: true,
    })
    const reader = child.stdout.getReader()
    async function read(): Promise<string | null> {
      const decoder = new TextDecoder()
      // Start-up files come before the first mark and count too.
      for (let output = ''; output.length < MOST_OUTPUT; ) {
        const { value, done } = await reader.read()
        if (done) return null
        output += decoder.decode(value, { stream: true })
        const path = pathBetween(output, mark)
        if (path !== null) return path
      }
      return null
    }
    const tooLate = new AbortController()
    try {
      return await Promise.race([read(), runtime.sleep(PATIENCE, tooLate.signal).then(() => null)])
    } finally {
      tooLate.abort()
      sendSignal(-child.pid, 'SIGKILL')
      void reader.cancel().catch(() => undefined)
    }
  }

  let answer: Promise<string | null> | null = null
  return () => {
    const shell = environment.SHELL
    if (platform === 'win32' || !shell || !isAbsolute(shell)) return Promise.resolve(null)
    // A shell that cannot be asked is no reason not to start servers.
    answer ??= ask(shell).catch(() => null)
    return answer
  }
}
