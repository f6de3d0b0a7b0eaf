// Modes of what an authorization server says of itself (RFC 8414), and of registration (RFC 7591).
import { badDocuments, hostileText } from './evil-as-answers'
import { innerAddresses, shapes } from './evil-as-modes-resource'
import { type Change, type Json, json, type Mode, oauthError, type World } from './evil-as-world'

const { refused, works, named, each, redirects } = shapes

const issuerIs = (value: (world: World) => unknown): Pick<Mode, 'metadata'> => ({
  metadata: (answer, world) => ({ ...answer, issuer: value(world) }),
})

const saying = (more: (world: World, answer: Json) => Json): Pick<Mode, 'metadata'> => ({
  metadata: (answer, world) => ({ ...answer, ...more(world, answer) }),
})

/** Each is another text than the issuer; a parser of URLs takes many of them for the same. */
const otherIssuers: Record<string, (world: World) => unknown> = {
  other: ({ other }) => other,
  'trailing-slash': ({ issuer }) => `${issuer}/`,
  'upper-case': ({ issuer }) => issuer.toUpperCase(),
  'upper-case-scheme': ({ issuer }) => issuer.replace('http', 'HTTP'),
  'padded-port': ({ issuer }) => issuer.replace(/:(\d+)$/, ':0$1'),
  'short-address': ({ issuer }) => issuer.replace('127.0.0.1', '127.1'),
  'decimal-address': ({ issuer }) => issuer.replace('127.0.0.1', '2130706433'),
  'hex-address': ({ issuer }) => issuer.replace('127.0.0.1', '0x7f.0.0.1'),
  'trailing-dot': ({ issuer }) => issuer.replace('127.0.0.1', '127.0.0.1.'),
  'dot-segment': ({ issuer }) => `${issuer}/.`,
  'empty-query': ({ issuer }) => `${issuer}?`,
  'empty-fragment': ({ issuer }) => `${issuer}#`,
  'empty-userinfo': ({ issuer }) => issuer.replace('//', '//@'),
  backslashes: ({ issuer }) => issuer.replace('//', '\\\\'),
  'white-space': ({ issuer }) => ` ${issuer}`,
  missing: () => undefined,
  null: () => null,
  array: ({ issuer }) => [issuer],
}

/** Endpoints no one may be sent to, whatever address the server itself has. */
const badEndpoints: Record<string, (good: string) => unknown> = {
  'plain-http': () => 'http://elsewhere.example/x',
  userinfo: (good) => good.replace('//', '//user:pass@'),
  fragment: (good) => `${good}#x`,
  script: () => 'javascript:alert(1)',
  file: () => 'file:///etc/passwd',
  handler: () => 'ms-msdt:/id PCWDiagnostic',
  option: () => '--remote-debugging-port=9222',
  relative: () => '/authorize',
  number: () => 1,
}

const onlyAuthorize: Record<string, (good: string) => unknown> = {
  missing: () => undefined,
  giant: (good) => `${good}?${'x'.repeat(16_000)}`,
}

const endpoint = (name: string, value: (good: string) => unknown): Mode =>
  refused(
    name === 'authorization_endpoint' ? 33 : 34,
    saying((_world, answer) => ({ [name]: value(String(answer[name])) })),
  )

const pkce: Record<string, unknown> = {
  absent: undefined,
  'plain-only': ['plain'],
  empty: [],
  'lower-case': ['s256'],
  'a-string': 'S256',
  null: null,
}

const registrations: Record<string, Change> = {
  'other-redirect': (answer, { other }) => ({ ...answer, redirect_uris: [`${other}/callback`] }),
  'one-redirect-more': (answer, { other }) => ({
    ...answer,
    redirect_uris: [...(answer.redirect_uris as string[]), `${other}/callback`],
  }),
  'no-redirect': (answer) => ({ ...answer, redirect_uris: [] }),
  'other-method': (answer) => ({ ...answer, token_endpoint_auth_method: 'private_key_jwt' }),
  'secret-missing': ({ client_secret: _, ...answer }) => ({
    ...answer,
    token_endpoint_auth_method: 'client_secret_post',
  }),
  'no-client-id': ({ client_id: _, ...answer }) => answer,
  'empty-client-id': (answer) => ({ ...answer, client_id: '' }),
  'client-id-number': (answer) => ({ ...answer, client_id: 7 }),
  'client-id-with-lines': (answer) => ({ ...answer, client_id: 'a\r\nb' }),
  'client-id-giant': (answer) => ({ ...answer, client_id: 'a'.repeat(100_000) }),
  'other-grants': (answer) => ({ ...answer, grant_types: ['implicit'] }),
  'other-responses': (answer) => ({ ...answer, response_types: ['token'] }),
  'secret-over': (answer) => ({
    ...answer,
    token_endpoint_auth_method: 'client_secret_post',
    client_secret: 'secret-over',
    client_secret_expires_at: 1,
  }),
  forbidden: () => oauthError('access_denied', 403),
  'error-500': () => oauthError('server_error', 500),
  'hostile-words': () => oauthError('invalid_client_metadata', 400, { error_description: hostileText }),
}

export const issuerModes: Record<string, Mode> = {
  ...named(
    'issuer',
    each(otherIssuers, (value) => refused(28, issuerIs(value))),
  ),
  // The list and the document must be the same text; whose slash it is does not matter.
  'servers-with-a-slash': refused(28, {
    protectedResource: (answer, { issuer }) => ({ ...answer, authorization_servers: [`${issuer}/`] }),
  }),
  'issuer-with-a-slash-everywhere': works(28, {
    protectedResource: (answer, { issuer }) => ({ ...answer, authorization_servers: [`${issuer}/`] }),
    ...issuerIs(({ issuer }) => `${issuer}/`),
    callback: (answer, { issuer }) => {
      answer.set('iss', `${issuer}/`)
      return answer
    },
  }),
  'issuer-with-a-path': works(28, { issuerPath: '/tenant' }),
  'issuer-openid-inserted': works(28, {
    issuerPath: '/tenant',
    metadataAt: '/.well-known/openid-configuration{path}',
  }),
  'issuer-openid-appended': works(28, {
    issuerPath: '/tenant',
    metadataAt: '{path}/.well-known/openid-configuration',
  }),
  'issuer-nowhere': refused(28, { metadataAt: '/nowhere' }),
  ...named(
    'issuer-document',
    each(badDocuments, (change) => refused(40, { metadata: change })),
  ),
  ...named(
    'issuer-redirect',
    each(redirects, (change) => refused(35, { metadata: change })),
  ),
  ...named(
    'pkce',
    each(pkce, (value) =>
      refused(
        30,
        saying(() => ({ code_challenge_methods_supported: value })),
      ),
    ),
  ),
  'pkce-both': works(
    30,
    saying(() => ({ code_challenge_methods_supported: ['plain', 'S256'] })),
  ),
  ...named(
    'authorize',
    each({ ...badEndpoints, ...onlyAuthorize }, (value) => endpoint('authorization_endpoint', value)),
  ),
  'authorize-own-query': works(
    33,
    saying((_world, answer) => ({
      authorization_endpoint: `${String(answer.authorization_endpoint)}?tenant=a%20b`,
    })),
  ),
  // It fills in an answer of its own choice; one of each name is left, and that is ours.
  'authorize-own-parameters': works(
    33,
    saying(({ other }, answer) => ({
      authorization_endpoint: `${String(answer.authorization_endpoint)}?redirect_uri=${other}&response_type=token&state=x`,
    })),
  ),
  ...named(
    'token-endpoint',
    each({ ...badEndpoints, missing: () => undefined }, (value) => endpoint('token_endpoint', value)),
  ),
  ...named(
    'register-endpoint',
    each(badEndpoints, (value) => endpoint('registration_endpoint', value)),
  ),
  ...named(
    'register-inside',
    each(innerAddresses, (url) =>
      refused(
        34,
        saying(() => ({ registration_endpoint: `${url}/register` })),
      ),
    ),
  ),
  'register-endpoint-missing': refused(
    41,
    saying(() => ({ registration_endpoint: undefined })),
  ),
  ...named(
    'register',
    each(registrations, (change) => refused(41, { registration: change })),
  ),
  ...named(
    'register-document',
    each(badDocuments, (change) => refused(40, { registration: change })),
  ),
  ...named(
    'register-redirect',
    each(redirects, (change) => refused(35, { registration: change })),
  ),
  'takes-documents': works(
    41,
    saying(() => ({ client_id_metadata_document_supported: true })),
  ),
  'secret-ends-in-an-hour': works(41, {
    registration: (answer) =>
      'client_secret' in answer
        ? { ...answer, client_secret_expires_at: Math.floor(Date.now() / 1000) + 3600 }
        : answer,
  }),
  'managed-registration': works(41, {
    registration: (answer, { issuer }) => ({
      ...answer,
      registration_client_uri: `${issuer}/register/${String(answer.client_id)}`,
      registration_access_token: `secret-${crypto.randomUUID()}`,
    }),
  }),
  'managed-elsewhere': works(41, {
    registration: (answer, { other }) => ({
      ...answer,
      registration_client_uri: `${other}/register/${String(answer.client_id)}`,
      registration_access_token: `secret-${crypto.randomUUID()}`,
    }),
  }),
  // The server hands its users over to another authorization server (SEP-2352).
  'moved-to-another': works(41, {
    protectedResource: (answer, { other }) => ({ ...answer, authorization_servers: [other] }),
  }),
  'grants-without-codes': refused(
    30,
    saying(() => ({ response_types_supported: ['token'] })),
  ),
  'methods-unknown': refused(
    41,
    saying(() => ({ token_endpoint_auth_methods_supported: ['tls_client_auth'] })),
  ),
  'json-of-openid': works(28, {
    metadata: (answer) => json({ ...answer, jwks_uri: 'https://10.0.0.1/', odd: [1] }),
  }),
}
