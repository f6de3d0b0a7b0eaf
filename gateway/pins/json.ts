// JSON as a tree that loses nothing a reader could notice: numbers as they are written, and a name that comes twice
// twice. `JSON.parse` rounds the first and drops the second, and a client may read either.

/** One JSON value. An atom is a number, true, false or null as it is written. */
export type Json =
  | { type: 'object'; members: readonly (readonly [key: string, value: Json])[] }
  | { type: 'array'; items: readonly Json[] }
  | { type: 'text'; text: string }
  | { type: 'atom'; raw: string }

const token = /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^{}[\],:" \t\r\n]+))/y

/** Throws SyntaxError for what is no JSON. */
export function parseJson(text: string): Json {
  // The grammar is for JSON.parse to judge, so that what follows can be simple.
  JSON.parse(text)
  const reader = new RegExp(token)
  const next = (): { mark: string; string: string | undefined; atom: string } => {
    const [, mark = '', string, atom = ''] = reader.exec(text) ?? []
    return { mark, string, atom }
  }
  type Token = ReturnType<typeof next>
  const read = ({ mark, string, atom }: Token): Json => {
    if (string !== undefined) return { type: 'text', text: JSON.parse(string) as string }
    if (mark === '{') return { type: 'object', members: readMembers() }
    if (mark === '[') return { type: 'array', items: readItems() }
    return { type: 'atom', raw: atom }
  }
  const readMembers = (): [string, Json][] => {
    const members: [string, Json][] = []
    for (let first = next(); first.mark !== '}'; first = next()) {
      const key = first.mark === ',' ? next() : first
      next()
      members.push([JSON.parse(key.string ?? '""') as string, read(next())])
    }
    return members
  }
  const readItems = (): Json[] => {
    const items: Json[] = []
    for (let first = next(); first.mark !== ']'; first = next())
      items.push(read(first.mark === ',' ? next() : first))
    return items
  }
  return read(next())
}

/**
 * One text for all ways to write a value: names sorted, no space, one spelling of each string (RFC 8785 in spirit).
 * Numbers stay as they are written and repeated names in their order, because readers differ over both.
 */
export function canonical(json: Json): string {
  switch (json.type) {
    case 'atom':
      return json.raw
    case 'text':
      return JSON.stringify(json.text)
    case 'array':
      return `[${json.items.map(canonical).join()}]`
    case 'object':
      return `{${json.members
        .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`)
        .join()}}`
  }
}

/** Every string of a value, names of members too. */
export function* stringsOf(json: Json): Generator<string> {
  if (json.type === 'text') yield json.text
  else if (json.type === 'array') for (const item of json.items) yield* stringsOf(item)
  else if (json.type === 'object')
    for (const [key, value] of json.members) {
      yield key
      yield* stringsOf(value)
    }
}
