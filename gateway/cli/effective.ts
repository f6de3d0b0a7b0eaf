// What Feature Sets come to, for a person: the features by kind, why each is there or not, and what a client can take.
import type { Effective, EffectiveFeature } from '../admin/effective'
import { featureKinds, type FeatureKind } from '../domain/feature'
import { type AdminClient, must } from './client'
import { plural, safe, table } from './output'

export async function showEffective(
  { api }: AdminClient,
  wanted: { set: string | undefined; client: string | undefined; space: string | undefined },
): Promise<Effective> {
  const query = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  return must(api.effective.get({ query }))
}

const plurals: Record<FeatureKind, string> = {
  tool: 'tool',
  prompt: 'prompt',
  resource: 'resource',
  template: 'resource template',
}

const row = ({ kind, exposedName, alias, name, allowed, tokens, why }: EffectiveFeature): string[] => [
  allowed ? 'yes' : 'no',
  kind,
  exposedName,
  `${alias}/${name}`,
  kind === 'tool' ? `≈${tokens}` : '',
  why,
]

const marks = { ok: '', near: 'near the limit: ', over: 'over the limit: ' } as const

/** Everything of one answer, as text. */
export function effectiveText({
  space,
  set,
  client,
  features,
  counts,
  tokens,
  limitsOf,
  limits,
}: Effective): string {
  const what = [set && `Feature Set ${safe(set.name)}`, client && `client ${safe(client.name)}`].filter(
    Boolean,
  )
  const sums = featureKinds
    .filter((kind) => counts[kind].known > 0)
    .map((kind) => `${counts[kind].allowed} of ${plural(counts[kind].known, plurals[kind])}`)
  const lines = [
    `${what.join(' for ')} in Space ${safe(space.name)}`,
    `${sums.length > 0 ? sums.join(', ') : 'no features are known yet'}; tools take ≈${tokens} tokens`,
    ...limits
      .filter(({ level, limit }) => level !== 'ok' || limit === 'tools')
      .map(({ level, what: says, names }) => {
        const which = names.length > 0 ? `: ${names.map(safe).join(', ')}` : ''
        return `${marks[level]}${says}${which}`
      }),
  ]
  if (limits.every(({ level }) => level === 'ok')) lines.push(`fits the limits of ${limitsOf}`)
  const shown = table(['MAY', 'KIND', 'NAME', 'ORIGINAL', 'TOKENS', 'WHY'], features.map(row))
  return shown === '' ? lines.join('\n') : `${lines.join('\n')}\n\n${shown}`
}
