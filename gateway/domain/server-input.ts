/** What a value must be. Booleans are `true` or `false`, files and folders absolute paths. */
export const inputTypes = ['text', 'number', 'boolean', 'url', 'choice', 'file', 'folder'] as const
export type InputType = (typeof inputTypes)[number]

/**
 * A named value a definition refers to. Members that are not there stand for: a text, required, one value. Title,
 * description and choices may come from others, and are not safe for a terminal.
 */
export interface ServerInput {
  id: string
  /** A secret is a text, and never leaves the process that holds it. */
  secret: boolean
  /** The stored value of a non-secret input; null when secret or not set. */
  value: string | null
  type?: InputType
  title?: string
  description?: string
  /** `false`: without a value, what refers to it is left out. */
  required?: boolean
  /** Stands for a value that is not set. */
  default?: string
  /** What a value of type `choice` is one of. */
  choices?: readonly string[]
  /** Bounds of a number. */
  min?: number
  max?: number
  /** Several values, one on each line: an argument for each. */
  multiple?: boolean
}

/** The value a non-secret input has; null for none. */
export const valueOf = ({
  value,
  default: otherwise,
}: Pick<ServerInput, 'value' | 'default'>): string | null => value ?? otherwise ?? null

/** The values of an input that may have several. An empty text is no value then. */
export const valuesIn = (value: string, multiple: boolean | undefined): string[] =>
  multiple ? value.split('\n').filter((one) => one !== '') : [value]

type Form = Pick<ServerInput, 'type' | 'choices' | 'min' | 'max' | 'multiple'>

/** What is wrong with a value for an input, in words that do not repeat it; null for nothing. */
export function inputProblem(input: Form, value: string): string | null {
  if (value.includes('\0')) return 'must not have a NUL'
  for (const one of valuesIn(value, input.multiple)) {
    const problem = problemOfOne(input, one)
    if (problem !== null) return problem
  }
  return null
}

function problemOfOne({ type = 'text', choices = [], min, max }: Form, value: string): string | null {
  switch (type) {
    case 'text':
      return null
    case 'number': {
      const number = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
      if (!Number.isFinite(number)) return 'must be a number'
      if (min !== undefined && number < min) return `must be ${min} or more`
      return max !== undefined && number > max ? `must be ${max} or less` : null
    }
    case 'boolean':
      return value === 'true' || value === 'false' ? null : 'must be true or false'
    case 'url':
      return urlProblem(value)
    case 'choice':
      return choices.includes(value) ? null : 'must be one of its choices'
    case 'file':
    case 'folder':
      if (/\p{Cc}/u.test(value)) return 'must not have control characters'
      return /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(value) ? null : 'must be an absolute path'
  }
}

function urlProblem(value: string): string | null {
  // A parser takes line breaks and spaces out of an address, and what it is given to would not.
  if (!/^https?:\/\/[^\s\p{Cc}]+$/iu.test(value) || !URL.canParse(value))
    return 'must be an address that starts with http:// or https://'
  const { username, password } = new URL(value)
  return username === '' && password === '' ? null : 'must not carry a user name or password'
}

/** What is wrong with an input as it is declared; null for nothing. */
export function declarationProblem(input: ServerInput): string | null {
  const { secret, type = 'text', choices, min, max } = input
  if (secret && (type !== 'text' || choices || input.default !== undefined || input.multiple))
    return 'is secret, so it can only be a text'
  if ((type === 'choice') !== (choices !== undefined && choices.length > 0))
    return 'has choices if, and only if, it is of type choice'
  if (new Set(choices).size !== (choices?.length ?? 0)) return 'has a choice twice'
  if (type !== 'number' && (min !== undefined || max !== undefined)) return 'has bounds, but is no number'
  if (min !== undefined && max !== undefined && min > max) return 'has bounds that nothing is between'
  const { default: otherwise, value } = input
  const problem = otherwise === undefined ? null : inputProblem(input, otherwise)
  if (problem !== null) return `has a default that does not fit: it ${problem}`
  return secret || value === null ? null : inputProblem(input, value)
}
