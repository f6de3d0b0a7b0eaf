// `bun schema-bombs.ts PORT`: tools whose definitions point to an address on loopback, to themselves, or into very many
// branches, and a template that is slow to match for whoever matches it badly.
export {}

const port = process.argv[2] ?? '1'
const at = (path: string) => `http://127.0.0.1:${port}/${path}`
const decoder = new TextDecoder()
let rest = ''

let branches: object = { type: 'string' }
for (let level = 0; level < 10; level++) branches = { anyOf: [branches, branches] }

const schemas: Record<string, object> = {
  'remote-ref': { type: 'object', $schema: at('meta.json'), properties: { a: { $ref: at('schema.json') } } },
  'self-ref': { type: 'object', properties: { nested: { $ref: '#' } }, $ref: '#' },
  branches: { type: 'object', properties: { a: branches } },
  'bad-pattern': { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$', format: 'uri' } } },
  icons: { type: 'object' },
}
const tools = Object.entries(schemas).map(([name, inputSchema]) => ({
  name,
  inputSchema,
  ...(name === 'icons'
    ? {
        icons: [{ src: at('icon.png') }, { src: at('icon.svg'), mimeType: 'image/svg+xml' }],
        _meta: { home: at('home') },
      }
    : {}),
}))
const results: Record<string, object> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, resources: {}, prompts: {} },
    serverInfo: { name: 'bombs', version: '1', websiteUrl: at('site'), icons: [{ src: at('server.png') }] },
  },
  'tools/list': { tools },
  'tools/call': {
    content: [
      { type: 'text', text: 'called' },
      { type: 'resource_link', uri: at('linked'), name: 'x' },
    ],
  },
  'resources/list': { resources: [{ uri: at('resource'), name: 'x', icons: [{ src: at('resource.png') }] }] },
  'resources/templates/list': {
    resourceTemplates: [{ uriTemplate: `bomb://${'{/a*}'.repeat(20)}{?b*}x`, name: 'slow' }],
  },
  'prompts/list': { prompts: [{ name: 'p', icons: [{ src: at('prompt.png') }] }] },
}

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const { id, method } = JSON.parse(rest.slice(0, end)) as { id?: unknown; method?: string }
    rest = rest.slice(end + 1)
    if (id !== undefined)
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: results[method ?? ''] ?? {} })}\n`)
  }
}
