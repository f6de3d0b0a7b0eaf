import type { VaultView } from '../admin/vault-view'
import { safe } from './output'

/** The vault in one or two lines, for `status` too. */
export function vaultLines({ what, todo }: VaultView): string[] {
  return [`vault     ${safe(what)}`, ...(todo === null ? [] : [`          ${safe(todo)}`])]
}
