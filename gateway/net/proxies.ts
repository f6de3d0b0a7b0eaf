import { isInNetwork, literalAddress } from './addresses'

type Environment = Readonly<Record<string, string>>

/**
 * Which proxy a URL goes through by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (either case; the lower
 * one wins), or false for none. Loopback is the caller's to exclude.
 */
export function createProxyChoice(environment: Environment): (url: URL) => string | false {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || ''
  const byScheme: Record<string, string> = { 'https:': read('HTTPS_PROXY'), 'http:': read('HTTP_PROXY') }
  const fallback = read('ALL_PROXY')
  const direct = read('NO_PROXY')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => entry.toLowerCase())

  return (url) => {
    const proxy = byScheme[url.protocol] || fallback
    if (proxy === '' || direct.some((entry) => covers(entry, url))) return false
    return proxy.includes('://') ? proxy : `http://${proxy}`
  }
}

/** `*`, a host and all below it (`example.com`, `.example.com`, `*.example.com`), `host:port`, an address or a CIDR. */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true
  const literal = literalAddress(url.hostname)
  if (literal !== null && isInNetwork(literal, entry)) return true
  const [, name = entry, port = ''] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  if (port !== '' && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false
  const suffix = name.replace(/^\*?\./, '')
  const host = url.hostname.toLowerCase().replace(/\.$/, '')
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`))
}
