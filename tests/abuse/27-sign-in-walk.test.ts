// What a right client refuses, through a whole gateway: the command, the browser, the callback at the first door. Where it
// is refused is in the table of modes of the hostile authorization server.
import { afterAll, beforeAll, test } from 'bun:test'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { type GuardedGateway, startGuardedGateway } from '../support/guarded-gateway'
import { walkMode } from '../support/sign-in-walk'

let gateway: GuardedGateway
beforeAll(async () => {
  gateway = await startGuardedGateway()
})
afterAll(() => gateway[Symbol.asyncDispose]())

const refused = (threat: number) =>
  modesOf(threat).filter((name) => modeNamed(name).outcome.startsWith('refused'))

for (const name of refused(27)) test(`[threat.27] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(28)) test(`[threat.28] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(29)) test(`[threat.29] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(30)) test(`[threat.30] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(31)) test(`[threat.31] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(33)) test(`[threat.33] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(34)) test(`[threat.34] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(35)) test(`[threat.35] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(40)) test(`[threat.40] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of refused(41)) test(`[threat.41] the whole way: ${name}`, () => walkMode(gateway, name))
