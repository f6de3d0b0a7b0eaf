/** Steps from one word to the other: a letter more, less or another, or two neighbours exchanged. */
function steps(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const now = [row]
    for (let at = 1; at <= to.length; at++) {
      const same = from[row - 1] === to[at - 1]
      const exchanged = row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1]
      now.push(
        Math.min(
          (last[at] ?? 0) + 1,
          (now[at - 1] ?? 0) + 1,
          (last[at - 1] ?? 0) + (same ? 0 : 1),
          exchanged ? (before[at - 2] ?? 0) + 1 : Infinity,
        ),
      )
    }
    before = last
    last = now
  }
  return last[to.length] ?? 0
}

/** The word that was probably meant: one letter is wrong, or two of a longer word. Null when there is none. */
export function nearest(typed: string, words: readonly string[]): string | null {
  // Nobody mistypes a word of that length, and the work grows with it.
  if (typed.length > 30) return null
  let found: string | null = null
  let least = typed.length > 4 ? 3 : 2
  for (const word of words) {
    const distance = steps(typed, word)
    if (distance >= least) continue
    found = word
    least = distance
  }
  return found
}
