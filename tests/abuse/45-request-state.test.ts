// `requestState` in the hands of a client that changes it, keeps it, or gives it to somebody else.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { modern } from '../support/modern-client'
import { startSourceDaemon } from '../support/source-daemon'

const server = [process.execPath, join(repository, 'tests/servers/asking-stdio.ts')]
const capabilities = { roots: {}, elicitation: {} }
const ask = { method: 'elicitation/create', params: '{"message":"hello"}' }

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let keys: Record<'one' | 'two' | 'away', string>
beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['space', 'create', 'other'])
  for (const words of [
    ['add', 'asking'],
    ['add', 'second'],
    ['add', 'asking', '--space', 'other'],
  ])
    await daemon.cli([...words, '--yes', '--', ...server])
  const key = async (...words: string[]) => (await daemon.cli(['key', 'create', ...words])).stdout.trim()
  keys = { one: await key('one'), two: await key('two'), away: await key('away', '--space', 'other') }
})
afterAll(() => daemon[Symbol.asyncDispose]())

interface Round {
  key?: string
  name?: string
  args?: object
  method?: string
  more?: object
}
const round = ({
  key = keys.one,
  name = 'asking_ask',
  args = ask,
  method = 'tools/call',
  more = {},
}: Round) => modern(daemon.mcpUrl, key, { method, params: { name, arguments: args, ...more }, capabilities })

async function first(key = keys.one): Promise<{ requestState: string; inputResponses: object }> {
  const { message } = await round({ key })
  const { requestState, inputRequests } = message.result as { requestState: string; inputRequests: object }
  const answers = Object.keys(inputRequests).map((name) => [name, { action: 'accept' }])
  return { requestState, inputResponses: Object.fromEntries(answers) }
}

const refused = async (given: Round) => {
  const { message } = await round(given)
  return message.error?.data?.code
}

test('[threat.45] a state is good for its own client, Space, server, tool and arguments only', async () => {
  const more = await first()
  const wrong: Round[] = [
    { key: keys.two },
    { key: keys.away },
    { name: 'second_ask' },
    { name: 'asking_hold' },
    { args: { ...ask, params: '{"message":"other"}' } },
    { args: {} },
  ]
  for (const given of wrong)
    expect([given, await refused({ ...given, more })]).toEqual([given, 'rpc.state_invalid'])
  const { message } = await round({ args: Object.fromEntries(Object.entries(ask).reverse()), more })
  expect(JSON.stringify(message.result)).toContain('accept')
})

test('[threat.45] a state is good once', async () => {
  const more = await first()
  expect((await round({ more })).message.result).toBeDefined()
  expect(await refused({ more })).toBe('rpc.state_invalid')
})

test('[threat.45] a changed state is none', async () => {
  const more = await first()
  const parts = more.requestState.split('.')
  const flip = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const forged = [
    '',
    'x',
    '{}',
    more.requestState.slice(0, -1),
    `${more.requestState}A`,
    ...parts.flatMap((part, index) =>
      part === '' ? [] : [[...parts.slice(0, index), flip(part, 3), ...parts.slice(index + 1)].join('.')],
    ),
    Buffer.from('{"alg":"none"}').toString('base64url') +
      '.' +
      Buffer.from('{"state":{"kind":"server","state":"x"}}').toString('base64url') +
      '.',
    keys.one,
  ]
  for (const requestState of forged)
    expect([requestState, await refused({ more: { ...more, requestState } })]).toEqual([
      requestState,
      'rpc.state_invalid',
    ])
  expect((await round({ more })).message.result).toBeDefined()
})

test('[threat.45] a state runs out, and the call that waited ends with it', async () => {
  await daemon.cli(['config', 'set', 'timeouts.answer', '1000'])
  try {
    const more = await first()
    await Bun.sleep(2500)
    expect(await refused({ more })).toBe('rpc.state_invalid')
  } finally {
    await daemon.cli(['config', 'reset', 'timeouts.answer'])
  }
})

test('[threat.45] a state is worth nothing once the right to the call is gone', async () => {
  const more = await first()
  await daemon.cli(['disable', 'asking'])
  expect(await refused({ more })).toBe('feature.unknown')
  await daemon.cli(['enable', 'asking'])
})
