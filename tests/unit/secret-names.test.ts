import { expect, test } from 'bun:test'
import { carriesPassword, looksSecret } from '../../gateway/domain/secret-names'

test('[cli] names that announce a secret are known in every spelling', () => {
  for (const name of [
    'API_KEY',
    'OPENAI_API_KEY',
    'apikey',
    'githubToken',
    'GITHUB_TOKEN',
    'GITHUB_PERSONAL_ACCESS_TOKEN',
    'SECRET',
    'client-secret',
    'DB_PASSWORD',
    'PGPASSWORD',
    'passphrase',
    'Authorization',
    'X-Api-Key',
    'Cookie',
    'BEARER',
    'JIRA_PAT',
    'AWS_SECRET_ACCESS_KEY',
    'credentials',
  ])
    expect([name, looksSecret(name)]).toEqual([name, true])
})

test('[cli] everyday names are no secrets', () => {
  for (const name of [
    'LEVEL',
    'PATH',
    'HOME',
    'DEBUG',
    'MAX_TOKENS',
    'PORT',
    'PWD',
    'KEYBOARD',
    'AUTHOR',
    'Accept',
    'X-Region',
    'PATTERN',
  ])
    expect([name, looksSecret(name)]).toEqual([name, false])
})

test('[consent] names that change what a program loads never count as secret', () => {
  for (const name of [
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'BUN_OPTIONS',
    'PYTHONPATH',
    'PYTHON_TOKEN',
    'LD_KEY',
    'BUN_AUTH_TOKEN',
  ])
    expect([name, looksSecret(name)]).toEqual([name, false])
})

test('[cli] a password inside a URL is seen', () => {
  expect(carriesPassword('postgres://me:pw@host/db')).toBe(true)
  expect(carriesPassword('redis://:pw@host')).toBe(true)
  for (const value of ['https://host/path', 'https://host:8080/a@b', 'user@host', 'C:\\a:b@c'])
    expect([value, carriesPassword(value)]).toEqual([value, false])
})
