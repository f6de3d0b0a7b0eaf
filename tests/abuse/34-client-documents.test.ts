// Clients that name an address as their id: what is behind it is fetched from the internet alone, and believed in nothing
// that matters.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createServer, type Server, type Socket } from 'node:net'
import { systemRuntime } from '../../gateway/runtime'
import type { SafeFetch } from '../../gateway/net/safe-fetch'
import { isDocumentId } from '../../gateway/domain/document-id'
import { createDocuments } from '../../gateway/signin/documents'
import { startDoor } from '../support/door'
import { testFetch } from '../support/remote-leg'
import { Tab } from '../support/sign-in'
import { authorizeUrl, callback, ledTo, originOf, postForm } from '../support/signed-in'

let canary: Server
let port = 0
let hits = 0
beforeAll(async () => {
  canary = createServer((socket: Socket) => {
    hits += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, '0.0.0.0', resolve))
  const address = canary.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  port = address.port
})
afterAll(() => canary.close())

const id = 'https://app.example/client.json'
const document = {
  client_id: id,
  client_name: 'An app',
  redirect_uris: [callback, 'https://app.example/callback'],
}

/** The internet, in which every address has this answer. */
function internet(answer: () => Response | Promise<Response>) {
  const asked: { url: string; request: Parameters<SafeFetch>[1] }[] = []
  const safeFetch: SafeFetch = async (url, request) => {
    asked.push({ url: url.href, request })
    return answer()
  }
  return { asked, documents: createDocuments({ safeFetch, runtime: systemRuntime }) }
}

const json = (value: unknown, init: ResponseInit = {}) =>
  new Response(typeof value === 'string' ? value : JSON.stringify(value), {
    headers: { 'content-type': 'application/json' },
    ...init,
  })

test('[threat.34] [signin] a client whose id is an address signs in, where a person allows such ids', async () => {
  const { asked, documents } = internet(() => json(document))
  await using door = await startDoor({ documents })
  const metadata = async () =>
    (await (await fetch(`${originOf(door)}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      unknown
    >
  const { url, verifier } = authorizeUrl(door, { client_id: id, redirect_uri: 'http://127.0.0.1:9/callback' })
  // Off unless somebody wants it: nothing leaves the machine.
  expect(await metadata()).toMatchObject({ client_id_metadata_document_supported: false })
  expect(await ledTo(url)).toBeNull()
  expect(asked).toEqual([])

  door.stores.settings.set('auth.client_documents', 'on')
  expect(await metadata()).toMatchObject({ client_id_metadata_document_supported: true })
  const tab = new Tab()
  expect((await tab.open(url)).status).toBe(200)
  expect(asked).toMatchObject([{ url: id, request: { trust: { kind: 'found', typedUrl: null } } }])
  // No redirect is followed, and nothing of ours is sent along.
  expect(asked[0]?.request.redirects).toBeUndefined()
  expect(asked[0]?.request.headers).toEqual({ accept: 'application/json' })
  expect(door.signIn.decisions.list()).toMatchObject([
    { name: 'An app', kind: 'document', applicantId: id, receiver: '127.0.0.1:9', clientId: null },
  ])
  const { client } = door.signIn.decisions.approve(tab.code, {})
  const code = (await tab.carriedOn()).searchParams.get('code') ?? ''
  const fields = { grant_type: 'authorization_code', client_id: id, code, code_verifier: verifier }
  expect((await postForm(`${originOf(door)}/oauth/token`, fields)).status).toBe(200)
  // It is remembered for a while, and the same id is the same Client.
  await tab.open(authorizeUrl(door, { client_id: id }).url)
  expect(asked.length).toBe(1)
  expect(door.signIn.decisions.list()).toMatchObject([{ clientId: client.id }])
  // The address on the internet is dropped, whatever the document says.
  expect(
    await ledTo(authorizeUrl(door, { client_id: id, redirect_uri: 'https://app.example/callback' }).url),
  ).toBeNull()
  expect(door.problems).toEqual([])
})

test('[threat.34] [signin] a document that is not exactly one for this id is none', async () => {
  const bad: Record<string, () => Response | Promise<Response>> = {
    'another id': () => json({ ...document, client_id: 'https://app.example/other.json' }),
    'another spelling of the id': () => json({ ...document, client_id: 'https://APP.example/client.json' }),
    'no id': () => json({ ...document, client_id: undefined }),
    'only addresses elsewhere': () => json({ ...document, redirect_uris: ['https://app.example/callback'] }),
    'no addresses': () => json({ ...document, redirect_uris: undefined }),
    'a secret': () => json({ ...document, client_secret: 'x' }),
    'a client that proves itself': () => json({ ...document, token_endpoint_auth_method: 'private_key_jwt' }),
    'a list': () => json([document]),
    text: () => json('"text"'),
    'no JSON': () => json('{'),
    'not UTF-8': () =>
      new Response(new Uint8Array([0x7b, 0xff, 0x7d]), { headers: { 'content-type': 'application/json' } }),
    'a page': () => new Response(JSON.stringify(document), { headers: { 'content-type': 'text/html' } }),
    'not found': () => json(document, { status: 404 }),
    'a redirect': () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1/' } }),
    'one byte too many': () => json({ ...document, more: 'x'.repeat(64 * 1024) }),
    'an end that never comes': () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(16 * 1024).fill(0x20)),
        }),
        { headers: { 'content-type': 'application/json' } },
      ),
    'a connection that breaks': () => Promise.reject(new Error('reset')),
  }
  for (const [name, answer] of Object.entries(bad))
    expect([name, await internet(answer).documents(id)]).toEqual([name, null])
  expect(await internet(() => json(document)).documents(id)).toEqual({
    name: 'An app',
    redirectUris: [callback],
  })
  // Nobody makes us ask on and on.
  const flood = internet(() => json('{'))
  for (let i = 0; i < 100; i += 1) await flood.documents(`https://app.example/${i}.json`)
  expect(flood.asked.length).toBeLessThan(15)
})

test('[threat.34] [signin] no id makes the gateway fetch anything of this machine or its network', async () => {
  const names: Record<string, string[]> = {
    'loop.evil.example': ['127.0.0.1'],
    'mixed.evil.example': ['203.0.113.1', '127.0.0.1'],
    'lan.evil.example': ['192.168.1.1'],
    'meta.evil.example': ['169.254.169.254'],
    'six.evil.example': ['::1'],
    localhost: ['127.0.0.1'],
  }
  const safeFetch = testFetch({ resolve: (host) => Promise.resolve(names[host] ?? []) })
  const ids = [
    ...Object.keys(names).map((name) => `https://${name}:${port}/client.json`),
    ...[
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '2130706433',
      '0',
      '[::1]',
      '[::ffff:7f00:1]',
      '10.0.0.1',
      '169.254.169.254',
    ].map((host) => `https://${host}:${port}/client.json`),
    `http://127.0.0.1:${port}/client.json`,
    `http://app.example:${port}/client.json`,
    'file:///etc/passwd',
    'data:application/json,{}',
    `https://user:pass@127.0.0.1:${port}/client.json`,
    `https://app.example:${port}/`,
    `https://app.example:${port}/client.json#x`,
    `https://app.example:${port}/a/../client.json`,
    'https://APP.example/client.json',
  ]
  for (const one of ids) {
    const documents = createDocuments({ safeFetch, runtime: systemRuntime })
    expect([one, await documents(one)]).toEqual([one, null])
  }
  expect(hits).toBe(0)
  expect(isDocumentId(id)).toBe(true)
})
