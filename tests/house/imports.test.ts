import { expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { readDocument, type SourceFile, sources } from './sources'

// Modules every area may use at run time; `domain`, `collections`, `migrations` and `wire` may not.
const shared = ['errors', 'runtime', 'events', 'config', 'version', 'secrets/secret']
const sharedAreas = ['collections', 'wire', 'net']

const allowed: Record<string, readonly string[]> = {
  domain: [],
  collections: [],
  migrations: [],
  wire: [],
  net: ['domain'],
  store: ['domain', 'migrations'],
  secrets: ['domain'],
  web: [],
  logs: ['domain', 'secrets'],
  process: ['domain'],
  browser: ['domain', 'process'],
  transport: ['domain', 'process', 'secrets'],
  oauth: ['domain', 'store', 'secrets', 'web'],
  upstream: ['domain', 'store', 'secrets', 'process', 'transport'],
  pins: ['domain'],
  policy: ['domain'],
  router: ['domain', 'policy'],
  auth: ['domain', 'store', 'secrets'],
  session: ['domain', 'store', 'secrets'],
  signin: ['domain', 'store', 'secrets', 'web'],
  mcp: ['domain', 'auth', 'session', 'policy', 'router'],
  control: ['domain'],
  admin: ['domain', 'store', 'auth', 'policy', 'secrets', 'session', 'browser'],
  cli: ['domain', 'control', 'logs', 'browser'],
  compose: [
    'domain',
    'store',
    'secrets',
    'logs',
    'process',
    'browser',
    'transport',
    'oauth',
    'upstream',
    'pins',
    'policy',
    'router',
    'auth',
    'session',
    'signin',
    'mcp',
    'control',
    'admin',
  ],
}
const closed = ['domain', 'collections', 'migrations', 'wire']

// A package has one or two homes.
const homes: Record<string, readonly string[]> = {
  'bun:sqlite': ['store'],
  'ipaddr.js': ['net'],
  '@napi-rs/keyring': ['secrets'],
  jose: ['router', 'session', 'signin'],
  oauth4webapi: ['oauth'],
  elysia: ['admin', 'mcp'],
  '@elysiajs/eden': ['cli', 'control'],
  '@modelcontextprotocol/client': ['mcp', 'upstream', 'transport'],
  '@modelcontextprotocol/server': ['mcp', 'upstream', 'transport'],
}

const transpiler = new Bun.Transpiler({ loader: 'ts' })
const importsOf = (file: SourceFile) => transpiler.scanImports(file.text).map(({ path }) => path)

/** `gateway/mcp/guard` → area `mcp`; `gateway/errors` → area `errors`. */
const areaOf = (path: string) => path.replace(/\.ts$/, '').split('/')[1] ?? ''

function mayImport(from: SourceFile, target: string): boolean {
  const area = areaOf(from.path)
  const to = areaOf(target)
  const module = target.replace(/^gateway\//, '')
  if (area === to) return true
  if (from.path === 'gateway/gateway.ts') return true
  if (from.path === 'gateway/main.ts') return to === 'cli' || shared.includes(module)
  if (from.path === 'gateway/cli/serve.ts' && module === 'gateway') return true
  if (shared.includes(module) || sharedAreas.includes(to)) return !closed.includes(area)
  return allowed[area]?.includes(to) ?? (shared.includes(area) && to === 'domain')
}

const gateway = sources('gateway/**/*.ts')

test('[house] every area of the gateway is in the import table', () => {
  const areas = new Set(
    gateway.filter(({ path }) => path.split('/').length > 2).map(({ path }) => areaOf(path)),
  )
  expect([...areas].filter((area) => !(area in allowed))).toEqual([])
})

test('[house] docs/architecture.md has the same import table', () => {
  const documented = Object.fromEntries(
    [...readDocument('docs/architecture.md').matchAll(/^\| `([a-z]+)` \|[^|]+\|([^|]*)\|$/gm)].map(
      ([, area = '', cell = '']) => [area, [...cell.matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name)],
    ),
  )
  expect(documented).toEqual(Object.fromEntries(Object.entries(allowed).map(([area, to]) => [area, [...to]])))
})

test('[house] imports point one way', () => {
  const broken: string[] = []
  for (const file of gateway)
    for (const path of importsOf(file)) {
      if (!path.startsWith('.') || path.endsWith('.json')) continue
      const target = join(dirname(file.path), path)
      if (!mayImport(file, target)) broken.push(`${file.path} -> ${target}`)
    }
  expect(broken).toEqual([])
})

test('[house] packages stay in their homes', () => {
  const broken: string[] = []
  for (const file of gateway)
    for (const path of importsOf(file)) {
      const home = Object.entries(homes).find(([name]) => path === name || path.startsWith(`${name}/`))?.[1]
      if (home && !home.includes(areaOf(file.path))) broken.push(`${file.path} -> ${path}`)
    }
  expect(broken).toEqual([])
})

test('[house] there are no barrels', () => {
  const files = sources('{gateway,shell,ui,tests}/**/*.ts')
  expect(files.map(({ path }) => path).filter((path) => path.endsWith('/index.ts'))).toEqual([])
})

test('[house] no files import each other in a circle, not even for types', () => {
  const files = new Map(sources('{gateway,scripts,tests}/**/*.ts').map((file) => [file.path, file]))
  const imports = ({ path, text }: SourceFile) =>
    [...text.matchAll(/^(?:import|export|\} from)\b.*?'(\.[^']+)'$/gm)]
      .map(([, to = '']) => `${join(dirname(path), to)}.ts`)
      .filter((to) => files.has(to))
  const free = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, above: readonly string[]): void => {
    if (free.has(path)) return
    const at = above.indexOf(path)
    if (at >= 0) {
      circles.push([...above.slice(at), path].join(' -> '))
      return
    }
    for (const next of imports(files.get(path) as SourceFile)) visit(next, [...above, path])
    free.add(path)
  }
  for (const path of files.keys()) visit(path, [])
  expect(circles).toEqual([])
})
