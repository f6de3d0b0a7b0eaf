import type { ConsentView } from '../admin/consents'
import { valueOf } from '../domain/server-input'
import { type AdminClient, must } from './client'
import type { Io } from './io'
import { safe, when } from './output'
import { review } from './review'

const why = ({ waits, before }: ConsentView): string | null => {
  switch (waits) {
    case 'new':
      return 'nobody approved it yet'
    case 'changed':
      return `it is not what was approved${before ? ` ${when(before.givenAt)} (${before.givenBy})` : ''}`
    case 'withdrawn':
      return 'its approval was withdrawn'
    case 'unproven':
      return 'what is stored as its approval does not hold: it was given under another key, or changed by somebody else'
    default:
      return null
  }
}

/** All that is to be known for an approval, in full. */
export function consentLines(view: ConsentView): string[] {
  const reason = why(view)
  return [
    `${safe(view.server)} in Space ${safe(view.space)}${reason === null ? '' : `: ${safe(reason)}`}`,
    ...review(view.definition, view.source, view.inputs, view.waits === null ? null : view.changes),
  ]
}

/** Shows what waits, asks, and approves exactly that. False when nobody said yes. */
export async function approve(
  io: Io,
  { api }: AdminClient,
  view: ConsentView,
  yes: boolean | undefined,
): Promise<boolean> {
  for (const line of consentLines(view)) io.talk(line)
  if (!yes && !(io.canAsk && (await io.confirm('Approve it?')))) {
    if (!io.canAsk)
      io.talk('mcpmux: nobody to ask here; look at the above and repeat with --yes (upstream.needs_consent)')
    return false
  }
  const { definition, source } = view
  const inputs = view.inputs.map((input) => ({ id: input.id, secret: input.secret, value: valueOf(input) }))
  await must(api.servers({ id: view.serverId }).consent.post({ givenBy: 'cli', definition, inputs, source }))
  return true
}
