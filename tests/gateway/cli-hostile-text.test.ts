// Words of servers, clients and wrong commands on a terminal: shown, never obeyed.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

const program = join(repository, 'tests/servers/hostile-text.ts')
const steering = /[^\P{C}\n]|[\u2028\u2029]/u
const escape = '\u001b[2J'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['add', 'speaks', '--yes', '--', process.execPath, program])
  await daemon.cli(['add', 'refuses', '--yes', '--', process.execPath, program, 'refuse'])
})
afterAll(() => daemon[Symbol.asyncDispose]())

test('[cli] whatever a server says, no command prints what a terminal would obey', async () => {
  for (const args of [
    ['status'],
    ['list'],
    ['show', 'speaks'],
    ['show', 'refuses'],
    ['tools'],
    ['restart', 'refuses'],
    ['status', '--json'],
    ['list', '--json'],
    ['tools', '--json'],
    ['show', 'speaks', '--json'],
  ]) {
    const { stdout, stderr } = await daemon.cli(args)
    expect([args, steering.exec(stdout + stderr)?.[0]]).toEqual([args, undefined])
    if (args.includes('--json')) expect(() => JSON.parse(stdout) as unknown).not.toThrow()
  }
  const tools = JSON.parse((await daemon.cli(['tools', '--json'])).stdout) as { description: string }[]
  expect(tools.map(({ description }) => description)).toContain('\u001b[2J\u009b31m\u202etools/list\u007f')
  expect((await daemon.cli(['restart', 'refuses'])).stderr).toContain('\\u{1b}[2J\\u{9b}31m')
})

test('[cli] wrong words come back as text', async () => {
  for (const args of [
    [escape],
    ['remove', escape],
    ['call', `speaks/${escape}`],
    ['config', 'get', escape],
    ['space', 'use', escape],
    ['key', 'revoke', escape],
    ['status', `--${escape}`],
    ['add', '--env', escape, '--env', escape, 'x', '--', 'x'],
  ]) {
    const { code, stdout, stderr } = await daemon.cli(args)
    expect([args, code > 0, steering.exec(stdout + stderr)?.[0]]).toEqual([args, true, undefined])
  }
})

test('[cli] a result is printed as it came, and on a terminal as the same JSON without what it would obey', async () => {
  const piped = (await daemon.cli(['call', 'speaks/speak'])).stdout
  expect(piped).toContain('\u009b31m\u202etools/call\u007f')
  const { screen } = await daemon.onTerminal(['call', 'speaks/speak'], [])
  expect(steering.exec(screen.replaceAll('\r\n', '\n'))?.[0]).toBeUndefined()
  expect(JSON.parse(screen)).toEqual(JSON.parse(piped))
})
