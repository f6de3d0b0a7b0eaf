// One sign-in of a person at a server, from the terminal it was asked for at.
import type { FlowView } from '../admin/flow-view'
import type { ServerView } from '../admin/server-view'
import { createOpenBrowser } from '../browser/open-browser'
import { readConfig } from '../config'
import { GatewayError } from '../errors'
import { systemRuntime } from '../runtime'
import { type AdminClient, must, RemoteError } from './client'
import type { Context } from './command'
import { ask, eventsOf } from './event-stream'
import { renderFailure } from './failure'
import type { Io } from './io'
import { endLines, loginLines } from './login-text'

export interface SignInOptions {
  scope?: string | undefined
  /** Whether a browser is opened here. */
  open: boolean
  /** The person will give the address the browser ended at. */
  paste: boolean
}

const isOver = ({ phase }: FlowView): boolean => phase !== 'waiting' && phase !== 'received'

/** Reports each phase once, and gives the flow as it ended. Rejects when `signal` aborts. */
async function follow(admin: AdminClient, io: Io, id: string, signal: AbortSignal): Promise<FlowView> {
  const answer = await ask(admin, `/flows/${encodeURIComponent(id)}/stream`, {}, signal)
  let last: FlowView | null = null
  for await (const { type, data } of eventsOf(answer)) {
    if (type !== 'flow') continue
    const flow = JSON.parse(data) as FlowView
    if (flow.phase === 'received' && last?.phase !== 'received')
      io.talk('code received; asking for the tokens …')
    last = flow
    if (isOver(flow)) return flow
  }
  throw new GatewayError('daemon.absent', 'it stopped before the sign-in was over')
}

/** Gives an address the browser ended at to the gateway. Throws what it says of one that is none of a sign-in that waits. */
async function give(admin: AdminClient, id: string, address: string): Promise<void> {
  const flow = await must(admin.api.flows({ id }).callback.post({ url: address.trim() })).catch(
    (error: unknown) => {
      if (!(error instanceof RemoteError) || error.code !== 'oauth.flow_unknown') throw error
      throw new GatewayError(
        'oauth.flow_unknown',
        'this is not the address the browser ended at (…/oauth/callback?…), or it was used already',
      )
    },
  )
  if (flow.id !== id) throw new GatewayError('oauth.flow_unknown', 'that address is of another one')
}

const question = 'Paste the whole address the browser ended at (it is not shown)'

/** Asks until an address is taken; false when the person gave up, or the sign-in is over. */
async function askForAddress(admin: AdminClient, io: Io, id: string, over: AbortSignal): Promise<boolean> {
  for (;;) {
    const address = await io.askHidden(question, over)
    if (address === null) return false
    if (address.trim() === '') continue
    try {
      await give(admin, id, address)
      return true
    } catch (error) {
      for (const line of renderFailure(error).lines) io.talk(line)
    }
  }
}

async function pasteFromInput(admin: AdminClient, io: Io, id: string): Promise<void> {
  const [address = ''] = new TextDecoder().decode(await io.readInput()).split('\n', 1)
  if (address.trim() === '') throw new GatewayError('input.invalid', 'no address was given')
  await give(admin, id, address)
}

/** Opens the page where that is wanted and can be; says what happened. True when a browser has it. */
async function openPage(io: Io, url: string | null, wanted: boolean): Promise<boolean> {
  if (!wanted || url === null) return false
  const { environment, platform } = readConfig()
  const opened = await createOpenBrowser({ environment, platform, runtime: systemRuntime })(url)
  if (opened.outcome === 'opened') io.talk('opened in your browser; waiting for you to sign in …')
  else io.talk(`${opened.reason}; open the page yourself`)
  return opened.outcome === 'opened'
}

/**
 * Begins a sign-in, or takes up the one that waits, and follows it. Resolves with the flow as it ended; with one that
 * still waits where there is neither a browser nor a person to ask. Ctrl-C cancels it.
 */
export async function signIn(
  { io, admin }: Context,
  server: ServerView,
  { scope, open, paste }: SignInOptions,
): Promise<FlowView> {
  const {
    id,
    browser: _,
    ...begun
  } = await must(admin.api.servers({ id: server.id }).login.post(scope === undefined ? {} : { scope }))
  for (const line of loginLines(server, { id, ...begun })) io.talk(line)
  const over = new AbortController()
  let gaveUp = false
  const cancel = async () => {
    gaveUp = true
    await must(admin.api.flows({ id }).delete({})).catch(() => undefined)
  }
  using _interrupt = io.onInterrupt(() => void cancel())
  const opened = await openPage(io, begun.url, open)
  if (!opened && !io.canAsk && !paste) {
    io.talk(
      'It waits ten minutes for you. From another machine: repeat with --paste, and give it the address you end at.',
    )
    return { id, ...begun }
  }

  try {
    const ended = follow(admin, io, id, over.signal)
    // Whoever gave a wrong address on stdin is told of that alone.
    ended.catch(() => undefined)
    if (paste && !io.canAsk) await pasteFromInput(admin, io, id)
    else if (io.canAsk && (paste || !opened)) {
      ended.then(
        () => over.abort(),
        () => over.abort(),
      )
      io.talk('If its last page does not load, because the browser is on another machine, copy its address.')
      if (!(await askForAddress(admin, io, id, over.signal)) && !over.signal.aborted) await cancel()
    }
    const flow = await ended
    for (const line of endLines(flow)) io.talk(line)
    return gaveUp ? { ...flow, phase: 'cancelled' } : flow
  } finally {
    over.abort()
  }
}
