// Every setting a person can change, with its bounds. One row per key; `config get|set` and the window read this.

interface NumberSetting {
  type: 'number'
  default: number
  min: number
  max: number
  unit: 'count' | 'bytes' | 'ms' | 'port'
  help: string
}
interface TextSetting {
  type: 'text'
  default: string
  allowed: readonly string[]
  help: string
}
/** The https address of a document, or '' for none. */
interface DocumentSetting {
  type: 'document'
  default: ''
  help: string
}
export type SettingSpec = NumberSetting | TextSetting | DocumentSetting

const count = (fallback: number, max: number, help: string): NumberSetting => ({
  type: 'number',
  default: fallback,
  min: 1,
  max,
  unit: 'count',
  help,
})
const bytes = (fallback: number, min: number, max: number, help: string): NumberSetting => ({
  type: 'number',
  default: fallback,
  min,
  max,
  unit: 'bytes',
  help,
})
const ms = (fallback: number, help: string): NumberSetting => ({
  type: 'number',
  default: fallback,
  min: 100,
  max: 86_400_000,
  unit: 'ms',
  help,
})
const MiB = 1024 * 1024

export const settingSpecs = {
  port: {
    type: 'number',
    default: 9315,
    min: 0,
    max: 65_535,
    unit: 'port',
    help: 'port AI clients connect to; 0 picks a free one; acts at the next start',
  },
  host: {
    type: 'text',
    default: 'localhost',
    allowed: ['localhost', '127.0.0.1', '::1'],
    help: 'localhost (both loopback families), 127.0.0.1 or ::1; acts at the next start',
  },
  'auth.discovery': {
    type: 'text',
    default: 'on',
    allowed: ['on', 'off'],
    help: 'on: clients without an access key find out on http://localhost how to sign in; off: they get a plain 401',
  },
  'auth.client_documents': {
    type: 'text',
    default: 'off',
    allowed: ['on', 'off'],
    help: 'on: a client that signs in may be described by a document on the internet, which is fetched; off: it registers here, and nothing leaves this machine for it',
  },
  'oauth.client_document': {
    type: 'document',
    default: '',
    help: 'https address of a document that describes McpMux to authorization servers (docs/sign-in-at-servers.md); empty: McpMux registers at each',
  },
  'oauth.redirect_host': {
    type: 'text',
    default: '127.0.0.1',
    allowed: ['127.0.0.1', 'localhost'],
    help: '127.0.0.1 or localhost: where authorization servers send the browser back to; some take only localhost',
  },
  'limits.server_in_flight': count(256, 100_000, 'calls in flight per server'),
  'limits.server_queue': count(1024, 100_000, 'calls waiting per server; more are refused at once'),
  'limits.client_in_flight': count(512, 100_000, 'calls in flight per client'),
  'limits.sessions_per_client': count(200, 10_000, 'open sessions per client'),
  'limits.requests': count(4096, 100_000, 'requests in flight over all clients'),
  'limits.body_bytes': bytes(4 * MiB, 1024, 64 * MiB, 'largest request body from a client'),
  'limits.message_bytes': bytes(
    16 * MiB,
    1024,
    256 * MiB,
    'largest single message from a server; acts when the server connects next',
  ),
  'limits.send_queue_bytes': bytes(
    8 * MiB,
    1024,
    256 * MiB,
    'bytes waiting to be written to one server; a single larger message still goes alone; acts when the server connects next',
  ),
  'limits.tools_per_server': count(
    2000,
    100_000,
    'tools read from one server; the same for each of its other lists',
  ),
  'limits.definition_bytes': bytes(
    256 * 1024,
    1024,
    4 * MiB,
    'largest single tool, prompt or resource entry',
  ),
  'limits.list_pages': count(100, 10_000, 'pages read from one list of a server'),
  'limits.page_size': count(5000, 100_000, 'entries in one page of a list a client asks for'),
  'limits.isolated': count(32, 1000, 'processes of one server that has one for each client or session'),
  'limits.parallel_starts': count(4, 64, 'servers starting at the same time'),
  'timeouts.connect': ms(10_000, 'to open a connection; acts when the server connects next'),
  'timeouts.initialize': ms(60_000, 'for a server to answer initialize (a first npx downloads)'),
  'timeouts.list': ms(20_000, 'for one page of a list, or another short request of our own to a server'),
  'timeouts.call_idle': ms(120_000, 'without answer or progress during a call'),
  'timeouts.call_total': ms(1_800_000, 'for one call altogether'),
  'timeouts.answer': ms(3_600_000, 'for a client, and the person at it, to answer what a server asks'),
  'timeouts.idle_stop': ms(600_000, 'until a server that is not in use stops'),
  'timeouts.in_use': ms(1_800_000, 'after which a quiet conversation no longer keeps its servers running'),
  'timeouts.session_idle': ms(1_800_000, 'until a quiet session leaves memory'),
  'timeouts.catalog_refresh': ms(86_400_000, 'until a catalog is read again in the background'),
  'audit.days': count(365, 3650, 'days an entry of the audit trail is kept'),
  'audit.entries': count(100_000, 10_000_000, 'entries the audit trail keeps; the oldest go first'),
} as const satisfies Record<string, SettingSpec>

export type SettingKey = keyof typeof settingSpecs
export type SettingValue<K extends SettingKey> = (typeof settingSpecs)[K] extends NumberSetting
  ? number
  : string
export const settingKeys = Object.keys(settingSpecs) as SettingKey[]

/** Reads a setting as it is now; parts call it at use, so that a change acts without a restart. */
export type ReadSetting = <K extends SettingKey>(key: K) => SettingValue<K>
