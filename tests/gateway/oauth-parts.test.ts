import { expect, test } from 'bun:test'
import { startEvilAs } from '../support/evil-as'
import { openFlowParts } from '../support/flow-parts'

test('[oauth.flow] a sign-in goes from the 401 to tokens', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const flow = await parts.flows.begin(server.id)
  expect(flow).toMatchObject({ phase: 'waiting', issuer: evil.issuer, scope: 'tools:read offline_access' })
  const { url, page } = await parts.browse(evil, flow)
  expect(url).toBe(`${parts.origin}/oauth/answered`)
  expect(page).toContain('Back to McpMux')
  expect(await parts.over(flow.id)).toMatchObject({ phase: 'done', error: null, url: null })
  expect(parts.accepted).toHaveLength(1)
  expect(parts.problems).toEqual([])
})
