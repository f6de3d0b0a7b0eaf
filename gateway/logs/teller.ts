import { signInReasons } from '../domain/authorization'
import type { LineLevel, ServerSource } from '../domain/log'
import { createRate } from '../domain/rate'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { explainVault, type VaultState } from '../domain/vault-state'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import type { Journal } from './journal'

type Named = Pick<Server, 'id' | 'name'>

/** What happens, told twice: to the logs, and to the person at whose terminal the gateway runs. */
export interface Teller {
  /** Something about the gateway itself. */
  note(line: string): void
  /** The same, for the log only. */
  quietNote(line: string): void
  /** Something that must not happen. */
  fault(error: unknown): void
  /** One line about a server: its own words, or what was wrong with them. */
  server(server: Named, source: ServerSource, line: string): void
  state(server: Named, state: UpstreamState): void
  /** The vault is not what it was. */
  vault(state: VaultState): void
  /** A request that may change something, and who makes it, where the door knows. */
  change(method: string, path: string, by: { pid: number; executable: string } | null): void
  /** Somebody came to the first door with a key that does not count. */
  wrongKey(): void
}

// These change nothing that is stored.
const passing = /\/(call|connect|check)(\?|$)/

export function createTeller(deps: {
  journal: Journal
  redact: Redactor['redact']
  runtime: Pick<Runtime, 'monotonic'>
  /** Takes lines for the person. */
  report: ((line: string) => void) | undefined
  /** The person wants to see the words of servers, too. */
  verbose: boolean | undefined
}): Teller {
  const { journal, redact, verbose } = deps
  const report = (line: string) => deps.report?.(redact(line))
  const wrongKeys = createRate({ burst: 20, perSecond: 0.1, runtime: deps.runtime })
  let untold = 0

  return {
    note(line) {
      report(line)
      journal.gateway('info', line)
    },
    quietNote: (line) => journal.gateway('info', line),
    fault(error) {
      const message = error instanceof Error ? error.message : String(error)
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
      report(`fault: ${message}`)
      journal.gateway('error', `fault: ${message}${cause}`)
    },
    server({ id, name }, source, line) {
      const written = journal.server(id, source === 'Connection' ? 'info' : 'warning', source, line)
      if (verbose) report(`${name} ${source}: ${written}`)
    },
    state({ id, name }, state) {
      const news = stateNews(state)
      const fields = { server: id, ...(state.status === 'failed' ? { code: state.code } : {}) }
      const { code } = fields
      journal.server(id, stateLevel(state), 'Connection', news, code === undefined ? {} : { code })
      if (state.status === 'connecting') return journal.audit('info', `${name}: ${news}`, fields)
      journal.gateway(stateLevel(state), `${name}: ${news}`, fields)
      report(`${name}: ${news}`)
    },
    vault(state) {
      const { what, todo } = explainVault(state)
      const line = `vault: ${what}${todo === null ? '' : `; ${todo}`}`
      journal.gateway(state.status === 'open' ? 'info' : 'warning', line)
      // An open vault is what everybody expects, and a new one concerns nobody before the first secret.
      if (state.status === 'locked') report(line)
    },
    change(method, path, by) {
      if (verbose || !passing.test(path))
        report(`admin: ${method} ${path}${by ? ` by ${by.executable} (${by.pid})` : ''}`)
      journal.audit('info', `${method} ${path}`, { method, path, ...by })
    },
    wrongKey() {
      if (!wrongKeys.take()) {
        untold++
        return
      }
      const more = untold > 0 ? `, and ${untold} times before` : ''
      journal.audit('warning', `a client was refused: its key does not count${more}`, {
        code: 'auth.invalid_key',
        ...(untold > 0 ? { missing: untold } : {}),
      })
      untold = 0
    },
  }
}

function stateLevel({ status }: UpstreamState): LineLevel {
  if (status === 'failed') return 'error'
  if (status === 'needs_authorization') return 'warning'
  return status === 'connecting' ? 'debug' : 'info'
}

/** What a person wants to know of a change. */
function stateNews(state: UpstreamState): string {
  switch (state.status) {
    case 'ready':
      return 'connected'
    case 'failed':
      return `${state.message} (${state.code})`
    case 'needs_authorization':
      return `sign-in needed (${signInReasons[state.need]})`
    case 'connecting':
      return 'is started'
    default:
      return state.status.replace('_', ' ')
  }
}
