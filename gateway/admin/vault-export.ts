import { createHash } from 'node:crypto'
import type { Server } from '../domain/server'
import { Secret } from '../secrets/secret'
import { definitionText } from '../store/definition'
import type { AdminDeps } from './deps'

/** What an export says of the values in it: whose they are here, and each as it is stored, still sealed. */
export interface ExportBody {
  servers: { id: string; name: string; alias: string; spaceId: string; digest: string }[]
  spaces: { id: string; name: string }[]
  rows: ExportedValue[]
}

export interface ExportedValue {
  table: string
  columns: Readonly<Record<string, string | number | null>>
  place: { table: string; column: string; row: string; space: string }
  /** Base64; null where nothing is sealed. */
  envelope: string | null
}

/** Tells a definition from every other. */
export const definitionDigest = ({ definition }: Pick<Server, 'definition'>): string =>
  createHash('sha256').update(definitionText(definition)).digest('hex')

function collect({ servers, spaces, exportedRows }: AdminDeps): ExportBody {
  return {
    servers: servers.list().map((server) => {
      const { id, name, alias, spaceId } = server
      return { id, name, alias, spaceId, digest: definitionDigest(server) }
    }),
    spaces: spaces.list().map(({ id, name }) => ({ id, name })),
    rows: exportedRows.all().map(({ table, columns, place, envelope }) => ({
      ...{ table, columns, place },
      envelope: envelope && Buffer.from(envelope).toString('base64'),
    })),
  }
}

/** The vault under a passphrase, as the text of a file. */
export async function exportVault(
  deps: AdminDeps,
  request: Request,
  { passphrase }: { passphrase: string },
): Promise<{ file: string; values: number }> {
  let values = 0
  const file = await deps.vault.export(new Secret(passphrase), () => {
    const body = collect(deps)
    values = body.rows.length
    return JSON.stringify(body)
  })
  deps.record(request, { action: 'vault.exported', detail: { values } })
  return { file, values }
}
