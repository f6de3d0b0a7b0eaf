// Secrets that are planted everywhere, and the search for them afterwards, in every spelling.
import { readFileSync } from 'node:fs'

/** A value nobody else has, with characters that every encoding writes differently. */
export const newCanary = (name: string): string =>
  `cnry/${name}+"${Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex')}`

const inner = (text: string, encoding: 'base64' | 'base64url', shift: number): string =>
  // Without the characters that its neighbours decide.
  Buffer.from(`${'\0'.repeat(shift)}${text}`)
    .toString(encoding)
    .replace(/=+$/, '')
    .slice(shift === 0 ? 0 : shift + 1, -1)

/** How a value may be written down. */
export function spellings(value: string | Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(value)
  const found = new Map<string, Buffer>([
    ['raw', bytes],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
  ])
  const latin = bytes.toString('latin1')
  for (const shift of [0, 1, 2])
    for (const encoding of ['base64', 'base64url'] as const)
      found.set(`${encoding} at ${shift}`, Buffer.from(inner(latin, encoding, shift)))
  if (typeof value !== 'string') return found
  found.set('URL-encoded', Buffer.from(encodeURIComponent(value)))
  found.set('JSON-escaped', Buffer.from(JSON.stringify(value).slice(1, -1)))
  found.set('twice JSON-escaped', Buffer.from(JSON.stringify(JSON.stringify(value)).slice(3, -3)))
  found.set('UTF-16', Buffer.from(value, 'utf16le'))
  found.set('backwards', Buffer.from([...value].reverse().join('')))
  return found
}

/** One finding, in words. */
export interface Find {
  kind: string
  spelling: string
  where: string
}

/** Everything planted, by kind. */
export function createCanaries() {
  const planted = new Map<string, Map<string, Buffer>>()
  return {
    /** Makes a value of this kind and remembers it. */
    plant(kind: string): string {
      const value = newCanary(kind.replaceAll(' ', '-'))
      planted.set(kind, spellings(value))
      return value
    },
    /** Remembers one that somebody else made. */
    know<T extends string | Uint8Array>(kind: string, value: T): T {
      planted.set(kind, spellings(value))
      return value
    },
    /** Remembers one more of a kind, which gets a number. */
    knowMore(kind: string, value: string): void {
      if ([...planted.values()].some((forms) => forms.get('raw')?.equals(Buffer.from(value)))) return
      const many = [...planted.keys()].filter((name) => name.replace(/ \d+$/, '') === kind).length
      planted.set(`${kind} ${many + 1}`, spellings(value))
    },
    kinds: () => [...planted.keys()],
    find(where: string, text: string | Uint8Array): Find[] {
      const bytes = Buffer.from(text)
      return [...planted].flatMap(([kind, forms]) =>
        [...forms]
          .filter(([, form]) => bytes.includes(form))
          .map(([spelling]) => ({ kind, spelling, where })),
      )
    },
  }
}

/** Command line or environment of a process; empty when it is gone. */
export function processText(pid: number, file: 'cmdline' | 'environ'): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${file}`)
  } catch {
    return Buffer.alloc(0)
  }
}
