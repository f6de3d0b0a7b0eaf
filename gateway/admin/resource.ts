import { Elysia } from 'elysia'
import { problems } from './schemas'

/**
 * The start of every resource. `normalize: false` makes closed objects refuse unknown fields instead of dropping
 * them; the guard lets typed clients know how failures look.
 */
export const resource = <const Prefix extends string>(prefix: Prefix) =>
  new Elysia({ prefix, normalize: false }).guard({ response: problems })
