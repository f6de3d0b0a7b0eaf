import type { Client } from '../domain/client'
import type { Approval, Decision } from '../domain/sign-in'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { ApplicantStore } from '../store/applicants'
import type { ClientStore } from '../store/clients'
import type { Database } from '../store/database'
import type { FeatureSetStore } from '../store/feature-sets'
import type { SpaceStore } from '../store/spaces'
import type { Approvals } from './approvals'

/** What a person does with those who wait. */
export interface Decisions {
  list(): Approval[]
  /** Makes the applicant a Client, or finds the one it is. Throws `approval.unknown`, and what names nothing throws. */
  approve(idOrCode: string, decision: Decision): { approval: Approval; client: Client }
  /** Throws `approval.unknown`. */
  deny(idOrCode: string): Approval
}

export function createDecisions(deps: {
  approvals: Approvals
  applicants: ApplicantStore
  clients: ClientStore
  spaces: SpaceStore
  sets: FeatureSetStore
  db: Pick<Database, 'transaction'>
  events: EventBus
}): Decisions {
  const { approvals, applicants, clients, spaces, sets, events } = deps

  const byId = (id: string | null): Client | null => clients.list().find((client) => client.id === id) ?? null

  function named(nameOrId: string): Client {
    const found = byId(nameOrId) ?? clients.findByName(nameOrId)
    if (!found) throw new GatewayError('client.unknown', nameOrId)
    return found
  }

  /** The name is a claim: that of another Client is not taken by it. */
  function freeName(name: string): string {
    for (let number = 1; ; number += 1) {
      const tried = number === 1 ? name : `${name} ${number}`
      if (!clients.findByName(tried)) return tried
    }
  }

  /** The rights that were chosen, in place of those the Client has where they are about. */
  function assign(client: Client, { space, set, everywhere }: Decision): Client {
    if (everywhere) {
      if (space !== undefined || set !== undefined)
        throw new GatewayError('input.invalid', 'everywhere stands alone: it has no Space and no set')
      return clients.update(client.id, { spaceId: null, everywhere: true })
    }
    const target = space === undefined ? spaces.active() : spaces.find(space)
    const setId = set === undefined ? target.defaultSetId : sets.find(target.id, set).id
    for (const grant of clients.grants(client.id))
      if (grant.spaceId === target.id && grant.setId !== setId) clients.revokeGrant(grant)
    clients.grant({ clientId: client.id, spaceId: target.id, setId })
    return clients.update(client.id, { spaceId: target.id, everywhere: false })
  }

  return {
    list: approvals.list,
    approve(idOrCode, decision) {
      const approval = approvals.find(idOrCode)
      const { space, set, everywhere } = decision
      const client = deps.db.transaction(() => {
        const known = decision.client === undefined ? byId(approval.clientId) : named(decision.client)
        const keeps = known !== null && space === undefined && set === undefined && everywhere !== true
        const client = known ?? clients.create({ name: freeName(approval.name), spaceId: null })
        // It may have been forgotten while it waited, or never was stored.
        applicants.put(approvals.applicantOf(approval.id))
        applicants.assign(approval.applicantId, client.id)
        return keeps ? client : assign(client, decision)
      })
      approvals.approve(approval.id, client.id)
      events.emit('client.changed', { clientId: client.id })
      events.emit('policy.changed', { spaceId: null, clientId: client.id })
      return { approval, client }
    },
    deny(idOrCode) {
      const approval = approvals.find(idOrCode)
      approvals.deny(approval.id)
      return approval
    },
  }
}
