// Session ids that nobody was given: what a client could make up, and what somebody with our very key could sign for
// another purpose.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { EncryptJWT } from 'jose'

export type Claims = Record<string, unknown>

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const sessionHeader: Claims = { alg: 'HS256', typ: 'mcpmux-session+jwt' }

export { sessionHeader as header }

/** Of a session that was opened a minute ago. */
export const claimsOf = (clientId: string): Claims => ({
  iss: 'mcpmux',
  aud: 'mcpmux-session',
  sub: clientId,
  jti: 'AAAAAAAAAAAAAAAAAAAAAA',
  iat: Math.floor(Date.now() / 1000) - 60,
})

/** A token as RFC 7515 section 3.1 has it, its signature whatever `signer` makes of the first two parts. */
function compact(head: unknown, body: unknown, signer: (input: string) => Buffer): string {
  const input = `${part(head)}.${part(body)}`
  return `${input}.${signer(input).toString('base64url')}`
}

const hmac =
  (key: string | Uint8Array, hash = 'sha256') =>
  (input: string) =>
    createHmac(hash, key).update(input).digest()

export const signed = (key: string | Uint8Array, head: unknown, body: unknown, hash?: string): string =>
  compact(head, body, hmac(key, hash))

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))

/**
 * By name. `key` is the one that counts, so that what is wrong with a token is what its name says and nothing else. `right`
 * is what a good one is made of, that of a session unless told.
 */
export async function forgedTokens(
  key: Uint8Array,
  clientId: string,
  otherClientId: string,
  { head: header, claims: good }: { head: Claims; claims: Claims } = {
    head: sessionHeader,
    claims: claimsOf(clientId),
  },
): Promise<Record<string, string>> {
  const right = signed(key, header, good)
  const [head = '', body = '', signature = ''] = right.split('.')
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const edwards = generateKeyPairSync('ed25519')
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const by = (hash: string | null, privateKey: KeyObject) => (input: string) =>
    sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const own = new Uint8Array(32).fill(1)
  const ownJwk = { kty: 'oct', k: Buffer.from(own).toString('base64url'), alg: 'HS256' }
  const flipped = signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twin = signature.replace(/.$/, (last) => alphabet.charAt(alphabet.indexOf(last) + 1))
  const inner = (claim: string, value: unknown) => signed(key, header, { ...good, [claim]: value })
  const encrypted = await new EncryptJWT({ ...good })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: String(header.typ) })
    .encrypt(key)

  return {
    'alg none, no signature': `${part({ ...header, alg: 'none' })}.${body}.`,
    'alg none, two parts': `${part({ ...header, alg: 'none' })}.${body}`,
    'alg none, signed': signed(key, { ...header, alg: 'none' }, good),
    'alg None, signed': signed(key, { ...header, alg: 'None' }, good),
    'alg hs256 in small letters': signed(key, { ...header, alg: 'hs256' }, good),
    'no alg': signed(key, { typ: header.typ }, good),
    'alg a list': signed(key, { ...header, alg: ['HS256'] }, good),
    HS384: signed(key, { ...header, alg: 'HS384' }, good, 'sha384'),
    HS512: signed(key, { ...header, alg: 'HS512' }, good, 'sha512'),
    'RS256, signed with our key': signed(key, { ...header, alg: 'RS256' }, good),
    'RS256 with its own key': compact({ ...header, alg: 'RS256' }, good, by('sha256', rsa.privateKey)),
    'HS256 with a public key as the secret': signed(pem, header, good),
    'ES256 with its own key': compact({ ...header, alg: 'ES256' }, good, by('sha256', curve.privateKey)),
    'EdDSA with its own key': compact({ ...header, alg: 'EdDSA' }, good, by(null, edwards.privateKey)),
    'kid of an empty file': signed('', { ...header, kid: '../../../../dev/null' }, good),
    'kid of a known file': signed('localhost', { ...header, kid: '/etc/hostname' }, good),
    'kid with SQL': signed('x', { ...header, kid: "' UNION SELECT 'x' --" }, good),
    'its own key in jwk': signed(own, { ...header, jwk: ownJwk }, good),
    'its own key at jku': signed(own, { ...header, jku: 'http://127.0.0.1:1/jwks.json' }, good),
    'its own key at x5u': signed(own, { ...header, x5u: 'http://127.0.0.1:1/cert.pem' }, good),
    'an unknown crit': signed(key, { ...header, crit: ['exp'], exp: 1 }, good),
    'an unencoded payload': signed(key, { ...header, b64: false, crit: ['b64'] }, good),
    'another key': signed(own, header, good),
    'an empty key': signed('', header, good),
    'a key of zeros': signed(new Uint8Array(32), header, good),
    'the key in hex': signed(Buffer.from(key).toString('hex'), header, good),
    'the key cut': signed(key.slice(0, 31), header, good),
    'no typ': signed(key, { alg: 'HS256' }, good),
    'typ JWT': signed(key, { ...header, typ: 'JWT' }, good),
    'typ of an access token': signed(key, { ...header, typ: 'at+jwt' }, good),
    'another issuer': inner('iss', 'mcpmux.example'),
    'an issuer of another kind': inner('iss', ['mcpmux']),
    'no issuer': signed(key, header, without(good, 'iss')),
    'another audience': inner('aud', 'mcpmux'),
    'an audience of others': inner('aud', ['a', 'b']),
    'no audience': signed(key, header, without(good, 'aud')),
    'another client': inner('sub', otherClientId),
    'a client of another kind': inner('sub', { id: clientId }),
    'no client': signed(key, header, without(good, 'sub')),
    'no jti': signed(key, header, without(good, 'jti')),
    'no iat': signed(key, header, without(good, 'iat')),
    'an iat that is text': inner('iat', 'now'),
    'an expired one': inner('exp', 1),
    'one of the future': inner('nbf', 99_999_999_999),
    'a payload that is no object': signed(key, header, JSON.stringify(clientId)),
    'a payload that is no JSON': signed(key, header, 'session'),
    'a token in a token': signed(key, { ...header, cty: 'JWT' }, right),
    'an encrypted one': encrypted,
    'JSON serialization': JSON.stringify({ protected: head, payload: body, signature }),
    'a claim of another': `${head}.${part({ ...good, sub: otherClientId })}.${signature}`,
    'a header of another': `${part({ ...header, typ: 'JWT' })}.${body}.${signature}`,
    'no signature': `${head}.${body}.`,
    'a cut signature': right.slice(0, -1),
    'a much cut signature': `${head}.${body}.${signature.slice(0, 22)}`,
    'an extended signature': `${right}A`,
    'a flipped bit': `${head}.${body}.${flipped}`,
    'the same bytes in another spelling': `${head}.${body}.${twin}`,
    'padded parts': `${head}.${body}.${signature}=`,
    'base64 with other letters': `${head}.${body}.${signature.slice(0, -2)}+/`,
    'a fourth part': `${right}.${signature}`,
    'an empty part': `.${body}.${signature}`,
    'dots alone': '..',
    'a space inside': right.replace('.', ' .'),
    'a very long one': signed(key, header, { ...good, more: 'x'.repeat(600) }),
  }
}
