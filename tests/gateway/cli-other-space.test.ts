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
})

test('[cli] where a name cannot be typed as it is shown, its id is told', async () => {
  for (const name of ["it's", 'Büro']) {
    await daemon.cli(['space', 'create', name])
    await daemon.cli(['add', name, '--no-prefix', '--space', name, '--yes', '--', ...scripted('plain')])
    const command = commandIn((await daemon.cli(['disable', name])).stderr)
    expect([command[0], command[2]]).toEqual(['show', '--space'])
    expect((await daemon.cli(command)).stdout).toMatch(/^state {5}disabled|^state {5}idle|^state {5}ready/m)
  }
})

test('[cli] who names a server of another Space is told where it is', async () => {
  await daemon.cli(['space', 'use', 'Default'])
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
    expect.objectContaining({ called: 'broken', missing: expect.stringMatching(/\(upstream\.\w+\)$/) }),
  ])
})
