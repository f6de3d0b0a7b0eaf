import { inputTypes, type ServerInput } from '../domain/server-input'
import type { Params } from './database'

/** A row of `server_inputs`. */
export interface InputRow {
  server_id: string
  id: string
  secret: number
  value: string | null
  type: string
  title: string | null
  description: string | null
  required: number
  default_value: string | null
  choices: string | null
  minimum: number | null
  maximum: number | null
  multiple: number
}

/** The columns that `inputParams` fills, after `server_id` and before `position`. */
export const inputColumns =
  'id, secret, value, type, title, description, required, default_value, choices, minimum, maximum, multiple'

/** What a row says. Members that say what is usual are left out, as in `ServerInput`. */
export function inputOf(row: InputRow): ServerInput {
  const type = inputTypes.find((one) => one === row.type) ?? 'text'
  const choices = readChoices(row.choices)
  return {
    id: row.id,
    secret: row.secret === 1,
    value: row.value,
    ...(type === 'text' ? {} : { type }),
    ...(row.title === null ? {} : { title: row.title }),
    ...(row.description === null ? {} : { description: row.description }),
    ...(row.required === 1 ? {} : { required: false }),
    ...(row.default_value === null ? {} : { default: row.default_value }),
    ...(choices === null ? {} : { choices }),
    ...(row.minimum === null ? {} : { min: row.minimum }),
    ...(row.maximum === null ? {} : { max: row.maximum }),
    ...(row.multiple === 0 ? {} : { multiple: true }),
  }
}

/** The parameters that are named like `inputColumns`. */
export const inputParams = (input: ServerInput): Params => ({
  id: input.id,
  secret: Number(input.secret),
  value: input.value,
  type: input.type ?? 'text',
  title: input.title ?? null,
  description: input.description ?? null,
  required: Number(input.required ?? true),
  default_value: input.default ?? null,
  choices: input.choices ? JSON.stringify(input.choices) : null,
  minimum: input.min ?? null,
  maximum: input.max ?? null,
  multiple: Number(input.multiple ?? false),
})

/** Null when there are none, or what is stored is no list of texts. */
function readChoices(text: string | null): string[] | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null
  } catch {
    return null
  }
}
