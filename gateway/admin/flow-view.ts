import { cleanUrl } from '../browser/clean-url'
import type { FlowPhase } from '../domain/authorization'
import type { FlowView as Flow } from '../oauth/flow-view'

/** A sign-in at a server's authorization server. Its address is one that may be opened, or null. */
export type FlowView = Flow

const livePhases: readonly FlowPhase[] = ['waiting', 'received']

export const isLive = ({ phase }: Pick<FlowView, 'phase'>): boolean => livePhases.includes(phase)

/** As it may be given out: whoever shows or opens its address gets one that was written anew. */
export const flowView = (flow: Flow): FlowView => ({
  ...flow,
  url: flow.url === null ? null : cleanUrl(flow.url).url,
})
