export interface FileResult {
  output: string
  passed: number
  failed: number
  skipped: number
  report: string
}
export function runFile(bun: string, path: string, withReport?: boolean, limit?: number): Promise<FileResult>
export function runTests(
  bun: string,
  files: readonly string[],
  options?: {
    first?: readonly (() => Promise<void>)[]
    withReports?: boolean
    limit?: number
    print?: (text: string) => void
  },
): Promise<Pick<FileResult, 'passed' | 'failed' | 'skipped'> & { reports: string[] }>
