import { expect, test } from 'bun:test'
import { joinedNeed, needOnceRenewed, type SignInNeed } from '../../gateway/domain/authorization'

test('[oauth.refresh] [threat.39] a need of more rights takes the place of no other, and each other takes its', () => {
  const table: [SignInNeed | null, SignInNeed, SignInNeed][] = [
    [null, 'first', 'first'],
    [null, 'refused', 'refused'],
    [null, 'expired', 'expired'],
    [null, 'scope', 'scope'],
    ['scope', 'first', 'first'],
    ['scope', 'refused', 'refused'],
    ['scope', 'expired', 'expired'],
    ['scope', 'scope', 'scope'],
    // Whoever has to sign in anew has to do so for the reason that came first.
    ['first', 'refused', 'first'],
    ['first', 'expired', 'first'],
    ['first', 'scope', 'first'],
    ['refused', 'expired', 'refused'],
    ['refused', 'refused', 'refused'],
    ['refused', 'scope', 'refused'],
    ['expired', 'refused', 'expired'],
    ['expired', 'expired', 'expired'],
    ['expired', 'scope', 'expired'],
  ]
  expect(table.map(([before, found]) => [before, found, joinedNeed(before, found)])).toEqual(table)
})

test('[oauth.refresh] [threat.39] tokens that are renewed end every need but that of more rights', () => {
  const table: [SignInNeed | null, string | null, SignInNeed | null][] = [
    [null, null, null],
    ['refused', null, null],
    ['expired', null, null],
    ['scope', null, 'scope'],
    ['scope', 'admin', 'scope'],
    ['refused', 'admin', 'scope'],
    ['expired', 'admin', 'scope'],
  ]
  expect(table.map(([need, wanted]) => [need, wanted, needOnceRenewed(need, wanted)])).toEqual(table)
})
