// Every method the unmodified SDK clients have, against server-everything and an awkward server, through the binary.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository, startDaemon, type Daemon } from '../support/daemon'
import { everythingStdio } from '../support/reference-servers'

let daemon: Daemon
let key: string
let log: string

/** Over forty pages: no page is the whole, and the newer line follows 64 at most. */
const PAGE = 25
const info = { name: 'every-method', version: '1' }
const capabilities = { roots: { listChanged: true } }

beforeAll(async () => {
  daemon = await startDaemon()
  log = join(daemon.home, 'edges.log')
  const edges = join(repository, 'tests/servers/edges-stdio.ts')
  await daemon.ok('add', 'edges', '--yes', '--', process.execPath, edges, log)
  await daemon.ok('add', 'every', '--yes', '--', ...everythingStdio)
  await daemon.ok('config', 'set', 'limits.page_size', String(PAGE))
  key = (await daemon.ok('key', 'create', 'tester')).trim()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const requestInit = () => ({ headers: { Authorization: `Bearer ${key}` } })

async function connectV1() {
  const client = new ClientV1(info, { capabilities })
  const transport = new HttpV1(new URL(daemon.mcpUrl), { requestInit: requestInit() })
  await client.connect(transport)
  return { client, end: () => transport.terminateSession() }
}

async function connectV2(mode?: 'auto') {
  const client = new ClientV2(info, { capabilities, ...(mode && { versionNegotiation: { mode } }) })
  const transport = new HttpV2(new URL(daemon.mcpUrl), { requestInit: requestInit() })
  await client.connect(transport)
  return { client, end: () => transport.terminateSession() }
}

const lines = {
  v1: () => connectV1(),
  v2: () => connectV2(),
  'v2 that asks for the newest era first': () => connectV2('auto'),
}

/** All pages of a list, by the cursors, as the older line leaves it to its user. */
async function allPages<T>(page: (cursor?: string) => Promise<{ nextCursor?: string; items: T[] }>) {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const { nextCursor, items: some } = await page(cursor)
    items.push(...some)
    cursor = nextCursor
  } while (cursor !== undefined)
  return items
}

for (const [line, connect] of Object.entries(lines)) {
  test(`[gw.transparent] an SDK client (${line}) follows the pages of a thousand tools to the end`, async () => {
    const { client } = await connect()
    try {
      const tools = await allPages(async (cursor) => {
        const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor })
        const items = tools.map(({ name, title, description }) => ({ name, title, description }))
        return { items, nextCursor }
      })
      const names = tools.map(({ name }) => name)
      expect(names.length).toBe(new Set(names).size)
      expect(names.filter((name) => name.startsWith('edges_')).length).toBe(1000)
      expect(names.filter((name) => !/^[A-Za-z0-9_-]{1,50}$/.test(name))).toEqual([])
      const odd = tools.filter(({ title }) => /größe|工具|name with|🛠️ 🛠️/.test(title ?? ''))
      expect(odd.length).toBe(4)
      for (const { name, title, description } of odd) {
        const original = title?.slice(0, -' 🛠️'.length) ?? ''
        expect(description).toBe(`First line\nsecond line of ${original}\u2028third`)
        expect(JSON.stringify(await client.callTool({ name }))).toContain(`called ${original}`)
      }
    } finally {
      await client.close()
    }
  })

  test(`[gw.transparent] every method of an SDK client (${line}) is served`, async () => {
    const { client, end } = await connect()
    try {
      const resources = await allPages(async (cursor) => {
        const { resources, nextCursor } = await client.listResources(cursor === undefined ? {} : { cursor })
        return { items: resources.map(({ uri }) => ({ uri })), nextCursor }
      })
      const [document] = resources.filter(({ uri }) => !uri.startsWith('edges:'))
      const uri = document?.uri ?? ''
      const templates = await client.listResourceTemplates()
      expect(templates.resourceTemplates.length).toBeGreaterThan(0)
      expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri)
      const hasSessions = client instanceof ClientV1 || client.getProtocolEra() === 'legacy'
      if (hasSessions) {
        await client.subscribeResource({ uri })
        await client.unsubscribeResource({ uri })
      }
      const { prompts } = await client.listPrompts()
      expect(prompts.length).toBeGreaterThan(0)
      const prompt = prompts.find(({ name }) => name.includes('completable'))?.name ?? ''
      const argument = { name: 'department', value: 'E' }
      const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument })
      expect(completion.values).toContain('Engineering')
      const found = await client.getPrompt({
        name: prompt,
        arguments: { department: 'Engineering', name: 'A' },
      })
      expect(found.messages.length).toBeGreaterThan(0)
      const steps: number[] = []
      if (hasSessions) {
        await client.setLoggingLevel('debug')
        await client.ping()
        await client.sendRootsListChanged()
        await client.notification({
          method: 'notifications/progress',
          params: { progressToken: 1, progress: 1 },
        })
      }
      const name = 'every_trigger-long-running-operation'
      const slow = { name, arguments: { duration: 0.4, steps: 4 } }
      const onprogress = ({ progress }: { progress: number }) => void steps.push(progress)
      await (client instanceof ClientV1
        ? client.callTool(slow, undefined, { onprogress })
        : client.callTool(slow, { onprogress }))
      // The high-level client may lose the last one, when it comes together with the answer.
      expect(steps.slice(0, 3)).toEqual([1, 2, 3])
      expect(client.getServerVersion()?.name).toBe('mcpmux')
      await end()
    } finally {
      await client.close()
    }
  })

  test(`[mcp.cancellation] an SDK client (${line}) that gives up a call has it cancelled at the server`, async () => {
    const { client } = await connect()
    const received = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
    const before = received().length
    const since = () => received().slice(before)
    const stop = new AbortController()
    const call = { name: 'edges_late', arguments: { ms: 60_000 } }
    const options = { signal: stop.signal }
    const pending =
      client instanceof ClientV1 ? client.callTool(call, undefined, options) : client.callTool(call, options)
    const rejected = pending.then(
      () => false,
      () => true,
    )
    try {
      await eventually(since, (text) => text.includes('"late"'))
      stop.abort('enough')
      expect(await rejected).toBe(true)
      const text = await eventually(since, (seen) => seen.includes('notifications/cancelled'))
      const messages = text
        .trim()
        .split('\n')
        .map(
          (one) =>
            JSON.parse(one) as {
              id?: number
              method: string
              params?: { requestId?: number; name?: string }
            },
        )
      const asked = messages.find(({ params }) => params?.name === 'late')
      const cancelled = messages.find(({ method }) => method === 'notifications/cancelled')
      expect(cancelled?.params?.requestId).toBe(asked?.id)
    } finally {
      await client.close()
    }
  })
}
