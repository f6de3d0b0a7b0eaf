import { chmodSync, rmSync } from 'node:fs'
import type { Actor } from '../domain/audit'
import { GatewayError, toGatewayError, toProblem } from '../errors'
import { createLineFramer } from '../wire/lines'
import { CHUNK_BYTES, encodeFrame, MAX_FRAME_BYTES, parseRequest, type RequestFrame } from './frames'
import { descriptorOf, type Libc, type Peer } from './libc'
import { secureFolder } from './path'
import { createWriter, type Writer } from './writer'

/** Who asks for what. Never a body: bodies carry secrets. */
export interface ChangeRequest {
  pid: number
  executable: string
  method: string
  path: string
}

interface Deps {
  path: string
  app: { handle(request: Request, by: Actor): Promise<Response> | Response }
  libc: Pick<Libc, 'peerOf'>
  /** True for processes that a server of ours started: they may not steer the gateway. */
  isOurDescendant(pid: number): boolean | Promise<boolean>
  /** Null when the process is gone. */
  executableOf(pid: number): string | null
  /** Told of every request that may change something, before it runs. */
  audit(entry: ChangeRequest): void
}

interface Connection {
  pid: number
  writer: Writer
  push(chunk: Uint8Array): void
  abort: AbortController
  /** An answer that ends only when somebody hangs up. */
  endless: boolean
}

const MAX_CONNECTIONS = 256
/** Of one process, so that none takes the places of all others. */
const MAX_OF_ONE = 64
/** Seconds a connection may take to say what it wants. */
const REQUEST_SECONDS = 10
/** The same for one that will be refused. */
const REFUSED_SECONDS = 1
/** Milliseconds that answers under way get when the socket closes. */
const DRAIN_MS = 2000
/** Milliseconds in which those cut off are told so. */
const FAREWELL_MS = 500

async function sendProblem(writer: Writer, error: GatewayError): Promise<void> {
  const { status, body } = toProblem(error)
  await sendResponse(writer, Response.json(body, { status }))
}

// A response made of a generator hands its text on as it is.
const asBytes = (chunk: unknown): Uint8Array =>
  chunk instanceof Uint8Array ? chunk : new TextEncoder().encode(String(chunk))

async function sendResponse(writer: Writer, response: Response): Promise<void> {
  if (
    !(await writer.write(
      encodeFrame({ status: response.status, headers: Object.fromEntries(response.headers) }),
    ))
  ) {
    await response.body?.cancel()
    return
  }
  let whole = true
  const reader = response.body?.getReader()
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      const bytes = asBytes(next.value)
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        const chunk = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES)).toString('base64')
        if (!(await writer.write(encodeFrame({ chunk })))) {
          await reader?.cancel()
          return
        }
      }
    }
  } catch {
    whole = false
  }
  await writer.write(encodeFrame({ end: whole }))
}

/**
 * Opens the owner's door to the admin API. The folder's mode keeps other users out and the kernel says who connects;
 * another user, or a process that one of our servers started, is told so and let go.
 */
export function openControlSocket(deps: Deps): AsyncDisposable {
  const { path, app, libc, audit } = deps
  secureFolder(path)
  // The caller holds the lock of the data folder, so a socket that is there is a dead one.
  rmSync(path, { force: true })
  const connections = new Set<Connection>()
  const running = new Set<Promise<void>>()

  /** A process that is gone may have left the connection to a child of its own, so nobody can say who asks. */
  async function admit(peer: Peer | null): Promise<{ pid: number; executable: string }> {
    if (!peer || peer.uid !== (process.getuid?.() ?? -1))
      throw new GatewayError('admin.forbidden', 'this gateway belongs to another user')
    const ours = await deps.isOurDescendant(peer.pid)
    const executable = deps.executableOf(peer.pid)
    if (ours || executable === null)
      throw new GatewayError('admin.forbidden', 'a server may not steer the gateway that runs it')
    return { pid: peer.pid, executable }
  }

  async function answer(
    frame: RequestFrame | null,
    caller: Promise<{ pid: number; executable: string }>,
    connection: Connection,
  ): Promise<void> {
    try {
      const who = await caller
      if (deps.executableOf(who.pid) !== who.executable)
        throw new GatewayError('admin.forbidden', 'the program that connected is not there any more')
      if (!frame) throw new GatewayError('http.bad_request', 'not a control request')
      const { method, path: target, body } = frame
      if (method !== 'GET') audit({ ...who, method, path: target })
      const request = new Request(`http://localhost${target}`, {
        method,
        headers: body === null ? {} : { 'content-type': 'application/json' },
        body: method === 'GET' ? null : body,
        signal: connection.abort.signal,
      })
      const response = await app.handle(request, { via: 'socket', ...who })
      connection.endless = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
      await sendResponse(connection.writer, response)
    } catch (error) {
      await sendProblem(connection.writer, toGatewayError(error))
    }
  }

  const listener = Bun.listen<Connection | null>({
    unix: path,
    socket: {
      open(socket) {
        const peer = libc.peerOf(descriptorOf(socket))
        const pid = peer?.pid ?? 0
        const ofOne = [...connections].filter((other) => other.pid === pid).length
        const crowded = connections.size >= MAX_CONNECTIONS || ofOne >= MAX_OF_ONE
        const caller = crowded ? Promise.reject(new GatewayError('http.too_busy')) : admit(peer)
        let taken = false
        let heard = false
        let refused = false
        const take = (frame: RequestFrame | null) => {
          if (taken) return
          taken = true
          socket.timeout(0)
          const work = answer(frame, caller, connection).finally(() => {
            running.delete(work)
            socket.end()
          })
          running.add(work)
        }
        const framer = createLineFramer({
          maxLineBytes: MAX_FRAME_BYTES,
          onLine: (line) => take(parseRequest(line)),
          onOversize: () => take(null),
        })
        const connection: Connection = {
          pid,
          writer: createWriter(socket),
          push(chunk) {
            heard = true
            if (refused) take(null)
            else framer.push(chunk)
          },
          abort: new AbortController(),
          endless: false,
        }
        socket.data = connection
        if (!crowded) connections.add(connection)
        socket.timeout(REQUEST_SECONDS)
        // Whoever is not let in is told with the first byte they send, and nothing of theirs is held in memory. Not
        // before: a program that writes to a closed socket never reads why.
        caller.catch(() => {
          refused = true
          if (heard) take(null)
          else socket.timeout(REFUSED_SECONDS)
        })
      },
      data(socket, chunk) {
        socket.data?.push(new Uint8Array(chunk))
      },
      drain(socket) {
        socket.data?.writer.drained()
      },
      timeout(socket) {
        socket.end()
      },
      close(socket) {
        if (!socket.data) return
        connections.delete(socket.data)
        socket.data.writer.closed()
        socket.data.abort.abort()
      },
      error() {
        // `close` follows and frees what the connection holds.
      },
    },
  })
  chmodSync(path, 0o600)

  /** Resolves when every answer is given, or when the time is over. */
  async function ended(ms: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, ms)
    await Promise.race([Promise.allSettled(running), late.promise])
    clearTimeout(timer)
  }

  return {
    async [Symbol.asyncDispose]() {
      listener.stop()
      for (const connection of connections) if (connection.endless) connection.abort.abort()
      await ended(DRAIN_MS)
      for (const connection of connections) connection.abort.abort()
      await ended(FAREWELL_MS)
      listener.stop(true)
      rmSync(path, { force: true })
    },
  }
}
