// The compiled program as a person gets it: in an empty home, without Bun and without node_modules around it, in a
// folder whose bunfig.toml and .env try to get in.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { captureLater, cleanEnvironment, dataFolder, root } from './process.mjs'

const READY_MS = 30_000

function expect(condition, sentence) {
  if (!condition) throw new Error(sentence)
}

function trap(folder) {
  const sprung = join(folder, 'sprung')
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preload.js"]\n')
  writeFileSync(
    join(folder, 'preload.js'),
    `require('node:fs').writeFileSync(${JSON.stringify(sprung)}, '')\n`,
  )
  writeFileSync(join(folder, '.env'), `MCPMUX_HOME=${join(folder, 'elsewhere')}\n`)
  return () => existsSync(sprung) || existsSync(join(folder, 'elsewhere'))
}

function serve(binary, options) {
  const child = spawn(binary, ['serve', '--port', '0', '--json'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let talk = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    talk += chunk
  })
  const exited = new Promise((done) => child.on('exit', done))
  const ready = new Promise((done, fail) => {
    const limit = setTimeout(() => fail(new Error(`serve was not ready in time: ${talk}`)), READY_MS)
    const lines = createInterface({ input: child.stdout })
    lines.once('line', (line) => {
      clearTimeout(limit)
      done(JSON.parse(line))
    })
    lines.once('close', () => {
      clearTimeout(limit)
      fail(new Error(`serve ended before it was ready: ${talk}`))
    })
  })
  return { ready, exited, kill: () => child.kill('SIGKILL') }
}

function mcpClient(url, key) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  if (key) headers.authorization = `Bearer ${key}`
  let id = 0
  const post = async (body) => {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    })
    const session = response.headers.get('mcp-session-id')
    if (session) headers['mcp-session-id'] = session
    return { status: response.status, text: await response.text() }
  }
  return {
    notify: (method) => post({ method }),
    request: async (method, params) => {
      id += 1
      const { status, text } = await post({ id, method, params })
      const lines = text.split('\n').filter((line) => line.startsWith('data: {'))
      const answer = text.startsWith('{') ? text : (lines.at(-1)?.slice(6) ?? '{}')
      return { status, answer: JSON.parse(answer) }
    },
  }
}

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'smoke', version: '1' },
}

async function useOverHttp(url, key) {
  const stranger = await mcpClient(url, null).request('initialize', initialize)
  expect(stranger.status === 401, `without a key the door answered ${stranger.status}, not 401`)
  const client = mcpClient(url, key)
  const hello = await client.request('initialize', initialize)
  expect(hello.answer.result?.serverInfo, `initialize failed: ${JSON.stringify(hello.answer)}`)
  await client.notify('notifications/initialized')
  const list = await client.request('tools/list', {})
  const names = (list.answer.result?.tools ?? []).map((tool) => tool.name)
  expect(names.includes('everything_echo'), `tools/list has no everything_echo: ${names.join(', ')}`)
  const call = await client.request('tools/call', {
    name: 'everything_echo',
    arguments: { message: 'smoke' },
  })
  expect(
    JSON.stringify(call.answer).includes('Echo: smoke'),
    `the call answered ${JSON.stringify(call.answer)}`,
  )
}

async function steps(binary, folder, environment) {
  const options = { cwd: folder, env: environment }
  const mux = async (code, ...words) => {
    const result = await captureLater(binary, words, options)
    const what = `mcpmux ${words.join(' ')}`
    expect(
      result.code === code,
      `${what} exited with ${result.code}, not ${code}: ${result.stderr}${result.stdout}`,
    )
    return result.stdout
  }
  await mux(3, 'status')
  const daemon = serve(binary, options)
  try {
    const { mcpUrl } = await daemon.ready
    const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')
    await mux(0, 'add', 'everything', '--yes', '--', process.execPath, everything, 'stdio')
    const key = (await mux(0, 'key', 'create', 'smoke')).trim()
    expect(/^mcp_\S+$/.test(key), 'key create printed something else than a key')
    await useOverHttp(mcpUrl, key)
    const echo = await mux(0, 'call', 'everything/echo', '{"message":"hi"}')
    expect(echo.includes('Echo: hi'), `call printed ${echo}`)
    const status = JSON.parse(await mux(0, 'status', '--json'))
    expect(status.mcpUrl === mcpUrl, `status names ${status.mcpUrl} as the endpoint, serve ${mcpUrl}`)
    const data = dataFolder(environment)
    expect((statSync(data).mode & 0o777) === 0o700, 'the data folder is not 0700')
    const database = join(data, 'mcpmux.db')
    expect((statSync(database).mode & 0o777) === 0o600, 'mcpmux.db is not 0600')
    expect(!readFileSync(database).includes(key), 'the key stands in the database')
    await mux(0, 'quit')
    const code = await daemon.exited
    expect(code === 0, `serve exited with ${code} after quit`)
    await mux(3, 'status')
  } finally {
    daemon.kill()
  }
}

/** Null when the program does its main job, else what went wrong. */
export async function smoke(binary) {
  const home = mkdtempSync(join(tmpdir(), 'mux-smoke-'))
  try {
    const folder = join(home, 'work')
    const runtime = join(home, 'run')
    for (const path of [folder, runtime]) mkdirSync(path, { mode: 0o700 })
    const caught = trap(folder)
    const environment = cleanEnvironment({ HOME: home, XDG_RUNTIME_DIR: runtime })
    for (const name of ['MCPMUX_HOME', 'XDG_DATA_HOME']) delete environment[name]
    await steps(binary, folder, environment)
    return caught() ? 'the program ran a bunfig.toml or .env of the folder it was started in' : null
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
