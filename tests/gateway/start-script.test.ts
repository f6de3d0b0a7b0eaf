import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanEnvironment, repository } from '../support/daemon'
import { waitUntil } from '../support/processes'

const script = join(repository, 'scripts/start.mjs')

test('[cli] npm start --help says what it takes and starts nothing', async () => {
  const child = Bun.spawn(['node', script, '--help'], { stdout: 'pipe', stderr: 'pipe' })
  expect(await child.exited).toBe(0)
  expect(await new Response(child.stdout).text()).toContain('--demo')
  expect(await new Response(child.stderr).text()).toBe('')
})

test('[cli] the first screen of the demo is the key and a line that works as it stands, and nothing of the log', async () => {
  const home = mkdtempSync(join(tmpdir(), "mux's demo "))
  const env = cleanEnvironment(home, { MCPMUX_HOME: join(home, 'data') })
  const child = Bun.spawn(['node', script, '--demo', '--port', '0'], {
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let screen = ''
  const read = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) screen += decoder.decode(chunk, { stream: true })
  })()
  try {
    await waitUntil('the first screen is complete', () => screen.includes('Ctrl-C stops.'), 60_000)
    expect(screen.match(/mcp_[A-Za-z0-9]+/g)).toHaveLength(1)
    expect(screen).not.toContain('admin:')
    const line = screen.split('\n').find((it) => it.includes('call everything/echo')) ?? ''
    // Another terminal does not have the variable this one was started with.
    const other = Bun.spawn(['sh', '-c', line], {
      cwd: repository,
      env: cleanEnvironment(home),
      stdout: 'pipe',
      stderr: 'inherit',
    })
    expect(await new Response(other.stdout).text()).toContain('Echo: hi')
    child.kill('SIGINT')
    expect(await child.exited).toBe(0)
    await read
  } finally {
    child.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  }
}, 120_000)
