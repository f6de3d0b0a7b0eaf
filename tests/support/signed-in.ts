// A client that signed in at a door of this process, and the steps it took.
import type { TestDoor } from './door'
import { pkce, Tab } from './sign-in'

export const originOf = (door: Pick<TestDoor, 'port'>): string => `http://localhost:${door.port}`
export const callback = 'http://127.0.0.1:4711/callback'

export const postJson = (url: string, body: unknown) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

export const postForm = (url: string, fields: Record<string, string> | [string, string][]) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields) })

/** Registers a program; resolves with its client id. */
export async function register(
  door: Pick<TestDoor, 'port'>,
  redirect_uris: readonly string[] = [callback],
  client_name = 'program',
): Promise<string> {
  const answer = await postJson(`${originOf(door)}/oauth/register`, { client_name, redirect_uris })
  const { client_id } = (await answer.json()) as { client_id?: string }
  if (answer.status !== 201 || !client_id) throw new Error(`not registered: ${answer.status}`)
  return client_id
}

/** The address a browser opens; a null leaves a parameter out. */
export function authorizeUrl(
  door: Pick<TestDoor, 'port'>,
  changes: Record<string, string | null>,
): { url: string; verifier: string } {
  const { verifier, challenge } = pkce()
  const all: Record<string, string | null> = {
    response_type: 'code',
    redirect_uri: callback,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'the state',
    resource: `${originOf(door)}/mcp`,
    ...changes,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) if (value !== null) query.set(name, value)
  return { url: `${originOf(door)}/oauth/authorize?${query}`, verifier }
}

/** Asks, gets approved, and is led back with a code. */
export async function codeFor(door: TestDoor, clientId: string, redirect_uri = callback) {
  const { url, verifier } = authorizeUrl(door, { client_id: clientId, redirect_uri })
  const tab = new Tab()
  await tab.open(url)
  door.signIn.decisions.approve(tab.code, {})
  const code = (await tab.carriedOn()).searchParams.get('code') ?? ''
  return {
    tab,
    code,
    verifier,
    fields: {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri,
    },
  }
}

export interface Tokens {
  access_token: string
  refresh_token: string
}

/** The whole way; resolves with its tokens. */
export async function signedIn(door: TestDoor) {
  const clientId = await register(door)
  const { fields } = await codeFor(door, clientId)
  const answer = await postForm(`${originOf(door)}/oauth/token`, fields)
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${await answer.text()}`)
  const tokens = (await answer.json()) as Tokens
  const signIn = door.stores.signIns.list().at(-1)
  if (!signIn) throw new Error('no sign-in')
  return { clientId, fields, tokens, signIn }
}

export const refreshFields = (clientId: string, refresh_token: string) => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token,
})

/** Status and OAuth code of a failure. */
export const errorOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { error?: string }).error ?? 'none',
]

/** Where a browser is sent; null when it is shown a page of ours. */
export async function ledTo(url: string, headers: Record<string, string> = {}): Promise<string | null> {
  const answer = await fetch(url, { redirect: 'manual', headers })
  await answer.text()
  return answer.headers.get('location')
}
