import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createRedactor } from '../../gateway/secrets/redactor'
import { Secret } from '../../gateway/secrets/secret'

const utf8 = (text: string) => Buffer.from(text, 'utf8')
const percentAll = (text: string) =>
  [...utf8(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const jsonAscii = (text: string) =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
const json = (text: string) => JSON.stringify(text).slice(1, -1)
const base64At = (before: string, after: string) => (text: string) =>
  Buffer.concat([utf8(before), utf8(text), utf8(after)]).toString('base64')

const encoders: Record<string, (secret: string) => string> = {
  raw: (text) => text,
  'in colours': (text) => `\u001b[1;31m${[...text].join('\u001b[0m')}\u001b[K`,
  'URL-encoded': encodeURIComponent,
  'URL-encoded, small letters': (text) => encodeURIComponent(text).replace(/%../g, (it) => it.toLowerCase()),
  'URL-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'URL-encoded to the last byte': percentAll,
  'a form': (text) => new URLSearchParams({ x: text }).toString().slice(2),
  JSON: json,
  'JSON in ASCII': jsonAscii,
  'JSON in JSON': (text) => json(json(text)),
  'JSON in a URL': (text) => encodeURIComponent(json(text)),
  base64: base64At('', ''),
  'base64 after one byte': base64At('u', 'xyz'),
  'base64 after two bytes': base64At('u:', 'x'),
  'base64 in the middle': base64At('user:', ' and more'),
  base64url: (text) => utf8(text).toString('base64url'),
  'base64url after one byte': (text) => utf8(`u${text}xx`).toString('base64url'),
  'base64 in a URL': (text) => encodeURIComponent(utf8(text).toString('base64')),
  hex: (text) => utf8(text).toString('hex'),
  'HEX in capitals': (text) => utf8(text).toString('hex').toUpperCase(),
}

/** Every run of eight characters. */
function* windows(text: string): Generator<string> {
  for (let at = 0; at + 8 <= text.length; at++) yield text.slice(at, at + 8)
}

/** Bytes that stand before the secret in what is encoded. */
const before: Record<string, number> = {
  'base64 after one byte': 1,
  'base64 after two bytes': 2,
  'base64 in the middle': 5,
  'base64url after one byte': 1,
}

/** Base64 of neighbours is not the secret's: only the characters that its own bytes decide count. */
function ownPart(name: string, secret: string, encoded: string): string {
  const bytes = before[name]
  if (bytes === undefined) return encoded
  return encoded.slice(Math.ceil((bytes * 4) / 3), Math.floor(((bytes + utf8(secret).length) * 4) / 3))
}

const secrets = fc.oneof(
  fc.string({ minLength: 8, maxLength: 60, unit: 'binary' }),
  fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme' }),
  fc.string({ minLength: 8, maxLength: 80, unit: fc.constantFrom(...'abc+/=-_%\\" \'19AZ') }),
  fc.base64String({ minLength: 8, maxLength: 100 }),
)
const surroundings = fc.string({ maxLength: 30, unit: 'grapheme' })

for (const [name, encode] of Object.entries(encoders))
  test(`[threat.73] no eight characters of a secret remain: ${name}`, () => {
    fc.assert(
      fc.property(secrets, surroundings, surroundings, (secret, left, right) => {
        fc.pre(secret.trim().length >= 8 && secret.isWellFormed())
        const redactor = createRedactor()
        using _held = redactor.hold([secret])
        const encoded = encode(secret)
        const shown = redactor.redact(`${left} ${encoded} ${right}`)
        const around = `${left} [secret] ${right}`
        for (const part of [...windows(secret), ...windows(ownPart(name, secret, encoded))])
          if (!around.includes(part)) expect(shown).not.toContain(part)
      }),
      { numRuns: 300 },
    )
  })

const hidden: [string, string, string][] = [
  ['a header', 'Authorization: Bearer abc.def', 'Authorization: [secret]'],
  [
    'a header of a command',
    `curl -H 'X-Api-Key: k' https://a.b/`,
    `curl -H 'X-Api-Key: [secret]' https://a.b/`,
  ],
  ['a proxy header', 'proxy-authorization: Basic YTpi', 'proxy-authorization: [secret]'],
  ['cookies', 'Set-Cookie: a=b; c=d; Path=/', 'Set-Cookie: [secret]'],
  ['our header', 'MCP-Key: mcp_x', 'MCP-Key: [secret]'],
  ['headers in JSON', '{"authorization":"Bearer a","x":1}', '{"authorization":"[secret]","x":1}'],
  [
    'JSON in JSON',
    '{"m":"{\\"access_token\\":\\"a\\\\\\"b\\"}"}',
    '{"m":"{\\"access_token\\":\\"[secret]\\"}"}',
  ],
  ['headers as Python prints them', "{'Authorization': 'Bearer a'}", "{'Authorization': '[secret]'}"],
  ['a key of ours', 'got mcp_Ab3dEfGh-_x today', 'got [secret] today'],
  ['a JWT', 'x eyJhbGciOiJI.eyJzdWIiOiIx.c2ln y', 'x [secret] y'],
  ['a code and a state', '/cb?code=abc&state=xyz&page=2', '/cb?code=[secret]&state=[secret]&page=2'],
  ['a random code', '{"code":"4/0AX4XfWh1"}', '{"code":"[secret]"}'],
  ['a form', 'a=1&code_verifier=x&client_secret=y', 'a=1&code_verifier=[secret]&client_secret=[secret]'],
  [
    'tokens',
    'refresh_token=1 id_token: 2, assertion=3',
    'refresh_token=[secret] id_token: [secret], assertion=[secret]',
  ],
  [
    'tokens by another spelling',
    '{"accessToken": "a", "clientSecret":"b"}',
    '{"accessToken": "[secret]", "clientSecret":"[secret]"}',
  ],
  ['a variable', 'DB_PASSWORD=hunter2', 'DB_PASSWORD=[secret]'],
  ['a URL with a password', 'postgres://me:pw@h:5432/d', 'postgres://me:[secret]@h:5432/d'],
  ['a URL with a token', 'https://tokentoken@github.com/a', 'https://[secret]@github.com/a'],
  ['an encoded query', 'next=%2Fcb%3Fcode%3Dabc%26x%3D1', 'next=%2Fcb%3Fcode%3D[secret]%26x%3D1'],
  ['tokens of GitHub', 'ghp_a1b2c3d4e5 gho_A1b2c3d4e5', '[secret] [secret]'],
  ['keys of models', 'sk-proj-A1b2c3d4e5f6g7h8', '[secret]'],
  ['tokens of Slack', 'xoxb-123-456-abcDEF', '[secret]'],
  ['keys of Amazon', 'AKIAIOSFODNN7EXAMPLE', '[secret]'],
  [
    'a PEM block',
    'k -----BEGIN KEY-----\nabc\n-----END KEY----- z',
    'k -----BEGIN KEY-----[secret]-----END KEY----- z',
  ],
  ['a PEM block without its end', '-----BEGIN KEY-----abc', '-----BEGIN KEY-----[secret]'],
]
for (const [what, text, shown] of hidden)
  test(`[threat.73] what looks like a secret is hidden: ${what}`, () => {
    const { redact } = createRedactor()
    expect(redact(text)).toBe(shown)
    expect(redact(redact(text))).toBe(shown)
  })

test('[threat.73] words of errors stay readable', () => {
  const redactor = createRedactor()
  using _held = redactor.hold(['hunter2hunter2'])
  for (const text of [
    'exit code=1, state=ready, "code":"ECONNREFUSED", code: ENOENT, {"code":-32601}',
    'No module named mcp_server_fetch',
    'Unexpected token } in JSON at position 7',
    'task-runner risk-based npm_config_registry at https://github.com/a/b and git+ssh://git@github.com/a',
    'C:\\Users\\new\\table 100% done, a+b=c',
    'zażółć 🐝 \ud800',
  ])
    expect(redactor.redact(text)).toBe(text)
})

test('[threat.73] half a secret is hidden too: its beginning, its lines, what is secret inside it', () => {
  const redactor = createRedactor()
  using _held = redactor.hold([
    new Secret('correct horse battery staple'),
    'first line of it\nsecond line of it',
    'Bearer tok-en-of-mine',
    `Basic ${Buffer.from('me:pass-word-1').toString('base64')}`,
    'postgres://me:pass%20word@host/db',
  ])
  const shown = (text: string) => redactor.redact(text)
  expect(shown('first 20: correct horse batter…')).toBe('first 20: [secret]…')
  expect(shown('cut here: correct ho')).toBe('cut here: [secret]')
  expect(shown('> second line of it <')).toBe('> [secret] <')
  expect(shown('tok-en-of-mine')).toBe('[secret]')
  expect(shown('pass-word-1 and pass word')).toBe('[secret] and [secret]')
  expect(shown('correct answer')).toBe('correct answer')
})

test('[threat.73] secrets that overlap leave nothing of either', () => {
  const redactor = createRedactor()
  using _held = redactor.hold(['abcdefgh12345678', '12345678ijklmnop', '5678ijkl'])
  expect(redactor.redact('x abcdefgh12345678ijklmnop y')).toBe('x [secret] y')
})

test('[threat.73] a secret is looked for as long as somebody holds it', () => {
  const redactor = createRedactor()
  const one = redactor.hold(['held-by-two', 'held-by-one'])
  const two = redactor.hold(['held-by-two'])
  expect(redactor.redact('held-by-one held-by-two')).toBe('[secret] [secret]')
  one[Symbol.dispose]()
  one[Symbol.dispose]()
  expect(redactor.redact('held-by-one held-by-two')).toBe('held-by-one [secret]')
  two[Symbol.dispose]()
  expect(redactor.redact('held-by-one held-by-two')).toBe('held-by-one held-by-two')
})

/** Of this process: what other work there is on the machine does not count. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

test('[threat.73] no line takes long, however it is made', () => {
  const redactor = createRedactor()
  const many = Array.from({ length: 100 }, (_, n) => `${n}-${'secret'.repeat(4)}-${n * 7919}`)
  using _held = redactor.hold([...many, 'a'.repeat(60), `${'ab'.repeat(30)}c`])
  const size = 2 * 2 ** 20
  const pieces = ['a', 'ab', 'a=', 'eyJ', 'sk-', '%41', '%2541', '\\', '\\u0041', '%41\\n', '://a:b@']
  const words = [
    'token=',
    'code=',
    '"token":"',
    'authorization:',
    'mcp_',
    '-----BEGIN ',
    many[3] ?? '',
    '\\"',
  ]
  for (const piece of [...pieces, ...words]) {
    const text = piece.repeat(size / piece.length)
    const start = cpuMs()
    redactor.redact(text)
    // No line that is redacted is longer than a few KiB; something quadratic would take hours here.
    expect([piece, cpuMs() - start < 3000]).toEqual([piece, true])
  }
}, 120_000)

test('[threat.73] looking for a hundred secrets costs little', () => {
  const redactor = createRedactor()
  using _held = redactor.hold(Array.from({ length: 100 }, (_, n) => `secret-${n * 7919}-${'x'.repeat(20)}`))
  const lines = Array.from(
    { length: 1000 },
    (_, n) =>
      `2026-11-03T12:00:00Z [info] request ${n} took ${n} ms; path=/api/items/${n}?page=2 status: 200`,
  )
  const start = cpuMs()
  let read = 0
  while (read < 20 * 2 ** 20) for (const line of lines) read += redactor.redact(line).length
  // Far from what is promised, 50 MB a second, and far from what a search for each secret by itself would take.
  expect(cpuMs() - start).toBeLessThan(8000)
})
