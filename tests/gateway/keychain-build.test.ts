import { expect, test } from 'bun:test'
import { binary, hasKeychainLibrary } from '../../scripts/lib/binary.mjs'

test('[cred.keychain] the built program carries the library of the keychain', () => {
  expect(hasKeychainLibrary(binary)).toBe(true)
  expect(hasKeychainLibrary(process.execPath)).toBe(false)
})
