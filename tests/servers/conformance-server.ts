// The conformance surface as a program; over HTTP its address is the first line it prints:
//   conformance-server.ts [--sdk v1|v2] [--era legacy|modern|dual] [--transport stdio|http|sse] [--port N]
import { parseArgs } from 'node:util'
import { StdioServerTransport as StdioV2, serveStdio } from '@modelcontextprotocol/server/stdio'
import { StdioServerTransport as StdioV1 } from '@modelcontextprotocol/sdk/server/stdio.js'
import { type Era, serveHttp, serveSse } from './conformance-http'
import { type Surface, createSurface } from './conformance-surface'
import { serverV1 } from './conformance-v1'
import { serverV2 } from './conformance-v2'

const { values } = parseArgs({
  options: {
    sdk: { type: 'string', default: 'v1' },
    era: { type: 'string', default: 'legacy' },
    transport: { type: 'string', default: 'stdio' },
    port: { type: 'string', default: '0' },
  },
})

function oneOf<const T extends string>(word: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === word)
  if (found === undefined) throw new Error(`${word} is none of ${allowed.join(', ')}`)
  return found
}

async function overStdio(sdk: 'v1' | 'v2', era: Era, surface: Surface): Promise<void> {
  if (sdk === 'v1') await serverV1(surface).connect(new StdioV1())
  else if (era === 'legacy') await serverV2(surface).connect(new StdioV2())
  else serveStdio(() => serverV2(surface), { legacy: era === 'modern' ? 'reject' : 'serve' })
}

const sdk = oneOf(values.sdk, ['v1', 'v2'])
const era = oneOf(values.era, ['legacy', 'modern', 'dual'])
const transport = oneOf(values.transport, ['stdio', 'http', 'sse'])
if (sdk === 'v1' && era !== 'legacy') throw new Error('the older line of the SDK has only the legacy eras')
if (transport === 'sse' && sdk === 'v2')
  throw new Error('the newer line of the SDK has no server for HTTP+SSE')

const surface = createSurface()
if (transport === 'stdio') await overStdio(sdk, era, surface)
else {
  const port = Number(values.port)
  const url = transport === 'http' ? serveHttp(sdk, era, surface, port) : await serveSse(surface, port)
  process.stdout.write(`${url}\n`)
}
