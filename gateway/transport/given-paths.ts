import { stat } from 'node:fs/promises'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { GivenPath } from '../secrets/server-values'

/** A disk of another machine may never answer. */
const PATIENCE_MS = 3000

/** Throws `input.path` unless every file and folder is there, and is what it is said to be; links are followed. */
export async function checkPaths(
  paths: readonly GivenPath[],
  runtime: Pick<Runtime, 'sleep'>,
): Promise<void> {
  if (paths.length === 0) return
  const done = new AbortController()
  const late = runtime.sleep(PATIENCE_MS, done.signal).then(
    () => 'late' as const,
    () => 'late' as const,
  )
  try {
    for (const { id, type, path } of paths) {
      const there = await Promise.race([lookAt(path), late])
      if (there === type) continue
      const what = there === null ? 'is not there' : there === 'late' ? 'does not answer' : `is no ${type}`
      throw new GatewayError('input.path', `the ${type} its value ${id} names ${what}`)
    }
  } finally {
    done.abort()
  }
}

async function lookAt(path: string): Promise<GivenPath['type'] | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch {
    return null
  }
}
