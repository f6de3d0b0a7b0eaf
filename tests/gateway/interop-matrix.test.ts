// SDK clients and servers of both lines and both eras, each pair through one compiled gateway, over every transport.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Fixture, fixtureCommand, startFixture } from '../support/conformance-fixture'
import { startDaemon, type Daemon } from '../support/daemon'
import * as holds from '../support/matrix-assertions'
import {
  clientKinds,
  impossible,
  nameOfUpstream,
  serverKinds,
  transports,
  type Upstream,
  upstreams,
} from '../support/matrix-cells'
import { connectMatrixClient, type MatrixClient } from '../support/matrix-client'

let daemon: Daemon
const fixtures: Fixture[] = []
const keys = new Map<Upstream, string>()

async function addUpstream(upstream: Upstream): Promise<void> {
  const { server, transport } = upstream
  const flavour = serverKinds[server]
  const space = nameOfUpstream(upstream)
  await daemon.ok('space', 'create', space)
  let address = ['--', ...fixtureCommand(flavour, transport)]
  if (transport !== 'stdio') {
    const fixture = await startFixture(flavour, transport)
    fixtures.push(fixture)
    address = ['--url', fixture.url, '--transport', transport]
  }
  await daemon.ok('add', 'fixture', '--alias', holds.ALIAS, '--space', space, '--yes', ...address)
  keys.set(upstream, (await daemon.ok('key', 'create', space, '--space', space)).trim())
}

beforeAll(async () => {
  daemon = await startDaemon()
  for (const upstream of upstreams) await addUpstream(upstream)
}, 120_000)
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  for (const fixture of fixtures) await fixture[Symbol.asyncDispose]()
})

test('[gw.transports] every pair of a server and a transport is tried, or cannot exist', () => {
  const all = transports.length * Object.keys(serverKinds).length
  expect(upstreams.length + impossible.length).toBe(all)
})

for (const kind of clientKinds)
  for (const upstream of upstreams)
    describe(`${kind} client, ${upstream.server} server over ${upstream.transport}`, () => {
      let client: MatrixClient
      beforeAll(async () => {
        // Of the client before it there is a cancelled call, which keeps the server from asking another for a while.
        await daemon.ok('restart', 'fixture', '--space', nameOfUpstream(upstream))
        client = await connectMatrixClient(kind, daemon.mcpUrl, keys.get(upstream) ?? '')
      })
      afterAll(() => client[Symbol.asyncDispose]())

      test('[mcp.lifecycle] they agree on a revision and on what is offered', () => holds.greets(client))
      test('[mcp.tools] tools are listed with their schemas as they are', () => holds.lists(client))
      test('[mcp.tools] calls bring text, structure and every kind of content', () => holds.calls(client))
      test('[gw.transparent] what nobody knows passes', () => holds.passesTheUnknown(client))
      test('[mcp.progress] all steps come, in order', () => holds.progresses(client))
      test('[mcp.logging] log messages come while the call runs', () => holds.logs(client))
      test('[mcp.cancellation] a cancelled call ends at the server', () => holds.cancels(client))
      test('[mcp.resources] resources and templates are listed and read', () => holds.reads(client))
      test('[mcp.resources] a change of a resource is told', () => holds.followsResource(client))
      test('[mcp.list-changed] changes of the lists are told', () => holds.followsLists(client))
      test('[mcp.prompts] prompts are listed and fetched', () => holds.prompts(client))
      test('[mcp.completion] arguments are completed', () => holds.completes(client))
      test('[mcp.errors] errors keep their code and data', () => holds.fails(client))
      test('[mcp.back-channel] sampling', () => holds.answers(client, 'sampling'))
      test('[mcp.back-channel] elicitation with a form', () => holds.answers(client, 'elicitation.form'))
      test('[mcp.back-channel] elicitation at an address', () => holds.answers(client, 'elicitation.url'))
      test('[mcp.back-channel] roots', () => holds.answers(client, 'roots'))
      test('[mcp.back-channel] several questions, and rounds of them', () => holds.answersInRounds(client))
    })
