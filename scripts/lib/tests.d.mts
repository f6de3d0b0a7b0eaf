export interface FileResult {
  output: string
  passed: number
  failed: number
  skipped: number
  report: string
}
export function runFile(bun: string, path: string, withReport?: boolean): Promise<FileResult>
