import type { ServerView } from '../admin/server-view'
import { type Command, exit } from './command'
import { findServer } from './find'
import { signInRemark } from './login-text'
import { plural, safe, show, stateWord, when } from './output'
import { review } from './review'
import { aboutInput, typeWords } from './typed-value'
import { parse, words } from './usage'

const help = `Usage: mcpmux show SERVER [--space S] [--data-dir D] [--json]

Shows one server: what it runs, its state, its approval and its values. Secrets are never shown.`

/** Which era it is spoken to in, and who decided that. */
function eraWords({ era, eraFound }: ServerView): string {
  if (era !== 'auto') return `${era} (as set)`
  return eraFound ? `${eraFound.era} (found ${when(eraFound.foundAt)})` : 'not known yet'
}

function valueWords({ secret, isSet, value, default: otherwise }: ServerView['inputs'][number]): string {
  if (secret) return isSet ? '(secret, set)' : '(secret, not set)'
  if (value !== null) return safe(value)
  return otherwise === undefined ? '(not set)' : `${safe(otherwise)} (its default)`
}

function stateText({ state }: ServerView, remark: string | null): string {
  if (state.status === 'failed') return `${stateWord(state)}: ${safe(state.message)} (${state.code})`
  return state.status === 'needs_authorization' && remark !== null ? remark : stateWord(state)
}

/** The state, the sign-in it has, and what that lacks. */
function stateLines(server: ServerView): string[] {
  const { signIn } = server
  const remark = signInRemark(server)
  const state = stateText(server, remark)
  const until = signIn?.expiresAt ? `, good until ${when(signIn.expiresAt)}` : ''
  return [
    `state     ${state}`,
    ...(remark === null || remark === state ? [] : [`          ${remark}`]),
    ...(signIn === null
      ? []
      : [`sign-in   at ${safe(signIn.issuer)} (${safe(signIn.scope ?? 'default rights')})${until}`]),
  ]
}

function text(server: ServerView): string {
  const lines = [
    `name      ${safe(server.name)}`,
    `alias     ${server.alias || '(no prefix)'}`,
    `id        ${server.id}`,
    ...stateLines(server),
    `approved  ${server.consent ? `${when(server.consent.givenAt)} (${server.consent.givenBy})` : 'no'}`,
    `features  ${[plural(server.features.tool, 'tool'), plural(server.features.prompt, 'prompt'), plural(server.features.resource, 'resource'), plural(server.features.template, 'template')].join(', ')}`,
    `speaks    ${eraWords(server)}`,
    `process   ${server.isolation === 'shared' ? 'shared by all clients' : `one for each ${server.isolation}`}`,
    `read      ${when(server.refreshedAt)}`,
  ]
  if (server.serverInfo)
    lines.push(`says      ${safe(server.serverInfo.name)} ${safe(server.serverInfo.version)}`)
  for (const input of server.inputs) {
    lines.push(`value     ${safe(input.id)}${typeWords(input)}: ${valueWords(input)}`)
    const about = aboutInput(input)
    if (about !== null) lines.push(`          ${about}`)
  }
  return [...lines, ...review(server.definition, server.source)].join('\n')
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, values.space)
    await show(io, values.json, server, () => text(server))
    return exit.ok
  },
}
