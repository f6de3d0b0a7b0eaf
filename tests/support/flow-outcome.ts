// What becomes of a sign-in at the hostile authorization server, in its words.
import { toGatewayError } from '../../gateway/errors'
import type { Outcome } from '../servers/evil-as-world'
import { type EvilAs, startEvilAs } from './evil-as'
import { openFlowParts } from './flow-parts'

export interface Ended {
  outcome: Outcome
  /** The code of ours, and its sentence. */
  error: string | null
  detail: string | null
  evil: EvilAs
  parts: Awaited<ReturnType<typeof openFlowParts>>
}

/**
 * Signs in once under this mode. `look` sees it before everything is taken down.
 */
export async function signInUnder(mode: string, look: (ended: Ended) => void | Promise<void>): Promise<void> {
  await using evil = await startEvilAs({ mode })
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const ended = await signInAt(evil, parts, server.id)
  await look({ ...ended, evil, parts })
}

async function signInAt(
  evil: EvilAs,
  parts: Ended['parts'],
  serverId: string,
): Promise<Pick<Ended, 'outcome' | 'error' | 'detail'>> {
  let flow
  try {
    flow = await parts.flows.begin(serverId)
  } catch (thrown) {
    const { code, message } = toGatewayError(thrown)
    return { outcome: 'refused before the browser', error: code, detail: message }
  }
  const { status } = await parts.browse(evil, flow)
  if (status !== 200) throw new Error(`the callback answered ${status}`)
  // What answers nothing that waits leaves it waiting.
  let now = parts.flows.get(flow.id)
  if (now.phase !== 'waiting') now = await parts.over(flow.id)
  const { error, detail } = now
  if (now.phase === 'done') return { outcome: 'works', error, detail }
  const traded = error === 'oauth.refused' || error === 'oauth.unreachable'
  return { outcome: traded ? 'refused at token' : 'refused at callback', error, detail }
}
