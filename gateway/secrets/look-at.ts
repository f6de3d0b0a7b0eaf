import { statSync } from 'node:fs'

/** What is at a path, links followed; null for nothing, and for what this user may not see. */
export function lookAt(path: string): 'file' | 'folder' | null {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file'
  } catch {
    return null
  }
}
