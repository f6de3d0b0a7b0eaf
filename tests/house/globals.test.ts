import { expect, test } from 'bun:test'
import ts from 'typescript'
import { type SourceFile, parse, sources, walk } from './sources'

const gateway = sources('gateway/**/*.ts')

/** Places in which a check finds something. */
function findings(
  files: readonly SourceFile[],
  check: (node: ts.Node, file: SourceFile) => string | null,
): string[] {
  const found: string[] = []
  for (const file of files)
    walk(file, (node, where) => {
      const what = check(node, file)
      if (what) found.push(`${where} ${what}`)
    })
  return found
}

const dotted = (node: ts.Node): string | null => {
  if (ts.isIdentifier(node)) return node.text
  if (ts.isMetaProperty(node)) return 'import.meta'
  if (!ts.isPropertyAccessExpression(node)) return null
  const left = dotted(node.expression)
  return left && `${left}.${node.name.text}`
}

const declares = (file: SourceFile, name: string): boolean => {
  let found = false
  walk(file, (node) => {
    if (
      (ts.isBindingElement(node) || ts.isParameter(node) || ts.isVariableDeclaration(node)) &&
      dotted(node.name) === name
    )
      found = true
    if (ts.isFunctionDeclaration(node) && node.name?.text === name) found = true
  })
  return found
}

const clocks = ['Date.now', 'Math.random', 'performance.now', 'crypto.randomUUID', 'Bun.nanoseconds']
const outside = new Map([
  ['gateway/runtime.ts', [...clocks, 'globalThis.fetch']],
  ['gateway/config.ts', ['process.env']],
])

test('[house] clock, chance, environment and network come in as arguments', () => {
  const watched = [...clocks, 'process.env', 'Bun.env', 'import.meta.env', 'globalThis.fetch']
  const found = findings(gateway, (node, file) => {
    const name = ts.isPropertyAccessExpression(node) && !ts.isTypeQueryNode(node.parent) ? dotted(node) : null
    if (name && watched.includes(name)) return outside.get(file.path)?.includes(name) ? null : name
    if (ts.isNewExpression(node) && dotted(node.expression) === 'Date' && !node.arguments?.length)
      return 'new Date()'
    if (ts.isCallExpression(node) && dotted(node.expression) === 'fetch' && !declares(file, 'fetch'))
      return 'fetch('
    return null
  })
  expect(found).toEqual([])
})

test('[house] nothing is written to the console', () => {
  const found = findings(gateway, (node) =>
    ts.isPropertyAccessExpression(node) && dotted(node.expression) === 'console' ? node.getText() : null,
  )
  expect(found).toEqual([])
})

test('[threat.01] every listener names the address it binds', () => {
  const found = findings(gateway, (node) => {
    if (!ts.isCallExpression(node)) return null
    const name = dotted(node.expression)
    if (name !== 'Bun.serve' && name !== 'Bun.listen') return null
    const [options] = node.arguments
    const named =
      options &&
      ts.isObjectLiteralExpression(options) &&
      options.properties.some(({ name: key }) => key && ['hostname', 'unix'].includes(key.getText()))
    return named ? null : `${name} without hostname or unix`
  })
  expect(found).toEqual([])
})

test('[house] no shell stands between us and a program', () => {
  const shells = ['exec', 'execSync', '$']
  const found = findings(gateway, (node) => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'shell')
      return node.initializer.kind === ts.SyntaxKind.TrueKeyword ? 'shell: true' : null
    if (ts.isTaggedTemplateExpression(node))
      return ['$', 'Bun.$'].includes(dotted(node.tag) ?? '') ? '$`…`' : null
    if (!ts.isImportSpecifier(node)) return null
    const name = (node.propertyName ?? node.name).text
    const from = node.parent.parent.parent.moduleSpecifier.getText().slice(1, -1)
    return ['bun', 'child_process', 'node:child_process'].includes(from) && shells.includes(name)
      ? `import ${name}`
      : null
  })
  expect(found).toEqual([])
})

/** A collection with nothing in it: it is there to be filled. */
function startsEmpty(value: ts.Expression): boolean {
  if (ts.isNewExpression(value))
    return !value.arguments?.length && /^(Weak)?(Map|Set)$/.test(value.expression.getText())
  if (ts.isArrayLiteralExpression(value)) return value.elements.length === 0
  return ts.isObjectLiteralExpression(value) && value.properties.length === 0
}

test('[house] no module keeps state of its own', () => {
  const found: string[] = []
  for (const file of gateway)
    for (const statement of parse(file).statements) {
      if (!ts.isVariableStatement(statement)) continue
      if (!(statement.declarationList.flags & ts.NodeFlags.Const))
        found.push(`${file.path} ${statement.getText()}`)
      for (const { initializer, name } of statement.declarationList.declarations)
        if (initializer && startsEmpty(initializer)) found.push(`${file.path} ${name.getText()}`)
    }
  expect(found).toEqual([])
})

test('[house] types are not forced', () => {
  const files = sources('{gateway,tests,scripts}/**/*.ts')
  const found = findings(files, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) return 'any'
    if (!ts.isAsExpression(node) || !ts.isAsExpression(node.expression)) return null
    return node.expression.type.kind === ts.SyntaxKind.UnknownKeyword ? 'as unknown as' : null
  })
  const silenced = files.filter(
    ({ path, text }) =>
      path !== 'tests/house/globals.test.ts' && /@ts-(ignore|nocheck)|eslint-disable/.test(text),
  )
  expect([...found, ...silenced.map(({ path }) => path)]).toEqual([])
})
