import { rmSync } from 'node:fs'
import { startDaemon } from '../support/daemon'
import { median, milliseconds, type Row } from './figures'
import { echoCommand, furnish, newHome, targetOf } from './programs'
import { checked, open, post } from './target'

const starts = 9

/** From spawning the binary to the first authenticated `tools/list` from the cache, 20 servers configured. */
export async function startupRows(): Promise<Row[]> {
  const home = newHome()
  try {
    const key = await prepare(home)
    const times: number[] = []
    for (let start = -1; start < starts; start++) {
      const took = await timeToList(home, key)
      if (start >= 0) times.push(took)
    }
    const middle = median(times)
    const target = { measured: middle, target: '≤ 150', ok: middle <= 150 }
    return [
      {
        part: 'startup',
        figure: 'spawn → first list, 20 servers',
        base: '',
        value: milliseconds(middle),
        ...target,
      },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function prepare(home: string): Promise<string> {
  const servers = Array.from({ length: 20 }, (_, index) => ({
    name: `echo${index + 1}`,
    from: echoCommand(10),
  }))
  const { daemon, key } = await furnish(home, servers)
  await daemon[Symbol.asyncDispose]()
  return key
}

async function timeToList(home: string, key: string): Promise<number> {
  const started = performance.now()
  await using daemon = await startDaemon({ home })
  const target = targetOf(daemon, key, '')
  const { conversation, connection } = await open(target)
  const answer = await connection.exchange(
    post(conversation, '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'),
  )
  const took = performance.now() - started
  connection.close()
  const { result } = JSON.parse(checked(target, answer).text) as { result: { tools: unknown[] } }
  if (result.tools.length !== 200) throw new Error(`the first list has ${result.tools.length} tools, not 200`)
  return took
}
