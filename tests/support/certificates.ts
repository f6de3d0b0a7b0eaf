// X.509 certificates made on the spot (RFC 5280, ECDSA P-256), so that no key lies in the repository.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

export interface Certificate {
  name: string
  cert: string
  key: string
  privateKey: KeyObject
}

const element = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const sequence = (...parts: Uint8Array[]) => element(0x30, ...parts)
const objectId = (...bytes: number[]) => element(0x06, Buffer.from(bytes))
const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const commonName = (name: string) =>
  sequence(element(0x31, sequence(objectId(0x55, 0x04, 0x03), element(0x0c, Buffer.from(name)))))
const time = (at: number) =>
  element(0x18, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
const octets = (content: Uint8Array) => element(0x04, content)
const critical = element(0x01, Buffer.from([0xff]))

/** A certificate for these DNS names, signed by `issuer`, or by itself when there is none. */
export function makeCertificate(
  name: string,
  dnsNames: readonly string[],
  issuer?: Certificate,
): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = dnsNames.length === 0
  const extension = isAuthority
    ? sequence(objectId(0x55, 0x1d, 0x13), critical, octets(sequence(critical)))
    : sequence(
        objectId(0x55, 0x1d, 0x11),
        octets(sequence(...dnsNames.map((dns) => element(0x82, Buffer.from(dns))))),
      )
  const body = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1, ...crypto.getRandomValues(new Uint8Array(8))])),
    ecdsaWithSha256,
    commonName(issuer?.name ?? name),
    sequence(time(Date.now() - 86_400_000), time(Date.now() + 30 * 86_400_000)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(extension)),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const whole = sequence(body, ecdsaWithSha256, element(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n').trim()
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
  }
}
