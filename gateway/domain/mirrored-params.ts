// Parameters of a tool that its calls repeat in headers (MCP 2026-07-28, tools: x-mcp-header).

const MARK = 'x-mcp-header'
/** One argument and the header that repeats it, in lower case. */
export interface Mirrored {
  path: readonly string[]
  header: string
}

type Schema = Readonly<Record<string, unknown>>
/** Members of a schema that hold data, in which the mark means nothing. */
const data: readonly string[] = ['enum', 'const', 'default', 'examples', 'example', MARK]
/** Members whose own members are named freely and hold schemas. */
const named: readonly string[] = ['patternProperties', 'dependentSchemas', '$defs', 'definitions']

const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null

/** Collects the marks of a schema; the text says why one may not stand where, or as, it does. */
function collect(schema: unknown, path: readonly string[] | null, found: Mirrored[]): string | null {
  if (!isObject(schema)) return null
  if (Array.isArray(schema)) return first(schema.map((one) => () => collect(one, null, found)))
  if (Object.hasOwn(schema, MARK)) {
    const fault = faultOf(schema, path, found)
    if (fault) return fault
    if (path) found.push({ path, header: `mcp-param-${String(schema[MARK]).toLowerCase()}` })
  }
  return first(
    Object.entries(schema).map(([key, value]) => () => {
      if (data.includes(key)) return null
      const isProperties = key === 'properties'
      if (!isObject(value) || !(isProperties || named.includes(key))) return collect(value, null, found)
      return first(
        Object.entries(value).map(
          ([name, one]) =>
            () =>
              collect(one, isProperties && path ? [...path, name] : null, found),
        ),
      )
    }),
  )
}

function first(steps: readonly (() => string | null)[]): string | null {
  for (const step of steps) {
    const fault = step()
    if (fault) return fault
  }
  return null
}

function faultOf(schema: Schema, path: readonly string[] | null, found: readonly Mirrored[]): string | null {
  const name = schema[MARK]
  if (!path || path.length === 0) return `${MARK} stands where no single argument is`
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return `${MARK} is no name for a header`
  if (!['string', 'integer', 'boolean'].includes(String(schema.type)))
    return `${MARK} is on an argument that is no string, integer or boolean`
  if (found.some(({ header }) => header === `mcp-param-${name.toLowerCase()}`))
    return `${MARK} names the same header twice`
  return null
}

/** The mirrored arguments of a tool by its descriptor (raw JSON), or why its definition must not be used over HTTP. */
export function mirroredParams(descriptor: string): { mirrored: readonly Mirrored[]; fault: string | null } {
  if (!descriptor.includes('x-mcp-header') && !descriptor.includes('\\u'))
    return { mirrored: [], fault: null }
  const mirrored: Mirrored[] = []
  const { inputSchema } = JSON.parse(descriptor) as { inputSchema?: unknown }
  const fault = collect(inputSchema, [], mirrored)
  return { mirrored, fault }
}
