/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value that `share` (0 to 1) of the sorted values do not exceed. */
export const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

export interface Row {
  part: string
  figure: string
  /** What it is compared with, as text with its unit; '' when the target is absolute and there is no ratio. */
  base: string
  value: string
  /** The number the target is about. */
  measured: number
  target: string
  /** Null for rows that only inform. */
  ok: boolean | null
}

export const atMost = (measured: number, limit: number) => ({
  measured,
  target: `≤ ${Number(limit.toFixed(2))}`,
  ok: measured <= limit,
})
export const atLeast = (measured: number, limit: number) => ({
  measured,
  target: `≥ ${Number(limit.toFixed(2))}`,
  ok: measured >= limit,
})
export const informing = (measured: number) => ({ measured, target: '', ok: null })

export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 3 : 1)} ms`
export const perSecond = (value: number): string => `${Math.round(value)} /s`
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The rows as one aligned table. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ['part', 'figure', 'floor', 'value', 'ratio', 'target', ''],
    ...rows.map((row) => [
      row.part,
      row.figure,
      row.base,
      row.value,
      row.base === '' ? '' : row.measured.toFixed(2),
      row.target,
      row.ok === null ? '' : row.ok ? 'ok' : 'MISS',
    ]),
  ]
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length))) ?? []
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
