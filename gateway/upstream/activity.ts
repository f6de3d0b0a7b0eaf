import type { ReadSetting } from '../domain/settings'
import type { Runtime } from '../runtime'
import { createConversations } from './conversations'
import type { Usage } from './usage'

/** When one server was used, and by whom. Times are monotonic milliseconds. */
export interface Activity {
  /** It is used now, by this conversation where the call is of one. */
  used(conversation?: string | null): void
  release(conversation: string): void
  /** Conversations that used it lately (`timeouts.in_use`). */
  active(): string[]
  /** Nobody used it for `timeouts.idle_stop`. */
  isIdle(now: number): boolean
}

export function createActivity(deps: {
  usage: Usage
  settings: ReadSetting
  runtime: Pick<Runtime, 'monotonic'>
}): Activity {
  const { settings, runtime } = deps
  const conversations = createConversations(deps.usage)
  let lastUsed = runtime.monotonic()
  return {
    used(conversation = null) {
      lastUsed = runtime.monotonic()
      if (conversation !== null) conversations.called(conversation, lastUsed)
    },
    release: conversations.release,
    active: () => conversations.activeSince(runtime.monotonic() - settings('timeouts.in_use')),
    isIdle: (now) => now - lastUsed >= settings('timeouts.idle_stop'),
  }
}
