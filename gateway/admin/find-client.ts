import type { Client } from '../domain/client'
import { GatewayError } from '../errors'
import type { ClientStore } from '../store/clients'

/** The client of that name in any case, else of that id. Throws `client.unknown` with what was wanted, for a person. */
export function findClient(clients: Pick<ClientStore, 'findByName' | 'list'>, wanted: string): Client {
  const found = clients.findByName(wanted) ?? clients.list().find(({ id }) => id === wanted)
  if (!found) throw new GatewayError('client.unknown', wanted)
  return found
}
