// Every way into the admin API gets a command that would leave a file behind. Without a consent none of it may run.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let canary = ''
let spaceId = ''
beforeAll(async () => {
  keyring = await startKeyring()
  daemon = await startSourceDaemon(keyring.env)
  canary = join(daemon.home, 'canary')
  const spaces = (await (await daemon.fetch('/spaces')).json()) as { id: string }[]
  spaceId = spaces[0]?.id ?? ''
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
})

async function ask(method: string, path: string, body: unknown = {}) {
  const answer = await daemon.fetch(path, {
    method,
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: JSON.parse(text) as { id: string; code?: string; state?: { status: string } },
  }
}

const evil = () => ({ type: 'stdio', command: 'touch', args: [canary], env: {}, cwd: null })
const remote = { type: 'http', url: 'http://127.0.0.1:9/mcp', headers: {} }
const server = (patch: object) => ({ spaceId, source: 'cli', definition: remote, ...patch })

/** Everything that makes a server live, and a moment for what should not happen. */
async function poke(id: string): Promise<void> {
  await ask('POST', `/servers/${id}/connect`)
  await ask('POST', `/servers/${id}/restart`)
  await ask('POST', `/servers/${id}/call?tool=x`)
  await ask('PATCH', `/servers/${id}`, { enabled: false })
  await ask('PATCH', `/servers/${id}`, { enabled: true, keepRunning: true })
  await Bun.sleep(300)
}

test('[threat.25] a server stored without consent starts by no route', async () => {
  const { body } = await ask('POST', '/servers', server({ name: 'new', definition: evil() }))
  expect(body.state?.status).toBe('needs_consent')
  await poke(body.id)
  expect(existsSync(canary)).toBe(false)
})

test('[threat.25] a consent for one command does not cover the next', async () => {
  const harmless = { ...evil(), command: 'true', args: [] }
  const { body } = await ask(
    'POST',
    '/servers',
    server({ name: 'swap', definition: harmless, consent: { givenBy: 'cli' } }),
  )
  await ask('PATCH', `/servers/${body.id}`, { definition: evil() })
  await poke(body.id)
  expect(existsSync(canary)).toBe(false)
  const stale = await ask('POST', `/servers/${body.id}/consent`, {
    givenBy: 'cli',
    definition: harmless,
    inputs: [],
  })
  expect([stale.status, stale.body.code]).toEqual([409, 'consent.mismatch'])
  await poke(body.id)
  expect(existsSync(canary)).toBe(false)
})

test('[threat.25] what decides which code runs cannot hide behind a secret that changes after the consent', async () => {
  const program = join(repository, 'tests/servers/raw-stdio.ts')
  const preload = join(daemon.home, 'preload.ts')
  await Bun.write(preload, `await Bun.write(${JSON.stringify(canary)}, '')`)
  for (const name of [
    'BUN_OPTIONS',
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'PATH',
    'BASH_ENV',
    'PYTHONSTARTUP',
    'RUBYOPT',
  ]) {
    const definition = {
      ...evil(),
      command: process.execPath,
      args: [program],
      env: { [name]: '${input:o}' },
    }
    const given = { inputs: [{ id: 'o', secret: true, value: '--smol' }], consent: { givenBy: 'cli' } }
    const { status, body } = await ask('POST', '/servers', server({ name, definition, ...given }))
    if (status === 200) {
      await ask('PUT', `/servers/${body.id}/values`, {
        values: [{ id: 'o', value: `--preload=${preload}` }],
      })
      await poke(body.id)
    }
    expect([name, status, body.code, existsSync(canary)]).toEqual([name, 422, 'input.invalid', false])
  }
  // A token of the same family is a secret like any other.
  const definition = { ...evil(), env: { BUN_AUTH_TOKEN: '${input:o}', PYTHON_API_TOKEN: '${input:o}' } }
  const inputs = [{ id: 'o', secret: true, value: 'x' }]
  expect((await ask('POST', '/servers', server({ name: 'token', definition, inputs }))).status).toBe(200)
})

test('[threat.25] a transport does not change into another, openly or smuggled', async () => {
  const { body } = await ask('POST', '/servers', server({ name: 'remote', consent: { givenBy: 'cli' } }))
  const tries: [string, string, object][] = [
    ['PATCH', '', { definition: evil() }],
    ['PATCH', '', { definition: { ...remote, ...evil(), type: 'http' } }],
    ['PATCH', '', { definition: { ...remote, command: 'touch', args: [canary] } }],
    ['PATCH', '', { type: 'stdio', command: 'touch', args: [canary] }],
    ['PATCH', '', { enabled: true, transport: 'stdio' }],
    ['POST', '/connect', { definition: evil() }],
    ['POST', '/connect', evil()],
    ['POST', '/restart', { definition: evil() }],
    ['POST', '/stop', evil()],
    ['POST', '/consent', { givenBy: 'cli', definition: evil(), inputs: [] }],
    ['PUT', '/values', { values: [], definition: evil() }],
  ]
  for (const [method, path, sent] of tries) {
    const { status } = await ask(method, `/servers/${body.id}${path}`, sent)
    expect([path, sent, status === 409 || status === 422]).toEqual([path, sent, true])
  }
  await poke(body.id)
  expect(existsSync(canary)).toBe(false)
})

test('[threat.25] no other route takes a command', async () => {
  const routes: [string, string][] = [
    ['POST', '/servers'],
    ['POST', '/servers/test'],
    ['POST', '/servers/import'],
    ['POST', '/servers/preview'],
    ['POST', '/spaces'],
    ['POST', '/consents'],
    ['POST', '/consents/some-id'],
    ['DELETE', '/consents/some-id'],
    ['POST', '/pins'],
    ['POST', '/pins/some-id/accept'],
    ['PUT', `/pin-policies/${spaceId}`],
    ['POST', `/spaces/${spaceId}/use`],
    ['PATCH', `/spaces/${spaceId}`],
    ['POST', '/sets'],
    ['POST', '/clients'],
    ['POST', '/keys'],
    ['PUT', '/settings/host'],
    ['POST', '/tools'],
    ['POST', '/status'],
    ['POST', '/events'],
  ]
  for (const [method, path] of routes)
    for (const body of [
      evil(),
      { definition: evil() },
      { name: 'x', definition: evil() },
      { servers: [evil()] },
    ]) {
      const { status } = await ask(method, path, body)
      expect([path, [400, 404, 409, 415, 422].includes(status)]).toEqual([path, true])
    }
  expect(existsSync(canary)).toBe(false)
})

test('[threat.25] with a consent for it the same command runs: the canary can sing', async () => {
  const { body } = await ask(
    'POST',
    '/servers',
    server({ name: 'meant', definition: evil(), consent: { givenBy: 'cli' } }),
  )
  await ask('POST', `/servers/${body.id}/connect`)
  expect(existsSync(canary)).toBe(true)
})
