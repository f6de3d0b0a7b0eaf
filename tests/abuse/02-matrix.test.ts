// Host, Origin, content type, method and route, each with each, at the compiled program: what is right in every one of
// them is served, everything else is refused where it should be, and reaches no server.
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from '../support/daemon'
import { openRawSession } from '../support/raw-client'
import { scripted } from '../support/scripted'

const AT_ONCE = 40
const call =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"logged_echo","arguments":{"text":"x"}}}'

const hosts = (port: number): [value: string, good: boolean][] => [
  [`127.0.0.1:${port}`, true],
  [`LocalHost:${port}`, true],
  [`[::1]:${port}`, true],
  ['evil.example', false],
  [`evil.example:${port}`, false],
  [`localhost:${port + 1}`, false],
  [`0.0.0.0:${port}`, false],
  [`localhost@evil.example:${port}`, false],
]
const origins = (port: number): [value: string | null, good: boolean][] => [
  [null, true],
  [`http://localhost:${port}`, true],
  [`http://[::1]:${port}`, true],
  ['null', false],
  ['https://evil.example', false],
  [`https://localhost:${port}`, false],
  [`http://localhost:${port + 1}`, false],
]
const types: [value: string, good: boolean][] = [
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['text/plain', false],
  ['application/x-www-form-urlencoded', false],
  ['multipart/form-data; boundary=x', false],
  ['text/plain; application/json', false],
]
const methods = ['POST', 'GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const routes = ['/mcp', '/health', '/', '/mcp/', '/nothing', '/.well-known/oauth-protected-resource']

interface Case {
  host: [string, boolean]
  origin: [string | null, boolean]
  type: [string, boolean]
  method: string
  path: string
}

/** Statuses that are right, in the order in which a request is looked at. */
function right({ host, origin, type, method, path }: Case): number[] {
  if (!host[1]) return [400, 403]
  if (!origin[1]) return [403]
  if (path === '/health') return method === 'GET' || method === 'HEAD' ? [200] : [404, 405]
  // How to sign in is told at the one name whose pages do it.
  if (path.startsWith('/.well-known/') && /^localhost:/i.test(host[0]))
    return method === 'GET' ? [200] : [405]
  if (path !== '/mcp') return [404]
  if (method === 'POST') return type[1] ? [200] : [415]
  // The session that a GET and a DELETE need is not named here.
  return method === 'GET' || method === 'DELETE' ? [400] : [405]
}

test('[threat.02] [threat.04] of 4 032 combinations of Host, Origin, content type, method and route only the right ones are served', async () => {
  await using daemon = await startDaemon()
  const log = join(daemon.home, 'calls.log')
  await daemon.ok('add', 'logged', '--yes', '--', ...scripted('plain', log))
  const key = (await daemon.ok('key', 'create', 'one')).trim()
  const session = await openRawSession(daemon.mcpUrl, key)
  const port = Number(new URL(daemon.mcpUrl).port)
  const cases: Case[] = []
  for (const host of hosts(port))
    for (const origin of origins(port))
      for (const method of methods)
        for (const path of routes)
          for (const type of method === 'POST' ? types : types.slice(0, 1))
            cases.push({ host, origin, type, method, path })
  expect(cases.length).toBe(4032)

  const wrong: string[] = []
  let served = 0
  const send = async (one: Case) => {
    const response = await fetch(`http://127.0.0.1:${port}${one.path}`, {
      method: one.method,
      headers: {
        host: one.host[0],
        ...(one.origin[0] === null ? {} : { origin: one.origin[0] }),
        authorization: `Bearer ${key}`,
        accept: 'application/json, text/event-stream',
        'content-type': one.type[0],
        ...(one.method === 'POST' ? { 'mcp-session-id': session.id } : {}),
      },
      ...(one.method === 'POST' ? { body: call } : {}),
    })
    const text = await response.text()
    const cors = [...response.headers.keys()].filter((name) => name.startsWith('access-control'))
    if (!right(one).includes(response.status) || cors.length > 0)
      wrong.push(`${JSON.stringify(one)}: ${response.status} ${cors.join()} ${text.slice(0, 100)}`)
    if (one.path === '/mcp' && response.status === 200) served += 1
  }
  for (let at = 0; at < cases.length; at += AT_ONCE)
    await Promise.all(cases.slice(at, at + AT_ONCE).map(send))
  expect(wrong).toEqual([])
  // Three hosts, three origins, two types: these went up, and nothing else did.
  expect(served).toBe(18)
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('tools/call '))
  expect(calls.length).toBe(18)
}, 120_000)
