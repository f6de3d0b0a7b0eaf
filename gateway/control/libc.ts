// The few calls of the C library that Bun has no name for: who is at the other end of a unix socket, a file lock that
// the kernel drops with its holder, however it ends, and memory that stays closed to others. POSIX only: a Windows port
// needs a named pipe with an access list and GetNamedPipeClientProcessId instead.
import { dlopen, type FFIFunction, ptr } from 'bun:ffi'
import { GatewayError } from '../errors'

const libraries: Readonly<Record<string, readonly string[]>> = {
  linux: ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'],
  darwin: ['libSystem.B.dylib'],
}

const signatures = {
  getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  flock: { args: ['i32', 'i32'], returns: 'i32' },
} as const

const linuxSignatures = {
  prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
} as const

function open<T extends Record<string, FFIFunction>>(platform: NodeJS.Platform, wanted: T) {
  for (const name of libraries[platform] ?? []) {
    try {
      return dlopen(name, wanted).symbols
    } catch {
      // the next name
    }
  }
  throw new GatewayError('internal', 'the C library of this system is not known')
}

/** Process and user at the other end of a connected unix socket, as the kernel recorded them at connect. */
export interface Peer {
  pid: number
  uid: number
}

/** Questions to the kernel about open file descriptors. */
export interface Libc {
  /** Null when the kernel does not say. */
  peerOf(fd: number): Peer | null
  /** Takes an exclusive lock without waiting; false when another process holds it. */
  tryLock(fd: number): boolean
}

const LOCK_EX = 2
const LOCK_NB = 4

/** Throws `internal` on a system whose C library is not known, Windows among them. */
export function openLibc(platform: NodeJS.Platform): Libc {
  const { getsockopt, flock } = open(platform, signatures)
  const option = (fd: number, level: number, name: number, words: number): Int32Array | null => {
    const value = new Int32Array(words)
    const length = new Uint32Array([value.byteLength])
    return getsockopt(fd, level, name, ptr(value), ptr(length)) === 0 ? value : null
  }
  return {
    tryLock: (fd) => flock(fd, LOCK_EX | LOCK_NB) === 0,
    peerOf(fd) {
      if (platform === 'linux') {
        const credentials = option(fd, 1, 17, 3)
        return credentials && { pid: credentials[0] ?? 0, uid: credentials[1] ?? -1 }
      }
      // LOCAL_PEERPID, and LOCAL_PEERCRED whose second word is the effective user.
      const pid = option(fd, 0, 2, 1)
      const credentials = option(fd, 0, 1, 19)
      return pid && credentials && { pid: pid[0] ?? 0, uid: credentials[1] ?? -1 }
    },
  }
}

const PR_SET_DUMPABLE = 4

/**
 * Closes the memory of this process to other programs of the same user, and keeps it out of core files; programs it
 * starts are not affected. Linux only: elsewhere nothing happens.
 */
export function closeMemory(platform: NodeJS.Platform): void {
  if (platform === 'linux') open(platform, linuxSignatures).prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n)
}

/** File descriptor of an open Bun socket, which its type does not name; -1 when it has none. */
export const descriptorOf = (socket: object): number =>
  'fd' in socket && typeof socket.fd === 'number' ? socket.fd : -1
