/** The part of a Bun socket that takes bytes: how many it took, or less than zero when it is closed. */
interface Sink {
  write(bytes: Uint8Array): number
}

/** Writes whole frames in order and waits for the reader: `drained` and `closed` are the socket's own events. */
export function createWriter(sink: Sink) {
  let wake = () => {}
  let open = true
  return {
    /** False when the connection is gone. */
    async write(bytes: Uint8Array): Promise<boolean> {
      let rest = bytes
      while (open) {
        const taken = sink.write(rest)
        if (taken < 0) return false
        rest = rest.subarray(taken)
        if (rest.length === 0) return true
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return false
    },
    drained: () => wake(),
    closed() {
      open = false
      wake()
    },
  }
}
export type Writer = ReturnType<typeof createWriter>
