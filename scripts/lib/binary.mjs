// Builds dist/mcpmux when its sources changed.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Stop, root, run, say } from './process.mjs'
import { toolEnvironment } from './toolchain.mjs'

const name = process.platform === 'win32' ? 'mcpmux.exe' : 'mcpmux'
const dist = join(root, 'dist')
const stampFile = join(dist, '.inputs')

/** Where the compiled program is. */
export const binary = join(dist, name)

// Threads are programs of their own beside the main one.
const programs = ['gateway/main.ts', 'gateway/secrets/keychain-worker.ts', 'gateway/store/check-worker.ts']

// Without the two autoload flags the program would run the bunfig.toml and .env of any folder it is started in.
// Identifiers are not minified: Elysia reads names out of code, and then lets numbers pass that a schema forbids.
const flags = [
  '--compile',
  '--minify-whitespace',
  '--minify-syntax',
  '--bytecode',
  '--format=esm',
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
]

function inputs(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? inputs(join(folder, entry.name)) : [join(folder, entry.name)]))
}

function hashInputs() {
  const hash = createHash('sha256').update([...flags, ...programs].join(' '))
  for (const file of [...inputs('gateway'), 'package.json', 'bun.lock', 'tsconfig.json'])
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** Whether a program has the keychain's native library in it. Bun leaves out what it does not find, without a word. */
export function hasKeychainLibrary(file) {
  const program = readFileSync(file)
  const folder = join(root, 'node_modules', '@napi-rs')
  return readdirSync(folder)
    .filter((name) => name.startsWith('keyring-'))
    .flatMap((name) => readdirSync(join(folder, name)).map((part) => join(folder, name, part)))
    .filter((path) => path.endsWith('.node'))
    .some((path) => program.includes(readFileSync(path)))
}

/** Compiles `dist/mcpmux` unless it is up to date. A running copy goes on: the new file takes its name, not its place. */
export async function buildBinary(bun) {
  const hash = hashInputs()
  if (existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return binary
  say('Building dist/mcpmux …')
  mkdirSync(dist, { recursive: true })
  const staging = mkdtempSync(join(dist, '.build-'))
  try {
    const built = join(staging, name)
    const code = await run(bun, ['build', ...flags, ...programs, '--outfile', built], {
      env: toolEnvironment(),
      stdio: ['ignore', 'ignore', 2],
    })
    if (code !== 0 || !existsSync(built)) throw new Stop('The build failed; the lines above say where.')
    if (!hasKeychainLibrary(built))
      throw new Stop(
        'The build left out the library of the keychain; install the packages again and build once more.',
      )
    renameSync(built, binary)
    writeFileSync(stampFile, hash)
    return binary
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}
