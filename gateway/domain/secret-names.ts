// Which names announce a secret. A rule of thumb on purpose wide: a false alarm costs one prompt, a miss leaves a
// password in a shell history.

/** Names that steer how a program loads code. They must stay visible in what a person approves, so never secret. */
const loaders = /^(NODE_OPTIONS|LD_.*|DYLD_.*|BUN_.*|PYTHON.*)$/i

const telling = new Set([
  'apikey',
  'auth',
  'authorization',
  'bearer',
  'cookie',
  'credential',
  'credentials',
  'jwt',
  'key',
  'pass',
  'passphrase',
  'passwd',
  'password',
  'pat',
  'secret',
  'secrets',
  'token',
])

const words = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

/** True for names like `API_KEY`, `githubToken`, `Authorization` or `X-Api-Key`; never for loader names like `NODE_OPTIONS`. */
export const looksSecret = (name: string): boolean =>
  !loaders.test(name) &&
  words(name).some((word) => telling.has(word) || /(key|token|secret|password)$/.test(word))

/** Variables that steer the gateway itself, or hold a key to it: no server is given them. */
export const isOurVariable = (name: string): boolean => loaders.test(name) || /^MCPMUX_/i.test(name)

/** True for a value that carries a password in plain sight: `scheme://user:password@host`. */
export const carriesPassword = (value: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i.test(value)
