// One request to `codex app-server`, which speaks JSON-RPC over its standard streams.

/** Performs the app server's handshake, sends one request and resolves with its raw answer line. */
export async function appServerRequest(
  command: string[],
  env: Record<string, string>,
  cwd: string,
  method: string,
  params: object,
): Promise<string> {
  const child = Bun.spawn(command, { env, cwd, stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const send = async (message: object) => {
    await child.stdin.write(`${JSON.stringify(message)}\n`)
    await child.stdin.flush()
  }
  await send({
    id: 1,
    method: 'initialize',
    params: { clientInfo: { name: 'mcpmux-tests', version: '1.0.0' } },
  })
  let text = ''
  let asked = false
  try {
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk)
      if (!asked && /"id":\s*1\b/.test(text)) {
        asked = true
        await send({ method: 'initialized' })
        await send({ id: 2, method, params })
      }
      if (/"id":\s*2\b/.test(text)) break
    }
  } finally {
    clearTimeout(timer)
    child.kill()
    await child.exited
  }
  return text
}
