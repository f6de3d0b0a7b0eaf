// The official conformance suite as a program: one run over the scenarios a revision requires, and what came of it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from '../support/daemon'

export type Revision = '2025-11-25' | '2026-07-28'

export interface Score {
  passed: number
  failed: number
  /** Ids of the checks that failed. */
  broken: string[]
}

export interface Outcome {
  /** 0 when every required scenario passed. */
  code: number
  passed: number
  failed: number
  scenarios: Map<string, Score>
}

const program = join(repository, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')
const MINUTES = 6

/** Checks that failed, by scenario; each scenario has a folder `server-NAME-TIME` of its own. */
function brokenChecks(folder: string): Map<string, string[]> {
  const broken = new Map<string, string[]>()
  for (const path of new Bun.Glob('**/checks.json').scanSync(folder)) {
    const scenario = /^(?:server-)?(.+?)-\d{4}-\d\d-\d\dT/.exec(path)?.[1] ?? path
    const checks = JSON.parse(readFileSync(join(folder, path), 'utf8')) as { id: string; status: string }[]
    broken.set(
      scenario,
      checks.filter(({ status }) => status === 'FAILURE').map(({ id }) => id),
    )
  }
  return broken
}

/** Runs the suite against a server; throws only when it could not be run. */
export const runSuite = (url: string, revision: Revision): Promise<Outcome> =>
  runProgram(['server', '--url', url, '--requirements', revision])

/** Runs the suite with these arguments and more environment; throws only when it could not be run. */
export async function runProgram(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'mux-conformance-'))
  try {
    const child = Bun.spawn([process.execPath, program, ...args, '-o', folder], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: MINUTES * 60_000,
    })
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    const broken = brokenChecks(folder)
    const scenarios = new Map<string, Score>()
    for (const [, name = '', passed, failed] of out.matchAll(
      /^[✓✗] (\S+): (\d+) passed, (\d+) failed(?:, \d+ warnings)?$/gm,
    ))
      scenarios.set(name, {
        passed: Number(passed),
        failed: Number(failed),
        broken: broken.get(name) ?? [],
      })
    const total = /^Total: (\d+) passed, (\d+) failed(?:, \d+ warnings)?$/m.exec(out)
    if (!total) throw new Error(`the suite ended with ${code} and no total: ${err}${out.slice(-2000)}`)
    return { code, passed: Number(total[1]), failed: Number(total[2]), scenarios }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether a server closes a stream in between is its own choice: less may be seen here. */
const informational = new Set(['server-sse-polling'])

/** Scenarios in which `seen` falls short of `direct`, with what broke; an excuse names a scenario or a check. */
export function differences(
  direct: Outcome,
  seen: Outcome,
  excused: Readonly<Record<string, string>> = {},
): string[] {
  return [...direct.scenarios].flatMap(([name, { passed, failed }]) => {
    const score = seen.scenarios.get(name)
    if (!score) return [`${name} was not run`]
    if (name in excused || (informational.has(name) && score.failed <= failed)) return []
    // The gateway may do better: it knows a made-up task for one where a server does not.
    if (score.passed >= passed && score.failed <= failed) return []
    const broken = [...new Set(score.broken)]
    if (broken.length > 0 && broken.every((check) => check in excused)) return []
    return [`${name} ${score.passed}/${score.failed}, direct ${passed}/${failed}: ${broken.join(', ')}`]
  })
}
