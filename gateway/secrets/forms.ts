import { SHORTEST_NEEDLE } from './automaton'

/** Bytes of one secret that are looked for; a log line is no longer than that. */
const LONGEST = 8 * 1024
/** Encoded forms that are shorter would be found in every other word. */
const SHORTEST_ENCODED = 6
/** Lines of a secret, and passwords inside it, that are shorter are not looked for alone. */
const SHORTEST_PART = 8

const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** The texts by which a secret may be seen: itself, what is secret inside it, and its lines one by one. */
function parts(secret: string): string[] {
  const found = new Set([secret, secret.trim(), secret.replaceAll(controls, ' ')])
  for (const line of secret.split(/[\r\n]+/)) if (line.trim().length >= SHORTEST_PART) found.add(line.trim())
  const inner = [/^(?:bearer|basic|token)\s+(\S+)\s*$/i.exec(secret)?.[1], password(secret)]
  const [credential] = inner
  if (credential && /^basic\s/i.test(secret)) {
    const clear = Buffer.from(credential, 'base64').toString('utf8')
    inner.push(clear, clear.slice(clear.indexOf(':') + 1))
  }
  for (const text of inner) if (text && text.length >= SHORTEST_PART) found.add(text)
  return [...found]
}

/** The password of a URL. */
function password(secret: string): string | undefined {
  if (!URL.canParse(secret)) return undefined
  const { password: encoded } = new URL(secret)
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** The characters of base64 that depend on the text alone, when `before` bytes precede it in what is encoded. */
function base64Core(text: Uint8Array, before: number): string {
  const encoded = Buffer.concat([new Uint8Array(before), text]).toString('base64')
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6))
}

/**
 * Everything to look for, so that a secret is found as it is, in base64 (either alphabet, wherever it begins) and in
 * hex. Escapes of URLs and JSON are undone by the reader instead.
 */
export function formsOf(secret: string): Uint8Array[] {
  const forms = new Set<string>()
  for (const part of parts(secret)) {
    const text = Buffer.from(part, 'utf8').subarray(0, LONGEST)
    if (text.length < SHORTEST_NEEDLE) continue
    forms.add(text.toString('latin1'))
    const hex = text.toString('hex')
    const encoded = [0, 1, 2].map((before) => base64Core(text, before))
    for (const form of [hex, hex.toUpperCase(), ...encoded])
      if (form.length >= SHORTEST_ENCODED) forms.add(form)
  }
  return [...forms].map((form) => Buffer.from(form, 'latin1'))
}
