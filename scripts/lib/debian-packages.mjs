// The Debian packages the tests use, in one place: what they are called, and the program that shows they are there.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, say } from './process.mjs'

const packages = [
  { name: 'iproute2', program: 'ss', use: 'to see which addresses are listened on' },
  { name: 'util-linux', program: 'unshare', use: 'for a disk that can be filled' },
  { name: 'mount', program: 'mount', use: 'for a disk that can be filled' },
  { name: 'dbus', program: 'dbus-daemon', use: 'for a keychain of its own' },
  { name: 'gnome-keyring', program: 'gnome-keyring-daemon', use: 'for a keychain of its own' },
  { name: 'libsecret-tools', program: 'secret-tool', use: 'to see into that keychain' },
  { name: 'strace', program: 'strace', use: 'to see which programs are started' },
  { name: 'chromium', program: 'chromium', use: 'for the attacks of a web page' },
]

function installed(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Installs what is missing where that is possible, else names it. Resolves with the names still missing. */
export async function ensureDebianPackages() {
  const missing = packages.filter(({ program }) => !installed(program))
  if (missing.length === 0) return []
  const names = missing.map(({ name }) => name)
  for (const { name, use } of missing) say(`Missing: ${name} (${use})`)
  if (!existsSync('/etc/debian_version') || !installed('apt-get')) {
    say(`Please install: ${names.join(' ')}`)
    return names
  }
  if (process.getuid?.() !== 0) {
    say(`Please install them: sudo apt-get install ${names.join(' ')}`)
    return names
  }
  say(`Installing Debian packages: ${names.join(' ')} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = { env, stdio: ['ignore', 2, 2] }
  await run('apt-get', ['update', '-qq'], options)
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], options)
  return packages
    .filter(({ name, program }) => names.includes(name) && !installed(program))
    .map(({ name }) => name)
}
