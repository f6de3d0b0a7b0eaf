// Answers of a server that handles bytes, not objects: a call returns the raw params it got, and literals that a parse
// and print would change. No SDK, so that nothing on this side normalises anything.
const tool = (name: string) =>
  `{"name":"${name}","description":"raw","inputSchema":{"type":"object","x-big":9007199254740993,"x-one":1.0},"x-unknown":{"a":1,"a":2}}`

/** The answer to one message, as text; null for a notification. */
export function rawAnswer(line: string, canary = process.argv[2] ?? process.env.CANARY ?? ''): string | null {
  const { id, method, params } = JSON.parse(line) as {
    id?: number
    method?: string
    params?: { name?: string }
  }
  if (id === undefined) return null
  const reply = (body: string) => `{"jsonrpc":"2.0","id":${id},${body}}`
  switch (method) {
    case 'initialize':
      return reply(
        '"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"raw","version":"1"},"instructions":"Raw bytes."}',
      )
    case 'tools/list':
      return reply(`"result":{"tools":[${['echo', 'exotic', 'fail', 'canary'].map(tool).join(',')}]}`)
    case 'tools/call': {
      const raw = line.slice(line.indexOf('"params":') + 9)
      if (params?.name === 'canary')
        return reply(`"result":{"content":[{"type":"text","text":${JSON.stringify(canary)}}]}`)
      if (params?.name === 'fail')
        return reply(
          '"error":{"code":-31999,"message":"own words","data":{"n":9007199254740993,"deep":[1.0,1e400]}}',
        )
      if (params?.name === 'exotic')
        return reply(
          '"result":{"content":[{"type":"hologram","beam":1e400,"n":9007199254740993,"one":1.0,"dup":1,"dup":2}],"x-unknown":null,"_meta":{"acme/trace":"\\u00e9\\ud83d\\ude00"}}',
        )
      return reply(`"result":{"content":[],"got":${JSON.stringify(Buffer.from(raw).toString('base64'))}}`)
    }
    default:
      return reply('"error":{"code":-32601,"message":"method not found"}')
  }
}
