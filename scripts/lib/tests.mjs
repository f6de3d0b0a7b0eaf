// Runs the test files side by side, each in a `bun test` and a home of its own, and counts.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { binary } from './binary.mjs'
import { emptyHome } from './empty-home.mjs'
import { laneCount, runHeldBack, runInLanes } from './lanes.mjs'
import { root } from './process.mjs'

// A test that needs longer says so itself. Side by side a core is shared, and a machine may be slow: this is generous.
// What hangs costs a minute or two then, and however much hangs, the end comes before CI loses patience, with a count.
const TEST_MS = 120_000
const FILE_MS = 15 * 60_000
const ALL_MS = 70 * 60_000

const colours = /\x1b\[[0-9;]*m/g
const count = (text, word) => Number(new RegExp(`^ *(\\d+) ${word}s?$`, 'm').exec(text)?.[1] ?? 0)

/** Files under tests/ that are meant by the patterns: an exact path, or a part of one. None means all. */
export function testFiles(patterns = []) {
  const wanted = patterns.map((pattern) => pattern.replace(/^\.\//, ''))
  return readdirSync(join(root, 'tests'), { recursive: true })
    .map((name) => `tests/${name.replaceAll('\\', '/')}`)
    .filter((path) => /[._](test|spec)\.[cm]?[jt]sx?$/.test(path) && !path.includes('/node_modules/'))
    .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
    .sort()
}

/** The milliseconds of all time-outs in a file: one that asks for much takes long. */
function patienceOf(path) {
  const text = readFileSync(join(root, path), 'utf8')
  const asked = [...text.matchAll(/\b\d{2,3}_000\b/g)].map(([ms]) => Number(ms.replace('_', '')))
  return { path, patience: asked.reduce((sum, ms) => sum + ms, 0), length: text.length }
}

/** The longest first, by what is known before, so that at the end no lane waits for a late long one. */
const longestFirst = (a, b) => b.patience - a.patience || b.length - a.length

function judge({ how, errors }) {
  const text = errors.replace(colours, '')
  // The summary is the last thing on stderr; a test's own output may look like it, and on stdout may arrive after it.
  const start = text.search(/^ *\d+ pass$(?![\s\S]*^ *\d+ pass$)/m)
  const summary = start < 0 ? '' : text.slice(start)
  const passed = count(summary, 'pass')
  const failed = count(summary, 'fail') + count(summary, 'error')
  const skipped = count(summary, 'skip') + count(summary, 'todo')
  const wrong =
    failed > 0
      ? null
      : (how ??
        (summary === '' ? 'it ended before its tests did' : null) ??
        (passed + skipped === 0 ? 'it has no test' : null))
  return { passed, failed: wrong ? 1 : failed, skipped, wrong }
}

/** Runs one file: `{ output, passed, failed, skipped, report }`, the last one being the JUnit report if it was asked for. */
export async function runFile(bun, path, withReport = false, limit = FILE_MS) {
  const home = emptyHome()
  try {
    const report = join(home.home, 'report.xml')
    const reporter = withReport ? ['--reporter=junit', `--reporter-outfile=${report}`] : []
    // A whole path is a file; anything else would be a pattern.
    const args = ['test', `--timeout=${TEST_MS}`, ...reporter, join(root, path)]
    const env = { ...home.environment, MUX_TEST_PROGRAM: binary }
    const ended = await runHeldBack(bun, args, { env, limit })
    const { wrong, ...counts } = judge(ended)
    const output = wrong ? `${ended.output}FAILED ${path}: ${wrong}\n` : ended.output
    return { output, ...counts, report: existsSync(report) ? readFileSync(report, 'utf8') : '' }
  } finally {
    home.remove()
  }
}

const toStderr = (text) => void process.stderr.write(text)

/** What `runFile` would say of a file for which no time was left. */
const notBegun = (path) => ({
  output: `FAILED ${path}: it was not begun, because the time for all tests was over\n`,
  ...{ passed: 0, failed: 1, skipped: 0, report: '' },
})

/**
 * `{ passed, failed, skipped, reports }` of the files; what each printed is shown in one piece when it is over.
 * `first`: other jobs that start before the tests. `withReports`: also collects JUnit reports. `limit`: ms for all of it.
 * `print` takes the text.
 */
export async function runTests(bun, files, options = {}) {
  const { first = [], withReports = false, limit = ALL_MS, print = toStderr } = options
  const results = []
  const end = Date.now() + limit
  const run = async ({ path }) => {
    const left = end - Date.now()
    const result = left > 0 ? await runFile(bun, path, withReports, Math.min(FILE_MS, left)) : notBegun(path)
    print(result.output)
    results.push(result)
  }
  const plans = files.map(patienceOf).sort(longestFirst)
  await runInLanes(laneCount(), [...first, ...plans.map((plan) => () => run(plan))])
  const sum = (word) => results.reduce((total, result) => total + result[word], 0)
  const broken = results.filter(({ failed }) => failed > 0)
  if (broken.length > 0) print('\n== what failed, once more\n')
  for (const { output } of broken)
    for (const line of output.split('\n')) if (!line.startsWith('(pass)')) print(`${line}\n`)
  return {
    passed: sum('passed'),
    failed: sum('failed'),
    skipped: sum('skipped'),
    reports: results.map(({ report }) => report),
  }
}
