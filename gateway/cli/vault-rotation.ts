import type { RotationView } from '../admin/vault-rotation'
import { must } from './client'
import { type Context, exit } from './command'
import { plural, show } from './output'
import { askPassphrase } from './passphrase'
import { sealedText } from './sealed-value'
import { UsageError } from './usage'
import { vaultLines } from './vault-lines'

interface Values {
  wrapping?: boolean
  sessions?: boolean
  all?: boolean
  json?: boolean
}

function keysOf({ wrapping, sessions, all }: Values): 'vault' | 'wrapping' | 'sessions' | 'all' {
  if ([wrapping, sessions, all].filter(Boolean).length > 1)
    throw new UsageError('--wrapping, --sessions and --all are for one at a time')
  if (all) return 'all'
  if (sessions) return 'sessions'
  return wrapping ? 'wrapping' : 'vault'
}

const lines = (view: RotationView): string[] => [
  ...vaultLines(view),
  ...(view.resealed > 0 ? [`sealed    ${plural(view.resealed, 'value')} anew`] : []),
  ...(view.sessionsEnded ? ['sessions  ended; clients initialize again'] : []),
  ...view.left.map((value) => `unread    ${sealedText(value)}: it does not open, and stays as it is`),
]

/** `mcpmux vault rotate`. */
export async function rotate({ io, admin }: Context, values: Values): Promise<number> {
  const keys = keysOf(values)
  const { state } = await must(admin.api.vault.get())
  const asked = state.status === 'open' && state.place === 'passphrase' && keys !== 'sessions'
  const passphrase = asked ? { passphrase: await askPassphrase(io, 'Passphrase (not shown)') } : {}
  const view = await must(admin.api.vault.rotate.post({ keys, ...passphrase }))
  await show(io, values.json, view, () => lines(view).join('\n'))
  return exit.ok
}
