/** What a person types, one answer after the other. */
export interface Keyboard {
  /** One line as the terminal edits and shows it; null at the end of input. */
  line(): Promise<string | null>
  /**
   * One line that is not shown; null at the end of input, on Ctrl-C or Ctrl-D, and once the signal aborts. Asks only when
   * nothing shows any more.
   */
  hiddenLine(ask: () => void, signal?: AbortSignal): Promise<string | null>
}

/**
 * One reader for all questions of a command, so that no question keeps the input from the next one, and what was
 * typed or pasted ahead answers what is asked later.
 */
export function createKeyboard(stdin: NodeJS.ReadStream): Keyboard {
  let ahead = ''
  let ended = false

  /** More input behind `ahead`; false when there is none to come, or nobody waits for it any more. */
  function more(signal?: AbortSignal): Promise<boolean> {
    if (ended || signal?.aborted) return Promise.resolve(false)
    stdin.setEncoding('utf8')
    return new Promise((resolve) => {
      const settle = (text: string | null) => {
        stdin.off('data', onData)
        stdin.off('end', onEnd)
        signal?.removeEventListener('abort', onAbort)
        stdin.pause()
        if (text !== null) ahead += text
        resolve(text !== null)
      }
      const onData = (chunk: string | Buffer) => settle(String(chunk))
      const onEnd = () => {
        ended = true
        settle(null)
      }
      const onAbort = () => settle(null)
      signal?.addEventListener('abort', onAbort)
      stdin.on('data', onData)
      stdin.on('end', onEnd)
      stdin.resume()
    })
  }

  /** The next typed character; null when there is none to come. */
  async function key(signal?: AbortSignal): Promise<string | null> {
    while (ahead === '') if (!(await more(signal))) return null
    const [first = ''] = ahead
    ahead = ahead.slice(first.length)
    return first
  }

  return {
    async line() {
      let typed = ''
      for (;;) {
        const next = await key()
        if (next === null) return typed === '' ? null : typed
        if (next === '\n' || next === '\r') return typed
        typed += next
      }
    },
    async hiddenLine(ask, signal) {
      // Before the question: what is typed ahead must not be echoed either.
      stdin.setRawMode(true)
      ask()
      let typed = ''
      try {
        for (;;) {
          const next = await key(signal)
          if (next === null || next === '\u0003' || next === '\u0004') return null
          if (next === '\r' || next === '\n') return typed
          if (next === '\u007f' || next === '\b') typed = Array.from(typed).slice(0, -1).join('')
          else if (next >= ' ') typed += next
        }
      } finally {
        stdin.setRawMode(false)
      }
    },
  }
}
