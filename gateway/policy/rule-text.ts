// Rules of Feature Sets as people write and read them:
//
//   all                        everything, and what will come
//   server:github              a server, by alias (or name)
//   github/*  *delete*         `*` for any run of characters in `alias/original name`, every kind
//   tool:github/create_issue   one tool; prompt:, resource: and template: likewise
//   tool:*/get_*               tools that match
//   hint:readOnly              tools that state so; hint:readOnly=false those that do not
//   set:Work                   another set
//
// A `*` or `\` that is part of the name of one feature is written `\*` or `\\`.
import { featureKinds, type FeatureKind } from '../domain/feature'
import { hintNames } from '../domain/hints'
import type { MemberTarget } from '../domain/policy'
import { GatewayError } from '../errors'

/** What the words of a rule can mean in one Space. */
export interface RuleNames {
  servers: readonly { id: string; alias: string; name: string }[]
  sets: readonly { id: string; name: string }[]
}

const usage =
  'write all, server:S, S/PATTERN, tool:S/NAME (prompt:, resource:, template:), hint:readOnly or set:F'
const invalid = (text: string, why: string) =>
  new GatewayError('input.invalid', `${JSON.stringify(text.slice(0, 200))} ${why}`)

/** What a rule points at. Throws `input.invalid`, `server.unknown` and `set.unknown`, each naming the rule. */
export function parseRule(text: string, names: RuleNames): MemberTarget {
  const rule = text.trim()
  if (rule === 'all') return { type: 'all' }
  const [word = '', ...more] = /^[A-Za-z]+:/.test(rule) ? rule.split(':') : []
  const rest = more.join(':')
  if (word !== '' && rest === '') throw invalid(rule, `says nothing after the colon; ${usage}`)
  const kind = featureKinds.find((one) => one === word)
  if (kind) return featureRule(kind, rest, rule, names)
  switch (word) {
    case 'server':
      return { type: 'server', serverId: serverOf(rest, names).id }
    case 'set': {
      const found =
        names.sets.find(({ id }) => id === rest) ??
        names.sets.find(({ name }) => name.toLowerCase() === rest.trim().toLowerCase())
      if (!found) throw new GatewayError('set.unknown', rest)
      return { type: 'set', setId: found.id }
    }
    case 'hint':
      return hintRule(rest, rule)
    case '':
      if (!/[/*]/.test(rule)) throw invalid(rule, `is no rule: ${usage}`)
      return { type: 'pattern', pattern: rule }
    default:
      throw invalid(rule, `begins with a word that is not known: ${usage}`)
  }
}

function featureRule(kind: FeatureKind, rest: string, rule: string, names: RuleNames): MemberTarget {
  const literal = rest.replace(/\\[\\*]/g, '')
  if (literal.includes('*')) {
    if (/(^|[^\\])(\\\\)*\\\*/.test(rest)) throw invalid(rule, 'has both * and \\*; a pattern has only *')
    return { type: 'pattern', pattern: rest.replaceAll('\\\\', '\\'), kind }
  }
  const at = rest.indexOf('/')
  if (at < 0) throw invalid(rule, `names no server: ${usage}`)
  const name = rest.slice(at + 1).replace(/\\([\\*])/g, '$1')
  if (name === '') throw invalid(rule, `names no ${kind}; for all of a server write server:S`)
  return { type: 'feature', serverId: serverOf(rest.slice(0, at), names).id, kind, name }
}

function hintRule(rest: string, rule: string): MemberTarget {
  const [said = '', value = 'true', ...more] = rest.split('=')
  const hint = hintNames.find((name) =>
    [name, `${name}Hint`].some((one) => one.toLowerCase() === said.toLowerCase()),
  )
  if (!hint || more.length > 0 || (value !== 'true' && value !== 'false'))
    throw invalid(
      rule,
      `is no hint: write hint:${hintNames.join(', hint:')}, with =false behind it for the opposite`,
    )
  return { type: 'hint', hint, is: value === 'true' }
}

/** By alias, else by name or id. */
export function serverOf(word: string, { servers }: RuleNames): RuleNames['servers'][number] {
  const found =
    servers.find(({ alias }) => alias !== '' && alias === word) ??
    servers.find(({ id }) => id === word) ??
    servers.find(({ name }) => name.toLowerCase() === word.trim().toLowerCase())
  if (!found) throw new GatewayError('server.unknown', word)
  return found
}

/** A rule as `parseRule` reads it, but for that of a removed server, which says so. */
export function ruleText(target: MemberTarget, names: RuleNames): string {
  switch (target.type) {
    case 'all':
      return 'all'
    case 'server':
      return `server:${labelOf(target.serverId, names)}`
    case 'feature':
      return `${target.kind}:${labelOf(target.serverId, names)}/${escaped(target.name)}`
    case 'pattern':
      return target.kind ? `${target.kind}:${target.pattern.replaceAll('\\', '\\\\')}` : target.pattern
    case 'hint':
      return `hint:${target.hint}${target.is ? '' : '=false'}`
    case 'set':
      return `set:${names.sets.find(({ id }) => id === target.setId)?.name ?? target.setId}`
    case 'gone': {
      const label = target.alias || target.server
      const { feature } = target
      const rule = feature ? `${feature.kind}:${label}/${escaped(feature.name)}` : `server:${label}`
      return `${rule} (server removed)`
    }
  }
}

/** The alias; without one the name, unless that would be read as something else. */
function labelOf(serverId: string, { servers }: RuleNames): string {
  const server = servers.find(({ id }) => id === serverId)
  if (!server) return serverId
  if (server.alias !== '') return server.alias
  const isClear = !server.name.includes('/') && !servers.some(({ alias }) => alias === server.name)
  return isClear ? server.name : server.id
}

const escaped = (name: string): string => name.replace(/[\\*]/g, '\\$&')
