// Stands where a browser would be started, and writes down what it was given.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Opening {
  /** Arguments after the program itself. */
  args: string[]
  cwd: string
  /** The process that started it. */
  parent: number
  environment: Record<string, string>
}

export interface BrowserRecorder {
  /** Folder with the program, for PATH. */
  folder: string
  program: string
  openings(): Opening[]
}

/**
 * Puts a program `name` into `folder`; `exitCode` is what it ends with. With `follows` it then does what a browser does:
 * gets the page, from redirect to redirect. No shell is part of it.
 */
export function placeRecorder(
  folder: string,
  name = 'xdg-open',
  exitCode = 0,
  follows = false,
): BrowserRecorder {
  mkdirSync(folder, { recursive: true })
  const program = join(folder, name)
  const log = join(folder, `${name}.log`)
  writeFileSync(
    program,
    `#!${process.execPath}
import { appendFileSync } from 'node:fs'
const opening = { args: process.argv.slice(2), cwd: process.cwd(), parent: process.ppid, environment: process.env }
appendFileSync(${JSON.stringify(log)}, JSON.stringify(opening) + '\\n')
${follows ? 'await (await fetch(process.argv[2])).text()' : ''}
process.exit(${exitCode})
`,
    { mode: 0o755 },
  )
  return {
    folder,
    program,
    openings: () =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Opening)
        : [],
  }
}
