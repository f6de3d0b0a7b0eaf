import { closeSync, fstatSync, openSync, read } from 'node:fs'
import { type LineFilter, type LogLine, parseLine, passes } from '../domain/log'

const BLOCK = 64 * 1024
/** What is longer was not written by us. */
const LONGEST_LINE = 1024 * 1024
const NEWLINE = 0x0a

interface OpenPart {
  descriptor: number
  /** What is written later is not read. */
  size: number
}

/**
 * The lines of a log that are wanted, the newest first, block by block from the end. The parts are opened and measured
 * by the call itself: a rotation meanwhile hides nothing, and what is written after the call is not in it.
 */
export function readBack(paths: readonly string[], filter: LineFilter): AsyncGenerator<LogLine> {
  const open: OpenPart[] = []
  for (const path of paths) {
    try {
      const descriptor = openSync(path, 'r')
      open.push({ descriptor, size: fstatSync(descriptor).size })
    } catch {
      // Removed a moment ago.
    }
  }
  return wanted(open, filter)
}

async function* wanted(parts: readonly OpenPart[], filter: LineFilter): AsyncGenerator<LogLine> {
  const since = filter.since === undefined ? '' : new Date(filter.since).toISOString()
  try {
    for (const part of parts)
      for await (const text of linesOf(part)) {
        const line = parseLine(text)
        if (!line) continue
        // Times of one format compare as texts.
        if (line.time < since) return
        if (passes(line, filter)) yield line
      }
  } finally {
    for (const { descriptor } of parts) closeSync(descriptor)
  }
}

/** All lines of a file, the last one first. */
async function* linesOf({ descriptor, size }: OpenPart): AsyncGenerator<string> {
  let rest: Uint8Array[] = []
  let restBytes = 0
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK)
    const block = await bytesAt(descriptor, start, end - start)
    if (block.length < end - start) return
    end = start
    let from = block.length
    for (
      let at = block.lastIndexOf(NEWLINE);
      at >= 0;
      at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)
    ) {
      const line = Buffer.concat([block.subarray(at + 1, from), ...rest]).toString('utf8')
      rest = []
      restBytes = 0
      from = at
      if (line !== '') yield line
    }
    restBytes += from
    if (restBytes <= LONGEST_LINE) rest = [block.subarray(0, from), ...rest]
    else rest = []
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8')
}

function bytesAt(descriptor: number, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  return new Promise((resolve, reject) => {
    read(descriptor, bytes, 0, length, position, (error, count) => {
      if (error) reject(error)
      else resolve(bytes.subarray(0, count))
    })
  })
}
