import { expect, test } from 'bun:test'
import type { FlowView } from '../../gateway/admin/flow-view'
import { loginLines } from '../../gateway/cli/login-text'

const flow = (patch: Partial<FlowView>): FlowView => ({
  ...{ id: 'f', serverId: 's', spaceId: 'p', resource: 'https://mcp.example/mcp', phase: 'waiting' },
  ...{ scope: null, addedScope: null, error: null, detail: null, createdAt: 0, expiresAt: 1 },
  issuer: 'https://as.example',
  url: 'https://as.example/authorize?x=1',
  ...patch,
})
const lines = (patch: Partial<FlowView>) => loginLines({ name: 'docs' }, flow(patch))

test('[threat.33] before a browser opens a person sees who asks, for what, and the whole address', () => {
  expect(lines({})).toEqual([
    'Sign-in for docs',
    '  at       as.example',
    '  rights   what the server gives by default',
    '  page     https://as.example/authorize?x=1',
  ])
  expect(lines({ scope: 'read write', addedScope: 'write' }).slice(2, 4)).toEqual([
    '  rights   read write',
    '  new      write',
  ])
})

test('[threat.33] a page elsewhere and a name that may look like another one are pointed out', () => {
  expect(lines({ url: 'https://elsewhere.example/x' })).toContain(
    '  notice   its page is somewhere else: elsewhere.example',
  )
  const alike =
    '  notice   this name has letters of other alphabets, and may look like another name in the browser'
  expect(lines({ issuer: 'https://xn--pple-43d.example', url: 'https://xn--pple-43d.example/x' })).toContain(
    alike,
  )
  expect(lines({ url: 'https://login.xn--pple-43d.example/x' })).toContain(alike)
  expect(lines({}).join()).not.toContain('notice')
  // What a server calls itself steers no terminal.
  expect(lines({ scope: 'a\u001b[31m\u202e' }).join()).not.toMatch(/[\u001b\u202e]/)
})
