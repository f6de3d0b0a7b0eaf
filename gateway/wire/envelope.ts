/** Byte offsets [start, end) of one JSON value inside a message. */
export interface Span {
  start: number
  end: number
  /** What `indexMembers` found in an object. */
  members?: readonly Member[]
}

/** One member of an object; the key is the string token it is, quotes included. */
export interface Member {
  key: Span
  value: Span
}

/**
 * Where the parts of one JSON-RPC message lie in its bytes. Nothing is decoded but `method`; everything else is a
 * Span into `bytes`, so that what is not understood is not touched.
 */
export interface Envelope {
  bytes: Uint8Array
  kind: 'request' | 'notification' | 'response'
  /** The raw id token; null for a notification (and for an error answer to something unreadable). */
  id: Span | null
  method: string | null
  params: Span | null
  /** A response has exactly one of `result` and `error`. */
  result: Span | null
  error: Span | null
}

/** One replacement for `splice`: the bytes [start, end) become `with`. */
export interface Edit {
  start: number
  end: number
  with: Uint8Array
}

/** Why bytes are no message. `reason` tells the door which JSON-RPC error to answer with; 'size' is over a framing cap. */
export class WireError extends Error {
  constructor(
    readonly reason: 'parse' | 'depth' | 'batch' | 'invalid' | 'duplicate' | 'size',
    message: string,
  ) {
    super(message)
    this.name = 'WireError'
  }
}
