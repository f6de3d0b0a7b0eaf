// Every mode of the hostile authorization server through a whole gateway: the command, the browser, the callback at the
// first door, the token, the call, the refresh. What a right client does is in the table of modes.
import { afterAll, beforeAll, test } from 'bun:test'
import { modesOf } from '../servers/evil-as-modes'
import { type GuardedGateway, startGuardedGateway } from '../support/guarded-gateway'
import { walkMode } from '../support/sign-in-walk'

let gateway: GuardedGateway
beforeAll(async () => {
  gateway = await startGuardedGateway()
})
afterAll(() => gateway[Symbol.asyncDispose]())

// Another issuer is who the code goes to there; it has a test of its own (41).
const all = (threat: number) => modesOf(threat).filter((name) => name !== 'moved-to-another')

for (const name of all(27)) test(`[threat.27] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(28)) test(`[threat.28] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(29)) test(`[threat.29] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(30)) test(`[threat.30] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(31)) test(`[threat.31] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(33)) test(`[threat.33] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(34)) test(`[threat.34] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(35)) test(`[threat.35] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(36)) test(`[threat.36] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(38)) test(`[threat.38] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(39)) test(`[threat.39] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(40)) test(`[threat.40] the whole way: ${name}`, () => walkMode(gateway, name))
for (const name of all(41)) test(`[threat.41] the whole way: ${name}`, () => walkMode(gateway, name))
