import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { checkAlias, exposedName, suggestAlias } from '../../gateway/policy/naming'

const codeOf = (run: () => void): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
  return 'nothing thrown'
}

test('[names] a short safe name is the alias, an underscore and the original', () => {
  expect(exposedName('github', 'create_issue')).toBe('github_create_issue')
  expect(exposedName('gh', 'create_repository')).toBe('gh_create_repository')
  expect(exposedName('my-db', 'Query-All_2')).toBe('my-db_Query-All_2')
})

test('[names] a name of exactly 50 characters passes, one of 51 is cut to 50', () => {
  const fits = 'a'.repeat(47)
  expect(exposedName('gh', fits)).toBe(`gh_${fits}`)
  const cut = exposedName('gh', `${fits}a`)
  expect(cut).toHaveLength(50)
  expect(cut).toMatch(/^gh_a{35}__[a-z2-7]{10}$/)
})

test('[names] the last ten characters are base32 of SHA-256(alias NUL original)', () => {
  const original = 'admin.tools/list'
  const digest = new Bun.CryptoHasher('sha256').update(`ctx\0${original}`).digest()
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const expected = [...Array(10).keys()]
    .map((i) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)])
    .join('')
  expect(exposedName('ctx', original)).toBe(`ctx_admin_tools_list__${expected}`)
})

test('[names] whatever the original, a prefixed name is safe and short', () => {
  for (const original of [
    '',
    ' ',
    '.',
    '__',
    'a b',
    'ä',
    '💥'.repeat(40),
    '\ud800',
    'x'.repeat(9999),
    'a\0b',
    '../x',
  ]) {
    expect(exposedName('a-very-long-alias-20', original)).toMatch(
      /^a-very-long-alias-20_[A-Za-z0-9_-]{1,29}$/,
    )
  }
})

test('[names] an original that already looks cut is hashed too', () => {
  const cut = exposedName('gh', 'not.safe')
  const original = cut.slice('gh_'.length)
  expect(exposedName('gh', original)).not.toBe(cut)
  expect(exposedName('gh', original)).toMatch(/^gh_not_safe__[a-z2-7]{10}__[a-z2-7]{10}$/)
})

test('[names] without an alias a name is what the server said', () => {
  for (const original of ['echo', 'admin.list', 'x'.repeat(100), 'ä'])
    expect(exposedName('', original)).toBe(original)
})

test('[names] an alias is 1 to 20 of a-z, 0-9 and -, or nothing', () => {
  for (const alias of ['', 'a', 'my-server-2', 'a'.repeat(20)])
    expect(() => checkAlias(alias, [])).not.toThrow()
  for (const alias of ['A', 'a_b', 'a.b', 'ä', ' ', 'a'.repeat(21), 'a\n']) {
    expect(codeOf(() => checkAlias(alias, []))).toBe('input.invalid')
  }
})

test('[names] an alias that is taken, or that an unprefixed name begins with, is refused', () => {
  expect(codeOf(() => checkAlias('gh', ['gitlab', 'gh']))).toBe('server.name_clash')
  expect(codeOf(() => checkAlias('gh', [], ['echo', 'gh_create_issue']))).toBe('server.name_clash')
  expect(() => checkAlias('gh', ['github'], ['ghost', 'gh', 'x_gh_y'])).not.toThrow()
})

test('[names] a suggested alias is valid, readable and free', () => {
  expect(suggestAlias('Brave Search', [])).toBe('brave-search')
  expect(suggestAlias('Brave Search', ['brave-search'])).toBe('brave-search-2')
  expect(suggestAlias('Brave Search', ['brave-search', 'brave-search-2'])).toBe('brave-search-3')
  expect(suggestAlias('@scope/server-everything', [])).toBe('server-everything')
  expect(suggestAlias('Größe', [])).toBe('gro-e')
  expect(suggestAlias('日本', [])).toBe('server')
  expect(suggestAlias('日本', ['server'])).toBe('server-2')
  const long = suggestAlias('a name that is much too long for us', ['a-name-that-is-much'])
  expect(() => checkAlias(long, ['a-name-that-is-much'])).not.toThrow()
  expect(long).toEndWith('-2')
})
