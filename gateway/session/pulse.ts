import type { Runtime } from '../runtime'

/** One shared tick a second for everything at the door that waits: slow answers, heartbeats, idle sessions. */
export interface Pulse {
  /** Seconds since the start; reading it costs nothing, unlike a clock. */
  readonly beat: number
  onBeat(listener: (beat: number) => void): () => void
  stop(): void
}

/**
 * Starts beating at once. A listener that throws is reported and does not stop the others. `onStopped`: it beats no
 * more, and nobody asked for that.
 */
export function createPulse(
  runtime: Pick<Runtime, 'sleep'>,
  report: (error: unknown) => void,
  onStopped: (error: unknown) => void = report,
): Pulse {
  const listeners = new Set<(beat: number) => void>()
  const end = new AbortController()
  let beat = 0

  const step = (): void => {
    beat += 1
    for (const listener of [...listeners]) {
      try {
        listener(beat)
      } catch (error) {
        report(error)
      }
    }
  }
  const run = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await runtime.sleep(1000, end.signal)
      step()
    }
  }
  run().catch((error: unknown) => {
    if (!end.signal.aborted) onStopped(error)
  })

  return {
    get beat() {
      return beat
    },
    onBeat(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => end.abort(),
  }
}
