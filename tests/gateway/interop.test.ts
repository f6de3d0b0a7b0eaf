// The compiled binary with real servers on every transport, in two Spaces, seen by unmodified SDK clients.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon, type Daemon } from '../support/daemon'
import {
  everythingRemote,
  everythingStdio,
  filesystem,
  memory,
  sequentialThinking,
  type RemoteServer,
} from '../support/reference-servers'
import { sdkClients, type SdkClient } from '../support/sdk-clients'

let daemon: Daemon
let http: RemoteServer
let sse: RemoteServer
let workKey: string
let homeKey: string
let folder: string

beforeAll(async () => {
  ;[daemon, http, sse] = await Promise.all([
    startDaemon(),
    everythingRemote('streamableHttp'),
    everythingRemote('sse'),
  ])
  folder = join(daemon.home, 'files')
  mkdirSync(folder)
  writeFileSync(join(folder, 'hello.txt'), 'hello from a file')
  await daemon.ok('space', 'create', 'Work')
  await daemon.ok('space', 'create', 'Home')
  const add = (space: string, name: string, ...rest: string[]) =>
    daemon.ok('add', name, '--space', space, '--yes', ...rest)
  await add('Work', 'every', '--', ...everythingStdio)
  await add('Work', 'web', '--url', http.url)
  await add('Work', 'old', '--url', sse.url, '--transport', 'sse')
  await add('Work', 'files', '--', ...filesystem(folder))
  await add(
    'Home',
    'memory',
    '--env',
    `MEMORY_FILE_PATH=${join(daemon.home, 'memory.json')}`,
    '--',
    ...memory,
  )
  await add('Home', 'think', '--', ...sequentialThinking)
  await add('Home', 'every', '--', ...everythingStdio)
  workKey = (await daemon.ok('key', 'create', 'worker', '--space', 'Work')).trim()
  homeKey = (await daemon.ok('key', 'create', 'homer', '--space', 'Home')).trim()
}, 120_000)

afterAll(async () => {
  await Promise.all([daemon[Symbol.asyncDispose](), http[Symbol.asyncDispose](), sse[Symbol.asyncDispose]()])
})

for (const [name, connect] of Object.entries(sdkClients)) {
  describe(name, () => {
    let work: SdkClient
    let home: SdkClient
    beforeAll(async () => {
      work = await connect(daemon.mcpUrl, workKey)
      home = await connect(daemon.mcpUrl, homeKey)
    })
    afterAll(async () => {
      await work[Symbol.asyncDispose]()
      await home[Symbol.asyncDispose]()
    })

    test('[gw.one] one list holds the tools of every server of the Space, and of no other Space', async () => {
      const names = (await work.tools()).map((tool) => tool.name)
      for (const wanted of ['every_echo', 'web_echo', 'old_echo', 'files_read_text_file'])
        expect(names).toContain(wanted)
      expect(names.filter((tool) => /^(memory|think)_/.test(tool))).toEqual([])
      const others = (await home.tools()).map((tool) => tool.name)
      expect(others).toContain('think_sequentialthinking')
      expect(others).toContain('memory_create_entities')
      expect(others.filter((tool) => /^(web|old|files)_/.test(tool))).toEqual([])
    })

    for (const alias of ['every', 'web', 'old']) {
      test(`[gw.transports] calls, prompts, resources and completion through ${alias}`, async () => {
        const echo = await work.call(`${alias}_echo`, { message: 'grüß dich 🚀' })
        expect(echo.content[0]?.text).toBe('Echo: grüß dich 🚀')
        const sum = await work.call(`${alias}_get-sum`, { a: 2, b: 40 })
        expect(sum.content[0]?.text).toContain('42')
        const image = await work.call(`${alias}_get-tiny-image`)
        expect(image.content.some((block) => block.type === 'image')).toBe(true)
        const shaped = await work.call(`${alias}_get-structured-content`, { location: 'Chicago' })
        expect(shaped.structuredContent).toBeDefined()
        const links = await work.call(`${alias}_get-resource-links`, { count: 2 })
        expect(links.content.some((block) => block.type === 'resource_link')).toBe(true)

        const prompts = (await work.prompts()).map((prompt) => prompt.name)
        expect(prompts).toContain(`${alias}_simple-prompt`)
        expect((await work.prompt(`${alias}_simple-prompt`)).messages.length).toBeGreaterThan(0)
        const completed = await work.complete(`${alias}_completable-prompt`, {
          name: 'department',
          value: 'E',
        })
        expect(completed.completion.values).toContain('Engineering')
      })

      test(`[mcp.progress] every step of a long call through ${alias} arrives, in order`, async () => {
        const seen: number[] = []
        await work.call(`${alias}_trigger-long-running-operation`, { duration: 0.6, steps: 3 }, (step) =>
          seen.push(step.progress),
        )
        expect(seen.slice(0, 2)).toEqual([1, 2])
      })
    }

    test('[mcp.resources] resources that several servers offer under one URI are told apart and readable', async () => {
      const uris = (await work.resources()).map((resource) => resource.uri)
      expect(new Set(uris).size).toBe(uris.length)
      expect(uris.length).toBeGreaterThan(3)
      for (const uri of uris) expect((await work.read(uri)).contents[0]?.uri).toBe(uri)
      expect((await work.templates()).length).toBeGreaterThan(0)
    })

    test('[gw.transports] files, memory and thinking do their work', async () => {
      const text = await work.call('files_read_text_file', { path: join(folder, 'hello.txt') })
      expect(text.content[0]?.text).toBe('hello from a file')
      const entity = `made-by-${name.replace(' ', '-')}`
      await home.call('memory_create_entities', {
        entities: [{ name: entity, entityType: 'test', observations: ['it is here'] }],
      })
      expect((await home.call('memory_search_nodes', { query: entity })).content[0]?.text).toContain(
        'it is here',
      )
      const thought = await home.call('think_sequentialthinking', {
        thought: 'one step',
        nextThoughtNeeded: false,
        thoughtNumber: 1,
        totalThoughts: 1,
      })
      expect(thought.isError ?? false).toBe(false)
    })

    test('[mcp.errors] a failing tool is a result, an unknown one an error that names nothing', async () => {
      const failed = await work.call('files_read_text_file', { path: '/nowhere/at/all' })
      expect(failed.isError).toBe(true)
      for (const unknown of ['memory_read_graph', 'no_such_tool']) {
        expect(work.call(unknown)).rejects.toMatchObject({ code: -32602 })
      }
    })

    test('[mcp.logging] ping, logging level and subscription are answered', async () => {
      await work.ping()
      await work.setLevel('debug')
      const [first] = await home.resources()
      if (!first) throw new Error('no resource')
      await home.subscribe(first.uri)
    })
  })
}

test('[space.isolation] a key of one Space cannot call into another, by any name', async () => {
  await using home = await sdkClients['SDK v1'](daemon.mcpUrl, homeKey)
  for (const tool of ['web_echo', 'Work/web_echo', 'web/echo', 'files_read_text_file']) {
    expect(home.call(tool, { message: 'x' })).rejects.toMatchObject({ code: -32602 })
  }
})
