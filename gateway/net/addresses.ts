import ipaddr from 'ipaddr.js'

/** What an IP address stands for, as far as it matters to what may be fetched. */
export type AddressKind =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'carrier'
  | 'unspecified'
  | 'multicast'
  | 'reserved'

const kinds: Record<string, AddressKind> = {
  unicast: 'public',
  loopback: 'loopback',
  private: 'private',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
  linkLocal: 'link-local',
  carrierGradeNat: 'carrier',
  unspecified: 'unspecified',
  multicast: 'multicast',
}

/**
 * Classifies an IPv4 or IPv6 address in any textual form. IPv4 inside IPv6 (mapped) counts as the IPv4 address; forms
 * that carry one through a translator (6to4, NAT64, Teredo), documentation and benchmark ranges are `reserved`, and so
 * is what is no address at all. NAT64 of a public address is public: networks with IPv6 alone reach all of IPv4 so.
 */
export function addressKind(address: string): AddressKind {
  const plain = address.split('%', 1)[0] ?? ''
  if (!ipaddr.isValid(plain)) return 'reserved'
  const parsed = ipaddr.process(plain)
  const kind = kinds[parsed.range()] ?? (isTranslatedPublic(parsed) ? 'public' : 'reserved')
  // IPv6 gives out public addresses from 2000::/3 only; `::127.0.0.1` and the like are none.
  const outside =
    parsed.range() === 'unicast' && parsed.kind() === 'ipv6' && (parsed.toByteArray()[0] ?? 0) >> 5 !== 1
  return outside ? 'reserved' : kind
}

/** The well-known prefix of RFC 6052, 64:ff9b::/96, before a public IPv4 address. */
function isTranslatedPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const bytes = address.toByteArray()
  // The parser calls the prefixes of single networks (RFC 8215) by the same name; where those lead is theirs to know.
  if (address.range() !== 'rfc6052' || bytes.slice(4, 12).some((byte) => byte !== 0)) return false
  return ipaddr.fromByteArray(bytes.slice(12)).range() === 'unicast'
}

/** The address a URL's hostname spells out, without brackets, or null when it is a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : null
}

/** True for `localhost` and names below it (RFC 6761 section 6.3) and for loopback addresses, in a URL's hostname. */
export function isLoopbackHost(hostname: string): boolean {
  const literal = literalAddress(hostname)
  if (literal !== null) return addressKind(literal) === 'loopback'
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost')
}

/** The address as a URL's hostname. */
export const asHostname = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** True when `address` lies in `network`, written as an address or as CIDR; false for anything else. */
export function isInNetwork(address: string, network: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const own = ipaddr.process(address)
  if (ipaddr.isValid(network)) return ipaddr.process(network).toString() === own.toString()
  if (!ipaddr.isValidCIDR(network)) return false
  const [base, bits] = ipaddr.parseCIDR(network)
  return base.kind() === own.kind() && own.match(base, bits)
}
