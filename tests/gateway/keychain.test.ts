import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '../support/daemon'
import { type KeychainUser, startKeychainUser } from '../support/keychain-user'
import { startKeyring } from '../support/keyring'

// A zero, a newline and what is no UTF-8: keys are any bytes.
const KEY = new Uint8Array([0, 10, 255, 254, 1, 2, 3, 200])
const OTHER = new Uint8Array([9, 9, 9])
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
/** Turns of what answers others, 10 ms apart, while the keychain is waited for: hundreds; one if it held them up. */
const GOES_ON = 20

async function stored(user: KeychainUser) {
  expect(await user.ask('write', 'key', KEY)).toMatchObject({ state: 'done' })
}

const present = { state: 'present', value: base64(KEY) }

test('[cred.keychain] what is stored is in the keychain byte for byte, and gone when removed', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'absent' })
  await stored(user)
  expect(await user.ask('read', 'key')).toMatchObject(present)
  expect(await keyring.items()).toEqual([{ service: 'com.mcpmux.desktop', account: 'key', value: KEY }])
  expect(await user.ask('remove', 'key')).toMatchObject({ state: 'done' })
  expect(await user.ask('remove', 'key')).toMatchObject({ state: 'done' })
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'absent' })
  expect(await keyring.items()).toEqual([])
})

test('[cred.keychain] what was emptied is absent, and what was exchanged is what is read', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  await keyring.replace('key', OTHER)
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'present', value: base64(OTHER) })
  await keyring.empty()
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'absent' })
})

test('[threat.54] a locked keychain is locked, not empty, and is as before once unlocked', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  await keyring.lock()
  const locked = { state: 'unavailable', reason: 'locked', slow: false }
  expect(await user.ask('read', 'key')).toMatchObject(locked)
  for (const action of ['write', 'remove'] as const)
    expect(await user.ask(action, 'key', OTHER)).toMatchObject({
      state: 'threw',
      code: 'keychain.unavailable',
    })
  await keyring.unlock()
  expect(await user.ask('read', 'key')).toMatchObject(present)
})

test('[threat.54] a keychain that was locked since the login is locked, not empty', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  await keyring.kill()
  await keyring.start('locked')
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'unavailable', reason: 'locked' })
  await keyring.unlock()
  expect(await user.ask('read', 'key')).toMatchObject(present)
})

test('[threat.54] a keychain that died is away, and is found again when it is back', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  for (const _ of [1, 2]) {
    await keyring.kill()
    expect(await user.ask('read', 'key')).toMatchObject({ state: 'unavailable', reason: 'no-service' })
    await keyring.start()
    expect(await user.ask('read', 'key')).toMatchObject(present)
  }
})

test('[threat.54] a keychain that hangs holds up neither its callers for long nor anybody else', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  keyring.freeze()
  try {
    const answers = await Promise.all([user.ask('read', 'key'), user.ask('read', 'key')])
    for (const answer of answers) {
      expect(answer).toMatchObject({ state: 'unavailable', reason: 'timeout' })
      expect(answer.turns).toBeGreaterThan(GOES_ON)
    }
    expect(await user.ask('write', 'key', OTHER)).toMatchObject({ state: 'threw' })
  } finally {
    keyring.thaw()
  }
  const after = await user.ask('read', 'key')
  expect(after.state).toBe('present')
  expect([base64(KEY), base64(OTHER)]).toContain(after.value ?? '')
})

/** Descriptions of kernel keys made for an account, in whatever keyring of this process's user. */
const kernelKeys = (account: string) =>
  readFileSync('/proc/keys', 'utf8')
    .split('\n')
    .filter((line) => line.includes(account))

test('[threat.55] without a keychain nothing is stored, in no other place either', async () => {
  const account = `key-${crypto.randomUUID()}`
  const places: Record<string, string>[] = [{ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' }, {}]
  for (const env of places) {
    await using user = startKeychainUser(env)
    expect(await user.ask('read', account)).toMatchObject({ state: 'unavailable', reason: 'no-service' })
    expect(await user.ask('write', account, KEY)).toMatchObject({
      state: 'threw',
      code: 'keychain.unavailable',
      message: 'the keychain cannot be used: no Secret Service is running',
    })
    expect(await user.ask('remove', account)).toMatchObject({ state: 'threw' })
  }
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  expect(await user.ask('write', account, KEY)).toMatchObject({ state: 'done' })
  await keyring.lock()
  expect(await user.ask('write', account, OTHER)).toMatchObject({ state: 'threw' })
  await keyring.kill()
  expect(await user.ask('write', account, OTHER)).toMatchObject({ state: 'threw' })
  expect(kernelKeys(account)).toEqual([])
})

/** Threads of a process that run JavaScript of their own. */
const workers = ({ pid }: KeychainUser) =>
  readdirSync(`/proc/${pid}/task`).filter((task) => commOf(pid, task) === 'Worker').length

function commOf(pid: number, task: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim()
  } catch {
    // It ended meanwhile.
    return ''
  }
}

test('[cred.keychain] the thread for the keychain ends when it has nothing to do, and is there for the next job', async () => {
  await using keyring = await startKeyring()
  await using user = startKeychainUser(keyring.env)
  await stored(user)
  for (const _ of [1, 2]) {
    expect(await user.ask('read', 'key')).toMatchObject(present)
    await eventually(
      () => workers(user),
      (count) => count === 0,
      60_000,
    )
  }
  // A job that waits keeps it, and is answered.
  keyring.freeze()
  expect(await user.ask('read', 'key')).toMatchObject({ state: 'unavailable', reason: 'timeout' })
  expect(workers(user)).toBe(1)
  keyring.thaw()
  expect(await user.ask('read', 'key')).toMatchObject(present)
}, 180_000)
