import { expect, test } from 'bun:test'
import type { SealedValue } from '../../gateway/admin/sealed-value'
import { sealedText } from '../../gateway/cli/sealed-value'
import { sealedTables } from '../../gateway/store/sealed-rows'

const value = (patch: Partial<SealedValue>): SealedValue => ({
  ...{ table: 'credentials', server: 'github', space: 'Default', name: 'API_TOKEN' },
  ...patch,
})
const text = (patch: Partial<SealedValue>) => sealedText(value(patch))

test('[threat.57] a sealed value is named as a person calls it', () => {
  const issuer = 'https://as.example'
  expect([
    text({}),
    text({ table: 'space_secrets', server: null, name: 'pat' }),
    text({ table: 'oauth_tokens', name: issuer }),
    text({ table: 'oauth_registrations', name: issuer }),
    // A client id that a person gave for whichever issuer comes first.
    text({ table: 'oauth_registrations', name: '' }),
    text({ server: null }),
    text({ table: 'space_secrets', server: null, space: null, name: 'pat' }),
  ]).toEqual([
    'value API_TOKEN of github (Default)',
    'secret pat of the Space Default',
    'sign-in of github (Default) at https://as.example',
    'client id of github (Default) at https://as.example',
    'client id of github (Default)',
    'value API_TOKEN of a server that is gone',
    'secret pat of a Space that is gone',
  ])
})

test('[threat.57] every sealed table has words for its values, other than its name', () => {
  for (const { table } of sealedTables) expect(text({ table })).not.toContain(table)
})

test('[threat.57] a value of a table that is not known here is named by the table, and steers no terminal', () => {
  expect(text({ table: 'constructor' })).toBe('constructor of github (Default)')
  expect(text({ table: 'later\u001b[31m', name: '\u202e', server: null })).not.toMatch(/[\u001b\u202e]/)
  expect(text({ server: 'a\u001b[31m', name: '\u202e' })).not.toMatch(/[\u001b\u202e]/)
})
