import type { Config } from '../config'
import { createKeyboard } from './keyboard'
import { type Output, safe, safeJson } from './output'

/** The terminal as a command sees it, and where data and talk go. */
export interface Io extends Output {
  /** A JSON document, byte for byte; on a terminal, with what a terminal would act upon written as escapes. */
  outJson(bytes: Uint8Array): Promise<void>
  /** True when a person can be asked. Never in CI. */
  canAsk: boolean
  /** True for yes. Anything but `y` or `yes` is no. */
  confirm(question: string): Promise<boolean>
  /** A line, shown as it is typed; null at the end of input. */
  ask(question: string): Promise<string | null>
  /** A line typed without echo; null when the person gave up (end of input or Ctrl-C), or the signal aborts. */
  askHidden(question: string, signal?: AbortSignal): Promise<string | null>
  /** Calls back on the first Ctrl-C, instead of ending the program, until the result is disposed of. */
  onInterrupt(callback: () => void): Disposable
  /** All of standard input. */
  readInput(): Promise<Uint8Array>
}

async function write(bytes: string | Uint8Array): Promise<void> {
  try {
    await Bun.write(Bun.stdout, bytes)
  } catch (error) {
    // The reader of a pipe (`| head`) left; there is nobody to tell.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  }
}

/** Over the standard streams of this process. */
export function createIo(config: Pick<Config, 'environment'>): Io {
  const keyboard = createKeyboard(process.stdin)
  const talk = (text: string) => process.stderr.write(`${text.split('\n').map(safe).join('\n')}\n`)
  return {
    talk,
    out: (text) => write(text.endsWith('\n') ? text : `${text}\n`),
    outJson: (bytes) => write(process.stdout.isTTY ? safeJson(new TextDecoder().decode(bytes)) : bytes),
    canAsk: process.stdin.isTTY === true && !config.environment.CI,
    async confirm(question) {
      process.stderr.write(`${question} [y/N] `)
      return /^y(es)?$/i.test((await keyboard.line())?.trim() ?? '')
    },
    async ask(question) {
      process.stderr.write(`${safe(question)}: `)
      return keyboard.line()
    },
    async askHidden(question, signal) {
      const answer = await keyboard.hiddenLine(() => process.stderr.write(`${safe(question)}: `), signal)
      process.stderr.write('\n')
      return answer
    },
    onInterrupt(callback) {
      process.once('SIGINT', callback)
      return { [Symbol.dispose]: () => void process.off('SIGINT', callback) }
    },
    readInput: async () => new Uint8Array(await Bun.stdin.arrayBuffer()),
  }
}
