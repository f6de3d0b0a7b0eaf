import type { Client } from '../domain/client'
import type { Approval } from '../domain/sign-in'
import { ApprovalParams, DecisionBody } from './approval-schemas'
import { type ClientView, clientView } from './client-view'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { Nothing } from './schemas'

/** An applicant that waits, with what a person should know before the decision. */
export interface ApprovalView extends Approval {
  /** The Client it was approved as before, which it will be again. */
  client: { id: string; name: string } | null
  /** Another Client that has the name this one claims: the name proves nothing. */
  namesake: { id: string; name: string } | null
  /** The host of the document that describes it, which is all that was checked; null for one that described itself. */
  documentHost: string | null
}

const brief = (client: Client | null | undefined): { id: string; name: string } | null =>
  client ? { id: client.id, name: client.name } : null

function approvalView(approval: Approval, { clients }: Pick<AdminDeps, 'clients'>): ApprovalView {
  const client = clients.list().find(({ id }) => id === approval.clientId)
  const namesake = clients.findByName(approval.name)
  return {
    ...approval,
    client: brief(client),
    namesake: namesake?.id === client?.id ? null : brief(namesake),
    documentHost: approval.kind === 'document' ? new URL(approval.applicantId).host : null,
  }
}

/** Those that wait now, oldest first. */
export const approvalViews = (deps: Pick<AdminDeps, 'clients' | 'decisions'>): ApprovalView[] =>
  deps.decisions.list().map((approval) => approvalView(approval, deps))

/** What an approval made of the applicant. */
export interface Approved {
  approval: Approval
  client: ClientView
}

const about = ({ code, receiver, applicantId }: Approval) => ({ code, receiver, applicant: applicantId })

/** Clients that ask to sign in: seen, approved and denied by a person. */
export const approvalRoutes = (deps: AdminDeps) =>
  resource('/approvals')
    .get('/', () => approvalViews(deps))
    .post(
      '/:id/approve',
      ({ params, body, request }): Approved => {
        const { approval, client } = deps.decisions.approve(params.id, body)
        deps.record(request, {
          action: 'signin.approved',
          clientId: client.id,
          subject: client.name,
          detail: { ...about(approval), ...body },
        })
        return { approval, client: clientView(client, deps) }
      },
      { params: ApprovalParams, body: DecisionBody },
    )
    .post(
      '/:id/deny',
      ({ params, request }) => {
        const denied = deps.decisions.deny(params.id)
        deps.record(request, { action: 'signin.denied', subject: denied.name, detail: about(denied) })
        return { denied }
      },
      { params: ApprovalParams, body: Nothing },
    )
