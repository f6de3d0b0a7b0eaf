import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConsentView } from '../../gateway/admin/consents'
import type { ServerPins } from '../../gateway/admin/pins'
import { repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let file = ''
const offer = (description: string) =>
  writeFileSync(file, JSON.stringify({ tools: [{ name: 'echo', description }] }))
beforeAll(async () => {
  daemon = await startSourceDaemon()
  file = join(daemon.home, 'offer.json')
  offer('One.')
  const program = join(repository, 'tests/servers/offering-stdio.ts')
  await daemon.cli(['add', 'shop', '--yes', '--', process.execPath, program, file])
})
afterAll(() => daemon[Symbol.asyncDispose]())

test('[cli] pins and consent say what they do not understand, with exit code 2', async () => {
  for (const words of [
    ['pins', 'accept'],
    ['pins', 'accept', 'shop', 'other'],
    ['pins', 'policy', 'loose'],
    ['pins', 'policy', 'guard', 'strict'],
    ['pins', '--yes'],
    ['pins', 'shop', 'other'],
    ['consent', '--yes'],
    ['consent', '--withdraw'],
    ['consent', '--withdraw', '--yes', 'shop'],
    ['consent', 'shop', 'other'],
  ]) {
    const { code, stdout } = await daemon.cli(words)
    expect([words, code, stdout]).toEqual([words, 2, ''])
  }
  for (const words of [
    ['pins', 'nobody'],
    ['consent', 'nobody'],
    ['pins', 'policy', '--space', 'Nowhere'],
  ])
    expect([words, (await daemon.cli(words)).code]).toEqual([words, 1])
})

test('[cli] while nothing waits both say so on stderr, and an empty list as JSON', async () => {
  expect(await daemon.cli(['pins'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'every server offers what it offered before\n',
  })
  expect(await daemon.cli(['consent'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'nothing waits for your approval\n',
  })
  expect((await daemon.cli(['pins', '--json'])).stdout).toBe('[]\n')
  expect((await daemon.cli(['consent', '--json'])).stdout).toBe('[]\n')
  expect((await daemon.cli(['pins', 'accept', 'shop'])).stderr).toBe('shop: nothing changed\n')
  expect((await daemon.cli(['consent', 'shop'])).stdout).toMatch(/^shop: approved .* \(cli\)\n$/)
})

test('[cli] at a terminal pins accept shows the change and takes yes for yes and all else for no', async () => {
  offer('Two.')
  await daemon.cli(['restart', 'shop'])
  const no = await daemon.onTerminal(['pins', 'accept', 'shop'], [['Accept 1 definition as shown?', 'n\r']])
  expect([no.code, no.screen.includes('- One.'), no.screen.includes('+ Two.')]).toEqual([4, true, true])
  const waiting = JSON.parse((await daemon.cli(['pins', 'shop', '--json'])).stdout) as ServerPins[]
  expect(waiting[0]?.changes).toMatchObject([{ name: 'echo', withheld: false, what: 'changed' }])
  const yes = await daemon.onTerminal(['pins', 'accept', 'shop'], [['Accept 1 definition as shown?', 'y\r']])
  expect([yes.code, yes.screen.includes('accepted 1 definition')]).toEqual([0, true])
})

test('[cli] pins accept --all shows every definition whole, and says who accepted it', async () => {
  const accepted = await daemon.cli(['pins', 'accept', 'shop', '--all', '--yes', '--json'])
  expect(accepted.code).toBe(0)
  expect(accepted.stderr).toContain('"description": "Two."')
  expect((JSON.parse(accepted.stdout) as { accepted: number }).accepted).toBe(2)
  const again = await daemon.cli(['pins', 'accept', 'shop', '--all'])
  expect([again.code, again.stderr.includes('accepted  tool echo')]).toEqual([4, true])
})

test('[cli] a consent that was taken back is shown with why, and given at a terminal', async () => {
  expect((await daemon.cli(['consent', '--withdraw', 'shop'])).code).toBe(0)
  expect((await daemon.cli(['status'])).stdout).toContain('see "mcpmux consent shop"')
  const [view] = JSON.parse((await daemon.cli(['consent', '--json'])).stdout) as ConsentView[]
  expect(view).toMatchObject({ server: 'shop', waits: 'withdrawn', changes: [], given: null })
  const given = await daemon.onTerminal(['consent', 'shop'], [['Approve it?', 'y\r']])
  expect([given.code, given.screen.includes('its approval was withdrawn')]).toEqual([0, true])
  expect((await daemon.cli(['restart', 'shop'])).code).toBe(0)
})
