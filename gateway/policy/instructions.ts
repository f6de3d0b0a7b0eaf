import type { FeatureView } from './feature-view'

/** UTF-8 bytes one server's instructions may take. */
export const maxServerInstructions = 8 * 1024
/** UTF-8 bytes all of them may take together, headings included. */
export const maxInstructions = 32 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Instructions of the servers a view shows, each under a heading that says how its names begin. What is over the
 * limits is cut between characters. null when no server has any. The text is the servers' own and not to be trusted.
 */
export function mergeInstructions(view: FeatureView): string | null {
  let merged = ''
  let left = maxInstructions
  for (const { alias, instructions } of view.servers()) {
    const own = instructions?.trim()
    if (!own) continue
    const heading = alias
      ? `# ${alias} (names that begin with ${alias}_)\n\n`
      : '# Names without a prefix\n\n'
    const section = `${merged ? '\n\n' : ''}${heading}${cut(own, maxServerInstructions)}`
    const fitting = cut(section, left)
    merged += fitting
    left -= encoder.encode(fitting).length
    if (left <= 0 || fitting !== section) break
  }
  return merged || null
}

function cut(text: string, bytes: number): string {
  const encoded = encoder.encode(text)
  if (encoded.length <= bytes) return text
  let end = bytes
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--
  return decoder.decode(encoded.subarray(0, end))
}
