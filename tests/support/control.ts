// The admin API of a running daemon over its control socket, without starting a process for every request.
import { join } from 'node:path'
import { createControlFetch } from '../../gateway/control/connect'
import type { Daemon } from './daemon'

export interface Control {
  get<T>(path: string): Promise<T>
  /** Resolves with the body of a success; rejects with what the daemon said, or when it went away. */
  send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T>
}

export function controlOf(daemon: Pick<Daemon, 'dataDir' | 'home'>): Control {
  const fetch = createControlFetch({
    dataDir: daemon.dataDir,
    runtimeDir: daemon.home,
    tempDir: join(daemon.home, 'tmp'),
    environment: {},
    platform: process.platform,
  })
  async function send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(path, body ? { method, body: JSON.stringify(body) } : { method })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  return { get: (path) => send('GET', path), send }
}
