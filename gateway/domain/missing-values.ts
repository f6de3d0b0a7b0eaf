import type { CalledWords } from './called'
import { visibleWord } from './visible-text'

/** How a value that a server lacks is given: the id of an input, or a reference to what is not there. */
export function wayToGive(lacking: string, called: CalledWords): string {
  const [, kind, name = ''] = /^\$\{(secret|env):(.*)\}$/.exec(lacking) ?? []
  if (kind === 'secret') return `"mcpmux secret set ${visibleWord(name)}${called.space}"`
  if (kind === 'env') return `start McpMux where ${visibleWord(name)} is set in the environment`
  return `"mcpmux credentials set ${called.words} ${visibleWord(lacking)}"`
}

/** All that a server lacks, each with how it is given, in one line. */
export const missingWords = (missing: readonly string[], called: CalledWords): string =>
  missing.map((lacking) => `${lacking} (${wayToGive(lacking, called)})`).join(', ')
