// What surrounds a client that signs in: a browser without eyes, and SDK clients with their own OAuth.
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createHash, randomBytes } from 'node:crypto'

/** A browser tab: follows redirects on one origin, keeps cookies, asks again, and stops where another origin begins. */
export class Tab {
  readonly cookies = new Map<string, string>()
  /** The last page, as text. */
  page = ''
  address = ''

  async open(url: string): Promise<Response> {
    this.address = url
    for (let hop = 0; hop < 5; hop += 1) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(this.address, {
        redirect: 'manual',
        headers: {
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          ...(cookie ? { cookie } : {}),
        },
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        this.cookies.set(name, value)
      }
      const to = response.headers.get('location')
      this.page = await response.text()
      if (to === null || !to.startsWith(new URL(url).origin)) return response
      this.address = to
    }
    throw new Error('too many redirects')
  }

  /** The four characters on the page that waits. */
  get code(): string {
    return /role="status">([0-9A-Z]{4})</.exec(this.page)?.[1] ?? ''
  }

  /** Loads the page again, until it leads to the program; resolves with that address. */
  async carriedOn(): Promise<URL> {
    for (let i = 0; i < 2400; i += 1) {
      const to = (await this.open(this.address)).headers.get('location')
      if (to !== null) return new URL(to)
      await Bun.sleep(25)
    }
    throw new Error(`the page waits still: ${this.page}`)
  }
}

/** Verifier and S256 challenge of one request. */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** What an OAuth client of the SDKs keeps, in memory. `opened` gets the address a browser is to open. */
export function memoryProvider(
  name: string,
  opened: (url: URL) => void,
  redirect = 'http://127.0.0.1:4711/callback',
) {
  const kept: { client?: object; tokens?: object; verifier?: string } = {}
  return {
    kept,
    redirectUrl: redirect,
    clientMetadata: {
      client_name: name,
      redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'the state',
    clientInformation: () => kept.client as { client_id: string } | undefined,
    saveClientInformation: (client: object) => void (kept.client = client),
    tokens: () =>
      kept.tokens as { access_token: string; refresh_token: string; token_type: string } | undefined,
    saveTokens: (tokens: object) => void (kept.tokens = tokens),
    redirectToAuthorization: opened,
    saveCodeVerifier: (verifier: string) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? '',
  }
}
export type MemoryProvider = ReturnType<typeof memoryProvider>

interface SignedIn extends AsyncDisposable {
  tools(): Promise<string[]>
}

/** One SDK: connects, or says that it must sign in first; `finish` takes what the browser was led to. */
export interface SdkSignIn {
  connect(url: string, provider: MemoryProvider): Promise<SignedIn | 'unauthorized'>
  finish(url: string, provider: MemoryProvider, callback: URL): Promise<void>
}

const info = { name: 'signer', version: '1.0.0' }

export const sdkSignIns: Record<string, SdkSignIn> = {
  'SDK v1': {
    async connect(url, authProvider) {
      const client = new ClientV1(info)
      try {
        await client.connect(new HttpV1(new URL(url), { authProvider }))
      } catch (error) {
        if (error instanceof UnauthorizedV1) return 'unauthorized'
        throw error
      }
      return {
        tools: async () => (await client.listTools()).tools.map(({ name }) => name),
        [Symbol.asyncDispose]: () => client.close(),
      }
    },
    finish: (url, authProvider, callback) =>
      new HttpV1(new URL(url), { authProvider }).finishAuth(callback.searchParams.get('code') ?? ''),
  },
  'SDK v2': {
    async connect(url, authProvider) {
      const client = new ClientV2(info)
      try {
        await client.connect(new HttpV2(new URL(url), { authProvider }))
      } catch (error) {
        if (error instanceof UnauthorizedV2) return 'unauthorized'
        throw error
      }
      return {
        tools: async () => (await client.listTools()).tools.map(({ name }) => name),
        [Symbol.asyncDispose]: () => client.close(),
      }
    },
    finish: (url, authProvider, callback) =>
      new HttpV2(new URL(url), { authProvider }).finishAuth(callback.searchParams),
  },
}
