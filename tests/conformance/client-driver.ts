// `client-driver.ts URL`: what the official suite starts as the client to be judged. It puts the suite's server behind a
// gateway that runs already, in a Space of its own, and uses whatever comes out at the other end.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type Control, controlOf } from '../support/control'
import { eventually } from '../support/daemon'
import { modern } from '../support/modern-client'
import { type ClientDriver, driverVariable, SIGN_INS } from './client-runs'

interface Context {
  client_id?: string
  client_secret?: string
  toolCalls?: { name: string; arguments: Record<string, unknown> }[]
}
interface Tool {
  name: string
  inputSchema: { properties?: Record<string, unknown>; required?: string[] }
}

const url = process.argv.at(-1) ?? ''
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const isModern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28'
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as Context
const gateway = JSON.parse(process.env[driverVariable] ?? '{}') as ClientDriver
const control = controlOf(gateway)
const say = (line: string) => process.stderr.write(`${line}\n`)

const name = `${scenario} ${process.env.MCP_CONFORMANCE_PROTOCOL_VERSION} ${process.pid}`.replace('/', ' ')
const space = await control.send<{ id: string }>('POST', '/spaces', { name })
const server = await control.send<{ id: string }>('POST', '/servers', {
  spaceId: space.id,
  name: 'suite',
  alias: '',
  definition: { type: 'http', url, headers: {} },
  era: isModern ? 'modern' : 'legacy',
  source: 'cli',
  consent: { givenBy: 'cli' },
})
const { key } = await control.send<{ key: string }>('POST', '/keys', { client: name, space: space.id })

/** What a person would enter where the schema asks for it. */
function filledIn({ name: tool, inputSchema }: Tool, all: readonly Tool[]): Record<string, unknown> {
  const wanted = context.toolCalls?.find((call) => call.name === tool)
  if (wanted) return wanted.arguments
  if (tool === 'json_schema_echo')
    return { schema: all.find((one) => one.name === 'json_schema_2020_12_tool')?.inputSchema }
  const value = (property: unknown): unknown => {
    const { type } = (property ?? {}) as { type?: string }
    return type === 'number' || type === 'integer' ? 3 : type === 'boolean' ? true : 'text'
  }
  return Object.fromEntries(
    (inputSchema.required ?? []).map((property) => [property, value(inputSchema.properties?.[property])]),
  )
}

/** A client that answers what it is asked with what the form says by itself. */
async function connect(): Promise<Client> {
  const client = new Client(
    { name: 'conformance', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      versionNegotiation: { mode: isModern ? { pin: '2026-07-28' } : 'legacy' },
    },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: {} }))
  const requestInit = { headers: { Authorization: `Bearer ${key}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.mcpUrl), { requestInit }))
  return client
}

/** Uses everything there is; a server whose tools are for reading only is left at that. */
async function use(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  say(`tools: ${tools.map((tool) => tool.name).join(', ')}`)
  if (scenario === 'json-schema-ref-no-deref') return
  for (const tool of tools)
    await client.callTool(
      { name: tool.name, arguments: filledIn(tool as Tool, tools as Tool[]) },
      { timeout: 120_000 },
    )
  if (isModern) await useWhatIsHidden(tools.map((tool) => tool.name))
  const capabilities = client.getServerCapabilities() ?? {}
  if (capabilities.prompts)
    for (const prompt of (await client.listPrompts()).prompts) await client.getPrompt({ name: prompt.name })
  if (capabilities.resources)
    for (const resource of (await client.listResources()).resources)
      await client.readResource({ uri: resource.uri })
}

/** The client drops malformed tools by itself; whether the gateway does shows without it. */
async function useWhatIsHidden(shown: readonly string[]): Promise<void> {
  const { message } = await modern(gateway.mcpUrl, key, { method: 'tools/list' })
  const all = (message.result?.tools ?? []) as Tool[]
  for (const tool of all.filter((one) => !shown.includes(one.name))) {
    say(`hidden by the client, not by the gateway: ${tool.name}`)
    await modern(gateway.mcpUrl, key, { method: 'tools/call', params: { name: tool.name, arguments: {} } })
  }
}

/** What a person does in the browser: the suite's authorization server says yes to everything. */
async function signIn(admin: Control): Promise<void> {
  const flow = await admin.send<{ id: string; url: string | null }>('POST', `/servers/${server.id}/login`, {
    open: false,
  })
  if (flow.url === null) throw new Error(`no address to open: ${JSON.stringify(flow)}`)
  const page = await fetch(flow.url)
  await page.text()
  // The page does not wait for what it was sent to be traded.
  const over = await eventually(
    () => admin.get<{ phase: string; error: string | null }>(`/flows/${flow.id}`),
    ({ phase }) => phase !== 'received',
  )
  say(`sign-in: ${page.status} ${over.phase} ${over.error ?? ''}`)
  if (over.phase !== 'done') throw new Error(`the sign-in is ${over.phase}: ${over.error}`)
}

/** Connects; resolves with why a person is needed, null when none is. */
async function signInNeed(): Promise<string | null> {
  const view = await control.send<{ state: object; signInNeed: string | null }>(
    'POST',
    `/servers/${server.id}/connect`,
  )
  say(`${JSON.stringify(view.state)} ${view.signInNeed}`)
  return view.signInNeed
}

/** Uses it, signing in whenever that is asked for. */
async function run(): Promise<void> {
  if (context.client_id !== undefined)
    await control.send('PUT', `/servers/${server.id}/registration`, {
      clientId: context.client_id,
      ...(context.client_secret === undefined ? {} : { clientSecret: context.client_secret }),
    })
  for (let signIns = 0; ; signIns += 1) {
    if ((await signInNeed()) === null) {
      const client = await connect()
      const failure = await use(client)
        .then(
          () => null,
          (error: unknown) => error,
        )
        .finally(() => client.close())
      if ((await signInNeed()) === null) {
        if (failure !== null) throw failure
        return
      }
    }
    if (signIns === SIGN_INS) throw new Error('it asks for a sign-in still')
    await signIn(control)
  }
}

try {
  await run()
} catch (error) {
  say(`failed: ${(error as Error).message}`)
  process.exitCode = 1
}
// Its connections hold the suite up until they are gone.
await control.send('DELETE', `/servers/${server.id}`)
