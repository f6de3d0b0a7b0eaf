import type { Config } from '../config'
import { GatewayError } from '../errors'
import { createLineFramer } from '../wire/lines'
import { encodeFrame, MAX_FRAME_BYTES, parseAnswer } from './frames'
import { descriptorOf, openLibc, type Peer } from './libc'
import { checkFolder, controlPaths } from './path'
import { createWriter } from './writer'

/** Like `fetch`, to the daemon of one data folder. Only path, method, body and signal of a request are used. */
export type ControlFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

const absent = (cause?: unknown) =>
  new GatewayError(
    'daemon.absent',
    'start it with "mcpmux serve"',
    cause === undefined ? undefined : { cause },
  )

async function bodyText(body: RequestInit['body']): Promise<string | null> {
  if (body === null || body === undefined) return null
  return typeof body === 'string' ? body : await new Response(body).text()
}

function pathOf(input: string | URL | Request): string {
  const text = input instanceof Request ? input.url : String(input)
  if (text.startsWith('/')) return text
  const url = new URL(text)
  return url.pathname + url.search
}

/**
 * Talks to the daemon that serves this data folder, after making sure that it runs as the same user. Rejects with
 * `daemon.absent` when none does, and with `control.unsafe` when something else sits there.
 */
export function createControlFetch(config: Config): ControlFetch {
  return async (input, init = {}) => {
    init.signal?.throwIfAborted()
    const method = init.method ?? 'GET'
    const frame = encodeFrame({ method, path: pathOf(input), body: await bodyText(init.body) })
    const answer = Promise.withResolvers<Response>()
    let body: ReadableStreamDefaultController<Uint8Array> | null = null
    let done = false
    const writer = { current: null as ReturnType<typeof createWriter> | null }

    const fail = (error: unknown) => {
      answer.reject(error)
      if (!done) body?.error(error)
      done = true
    }
    const lost = () => fail(absent(new Error('the connection closed before the answer was complete')))

    const framer = createLineFramer({
      maxLineBytes: MAX_FRAME_BYTES,
      onOversize: lost,
      onLine(line) {
        const next = parseAnswer(line)
        if (!next) return lost()
        if ('status' in next) {
          const stream = new ReadableStream<Uint8Array>({
            start: (controller) => {
              body = controller
            },
            cancel: () => {
              done = true
              socket.end()
            },
          })
          answer.resolve(new Response(stream, next))
        } else if ('chunk' in next) {
          if (!done) body?.enqueue(new Uint8Array(Buffer.from(next.chunk, 'base64')))
        } else {
          if (!next.end) return lost()
          if (!done) body?.close()
          done = true
        }
      },
    })

    const libc = openLibc(config.platform)
    const daemon = { peer: null as Peer | null }
    const connectTo = (path: string) =>
      Bun.connect({
        unix: path,
        socket: {
          // Here and not later: a daemon that refuses may have hung up by then, and nobody could say who it was.
          open(opened) {
            daemon.peer = libc.peerOf(descriptorOf(opened))
          },
          data: (_, chunk) => framer.push(new Uint8Array(chunk)),
          drain: () => writer.current?.drained(),
          close() {
            writer.current?.closed()
            if (!done) lost()
          },
          error: (_, error) => fail(error),
          // The promise of `connect` rejects too; without a handler here Bun reports the failure a second time.
          connectError: () => {},
        },
      })
    const { socket, path } = await firstThatAnswers(controlPaths(config), connectTo)

    checkFolder(path)
    if (daemon.peer?.uid !== process.getuid?.()) {
      socket.end()
      throw new GatewayError('control.unsafe', 'another user answers there')
    }
    const stop = () => {
      fail(init.signal?.reason)
      socket.end()
    }
    init.signal?.addEventListener('abort', stop)
    // It may have happened while the connection was made.
    if (init.signal?.aborted) {
      stop()
      return answer.promise
    }
    writer.current = createWriter(socket)
    await writer.current.write(frame)
    return answer.promise
  }
}

/** Rejects with `daemon.absent`: a socket that a killed daemon left answers no more than one that is not there. */
async function firstThatAnswers<S>(paths: readonly string[], connectTo: (path: string) => Promise<S>) {
  let cause: unknown
  for (const path of paths) {
    try {
      return { socket: await connectTo(path), path }
    } catch (refused) {
      cause ??= refused
    }
  }
  throw absent(cause)
}
