// A careless server: `bun leaky-stdio.ts MODE`. It shows the secrets it was given (variables SECRET_…) in every way it
// knows: on stderr when it starts, as junk on stdout, in errors, in names, and as its last words.
import { writeSync } from 'node:fs'

const mode = process.argv[2] ?? 'talks'
const secrets = Object.entries(process.env)
  .filter(([name]) => name.startsWith('SECRET_'))
  .map(([, value]) => value ?? '')

function* spellings(secret: string): Generator<string> {
  const bytes = Buffer.from(secret)
  yield secret
  yield encodeURIComponent(secret)
  yield JSON.stringify({ secret })
  yield JSON.stringify({ inner: JSON.stringify({ secret }) })
  for (const before of ['', 'u', 'u:']) yield Buffer.from(`${before}${secret}`).toString('base64')
  yield bytes.toString('base64url')
  yield bytes.toString('hex')
  yield `first twenty: ${secret.slice(0, 20)}…`
  yield `\u001b[31m${secret.slice(0, 9)}\u001b[0m${secret.slice(9)}`
}

const all = secrets.flatMap((secret) => [...spellings(secret)])
const say = (text: string) => writeSync(2, `${text}\n`)
const line = (message: object) => writeSync(1, `${JSON.stringify(message)}\n`)

for (const text of all) say(text)
for (const secret of secrets) {
  // Cut where lines are cut, and over several lines.
  say(`${'x'.repeat(8180)}${secret}`)
  say(`${'x'.repeat(8192 - 12)}${encodeURIComponent(secret)}`)
}
say('-----BEGIN PRIVATE KEY-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldY\nYWJjZGVm\n-----END PRIVATE KEY-----')
say('Authorization: Bearer opaque-token-nobody-registered')
say('GET /callback?code=abc.def&state=xyz')

if (mode === 'dies') process.exit(1)

for await (const chunk of Bun.stdin.stream()) {
  for (const text of new TextDecoder().decode(chunk).split('\n').filter(Boolean)) {
    const { id, method } = JSON.parse(text) as { id?: number; method?: string }
    if (id === undefined) continue
    if (method === 'initialize' && mode === 'refuses')
      line({ jsonrpc: '2.0', id, error: { code: -1, message: `bad token ${all.join(' ')}` } })
    else if (method === 'initialize') {
      for (const text of all) writeSync(1, `${text}\n`)
      const serverInfo = { name: 'leaky', version: '1' }
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {}, prompts: {} }, serverInfo }
      line({ jsonrpc: '2.0', id, result })
    } else if (method === 'prompts/list')
      line({ jsonrpc: '2.0', id, error: { code: -1, message: `no prompts with ${all.join(' ')}` } })
    else line({ jsonrpc: '2.0', id, result: { tools: secrets.map((name) => ({ name: `${name}` })) } })
  }
}
