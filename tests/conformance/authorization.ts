// The part of the official suite that is for authorization servers, with a person's part played by the command line.
import { join } from 'node:path'
import { type Daemon, eventually, repository } from '../support/daemon'
import { Tab } from '../support/sign-in'

const suite = join(repository, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')

/** A port nobody listens on, out of those that no system gives away by itself: it stays free until it is used. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data: () => undefined } }).stop(true)
      return port
    } catch {
      // Somebody has it.
    }
  }
}

/** Runs all of it against the sign-in of a daemon. `output` is what the suite printed. */
export async function runAuthorization(daemon: Daemon): Promise<{ code: number; output: string }> {
  const { origin } = new URL(daemon.mcpUrl.replace('127.0.0.1', 'localhost'))
  const callbackPort = freePort()
  const registered = await fetch(`${origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'suite', redirect_uris: ['http://127.0.0.1:1/callback'] }),
  })
  const { client_id } = (await registered.json()) as { client_id: string }
  const options = ['--url', origin, '--client-id', client_id, '--resource', `${origin}/mcp`]
  const child = Bun.spawn(
    [process.execPath, suite, 'authorization', ...options, '--port', String(callbackPort)],
    { stdout: 'pipe', stderr: 'pipe' },
  )
  const timer = setTimeout(() => child.kill(), 240_000)
  let output = ''
  let opened = 0
  const approve = async (address: string) => {
    const tab = new Tab()
    await tab.open(address)
    await daemon.ok('approve', tab.code)
    const callback = await tab.carriedOn()
    // The suite names the address before it listens for the answer; when it is over it says itself what went wrong.
    await eventually(
      () =>
        fetch(callback).then(
          (answer) => answer.text(),
          () => null,
        ),
      (answered) => answered !== null || child.exitCode !== null,
    )
  }
  const errors = new Response(child.stderr).text()
  const approvals: Promise<void>[] = []
  for await (const chunk of child.stdout) {
    output += new TextDecoder().decode(chunk)
    const asked = [...output.matchAll(/^(http:\/\/localhost:\d+\/oauth\/authorize\S+)\n/gm)]
    for (const [, address = ''] of asked.slice(opened)) approvals.push(approve(address))
    opened = asked.length
  }
  await Promise.all(approvals)
  clearTimeout(timer)
  return { code: await child.exited, output: output + (await errors) }
}
