// References in the texts of a definition, to what is filled in when a server is started: `${input:ID}`, `${env:NAME}`,
// `${secret:NAME}` and `${basic:USER:PASSWORD}`. What is filled in is never looked into again.
import type { Definition, InputText } from './server'

/** A piece of a text. `basic` stands for the credentials of Basic authentication (RFC 7617), out of two inputs. */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'input'; id: string }
  | { kind: 'env'; name: string }
  | { kind: 'secret'; name: string }
  | { kind: 'basic'; user: string; password: string }

const reference = /\$\{(input|env|secret|basic):([^}]*)\}/g
const begins = /\$\{(input|env|secret|basic):/
const environmentName = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/

/** How the secrets of a Space may be called. */
export const isSecretName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)

function pieceOf(kind: string, name: string): Piece | null {
  if (name === '' || name.includes('\0')) return null
  if (kind === 'input') return { kind, id: name }
  if (kind === 'env') return environmentName.test(name) ? { kind, name } : null
  if (kind === 'secret') return isSecretName(name) ? { kind, name } : null
  const [user, ...rest] = name.split(':')
  const password = rest.join(':')
  return user && password ? { kind: 'basic', user, password } : null
}

/** The pieces of a text in order; null when it has something that looks like a reference and is none. */
export function piecesOf(text: InputText): Piece[] | null {
  const pieces: Piece[] = []
  let from = 0
  const literal = (to: number) => {
    if (to > from) pieces.push({ kind: 'text', text: text.slice(from, to) })
  }
  for (const found of text.matchAll(reference)) {
    const piece = pieceOf(found[1] ?? '', found[2] ?? '')
    if (!piece) return null
    literal(found.index)
    pieces.push(piece)
    from = found.index + found[0].length
  }
  literal(text.length)
  return pieces.some((piece) => piece.kind === 'text' && begins.test(piece.text)) ? null : pieces
}

/** Whether a text has a reference, or something that looks like one. */
export const refers = (text: string): boolean => begins.test(text)

/** The inputs a piece takes its value from. */
export const inputsOfPiece = (piece: Piece): string[] =>
  piece.kind === 'input' ? [piece.id] : piece.kind === 'basic' ? [piece.user, piece.password] : []

/** An argument that stands for an input: `${input:ID}` whole, or behind an option and one space, as two arguments. */
export interface InputArgument {
  id: string
  option: string | null
}

/** What an argument stands for; null for an argument that is its own text. */
export function inputArgument(argument: string): InputArgument | null {
  const [, option, id] = /^(?:(--?[A-Za-z0-9][A-Za-z0-9._-]*) )?\$\{input:([^}]+)\}$/.exec(argument) ?? []
  return id === undefined ? null : { id, option: option ?? null }
}

/** Environment (stdio) or headers (remote) of a definition: name to text. */
export const namedTexts = (definition: Definition): Readonly<Record<string, InputText>> =>
  definition.type === 'stdio' ? definition.env : definition.headers

/** Names of the variables and of the secrets of its Space that a definition refers to, each once. */
export function referredNames(definition: Definition): { env: string[]; secrets: string[] } {
  const pieces = Object.values(namedTexts(definition)).flatMap((text) => piecesOf(text) ?? [])
  const names = (kind: 'env' | 'secret') => [
    ...new Set(pieces.flatMap((piece) => (piece.kind === kind ? [piece.name] : []))),
  ]
  return { env: names('env'), secrets: names('secret') }
}
