import type { Config } from '../config'
import type { Runtime } from '../runtime'
import { createServerEnvironment, type ServerEnvironment } from './environment'
import { createLoginPath } from './login-path'
import { createProcessTable } from './process-table'
import { createProcessTrees, newRunMark, type ProcessTrees } from './process-tree'
import { createReaper } from './reaper'
import { createTreeLedger, sweepTrees } from './tree-ledger'

/** Everything that starts and ends processes of servers. */
export interface Processes extends AsyncDisposable {
  trees: ProcessTrees
  environment: ServerEnvironment
  /** Ends what a killed run left behind; resolves with how many processes that were. */
  sweep(): Promise<number>
}

/** Starts the reaper beside the gateway. Disposing ends every tree, then the reaper. */
export function openProcesses(deps: {
  config: Pick<Config, 'dataDir' | 'environment' | 'platform'>
  runtime: Runtime
  onError(error: unknown): void
}): Processes {
  const { config, runtime, onError } = deps
  const { dataDir, environment, platform } = config
  const runMark = newRunMark(runtime)
  const processes = createProcessTable(platform)
  const reaper = createReaper({ runtime, platform, runMark, onError })
  const ledger = createTreeLedger({ dataDir, runMark, onError })
  const trees = createProcessTrees({ runtime, processes, runMark, watches: [reaper, ledger] })
  const loginPath = createLoginPath({ environment, platform, runtime })
  return {
    trees,
    environment: createServerEnvironment({ environment, platform, loginPath }),
    sweep: () => sweepTrees({ dataDir, processes, runtime }),
    async [Symbol.asyncDispose]() {
      await trees.stopAll()
      ledger.close()
      await reaper.close()
    },
  }
}
