// Drives tests/servers/keychain-user.ts: the real keychain in a process with an environment of its own.
import { join } from 'node:path'
import type { Order } from '../servers/keychain-user'
import { repository } from './daemon'

/** What the program says of one order; `turns` is how often it could have answered others meanwhile. */
export interface Answer {
  id: number
  turns: number
  state: 'present' | 'absent' | 'unavailable' | 'done' | 'threw'
  value?: string
  reason?: string
  slow?: boolean
  code?: string
  message?: string
}

export interface KeychainUser extends AsyncDisposable {
  ask(action: Order['do'], account: string, value?: Uint8Array): Promise<Answer>
  pid: number
}

export function startKeychainUser(env: Record<string, string>): KeychainUser {
  const child = Bun.spawn([process.execPath, join(repository, 'tests/servers/keychain-user.ts')], {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  const reading = (async () => {
    let text = ''
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk)
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const answer: Answer = JSON.parse(text.slice(0, end))
        text = text.slice(end + 1)
        waiting.get(answer.id)?.(answer)
      }
    }
  })()
  return {
    pid: child.pid,
    ask(action, account, value) {
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const order: Order = {
        id: ++lastId,
        do: action,
        account,
        value: value && Buffer.from(value).toString('base64'),
      }
      waiting.set(order.id, resolve)
      void child.stdin.write(`${JSON.stringify(order)}\n`)
      void child.stdin.flush()
      return promise
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
      await reading
    },
  }
}
