// The command line on a terminal: questions, hidden answers, and who changes their mind.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { type KeyringDaemon, startKeyringDaemon } from '../support/keyring-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
let daemon: KeyringDaemon
beforeAll(async () => {
  daemon = await startKeyringDaemon()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const withSecret = (name: string) => ['add', name, '--env', 'API_TOKEN', '--', ...raw]
const exists = async (name: string) => (await daemon.cli(['show', name])).code === 0

test('[consent] a secret and the approval are asked one after the other, and the secret is never shown', async () => {
  const { code, screen } = await daemon.onTerminal(withSecret('both'), [
    ['Value of API_TOKEN', 's3cret-é\r'],
    ['Add it?', 'y\r'],
  ])
  expect(screen).toContain('both: 4 tools')
  expect(screen).not.toContain('s3cret')
  expect(code).toBe(0)
})

test('[consent] both answers pasted at once are one answer each', async () => {
  const { code, screen } = await daemon.onTerminal(withSecret('pasted'), [
    ['Value of API_TOKEN', 's3cret\ry\r'],
  ])
  expect(screen).not.toContain('s3cret')
  expect([code, await exists('pasted')]).toEqual([0, true])
})

for (const [how, answers, expected] of [
  [
    'a no',
    [
      ['Value of API_TOKEN', 'x\r'],
      ['Add it?', 'n\r'],
    ],
    4,
  ],
  [
    'an empty answer',
    [
      ['Value of API_TOKEN', 'x\r'],
      ['Add it?', '\r'],
    ],
    4,
  ],
  [
    'Ctrl-D at the question',
    [
      ['Value of API_TOKEN', 'x\r'],
      ['Add it?', '\u0004'],
    ],
    4,
  ],
  ['Ctrl-C at the secret', [['Value of API_TOKEN', '\u0003']], 4],
  ['an empty secret', [['Value of API_TOKEN', '\r']], 4],
] satisfies [string, [string, string][], number][])
  test(`[consent] ${how} adds nothing`, async () => {
    const { code } = await daemon.onTerminal(withSecret('given up'), answers)
    expect([code, await exists('given up')]).toEqual([expected, false])
  })

for (const [what, args, says, expected] of [
  ['a taken name', ['both'], 'server.exists', 5],
  ['a taken alias', ['another', '--alias', 'both'], 'server.exists', 5],
  ['a Space that is not there', ['new', '--space', 'nowhere'], 'space.unknown', 1],
  ['a secret that decides which code runs', ['new', '--env', 'NODE_OPTIONS'], 'input.invalid', 1],
] as const)
  test(`[cli] ${what} is said before anything is asked or shown`, async () => {
    if (!(await exists('both'))) await daemon.cli(['add', 'both', '--alias', 'both', '--yes', '--', ...raw])
    const [name, ...options] = args
    const { code, screen } = await daemon.onTerminal(
      ['add', name, '--env', 'API_TOKEN', ...options, '--', ...raw],
      [
        ['Value of', 'typed for nothing\r'],
        ['Add it?', 'y\r'],
      ],
    )
    expect(screen).toContain(says)
    expect(screen).not.toContain('Value of')
    expect(screen).not.toContain('This will run')
    expect(code).toBe(expected)
  })
