// Servers outside the active Space: every command a person is told works as it is printed.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { scripted } from '../support/scripted'
import { startSourceDaemon } from '../support/source-daemon'

const SPACE = 'Other work'
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['space', 'create', SPACE])
})
afterAll(() => daemon[Symbol.asyncDispose]())

/** The words of a command that stands in a text between quotes, as a shell takes them. */
const commandIn = (text: string): string[] =>
  [...(/"mcpmux ([^"]*)"/.exec(text)?.[1] ?? '').matchAll(/'([^']*)'|\S+/g)].map(
    ([word, quoted]) => quoted ?? word,
  )

test('[cli] what a person is told to do names the Space where it is not the active one', async () => {
  await daemon.cli(['add', 'plain', '--space', SPACE, '--yes', '--', ...scripted('plain')])
  const { stderr: refused } = await daemon.cli(['disable', 'plain'])
  expect(commandIn(refused)).toEqual(['show', 'plain', '--space', SPACE])
  await daemon.cli(['disable', 'plain', '--space', SPACE])
  const listed = await daemon.cli(['list', '--space', SPACE])
  expect(commandIn(listed.stderr)).toEqual(['enable', 'plain', '--space', SPACE])
  const status = (await daemon.cli(['status'])).stdout
  expect(status).toContain(/"mcpmux enable [^"]*"/.exec(listed.stderr)?.[0] ?? 'no command')
  // So is a client of that Space.
  const called = await daemon.cli(['call', 'plain/echo', '{}', '--space', SPACE])
  expect(commandIn(called.stderr)).toEqual(['enable', 'plain', '--space', SPACE])
  expect((await daemon.cli(commandIn(listed.stderr))).code).toBe(0)
  // In the active Space it is its name alone.
  await daemon.cli(['space', 'use', SPACE])
  await daemon.cli(['disable', 'plain'])
  expect(commandIn((await daemon.cli(['list'])).stderr)).toEqual(['enable', 'plain'])
  await daemon.cli(['space', 'use', 'Default'])
})

test('[cli] where a name cannot be typed as it is shown, or is the alias of another, its id is told', async () => {
  const space = ['--space', SPACE]
  const add = (name: string, ...more: string[]) =>
    daemon.cli(['add', ...more, ...space, '--yes', '--', ...scripted('plain')].toSpliced(1, 0, name))
  for (const name of ["it's", 'Büro', 'twin']) await add(name, '--no-prefix')
  await add('other', '--alias', 'twin')
  await add('dashed', '--alias=-x')
  const servers = JSON.parse((await daemon.cli(['list', ...space, '--json'])).stdout) as {
    id: string
    name: string
    called: { words: string }
  }[]
  const known = Object.fromEntries(servers.map(({ id, name, called }) => [name, { id, words: called.words }]))
  for (const name of ["it's", 'Büro', 'twin', 'dashed'])
    expect(known[name]?.words).toBe(`${known[name]?.id} --space '${SPACE}'`)
  expect(known.other?.words).toBe(`twin --space '${SPACE}'`)
})

test('[cli] [cred.inputs] a secret that is lacking is set in the Space of the server that lacks it', async () => {
  const lacking = ['--env', 'T=${secret:TOKEN}', '--', ...scripted('plain')]
  const { code, stderr } = await daemon.cli(['add', 'poor', '--space', SPACE, '--yes', ...lacking])
  expect(code).toBe(4)
  expect(commandIn(stderr)).toEqual(['secret', 'set', 'TOKEN', '--space', SPACE])
  await daemon.cli(['vault', 'use', 'insecure', '--yes'])
  await daemon.cli([...commandIn(stderr), '--from-env', 'GIVEN'], { env: { GIVEN: 'x' } })
  const listed = await daemon.cli(['list', '--space', SPACE])
  expect(listed.stderr).not.toContain('TOKEN')
})

test('[cli] who names a server of another Space is told where it is', async () => {
  const { code, stderr } = await daemon.cli(['show', 'plain'])
  expect([code, stderr]).toEqual([1, expect.stringContaining('there is one in another')])
  expect((await daemon.cli(commandIn(stderr))).stdout).toContain('name      plain')
  // Who named the Space meant that one.
  expect((await daemon.cli(['show', 'plain', '--space', 'Default'])).stderr).not.toContain('another')
  expect((await daemon.cli(['show', 'nobody'])).stderr).not.toContain('another')
})

test('[cli] the list says why a server failed', async () => {
  const { code } = await daemon.cli([
    'add',
    'broken',
    '--yes',
    '--',
    process.execPath,
    '-e',
    'process.exit(7)',
  ])
  expect(code).toBe(1)
  const { stdout, stderr } = await daemon.cli(['list'])
  expect(stdout).toMatch(/^broken +broken +failed /m)
  expect(stderr).toMatch(/^broken: .*7.* \(upstream\.\w+\)$/m)
  // For a machine it is part of the answer.
  const json = JSON.parse((await daemon.cli(['list', '--json'])).stdout) as {
    missing: string
    called: string
  }[]
  expect(json).toEqual([
    expect.objectContaining({
      called: { words: 'broken', space: '' },
      missing: expect.stringMatching(/\(upstream\.\w+\)$/),
    }),
  ])
})
