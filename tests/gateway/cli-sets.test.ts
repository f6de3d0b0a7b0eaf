// Feature Sets and grants from the command line, as a person goes about it.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Effective } from '../../gateway/admin/effective'
import type { SetView } from '../../gateway/admin/sets'
import { repository } from '../support/daemon'
import { type SourceDaemon, startSourceDaemon } from '../support/source-daemon'

let daemon: SourceDaemon
const cli = (...args: string[]) => daemon.cli(args)
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}
const add = () =>
  ok(
    ...['add', 'shop', '--yes', '--', process.execPath],
    ...[join(repository, 'tests/servers/rights-stdio.ts'), join(daemon.home, 'tools')],
  )

beforeAll(async () => {
  daemon = await startSourceDaemon()
  writeFileSync(join(daemon.home, 'tools'), 'look burn')
  await add()
  await ok('key', 'create', 'Cursor')
})
afterAll(() => daemon[Symbol.asyncDispose]())

test('[sets] [cli] a set is made, shown, changed, granted and removed by its name', async () => {
  const rules = ['--include', 'shop/*', '--exclude', 'tool:shop/burn', '--include', 'set:read only']
  expect(await ok('set', 'create', 'Work', ...rules)).toBe('created Work with 3 rules')
  expect(await ok('set', 'show', 'work')).toBe(
    [
      'Work',
      ...['RULE', '1     include  shop/*', '2     include  set:Read only', '3     exclude  tool:shop/burn'],
      'granted to nobody',
    ].join('\n'),
  )
  const edited = await ok(
    'set',
    'edit',
    'Work',
    '--remove',
    '2',
    '--include',
    'hint:readOnly',
    '--rename',
    'Shop',
  )
  expect(edited).toContain('3     include  hint:readOnly')
  expect(await ok('grant', 'cursor', '--set', 'shop', '--replace')).toBe('Cursor has Shop')
  const listed = JSON.parse(await ok('set', 'list', '--json')) as SetView[]
  expect(listed.map(({ name, clients }) => [name, clients.map((client) => client.name)])).toEqual([
    ...['All', 'Read only', 'No destructive', 'Lean'].map((name) => [name, []]),
    ['Shop', ['Cursor']],
  ])
  expect(await ok('grant', 'Cursor', '--revoke')).toBe('Cursor has nothing there now')
  expect(await ok('set', 'remove', 'Shop')).toBe('removed Shop')
})

test('[sets] [cli] what a client may use is shown with its reasons, costs and limits', async () => {
  await ok('set', 'create', 'Careful', '--include', 'all', '--exclude', '*burn*')
  await ok('grant', 'Cursor', '--set', 'Careful')
  const text = await ok('set', 'show', '--effective', '--client', 'Cursor')
  const [first, second, limits] = text.split('\n')
  expect(first).toBe('client Cursor in Space Default')
  expect(second).toMatch(/^1 of 2 tools, 2 of 2 prompts, .*; tools take ≈\d+ tokens$/)
  expect(limits).toBe('fits the limits of Cursor')
  expect(text).toMatch(/^yes +tool +shop_look +shop\/look +≈\d+ +included by rule 1 of Careful \(all\)$/m)
  expect(text).toMatch(/^no +tool +shop_burn .* excluded by rule 2 of Careful \(\*burn\*\)$/m)
  const json = await ok('set', 'show', 'Lean', '--effective', '--client', 'Cursor', '--json')
  const found = JSON.parse(json) as Effective
  expect([found.set?.name, found.client?.name, found.counts.tool]).toEqual([
    'Lean',
    'Cursor',
    { allowed: 2, known: 2 },
  ])
})

test('[sets] [cli] the rule of a removed server is shown as such, given another server, or removed', async () => {
  await ok('set', 'create', 'Old', '--include', 'server:shop', '--exclude', 'tool:shop/burn')
  await ok('remove', 'shop', '--yes')
  expect(await ok('set', 'show', 'Old')).toContain('1     include  server:shop (server removed)')
  await add()
  const after = await ok('set', 'edit', 'Old', '--point', '1=shop', '--remove', '2', '--json')
  expect((JSON.parse(after) as SetView).rules.map(({ text }) => text)).toEqual(['server:shop'])
})

test('[sets] [cli] a command line that cannot be understood is told so, with what to write, and changes nothing', async () => {
  const wrong: [code: number, says: string, ...args: string[]][] = [
    [2, 'say list, show, create, edit or remove', 'set'],
    [2, 'NAME is missing', 'set', 'create'],
    [2, '--effective is not for "set list"', 'set', 'list', '--effective'],
    [2, '--client goes with --effective', 'set', 'show', 'All', '--client', 'Cursor'],
    [2, 'say what to change', 'set', 'edit', 'Lean'],
    [2, 'no number of a rule', 'set', 'edit', 'Lean', '--remove', 'one'],
    [2, '--set is missing', 'grant', 'Cursor'],
    [1, 'is no rule: write all', 'set', 'create', 'Bad', '--include', 'shop'],
    [1, '(set.unknown)', 'grant', 'Cursor', '--set', 'Bad'],
    [1, '(client.unknown)', 'grant', 'nobody', '--set', 'All'],
    [5, '(set.preset)', 'set', 'remove', 'Lean'],
    [5, '(set.exists)', 'set', 'create', 'read ONLY'],
  ]
  const answers = await Promise.all(wrong.map(([, , ...args]) => cli(...args)))
  for (const [at, { code, stdout, stderr }] of answers.entries()) {
    const [expected, says] = wrong[at] ?? []
    expect([wrong[at], code, stdout]).toEqual([wrong[at], expected, ''])
    expect(stderr).toContain(says ?? '')
  }
  expect(await ok('set', 'list')).not.toContain('Bad')
})
