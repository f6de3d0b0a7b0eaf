import { expect, test } from 'bun:test'
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRuntime } from '../../gateway/runtime'
import { openInstallKey } from '../../gateway/secrets/install-key'
import { Secret } from '../../gateway/secrets/secret'
import { tempFolder } from '../support/temp-store'

test('[consent] the install key is made once, is the same ever after, and another elsewhere', () => {
  using here = tempFolder()
  using there = tempFolder()
  const key = openInstallKey(here.path, systemRuntime)
  expect(key).toHaveLength(32)
  expect(openInstallKey(here.path, systemRuntime)).toEqual(key)
  expect(openInstallKey(there.path, systemRuntime)).not.toEqual(key)
  expect(readdirSync(here.path)).toEqual(['install.key'])
})

test('[consent] a damaged install key is refused, not replaced', () => {
  using folder = tempFolder()
  const file = join(folder.path, 'install.key')
  for (const bytes of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)]) {
    writeFileSync(file, bytes)
    expect(() => openInstallKey(folder.path, systemRuntime)).toThrow(
      expect.objectContaining({ code: 'store.broken' }),
    )
  }
})

test('[consent] an install key that is a link to somewhere else is not followed', () => {
  using folder = tempFolder()
  const elsewhere = join(folder.path, 'elsewhere')
  writeFileSync(elsewhere, new Uint8Array(32))
  symlinkSync(elsewhere, join(folder.path, 'install.key'))
  expect(() => openInstallKey(folder.path, systemRuntime)).toThrow(
    expect.objectContaining({ code: 'store.unwritable' }),
  )
})

test('[consent] a key half written by a crash is made anew', () => {
  using folder = tempFolder()
  writeFileSync(join(folder.path, 'install.key.part'), new Uint8Array(7))
  expect(openInstallKey(folder.path, systemRuntime)).toHaveLength(32)
  expect(existsSync(join(folder.path, 'install.key.part'))).toBe(false)
})

test('[threat.53] a secret never prints', () => {
  const secret = new Secret('canary')
  const printed = [
    Bun.inspect(secret),
    JSON.stringify([secret]),
    `${secret}`,
    Bun.inspect({ deep: [secret] }),
  ]
  expect(printed.join()).not.toContain('canary')
  expect(secret.reveal()).toBe('canary')
})
