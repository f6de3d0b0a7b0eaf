import { expect, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, cleanEnvironment } from '../support/daemon'
import { tempFolder } from '../support/temp-store'

/** A folder whose files have Bun run a program first and set a variable; what it says and whether the program ran. */
async function startIn(folder: string, command: string[]): Promise<{ said: string; preloaded: boolean }> {
  const mark = join(folder, 'preloaded')
  writeFileSync(join(folder, 'preload.ts'), `await Bun.write(${JSON.stringify(mark)}, 'yes')`)
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preload.ts"]\n')
  writeFileSync(join(folder, '.env'), 'MCPMUX_HOME=/dev/null/from-dotenv\n')
  const env = cleanEnvironment('/dev/null/from-home', { XDG_RUNTIME_DIR: folder, TMPDIR: folder })
  const child = Bun.spawn(command, { cwd: folder, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await child.exited
  return { said: out + err, preloaded: existsSync(mark) }
}

test('[threat.66] the program reads no .env and no bunfig.toml of the folder it is started in', async () => {
  using folder = tempFolder()
  // A data folder that cannot be made is named when the start fails.
  const { said, preloaded } = await startIn(folder.path, [binary, 'serve', '--port', '0'])
  expect(said).toContain('/dev/null/from-home')
  expect(said).not.toContain('from-dotenv')
  expect(preloaded).toBe(false)
})

test('[threat.66] Bun itself does read both there', async () => {
  using folder = tempFolder()
  writeFileSync(join(folder.path, 'main.ts'), 'console.log(process.env.MCPMUX_HOME)')
  const { said, preloaded } = await startIn(folder.path, [process.execPath, 'main.ts'])
  expect(said).toContain('from-dotenv')
  expect(preloaded).toBe(true)
})
