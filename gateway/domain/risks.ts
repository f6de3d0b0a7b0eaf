import type { Definition } from './server'

const base = (word: string): string =>
  word
    .split(/[\\/]/)
    .at(-1)
    ?.toLowerCase()
    .replace(/\.exe$/, '') ?? ''

const shells = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh', 'fish', 'cmd', 'powershell', 'pwsh'])
const evaluators: Readonly<Record<string, readonly string[]>> = {
  node: ['-e', '--eval', '-p', '--print', '-r', '--require', '--import'],
  bun: ['-e', '--eval', '-p', '--print', '-r', '--preload'],
  deno: ['eval'],
  python: ['-c'],
  python3: ['-c'],
  perl: ['-e', '-E'],
  ruby: ['-e'],
  php: ['-r'],
  npx: ['-c', '--call'],
  npm: ['-c', '--call'],
  bunx: ['-c', '--call'],
}
const registryOptions = /^--(registry|index-url|extra-index-url|default-index|userconfig)(=|$)/
const loaderNames = new RegExp(
  '^(NODE_OPTIONS|NODE_PATH|BUN_OPTIONS|BUN_CONFIG_.*|BUN_INSPECT.*|LD_.*|DYLD_.*|PYTHON[A-Z]*|BASH_ENV|ENV|' +
    'PERL5OPT|PERL5LIB|PERL5DB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS)$',
  'i',
)
const registryNames = /^(npm_config_registry|UV_.*INDEX.*|PIP_.*INDEX.*|npm_config_.*userconfig)$/i

/** Whether this environment variable decides which code a program runs, as much as its command line does. */
export const decidesCode = (name: string): boolean => name.toUpperCase() === 'PATH' || loaderNames.test(name)

function commandRisks(argv: readonly string[]): string[] {
  const found: string[] = []
  argv.forEach((word, at) => {
    const name = base(word)
    const rest = argv.slice(at + 1)
    if (name === 'sudo' || name === 'doas' || name === 'pkexec')
      found.push(`"${name}": runs with more rights than yours`)
    if (shells.has(name) && rest.some((next) => /^-[a-z]*c$/i.test(next) || next.toLowerCase() === '/c'))
      found.push(`"${name} -c": runs any text as a script`)
    const option = evaluators[name]?.find((wanted) =>
      rest.some((next) => next === wanted || next.startsWith(`${wanted}=`)),
    )
    if (option) found.push(`"${name} ${option}": runs code given in its arguments`)
    if (registryOptions.test(word)) found.push(`"${word.split('=')[0]}": takes packages from another place`)
    if (/\b(curl|wget)\b[^|]*\|/.test(word)) found.push('"curl |": runs what a web address answers')
  })
  return found
}

/** An address of this machine, where nothing is on the way. */
const staysHere = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?([/?#]|$)/i

/**
 * What a person should notice before approving a definition, in words; empty when nothing stands out. A hint and
 * no wall: a harmless looking command can do everything too.
 */
export function risks(definition: Definition): string[] {
  if (definition.type !== 'stdio')
    return definition.url.startsWith('http:') && !staysHere.test(definition.url)
      ? ['"http:": what is sent can be read on the way']
      : []
  const found = commandRisks([definition.command, ...definition.args])
  for (const name of Object.keys(definition.env)) {
    if (loaderNames.test(name)) found.push(`"${name}": loads other code into the program`)
    if (registryNames.test(name)) found.push(`"${name}": takes packages from another place`)
  }
  return [...new Set(found)]
}
