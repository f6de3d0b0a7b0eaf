import type { FileSink } from 'bun'
import { GatewayError } from '../errors'
import { oneLine } from '../wire/splice'
import { UndeliveredError } from './channel'

/** Writes lines to a server's stdin, in order, with a bound on what waits. */
export interface StdioWriter {
  /**
   * `Channel.send` of the stdio leg: at once while the pipe has room, else a promise that is back-pressure. `alone`
   * says that no other call is open, so that nothing is likely to come with it.
   */
  send(message: Uint8Array, alone: boolean): void | Promise<void>
  /** Nothing is sent any more; what no byte was written of rejects with `UndeliveredError`. */
  close(): void
}

interface Waiting {
  line: Uint8Array
  resolve(): void
  reject(error: GatewayError): void
}

const NEWLINE = 0x0a
const newline = new Uint8Array([NEWLINE])
/** Lines that together are shorter are copied into one write: a second call into the runtime costs more. */
const COPIED_BYTES = 64 * 1024

export function createStdioWriter(options: {
  stdin: FileSink
  maxQueuedBytes: number
  /** The reading end is gone. Called at most once. */
  onBroken(): void
}): StdioWriter {
  const { stdin, maxQueuedBytes } = options
  let queue: Waiting[] = []
  /** Bytes given to the pipe or to the queue and not yet taken by the server; 0 while the pipe has room. */
  let unread = 0
  let closed = false
  /** What came in the same turn of the event loop as a message that was written at once; null between turns. */
  let turn: { lines: Uint8Array[]; bytes: number } | null = null

  const unsent = () => new UndeliveredError('upstream.unavailable', 'its process has ended')
  const busy = () =>
    new GatewayError('upstream.busy', 'it does not read what it is sent; try again in a moment')

  function broken(): void {
    if (closed) return
    close()
    options.onBroken()
  }

  function close(): void {
    closed = true
    const never = queue
    queue = []
    for (const { reject } of never) reject(unsent())
  }

  /** Writes and flushes; counts as unread what the pipe does not take at once. Throws when it is gone. */
  function put(lines: readonly Uint8Array[], bytes: number): void {
    const pending: Promise<unknown>[] = []
    const note = (written: unknown) => {
      if (written instanceof Promise) pending.push(written)
    }
    if (bytes <= COPIED_BYTES) note(stdin.write(joined(lines, bytes)))
    else
      for (const line of lines) {
        note(stdin.write(line))
        note(stdin.write(newline))
      }
    note(stdin.flush())
    if (pending.length === 0) return
    unread = bytes
    Promise.all(pending).then(drained, broken)
  }

  /**
   * A flush is a system call and a third of what a call costs. The first message goes out at once, so that a lone
   * caller waits for nothing; those that come in the same turn go out together at its end.
   */
  function endOfTurn(): void {
    const { lines, bytes } = turn ?? { lines: [], bytes: 0 }
    turn = null
    if (closed || lines.length === 0) return
    if (unread > 0) {
      // Their calls are failed by the end of the leg, should it come to that.
      for (const line of lines) queue.push({ line, resolve: () => undefined, reject: () => undefined })
      unread += bytes
      return
    }
    try {
      put(lines, bytes)
    } catch {
      broken()
    }
  }

  function drained(): void {
    unread = 0
    if (closed || queue.length === 0) return
    const ready = queue
    queue = []
    try {
      put(
        ready.map(({ line }) => line),
        ready.reduce((bytes, { line }) => bytes + line.length + 1, 0),
      )
    } catch {
      for (const { reject } of ready) reject(unsent())
      return broken()
    }
    for (const { resolve } of ready) resolve()
  }

  function sendAtOnce(line: Uint8Array, alone: boolean): void {
    if (!alone) {
      turn = { lines: [], bytes: 0 }
      setImmediate(endOfTurn)
    }
    try {
      put([line], line.length + 1)
    } catch {
      broken()
      throw unsent()
    }
  }

  return {
    close,
    send(message, alone) {
      if (closed) throw unsent()
      const line = oneLine(message)
      const size = line.length + 1
      if (unread > 0) {
        if (unread + size > maxQueuedBytes) throw busy()
        unread += size
        return new Promise((resolve, reject) => queue.push({ line, resolve, reject }))
      }
      if (!turn) return sendAtOnce(line, alone)
      // A single larger message may still go alone.
      if (turn.bytes > 0 && turn.bytes + size > maxQueuedBytes) throw busy()
      turn.lines.push(line)
      turn.bytes += size
    },
  }
}

function joined(lines: readonly Uint8Array[], bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  let at = 0
  for (const line of lines) {
    out.set(line, at)
    at += line.length
    out[at++] = NEWLINE
  }
  return out
}
