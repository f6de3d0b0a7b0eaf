import ts from 'typescript'
import { sources, walk } from './sources'

export interface Title {
  where: string
  /** The text as far as it is known without running; null when the title is computed. */
  text: string | null
  ids: readonly string[]
  /** `only`, `skip` or `todo`, where the test is marked so without a condition. */
  mark: string | null
}

const marks = ['only', 'skip', 'todo']

/** `test`, `test.only`, `test.skipIf(…)`: whether the callee is the test function, and its mark. */
function callee(node: ts.Expression): { mark: string | null } | null {
  if (ts.isIdentifier(node)) return node.text === 'test' || node.text === 'it' ? { mark: null } : null
  if (ts.isCallExpression(node)) return callee(node.expression)
  if (!ts.isPropertyAccessExpression(node)) return null
  const inner = callee(node.expression)
  return inner && { mark: marks.includes(node.name.text) ? node.name.text : inner.mark }
}

function literal(node: ts.Expression): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  return ts.isTemplateExpression(node) ? node.head.text : null
}

const idsOf = (title: string): string[] => {
  const ids: string[] = []
  for (let rest = title.trimStart(); ; ) {
    const match = /^\[([a-z0-9-]+(?:\.[a-z0-9-]+)*)\]\s*/.exec(rest)
    if (!match) return ids
    ids.push(match[1] ?? '')
    rest = rest.slice(match[0].length)
  }
}

/** Every test of the repository, from its source. */
export function titles(): Title[] {
  const found: Title[] = []
  for (const file of sources('tests/**/*.test.ts'))
    walk(file, (node, where) => {
      if (!ts.isCallExpression(node) || node.arguments.length < 2) return
      const [first, second] = node.arguments
      const isTest = callee(node.expression)
      if (!isTest || !first || !second) return
      if (!ts.isArrowFunction(second) && !ts.isFunctionExpression(second) && !ts.isIdentifier(second)) return
      const text = literal(first)
      found.push({ where, text, ids: text === null ? [] : idsOf(text), mark: isTest.mark })
    })
  return found
}
