import type { Outlet } from '../session/event-stream'
import type { Pulse } from '../session/pulse'

const MOST_MESSAGES = 256
const MOST_BYTES = 1024 * 1024
const HEARTBEAT_BEATS = 15

const encoder = new TextEncoder()

/** Makes the bodies of event streams and keeps them alive with a comment every 15 s. */
export interface Outlets {
  /** `gone` is called once when the reader left; not after `end`. */
  open(gone: (outlet: Outlet) => void): { outlet: Outlet; body: ReadableStream<Uint8Array> }
  close(): void
}

class StreamOutlet implements Outlet {
  #queue: Uint8Array[] = []
  #size = 0
  #wake: (() => void) | null = null
  #ended = false
  #judged = false
  /** The reader had a turn to take what goes over the bytes, and did not. */
  #full = false
  #started = false

  constructor(private readonly left: (outlet: StreamOutlet, byReader: boolean) => void) {}

  get idle(): boolean {
    return this.#queue.length === 0
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended) return false
    if (this.#full) {
      this.#giveUp()
      return false
    }
    this.#queue.push(bytes)
    this.#size += bytes.length
    this.#wake?.()
    const over = this.#queue.length > MOST_MESSAGES || this.#size >= MOST_BYTES
    if (over && !this.#judged) this.#judgeNextTurn()
    return true
  }

  /**
   * Many messages in one turn, or small ones behind a large one, are no sign of a slow reader: it could not read in
   * between. A large one alone may take its time.
   */
  #judgeNextTurn(): void {
    this.#judged = true
    setImmediate(() => {
      this.#judged = false
      if (this.#ended) return
      if (this.#queue.length > MOST_MESSAGES) this.#giveUp()
      else this.#full = this.#size >= MOST_BYTES
    })
  }

  /** The first chunk names the stream: who never got it could not ask for the rest. */
  #giveUp(): void {
    const first = this.#started ? [] : this.#queue.slice(0, 1)
    this.#queue = [...first, encoder.encode(': closed, the reader is too slow\n\n')]
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.left(this, false)
    this.#wake?.()
  }

  // Pulled, never pushed: what a stalled reader does not take stays here, where it is counted.
  readonly body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (this.#deliver(controller)) return
        return new Promise<void>((resolve) => {
          this.#wake = () => {
            this.#wake = null
            this.#deliver(controller)
            resolve()
          }
        })
      },
      cancel: () => {
        this.#queue = []
        this.#wake = null
        if (this.#ended) return
        this.#ended = true
        this.left(this, true)
      },
    },
    { highWaterMark: 0 },
  )

  #deliver(controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    const [first] = this.#queue
    if (first) {
      controller.enqueue(this.#queue.length === 1 ? first : Buffer.concat(this.#queue))
      this.#queue = []
      this.#size = 0
      this.#full = false
      this.#started = true
      return true
    }
    if (this.#ended) controller.close()
    return this.#ended
  }
}

export function createOutlets(pulse: Pulse): Outlets {
  const open = new Set<StreamOutlet>()
  const comment = encoder.encode(': still here\n\n')
  const stopBeating = pulse.onBeat((beat) => {
    if (beat % HEARTBEAT_BEATS !== 0) return
    for (const outlet of [...open]) if (outlet.idle) outlet.write(comment)
  })
  return {
    open(gone) {
      const outlet = new StreamOutlet((self, byReader) => {
        open.delete(self)
        if (byReader) gone(self)
      })
      open.add(outlet)
      return { outlet, body: outlet.body }
    },
    close() {
      stopBeating()
      for (const outlet of [...open]) outlet.end()
    },
  }
}
