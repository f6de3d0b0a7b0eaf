/** One promise of the product. Test titles cite it as `[id]`. */
export interface Requirement {
  promise: string
  /** Why no test cites it: what has to exist before one can. */
  deferred?: string
  /** What of it the tests that cite it cannot show, because it has to be built first. */
  partly?: string
}

const rows: Record<string, string | Requirement> = {
  // What the product promises its user.
  'gw.one': 'one local endpoint aggregates every server of a Space',
  'gw.local': 'listens on loopback only, and nothing leaves the machine but traffic to configured servers',
  'gw.transports': 'servers over stdio, Streamable HTTP and legacy SSE',
  'gw.transparent': 'what a client and a server say to each other arrives byte for byte',
  'space.isolation': 'servers, credentials and rights of one Space are invisible to every other',
  'space.switch': 'switching the active Space changes what following clients see, without reconfiguring them',
  'cred.keychain': 'keys live in the keychain of the operating system',
  'cred.encrypted': 'secret columns are sealed with AES-256-GCM',
  'cred.zeroize': 'key bytes are wiped after use',
  'cred.inputs':
    'keys and values of a server are checked, filled in where they belong, and seen nowhere else',
  'oauth.flow': 'sign-in to servers with OAuth 2.1 and PKCE',
  'oauth.refresh': 'tokens are renewed once, early, for all',
  registry: { promise: 'browse registries and install from them', deferred: 'needs the registry client' },
  'catalog.offline': 'features are listed from what was last known, before any server is up',
  sets: 'Feature Sets decide what a client may use; exclude wins',
  keys: 'access keys: shown once, stored as hashes, revoked at once',
  signin: 'clients without a key sign in on localhost, once a person approved them',
  'sessions.jwt': 'session ids are signed with a key in the vault and survive a restart of the gateway',
  logs: 'a rotating log per server, without secrets',
  tray: { promise: 'tray icon and start with the system', deferred: 'needs the desktop shell' },
  update: { promise: 'updates are signed, verified and never go back', deferred: 'needs the updater' },
  links: { promise: 'mcpmux:// links open a review and nothing else', deferred: 'needs the desktop shell' },
  sync: {
    promise: 'definitions can follow a person to another machine',
    deferred: 'needs the optional sync',
  },
  config: 'port, host, limits and time-outs are settings with bounds',
  data: 'one documented data folder, private to its owner',

  // The same promises, closer to the code.
  names: 'exposed names are short, safe, stable and never ambiguous',
  limits: 'every queue, body, list and wait has a bound',
  faults: 'a faulty server affects itself alone',
  process: 'a server is a process tree that starts, stops and ends as a whole',
  consent: 'no command line runs before a person agreed to exactly it',
  audit: 'who changed what, what was refused and what was started is recorded, and nothing of what was said',
  admin: 'the admin API changes things in one way and tells everybody',
  cli: 'the command line: data on stdout, talk on stderr, stable exit codes',
  bench: 'the benchmark measures what it says',
  house: 'the rules of this repository',

  // The protocol.
  'mcp.lifecycle': 'initialize, ping and the end of a session as the specification has them',
  'mcp.http': 'Streamable HTTP: status codes, headers, streams and resumption as the specification has them',
  'mcp.errors':
    "a server's error keeps its code, message and data; only -32601 to a completion becomes an empty completion",
  'mcp.ids': 'ids come back as the client wrote them',
  'mcp.tools': 'tools are listed and called',
  'mcp.resources': 'resources and templates are listed, read and subscribed to',
  'mcp.prompts': 'prompts are listed and fetched',
  'mcp.completion': 'arguments are completed',
  'mcp.logging': 'log messages reach the sessions that want them',
  'mcp.back-channel': 'what a server asks reaches the client whose call caused it, and its answer the server',
  'mcp.progress': 'progress reaches the call it belongs to, under its own token',
  'mcp.cancellation': 'a cancelled call is cancelled at the server',
  'mcp.list-changed': 'changed lists are read again and announced',
  'mcp.era': 'which era a server speaks is found out without breaking it, and remembered',
  'mcp.modern': 'clients and servers of 2026-07-28 are served as that revision has it, without a session',
  isolation: 'a server can have a process for each client or session',
  'mcp.tasks': 'tasks of both dialects pass under ids that only their own client can use',
  'mcp.pagination': 'long lists come in pages',
  'mcp.conformance':
    'the official conformance suite finds through the gateway what it finds at the server itself',

  // Front door.
  'threat.01': 'no address but loopback is bound',
  'threat.02': 'a Host that is not ours reaches no handler',
  'threat.03': 'a malformed or doubled Host reaches no handler',
  'threat.04': 'a web page cannot call the door, and gets no CORS header',
  'threat.05': 'no WebSocket is opened',
  'threat.06': 'browser walls are not relied on',
  'threat.07': 'both loopback families are held, or the start is refused',
  'threat.08': 'abused HTTP gets a plain refusal',
  'threat.09': {
    promise: 'pages we serve reflect nothing',
    partly: 'shown for the sign-in of clients; the page of the sign-in to servers comes with it',
  },
  'threat.10': 'nothing answers without a key',
  'threat.11': 'keys are random, hashed, expiring, and guessing is slowed down',
  'threat.12': 'a session is of use to its own client only',
  'threat.13': 'no client ever gets an answer meant for another',
  'threat.14': 'signed tokens are verified strictly',
  'threat.15': 'credentials of one side never reach the other',
  'threat.16': 'who a client is follows from its key alone',
  'threat.17': 'rights are enforced on use, not only on lists',
  'threat.18': 'no cache or connection is shared between Spaces',
  'threat.19': 'two places that name the same thing differently are refused',
  'threat.20': 'approval of clients cannot be forged',

  // Management.
  'threat.21': 'management is another door with another credential',
  'threat.22': {
    promise: 'the window gets its token privately',
    partly: 'the token is nowhere but in memory; handing it to the window comes with the window',
  },
  'threat.23': { promise: 'the window may call few native methods', deferred: 'needs the window' },
  'threat.24': { promise: 'text of servers is shown as text', deferred: 'needs the window' },
  'threat.25': 'trying, previewing and importing run nothing new',
  'threat.26': 'stored secrets are never given out',

  // Signing in to servers.
  'threat.27': 'resource metadata must name the server',
  'threat.28': 'an issuer must match exactly',
  'threat.29': 'answers of another authorization server are refused',
  'threat.30': 'PKCE with S256 always',
  'threat.31': 'state is single-use and bound',
  'threat.32': 'one loopback callback',
  'threat.33': 'only https addresses are opened, without a shell',
  'threat.34': 'addresses a server names do not reach into the private network',
  'threat.35': 'redirects carry no secret to a second origin',
  'threat.36': 'a token goes to the server it was issued for',
  'threat.37': 'certificates are always verified, and proxies never see loopback',
  'threat.38': 'refresh is single-flight and never throws good credentials away',
  'threat.39': 'scopes grow one step at a time',
  'threat.40': 'hostile token answers are contained',
  'threat.41': 'registrations are kept clean',

  // Several servers, one list.
  'threat.42': 'hidden text in definitions is shown and withheld',
  'threat.43': 'a tool that changed is withheld until accepted',
  'threat.44': 'no server can take the name of a feature of another',
  'threat.45': {
    promise: "a server's request reaches the client that caused it, and nobody else",
    partly: 'there is no switch for each server yet',
  },
  'threat.46': 'consent is bound to the exact definition and checked at spawn',
  'threat.47': 'lists that are too long, too deep or without an end are cut',

  // Child processes.
  'threat.48': 'stopping a server stops its whole tree',
  'threat.49': 'nothing outlives a gateway that was killed',
  'threat.50': 'a server that keeps failing is started ever more rarely',
  'threat.51': 'whatever a server prints, the others go on',
  'threat.52': 'servers inherit an allow-list of the environment',

  // Storage.
  'threat.53': 'files are private from their first byte',
  'threat.54': 'a keychain that is away is not an empty one',
  'threat.55': 'without a keychain nothing pretends',
  'threat.56': 'a sealed value opens in its own place only',
  'threat.57': 'an unreadable value is contained',
  'threat.58': 'keys rotate without loss',
  'threat.59': 'an acknowledged write survives kill -9',
  'threat.60': 'migrations back up, are atomic, and never go back',
  'threat.61': {
    promise: 'key bytes do not linger',
    partly: 'copies of keys are counted on Linux; secrets in use are texts, which cannot be wiped',
  },

  // Links, registries, updates.
  'threat.62': { promise: 'links do nothing by themselves', deferred: 'needs the desktop shell' },
  'threat.63': { promise: 'registries and bundles are hostile input', deferred: 'needs the registry client' },
  'threat.64': { promise: 'updates prove who made them', deferred: 'needs the updater' },
  'threat.65': { promise: 'a bad update is rolled back', deferred: 'needs the updater' },
  'threat.66': 'the program reads no .env and no bunfig.toml of the folder it is started in',

  // Load and weather.
  'threat.67': 'bodies are bounded in size and depth',
  'threat.68': 'slow and many connections do not stop the others',
  'threat.69': 'a stream whose reader sleeps is bounded and ends',
  'threat.70': 'one full server does not fill the others',
  'threat.71': 'bad networks end in a typed failure, never in a second call',
  'threat.72': {
    promise: 'two hours of everything at once',
    partly: 'the two hours are run by hand before a release (npm run soak)',
  },

  // Logs.
  'threat.73': 'no secret in any log',
  'threat.74': 'logs are bounded and cannot be forged',
  'threat.75': 'errors carry a code and a sentence, never a path or a stack',
}

/** Every id a test title may cite. */
export const requirements: ReadonlyMap<string, Requirement> = new Map(
  Object.entries(rows).map(([id, row]) => [id, typeof row === 'string' ? { promise: row } : row]),
)
