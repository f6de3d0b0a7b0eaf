import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import ts from 'typescript'

export const root = resolve(import.meta.dir, '..', '..')

export interface SourceFile {
  /** Relative to the checkout, with slashes. */
  path: string
  text: string
}

/**
 * Files of the checkout that match a glob, in a stable order. Throws when there are none: a rule about no file holds
 * for ever.
 */
export function sources(...patterns: string[]): SourceFile[] {
  const paths = new Set<string>()
  for (const pattern of patterns)
    for (const path of new Bun.Glob(pattern).scanSync({ cwd: root, absolute: true, dot: true }))
      if (!path.includes('/node_modules/')) paths.add(path)
  if (paths.size === 0) throw new Error(`no file matches ${patterns.join(' ')}`)
  return [...paths]
    .sort()
    .map((path) => ({ path: relative(root, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }))
}

/** Calls `visit` for every node; `where` renders a node's place for a message. */
export function walk(file: SourceFile, visit: (node: ts.Node, where: string) => void): void {
  const parsed = parse(file)
  const go = (node: ts.Node) => {
    const { line } = parsed.getLineAndCharacterOfPosition(node.getStart(parsed))
    visit(node, `${file.path}:${line + 1}`)
    ts.forEachChild(node, go)
  }
  ts.forEachChild(parsed, go)
}

export const parse = (file: SourceFile): ts.SourceFile =>
  ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)

export const readDocument = (path: string): string => readFileSync(join(root, path), 'utf8')
