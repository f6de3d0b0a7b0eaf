import type { AdminClient } from './client'
import type { Io } from './io'

/** Exit codes of every command. */
export const exit = { ok: 0, failure: 1, usage: 2, absent: 3, needsPerson: 4, conflict: 5 } as const

/** What a command gets: its words, the terminal, and the daemon of the chosen data folder. */
export interface Context {
  io: Io
  /** Connects on use; every answer that is no success throws. */
  admin: AdminClient
}

/** One command: `help` is printed on `--help`, and its first paragraph after a usage error. `run` resolves with the exit code. */
export interface Command {
  help: string
  run(args: readonly string[], open: (dataDir: string | undefined) => Context): Promise<number>
}
