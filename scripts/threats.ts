// Writes the table of the threat cases into docs/security.md, as `npm run format` does; with --json prints the cases.
import { join } from 'node:path'
import { root } from '../tests/house/sources'
import { threatCases, withThreatTable } from '../tests/house/threats'

if (process.argv.includes('--json')) process.stdout.write(JSON.stringify(threatCases()))
else {
  const file = Bun.file(join(root, 'docs/security.md'))
  const before = await file.text()
  const after = withThreatTable(before)
  if (after !== before) await file.write(after)
}
