// What a server of the compiled gateway finds in its environment, when the gateway's own is full of things to steal.
import { expect, test } from 'bun:test'
import { startDaemon } from '../support/daemon'
import { openCaller } from '../support/scripted'
import { evil } from '../support/stdio-leg'

const canary = 'canary-52'
const stealable = [
  ...[
    'AWS_SECRET_ACCESS_KEY',
    'GITHUB_TOKEN',
    'OPENAI_API_KEY',
    'SSH_AUTH_SOCK',
    'DATABASE_URL',
    'KUBECONFIG',
  ],
  ...[
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'RUBYOPT',
    'PERL5LIB',
    'DBUS_SESSION_BUS_ADDRESS',
    'HTTP_PROXY',
    'PWD',
    'OLDPWD',
  ],
  ...['npm_config_registry', 'BASH_FUNC_x%%', 'MCPMUX_TOKEN', 'SUDO_COMMAND'],
]
const inherited =
  /^(HOME|PATH|USER|LOGNAME|SHELL|TERM|LANG|LC_[A-Z]+|LANGUAGE|TZ|TMPDIR|TMP|TEMP|XDG_[A-Z_]+|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY)$/

test('[threat.52] nothing of the environment of the gateway reaches a server but the allow-list and what it was given', async () => {
  await using daemon = await startDaemon({ env: Object.fromEntries(stealable.map((name) => [name, canary])) })
  const { command, args } = evil('echo-env')
  await daemon.ok('add', 'env', '--yes', '--env', 'GIVEN=by hand', '--', command, ...args)
  const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
  const { message } = await caller.post(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"env_go"}}',
  )
  const { env } = (JSON.parse(message) as { result: { env: Record<string, string> } }).result
  expect(message).not.toContain(canary)
  expect(env.GIVEN).toBe('by hand')
  expect(
    Object.keys(env)
      .filter((name) => !inherited.test(name))
      .sort(),
  ).toEqual(['GIVEN', '_MUX_TREE'])
})
