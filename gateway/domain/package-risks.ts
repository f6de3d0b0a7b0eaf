import { visibleText } from './visible-text'

/** Programs that fetch a package and run it, with the word before the package where there is one. */
const runners: Readonly<Record<string, readonly string[] | null>> = {
  npx: null,
  bunx: null,
  pnpx: null,
  uvx: null,
  npm: ['exec', 'x'],
  pnpm: ['dlx'],
  yarn: ['dlx'],
  bun: ['x'],
  uv: ['tool run', 'run'],
  pipx: ['run'],
  deno: ['run'],
}
/** Options whose value is the package, and options whose value is something else. */
const packageOptions = new Set(['-p', '--package', '--from', '--with', '--spec'])
const valueOptions = new Set([
  '--python',
  '--registry',
  '--index',
  '--index-url',
  '--default-index',
  '--extra-index-url',
  '--find-links',
  '--userconfig',
  '--prefix',
  '--directory',
  '--project',
  '--env-file',
  '--cache',
  '--cache-dir',
  '-C',
  '-w',
  '--workspace',
])
const registryOption =
  /^--(registry|index|index-url|extra-index-url|default-index|find-links|userconfig)(=|$)/

/** What the words after a runner ask for, as far as its options are known. */
function packagesOf(words: readonly string[]): string[] {
  const found: string[] = []
  for (let at = 0; at < words.length; at++) {
    const [option = '', value] = (words[at] ?? '').split(/=(.*)/s)
    if (option === '--') continue
    if (!option.startsWith('-')) return found.length > 0 ? found : [words[at] ?? '']
    if (packageOptions.has(option)) found.push(value ?? words[++at] ?? '')
    else if (valueOptions.has(option) && value === undefined) at++
  }
  return found
}

const fromElsewhere =
  /^(git[+@:]|git$|(https?|ssh|ftp|file|github|gitlab|bitbucket|gist):|[^@\s/]+\/[^\s/]+$|\.{0,2}[\\/]|~)/i
/** `name@1.2.3`, `@scope/name@1.2.3`, `name==1.2.3`, `jsr:@scope/name@1.2.3`: exactly one version. */
const exact = /.(==v?\d[\w.+-]*|@v?\d+\.\d+\.\d[\w.+-]*)$/

function packageRisk(name: string): string[] {
  const shown = `"${visibleText(name)}"`
  if (/^(npm|jsr):/.test(name)) return packageRisk(name.slice(4))
  if (/^https?:\/\//i.test(name) || fromElsewhere.test(name))
    return [`${shown}: taken from there, and not from a registry of packages`]
  return exact.test(name)
    ? []
    : [`${shown}: no exact version is named, so what runs can be another program tomorrow`]
}

/** What stands out in what a runner of packages is asked for; `rest` are the words behind the program. */
export function packageRisks(program: string, rest: readonly string[]): string[] {
  if (!Object.hasOwn(runners, program)) {
    // `pip install`, a wrapper, or anything that hands these on.
    return rest.filter((word) => /^git\+/i.test(word)).flatMap(packageRisk)
  }
  const verbs = runners[program]
  const verb = verbs?.find((one) => `${rest.join(' ')} `.startsWith(`${one} `))
  const found = rest
    .filter((word) => registryOption.test(word))
    .map((word) => `"${word.split('=')[0]}": takes packages from another place`)
  if (verbs && !verb) return found
  const words = verb ? rest.slice(verb.split(' ').length) : rest
  // These run a file of yours too, which is no package.
  const packages = packagesOf(words).filter(
    (one) =>
      !(
        (program === 'uv' || program === 'deno') &&
        /\.[cm]?[jt]sx?$|\.py$/.test(one) &&
        !/^https?:/i.test(one)
      ),
  )
  // `uv run x` runs what is there; only what it is to bring along is fetched.
  const fetched =
    program === 'uv' && verb === 'run' && !words.some((word) => packageOptions.has(word.split('=')[0] ?? ''))
      ? []
      : packages
  return [...found, ...fetched.filter((one) => one !== '').flatMap(packageRisk)]
}
