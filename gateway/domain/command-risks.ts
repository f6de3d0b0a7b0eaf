import { containerRisks } from './container-risks'
import { hidesText } from './hidden-text'
import { looksLikeOther } from './lookalikes'
import { packageRisks } from './package-risks'
import { looksSecret } from './secret-names'
import { visibleText } from './visible-text'

/** `/usr/bin/Python3.12.exe` is `python3.12`. */
export const programName = (word: string): string =>
  word
    .split(/[\\/]/)
    .at(-1)
    ?.toLowerCase()
    .replace(/\.(exe|cmd|bat|ps1)$/, '') ?? ''

const quoted = (word: string): string =>
  `"${visibleText(word.length > 120 ? `${word.slice(0, 120)}…` : word)}"`

const moreRights = new Set(['sudo', 'doas', 'pkexec', 'su', 'runas', 'gsudo', 'run0'])
/** Shells, and the options that are followed by a script: `-c`, `-lc`, `/c`, `-EncodedCommand` and its short forms. */
const shells: readonly [name: RegExp, option: RegExp][] = [
  [/^(sh|bash|dash|ash|zsh|ksh|mksh|fish|busybox|tcsh|csh|nu)$/, /^-[a-z]*c$/],
  [/^cmd$/, /^\/[ck]/i],
  [/^(powershell|pwsh)$/, /^-(c|co[a-z]*|e|ec|en[a-z]*)$/i],
]
/** Interpreters, and the options after which they take code from their arguments or load a file first. */
const evaluators: readonly [name: RegExp, option: RegExp][] = [
  [
    /^(node|nodejs|tsx|ts-node)$/,
    /^(-e|--eval|-p|-pe|--print|-r|--require|--import|--loader|--experimental-loader|--env-file.*)(=|$)/,
  ],
  [/^bun$/, /^(-e|--eval|-p|--print|-r|--preload)(=|$)/],
  [/^deno$/, /^(eval|--preload|--import)$/],
  [/^(python|pypy)[\d.]*w?$/, /^-[A-Za-z]*c/],
  [/^perl[\d.]*$/, /^-[A-Za-z]*[eEM]/],
  [/^ruby[\d.]*$/, /^-[a-z]*[er]/],
  [/^php[\d.]*$/, /^-[rB]/],
  [/^(lua|luajit)[\d.]*$/, /^-e/],
  [/^osascript$/, /^-e$/],
  [/^[gm]?awk$/, /system\(|\| *"|getline/],
  [/^(npx|npm|bunx|pnpm|pnpx|yarn)$/, /^(-c|--call|--shell-mode)(=|$)/],
]

const loaderNames = new RegExp(
  '^(NODE_OPTIONS|NODE_PATH|NODE_REPL_EXTERNAL_MODULE|BUN_OPTIONS|BUN_CONFIG_.*|BUN_INSPECT.*|LD_.*|DYLD_.*|' +
    'PYTHON[A-Z]*|BASH_ENV|ENV|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|PERL5OPT|PERL5LIB|PERL5DB|RUBYOPT|RUBYLIB|' +
    'JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|DOTNET_STARTUP_HOOKS|LUA_INIT.*|PHPRC|' +
    'PHP_INI_SCAN_DIR|GCONV_PATH|OPENSSL_CONF|OPENSSL_MODULES|GIT_SSH|GIT_SSH_COMMAND|GIT_EXEC_PATH|' +
    'npm_config_node_options|npm_config_script_shell)$',
  'i',
)
const registryNames = /^(npm_config_registry|UV_.*INDEX.*|PIP_.*INDEX.*|npm_config_.*userconfig)$/i

/** Whether this environment variable decides which code a program runs, as much as its command line does. */
export const decidesCode = (name: string): boolean => name.toUpperCase() === 'PATH' || loaderNames.test(name)

/** Folders everybody, or every web page, can put files into. */
const openPlaces =
  /(^|[=:,])(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|\/private\/(var\/)?tmp\/|\/var\/folders\/|\/private\/var\/folders\/)|[\\/](appdata[\\/]local[\\/]temp|windows[\\/]temp|downloads)[\\/]|%te?mp%/i
const fetchedAndRun =
  /\b(curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod)\b[^|;&]*(\||;|&)|[$<]\(\s*(curl|wget)\b|`\s*(curl|wget)\b|\b(iex|invoke-expression)\b/i
const decoded =
  /\bbase64\b\s+(-[a-z]*d|--decode)|\batob\s*\(|frombase64string|b64decode|['"]base64['"]|^eval$|\beval[\s("'$`]|\bexec\s*\(/i

function wordRisks(word: string): string[] {
  const found: string[] = []
  if (fetchedAndRun.test(word)) found.push('"curl |": runs what a web address answers')
  if (decoded.test(word)) found.push(`${quoted(word)}: makes code out of text, as with base64 or eval`)
  if (openPlaces.test(word))
    found.push(`${quoted(word)}: lies where other programs and downloads can put files`)
  if (hidesText(word)) found.push(`${quoted(word)}: has characters that are not seen`)
  if (looksLikeOther(word)) found.push(`${quoted(word)}: has letters that look like others`)
  if (/[\n\r]| {17,}/.test(word))
    found.push(`${quoted(word)}: has line breaks or many spaces, which hide what follows`)
  return found
}

/** A secret given as an argument: `--token=x`, `--api-key x`. */
function openSecret(word: string, next: string | undefined): boolean {
  const [, name, value] = /^--?([A-Za-z][A-Za-z0-9_-]*)(=.*)?$/.exec(word) ?? []
  return name !== undefined && (value !== undefined || /^[^-]/.test(next ?? '')) && looksSecret(name)
}

/** What stands out in a command line, wrappers like `env` looked through: each word can be where a command begins. */
export function commandRisks(argv: readonly string[]): string[] {
  const found: string[] = []
  argv.forEach((word, at) => {
    const name = programName(word)
    const rest = argv.slice(at + 1)
    if (moreRights.has(name)) found.push(`"${name}": runs with more rights than yours`)
    if (shells.some(([shell, option]) => shell.test(name) && rest.some((next) => option.test(next))))
      found.push(`"${name} -c": runs any text as a script`)
    for (const [interpreter, option] of evaluators) {
      if (!interpreter.test(name)) continue
      const given = rest.find((next) => option.test(next))
      if (given) found.push(`"${name} ${visibleText(given.slice(0, 20))}": runs code given in its arguments`)
    }
    const set = /^([A-Za-z_]\w*)=/.exec(word)?.[1]
    if (set) found.push(...environmentRisks({ [set]: word.slice(set.length + 1) }))
    if (openSecret(word, rest[0]))
      found.push(
        `"${visibleText(word.split('=')[0] ?? '')}": a secret in arguments can be read by every program`,
      )
    found.push(...wordRisks(word), ...packageRisks(name, rest), ...containerRisks(name, rest))
  })
  const line = argv.join(' ')
  if (fetchedAndRun.test(line) && argv.some((word) => /^\|/.test(word)))
    found.push('"curl |": runs what a web address answers')
  return [...new Set(found)]
}

/** What stands out in an environment: names that load code, other sources of packages, and odd values. */
export function environmentRisks(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const found: string[] = []
    const shown = visibleText(name)
    if (loaderNames.test(name)) found.push(`"${shown}": loads other code into the program`)
    if (name.toUpperCase() === 'PATH') found.push('"PATH": decides which programs are found')
    if (registryNames.test(name)) found.push(`"${shown}": takes packages from another place`)
    if (/^NODE_TLS_REJECT_UNAUTHORIZED$/i.test(name)) found.push(`"${shown}": certificates are not checked`)
    if (hidesText(name) || hidesText(value)) found.push(`"${shown}": has characters that are not seen`)
    if (looksLikeOther(name)) found.push(`"${shown}": has letters that look like others`)
    return found
  })
}
