import type { Exchange } from '../domain/exchange'
import type { FeatureView } from '../policy/feature-view'
import type { Envelope } from '../wire/envelope'

/** Gives the complete response message for one request of a client. */
export type Route = (view: FeatureView, message: Envelope, exchange: Exchange) => Promise<Uint8Array>
