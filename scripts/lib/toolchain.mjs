// Gets the one tool everything else needs, Bun, out of npm, and then the locked packages. Plain Node, because it runs
// on a fresh clone where nothing is installed. No registry is named here: npm's and Bun's own settings decide.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { Stop, capture, cleanEnvironment, root, run, say } from './process.mjs'

const OLDEST_NODE = 20
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.mcpmux-install')

const wantedBun = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.bun

const bunIn = (folder) => join(folder, '.bin', process.platform === 'win32' ? 'bun.exe' : 'bun')

function runs(bun, version) {
  if (!existsSync(bun)) return false
  return capture(bun, ['--version'], { env: cleanEnvironment() }).stdout.trim() === version
}

function stampOf(version) {
  const hash = createHash('sha256')
  for (const file of ['bun.lock', 'package.json']) hash.update(readFileSync(join(root, file)))
  return hash.update(`${version} ${process.platform} ${process.arch}`).digest('hex')
}

const npmCommand = () => {
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.c?js$/.test(cli)) return { command: process.execPath, prefix: [cli] }
  return { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', prefix: [] }
}

/** Bun's package keeps its program in a package per platform; its own installer puts it in place. */
function finishBun(folder, version) {
  const installer = join(folder, 'bun', 'install.js')
  if (!runs(bunIn(folder), version) && existsSync(installer))
    capture(process.execPath, [installer], { cwd: dirname(installer) })
  return runs(bunIn(folder), version)
}

async function bootstrapBun(version) {
  if (finishBun(modules, version)) return bunIn(modules)
  const cache = join(root, '.cache', 'bun')
  const cached = join(cache, 'node_modules')
  if (finishBun(cached, version)) return bunIn(cached)
  say(`Getting Bun ${version} through npm …`)
  const npm = npmCommand()
  const flags = [
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ]
  const code = await run(
    npm.command,
    [...npm.prefix, 'install', ...flags, '--prefix', cache, `bun@${version}`],
    {
      shell: npm.command.endsWith('.cmd'),
      stdio: ['ignore', 'ignore', 2],
    },
  ).catch(() => null)
  if (code === null)
    throw new Stop('npm could not be started. Install Node.js 20 or newer together with npm, then try again.')
  if (code !== 0)
    throw new Stop(
      `npm could not fetch bun@${version}. Check the network connection and \`npm config get registry\`, then try again.`,
    )
  if (!finishBun(cached, version))
    throw new Stop(
      `Bun ${version} was fetched but does not run on this machine (${process.platform} ${process.arch}). ` +
        'Bun needs a 64-bit x86 or ARM processor and, on Linux, glibc 2.17 or musl.',
    )
  return bunIn(cached)
}

async function installPackages(bun, version) {
  say('Installing the locked packages …')
  const code = await run(bun, ['install', '--frozen-lockfile'], { stdio: ['ignore', 'ignore', 2] })
  if (code !== 0)
    throw new Stop(
      'The packages could not be installed. The lines above say why: without a network connection try again later; ' +
        'where package.json and bun.lock disagree, run `bun install` and commit bun.lock.',
    )
  if (!finishBun(modules, version))
    throw new Stop('Bun was installed but node_modules/.bin/bun does not run.')
}

/**
 * Makes `node_modules` match bun.lock and returns the path of Bun. Does nothing when that was done before; stops with
 * a sentence when it cannot be done.
 */
export async function ensureToolchain() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < OLDEST_NODE)
    throw new Stop(`McpMux needs Node.js ${OLDEST_NODE} or newer to build; this is ${process.versions.node}.`)
  const version = wantedBun()
  const stamp = stampOf(version)
  const bun = bunIn(modules)
  const known = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
  if (known === stamp && runs(bun, version)) return bun
  await installPackages(await bootstrapBun(version), version)
  writeFileSync(stampFile, stamp)
  return bun
}

/** A clean environment in which `bun` and the installed tools are found first. */
export function toolEnvironment(extra = {}) {
  const environment = cleanEnvironment(extra)
  environment.PATH = [join(modules, '.bin'), environment.PATH].join(delimiter)
  return environment
}
