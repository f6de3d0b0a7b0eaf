// `npm run conformance -- [direct|server|client|authorization]`: the official conformance suite against our fixture by
// itself, and against the compiled gateway with the fixture behind it; `client`: its part for clients, with the gateway as
// the client; `authorization`: its part for authorization servers against the sign-in of clients. Exit code 0 when nothing
// is lost on the way.
import { type Daemon, startDaemon } from '../support/daemon'
import { runAuthorization } from './authorization'
import { type Cell, cells, directs, measureOf, nameOf, runDirect, runThrough } from './cells'
import { prepareClients, runClients } from './client-runs'
import { type Outcome, differences, type Revision } from './suite'

const known = ['direct', 'server', 'client', 'authorization']
const [part, ...rest] = process.argv.slice(2)
if ((part !== undefined && !known.includes(part)) || rest.length > 0) {
  process.stderr.write('usage: npm run conformance -- [direct|server|client|authorization]\n')
  process.exit(2)
}
const isWanted = (...parts: string[]) => part === undefined || parts.includes(part)

const say = (line: string) => process.stdout.write(`${line}\n`)
const figure = ({ passed, failed }: Outcome) => `${passed} passed, ${failed} failed`
const row = (name: string, ...columns: string[]) =>
  say([name.padEnd(40), ...columns.map((column) => column.padEnd(31))].join('').trimEnd())

async function through(daemon: Daemon, cell: Cell, direct: Outcome): Promise<boolean> {
  const name = `${nameOf(cell)}, ${cell.transport}`
  try {
    const seen = await runThrough(daemon, cell)
    const lost = differences(direct, seen, cell.excused)
    const good = lost.length === 0 && (seen.code === 0 || cell.excused !== undefined)
    row(name, figure(seen), `direct ${figure(direct)}`, good ? 'ok' : `FAILED, exit code ${seen.code}`)
    for (const line of lost) say(`    ${line}`)
    for (const [what, why] of Object.entries(cell.excused ?? {})) say(`    excused: ${what}: ${why}`)
    return good
  } catch (error) {
    row(name, `FAILED: ${(error as Error).message.slice(0, 2000)}`)
    return false
  }
}

async function asClient(daemon: Daemon, revision: Revision): Promise<boolean> {
  const outcome = await runClients(daemon, revision)
  row(
    `${revision} as a client`,
    figure(outcome),
    outcome.code === 0 ? 'ok' : `FAILED, exit code ${outcome.code}`,
  )
  for (const [name, { broken }] of outcome.scenarios)
    if (broken.length > 0) say(`    ${name}: ${broken.join(', ')}`)
  return outcome.code === 0
}

let good = true
if (isWanted('authorization')) {
  await using daemon = await startDaemon()
  const { code, output } = await runAuthorization(daemon)
  row('authorization server', output.split('\n').findLast((line) => line.startsWith('Total:')) ?? output)
  good &&= code === 0
}
const own = new Map<string, Outcome>()
for (const direct of isWanted('direct', 'server') ? directs : []) {
  const outcome = await runDirect(direct)
  own.set(nameOf(direct), outcome)
  row(
    `${nameOf(direct)}, direct`,
    figure(outcome),
    outcome.code === 0 ? 'ok' : `FAILED, exit code ${outcome.code}`,
  )
  good &&= outcome.code === 0
}
if (isWanted('server')) {
  await using daemon = await startDaemon()
  for (const cell of cells) {
    const direct = own.get(measureOf(cell))
    if (direct) good = (await through(daemon, cell, direct)) && good
  }
}
if (isWanted('client')) {
  await using daemon = await startDaemon()
  await prepareClients(daemon)
  for (const revision of ['2025-11-25', '2026-07-28'] as const)
    good = (await asClient(daemon, revision)) && good
}
process.exitCode = good ? 0 : 1
