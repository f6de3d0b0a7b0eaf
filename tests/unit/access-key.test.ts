import { expect, test } from 'bun:test'
import { createCipheriv } from 'node:crypto'
import { hashAccessKey, isAccessKey, mintAccessKey } from '../../gateway/auth/access-key'
import { createFailureLimit } from '../../gateway/auth/failure-limit'
import { systemRuntime } from '../../gateway/runtime'

const mint = () => mintAccessKey(systemRuntime.randomBytes)

test('[keys] a minted key has the form scanners look for, and is its own checksum', () => {
  for (let i = 0; i < 1000; i += 1) {
    const { key, hash, hint } = mint()
    const text = key.reveal()
    expect(text).toMatch(/^mcp_[0-9A-Za-z]{49}$/)
    expect(isAccessKey(text)).toBe(true)
    expect(text.endsWith(hint)).toBe(true)
    expect(hash).toEqual(hashAccessKey(text))
    expect(`${key} ${JSON.stringify(key)}`).not.toContain(text)
  }
})

test('[threat.11] among a hundred thousand keys none repeats, and every symbol comes about as often as any other', () => {
  // A stream that is the same each time, so that the bound below holds or does not, and never by luck.
  const stream = createCipheriv('aes-256-ctr', Buffer.alloc(32, 3), Buffer.alloc(16))
  const random = (length: number) => new Uint8Array(stream.update(Buffer.alloc(length)))
  const keys = Array.from({ length: 100_000 }, () => mintAccessKey(random).key.reveal())
  expect(new Set(keys).size).toBe(keys.length)
  const counts = new Map<string, number>()
  for (const text of keys)
    for (const symbol of text.slice(4, 47)) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  const even = (keys.length * 43) / 62
  expect(counts.size).toBe(62)
  for (const [symbol, count] of counts)
    expect([symbol, Math.abs(count - even) < even * 0.02]).toEqual([symbol, true])
})

test('[threat.11] every symbol is equally likely: a byte that would favour some is thrown away', () => {
  let next = 0
  const { key } = mintAccessKey((length) => Uint8Array.from({ length }, () => (next += 1) % 256))
  const bytes = Array.from({ length: 200 }, (_, index) => (index + 1) % 256).filter((byte) => byte < 248)
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  expect(key.reveal().slice(4, 47)).toBe(
    bytes
      .slice(0, 43)
      .map((byte) => alphabet[byte % 62])
      .join(''),
  )
  const high = mintAccessKey((length) => {
    next += 1
    return new Uint8Array(length).fill(next % 2 ? 255 : 61)
  })
  expect(high.key.reveal().slice(4, 47)).toBe('z'.repeat(43))
})

test('[keys] one changed symbol is noticed without asking the store', () => {
  const text = mint().key.reveal()
  for (let at = 4; at < text.length; at += 1) {
    const other = text[at] === 'a' ? 'b' : 'a'
    expect(isAccessKey(text.slice(0, at) + other + text.slice(at + 1))).toBe(false)
  }
  for (const bad of [
    '',
    'mcp_',
    text.slice(1),
    `${text}a`,
    ` ${text}`,
    `${text}\n`,
    text.toUpperCase(),
    'eyJhbGciOiJub25lIn0.e30.',
  ])
    expect(isAccessKey(bad)).toBe(false)
})

test('[threat.11] failures are counted per remote and over all, and forgiven with time', () => {
  let now = 0
  const limit = createFailureLimit(() => now)
  const fails = (remote: string, count: number) =>
    Array.from({ length: count }, () => limit.note(remote)).filter((allowed) => !allowed).length
  expect(fails('127.0.0.1', 30)).toBe(0)
  expect(fails('127.0.0.1', 10)).toBe(10)
  expect(fails('::1', 30)).toBe(0)
  expect(fails('127.0.0.2', 30)).toBe(0)
  expect(fails('127.0.0.3', 30)).toBe(30)
  now += 60_000
  expect(fails('127.0.0.1', 30)).toBe(0)
  for (let i = 0; i < 1000; i += 1) limit.note(`remote ${i}`)
  expect(limit.note('127.0.0.9')).toBe(false)
})
