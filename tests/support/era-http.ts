import { join } from 'node:path'
import { repository } from './daemon'

/** A program of `tests/servers` that serves over HTTP and prints its address. */
export async function startEraHttp(file: string, eras: string): Promise<AsyncDisposable & { url: string }> {
  const child = Bun.spawn([process.execPath, join(repository, 'tests/servers', file), 'http', eras], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const reader = child.stdout.getReader()
  const { value } = await reader.read()
  reader.releaseLock()
  return {
    url: new TextDecoder().decode(value).trim(),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
