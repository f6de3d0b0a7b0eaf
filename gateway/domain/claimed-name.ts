import { visibleText } from './visible-text'

const LONGEST = 60

/**
 * What a stranger calls itself, as a person may be shown it: one line of at most 60 characters, in which everything
 * that cannot be seen is written as an escape. Never empty.
 */
export function claimedName(text: string): string {
  const line = text.normalize('NFC').replace(/\s+/gu, ' ').trim()
  // Letters that combine may pile up without end; two on one letter are enough for every language.
  const plain = line
    .replace(/(\p{M}{2})\p{M}+/gu, '$1')
    .replace(/\p{C}|\p{Default_Ignorable_Code_Point}|\u2800/gu, visibleText)
  const characters = [...plain]
  if (characters.length === 0) return 'unnamed'
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : plain
}
