import type { Io } from './io'

/**
 * Whether a person wants what cannot be undone: `--yes` says so beforehand, else they are asked. Where nobody can be
 * asked, the answer is no, and what to do is said.
 */
export async function agreed(io: Io, yes: boolean | undefined, question: string): Promise<boolean> {
  if (yes) return true
  if (io.canAsk) return io.confirm(question)
  io.talk(`${question} There is nobody to ask here; --yes agrees beforehand`)
  return false
}
