import { createHash } from 'node:crypto'
import { Secret } from '../secrets/secret'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'mcp_'
/** 43 symbols of 62 carry 256 bits. */
const BODY = 43
const CHECKSUM = 6
const SHAPE = /^mcp_[0-9A-Za-z]{49}$/

/** A fresh key: the text is shown once, only `hash` and `hint` are stored. */
export interface MintedKey {
  key: Secret
  hash: Uint8Array
  hint: string
}

function checksum(body: string): string {
  let rest = Bun.hash.crc32(body)
  let text = ''
  for (let i = 0; i < CHECKSUM; i += 1) {
    text = ALPHABET.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** Mints `mcp_` + 43 random base62 symbols + 6 of checksum, so that scanners of leaked secrets know it without asking us. */
export function mintAccessKey(randomBytes: (length: number) => Uint8Array): MintedKey {
  let body = ''
  while (body.length < BODY) {
    for (const byte of randomBytes(64)) {
      // 248 is the largest multiple of 62 in a byte; what lies above would favour the first symbols.
      if (byte < 248 && body.length < BODY) body += ALPHABET.charAt(byte % 62)
    }
  }
  const text = PREFIX + body + checksum(body)
  return { key: new Secret(text), hash: hashAccessKey(text), hint: text.slice(-4) }
}

/** Whether the text has the form of a key and its checksum fits; says nothing about whether it was ever issued. */
export function isAccessKey(text: string): boolean {
  if (!SHAPE.test(text)) return false
  const end = PREFIX.length + BODY
  return checksum(text.slice(PREFIX.length, end)) === text.slice(end)
}

/** SHA-256, the only form in which a key is kept. A plain hash is enough for 256 random bits. */
export const hashAccessKey = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text, 'utf8').digest())
