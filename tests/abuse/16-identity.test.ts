import { expect, test } from 'bun:test'
import { callBody, openSession, sessionHeaders, startDoor, type TestDoor } from '../support/door'
import { mcpHeaders } from '../support/raw-client'
import { originOf, signedIn } from '../support/signed-in'

/** A client with a key, and one that signed in: how it proves itself, and where. */
const ways = {
  key: async (door: TestDoor) => ({ ...door.keyFor('low'), url: door.url }),
  sign_in: async (door: TestDoor) => {
    const { tokens, signIn } = await signedIn(door)
    return { text: tokens.access_token, clientId: signIn.clientId, url: `${originOf(door)}/mcp` }
  },
}

for (const [way, prove] of Object.entries(ways))
  test(`[threat.16] who a client is follows from its ${way.replace('_', '-')}: no header, path, query, clientInfo or _meta changes the answer`, async () => {
    await using door = await startDoor()
    const low = await prove(door)
    const high = door.keyFor('admin')
    const session = await openSession(low.url, low.text)
    const headers = sessionHeaders(low.text, session)
    const ask = async (extra: Record<string, string> = {}, query = '', params = '{}') => {
      const response = await fetch(low.url + query, {
        method: 'POST',
        headers: { ...headers, ...extra },
        body: callBody(1, 'tools/list', params),
      })
      return `${response.status} ${await response.text()}`
    }
    const expected = await ask()
    expect(expected).toContain(low.clientId)

    const names = [
      'X-Space',
      'X-Mcp-Space',
      'X-User',
      'X-Forwarded-User',
      'X-Remote-User',
      'Remote-User',
      'X-Client-Id',
      'Client-Id',
      'X-Client',
      'X-Identity',
      'X-Role',
      'X-Admin',
      'X-Scopes',
      'X-Forwarded-For',
      'X-Real-IP',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
      'X-Internal',
      'X-Debug',
      'X-Mcpmux-Internal',
      'X-Mcpmux-Client',
      'X-Mcp-Init-Host',
      'Mcp-Name',
      'Mcp-Method',
      'Via',
      'Forwarded',
      'Cookie',
      'X-Api-Key',
      'User-Agent',
      'Referer',
      'Sec-Fetch-Site',
      'From',
    ]
    for (const name of names)
      for (const value of [high.clientId, 'admin', 'true', '127.0.0.1', `client=${high.clientId}`])
        expect([name, value, await ask({ [name]: value })]).toEqual([name, value, expected])

    for (const query of [
      `?client=${high.clientId}`,
      '?space=other',
      '?user=admin',
      '?admin=1',
      `?clientId=${high.clientId}&space=x`,
      '?',
    ])
      expect([query, await ask({}, query)]).toEqual([query, expected])

    for (const params of [
      `{"_meta":{"clientId":"${high.clientId}"}}`,
      `{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"admin"}}}`,
      `{"identity":{"clientId":"${high.clientId}"},"space":"other"}`,
      `{"__proto__":{"clientId":"${high.clientId}"}}`,
    ])
      expect([params, await ask({}, '', params)]).toEqual([params, expected])

    const disguised = await fetch(low.url, {
      method: 'POST',
      headers: mcpHeaders(low.text),
      body: callBody(
        0,
        'initialize',
        `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"admin","clientId":"${high.clientId}","version":"1"}}`,
      ),
    })
    const other = disguised.headers.get('mcp-session-id') ?? ''
    expect(await ask({ 'Mcp-Session-Id': other })).toBe(expected)

    for (const path of [
      '/mcp/',
      '/mcp/other',
      `/mcp/${high.clientId}`,
      '/MCP',
      '/mcp;admin',
      '/mcp/../admin',
      '/admin',
      '/api',
      '/spaces',
      '/events',
      '/oauth/token',
    ]) {
      const response = await fetch(`http://127.0.0.1:${door.port}${path}`, {
        method: 'POST',
        headers,
        body: callBody(1),
      })
      expect([path, response.status]).toEqual([path, 404])
    }
  })
