import { inputArgument, namedTexts, type Piece, piecesOf, referredNames } from '../domain/references'
import type { Server } from '../domain/server'
import { type ServerInput, valueOf, valuesIn } from '../domain/server-input'
import type { UpstreamState } from '../domain/upstream-state'
import { Secret } from './secret'
import type { ServerSecrets, StoredSecret } from './server-secrets'
import type { SpaceSecrets } from './space-secrets'

/** What a server is started with. */
export interface ServerValues {
  /** Environment (stdio) or headers (remote). What has a secret in it is one. */
  named: Record<string, string | Secret>
  /** Arguments; none of them is secret. */
  args: string[]
  /** Every secret that is in it, alone and as part of a longer text: to be looked for in what the server says. */
  secrets: Secret[]
  /** Files and folders that must be there when it starts. */
  paths: GivenPath[]
}

/** A file or folder that the value of an input names. */
export interface GivenPath {
  id: string
  type: 'file' | 'folder'
  path: string
}

/** The values a definition asks for, in place; `blocked` says why it cannot start, where some cannot be had. */
export interface ResolvedValues {
  values: ServerValues
  blocked: UpstreamState | null
}

/** Fills in what definitions refer to. */
export interface ValueResolver {
  resolve(server: Server): ResolvedValues
  /** Whether the gateway's environment has this variable. */
  hasVariable(name: string): boolean
  /** Differs once a secret the server is given at its start was given anew. */
  stamp(server: Server): string
}

export interface ValueResolverDeps {
  secrets: Pick<ServerSecrets, 'get' | 'stamp'>
  spaceSecrets: Pick<SpaceSecrets, 'get' | 'stamp'>
  /** The gateway's own environment. */
  environment: Readonly<Record<string, string>>
}

export function createValueResolver(deps: ValueResolverDeps): ValueResolver {
  const { secrets, spaceSecrets, environment } = deps
  const variable = (name: string): string | null =>
    Object.hasOwn(environment, name) ? environment[name] || null : null

  return {
    hasVariable: (name) => variable(name) !== null,
    stamp: (server) =>
      [
        secrets.stamp(server),
        ...referredNames(server.definition).secrets.map(
          (name) => `${name} ${spaceSecrets.stamp(server.spaceId, name)}`,
        ),
      ].join('\n'),
    resolve(server) {
      const found = createFindings()
      const held: Secret[] = []
      const paths: GivenPath[] = []
      const inputs = new Map(server.inputs.map((input) => [input.id, input]))

      /** Null where there is none. That something is missing, or in the way, goes to `found`. */
      const take = (stored: StoredSecret, name: string, required: boolean): Secret | null => {
        if (stored.state === 'present') return stored.value
        if (stored.state === 'absent' && required) found.missing(name)
        else if (stored.state === 'unreadable') found.blocks(unreadable(name))
        else if (stored.state === 'locked') found.blocks({ status: 'locked' })
        return null
      }

      const inputValue = (id: string): string | Secret | null => {
        const input = inputs.get(id)
        if (input?.secret) return take(secrets.get(server, id), id, input.required !== false)
        const value = input ? valueOf(input) : null
        if (value === null && input?.required !== false) found.missing(id)
        if (input && value !== null) paths.push(...pathsIn(input, value))
        return value
      }

      const pieceValue = (piece: Piece): string | Secret | null => {
        switch (piece.kind) {
          case 'text':
            return piece.text
          case 'input':
            return inputValue(piece.id)
          case 'env': {
            const value = variable(piece.name)
            if (value === null) found.missing(`\${env:${piece.name}}`)
            return value === null ? null : new Secret(value)
          }
          case 'secret': {
            const name = `\${secret:${piece.name}}`
            return take(spaceSecrets.get(server.spaceId, piece.name), name, true)
          }
          case 'basic': {
            const [user, password] = [inputValue(piece.user), inputValue(piece.password)]
            if (user === null || password === null) return null
            held.push(...[user, password].filter((one) => one instanceof Secret))
            return new Secret(
              `Basic ${Buffer.from(`${textOf(user)}:${textOf(password)}`, 'utf8').toString('base64')}`,
            )
          }
        }
      }

      const named: ServerValues['named'] = {}
      for (const [name, text] of Object.entries(namedTexts(server.definition))) {
        // What was stored before it was checked stays what it is.
        const parts = (piecesOf(text) ?? [{ kind: 'text' as const, text }]).map(pieceValue)
        const known = parts.filter((part) => part !== null)
        if (known.length < parts.length) continue
        const own = known.filter((part) => part instanceof Secret)
        const whole = known.map(textOf).join('')
        const [only] = known
        if (own.length === 0) named[name] = whole
        else {
          const value = only instanceof Secret && known.length === 1 ? only : new Secret(whole)
          named[name] = value
          held.push(...own, ...(own.includes(value) ? [] : [value]))
        }
      }

      const args: string[] = []
      for (const argument of server.definition.type === 'stdio' ? server.definition.args : []) {
        const stands = inputArgument(argument)
        const input = stands && inputs.get(stands.id)
        // Without an input of that name it is a text from before there were inputs here.
        if (!input) {
          args.push(argument)
          continue
        }
        // It was refused when it was given; whoever wrote it since gets no secret into a command line.
        const value = input.secret ? null : inputValue(stands.id)
        if (input.secret) found.missing(stands.id)
        for (const one of typeof value === 'string' ? valuesIn(value, input.multiple) : [])
          args.push(...(stands.option === null ? [] : [stands.option]), one)
      }
      return { values: { named, args, secrets: held, paths }, blocked: found.state() }
    },
  }
}

const textOf = (part: string | Secret): string => (part instanceof Secret ? part.reveal() : part)

const unreadable = (name: string): UpstreamState => ({
  status: 'failed',
  code: 'credential.unreadable',
  message: `its secret ${name} cannot be read; give it again`,
  retryAt: null,
})

interface Findings {
  missing(name: string): void
  blocks(state: UpstreamState): void
  /** What is missing comes first: it is a person who can help. */
  state(): UpstreamState | null
}

function createFindings(): Findings {
  const names = new Set<string>()
  let first: UpstreamState | null = null
  return {
    missing: (name) => void names.add(name),
    blocks(state) {
      first ??= state
    },
    state: () => (names.size > 0 ? { status: 'needs_input', missing: [...names] } : first),
  }
}

const pathsIn = ({ id, type, multiple }: ServerInput, value: string): GivenPath[] =>
  type === 'file' || type === 'folder' ? valuesIn(value, multiple).map((path) => ({ id, type, path })) : []
