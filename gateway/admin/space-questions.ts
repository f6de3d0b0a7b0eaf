import type { SpaceQuestion } from '../session/space-questions'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing, SpaceChoice } from './schemas'

/** A question with the name a person knows the client by. */
export interface SpaceQuestionView extends SpaceQuestion {
  client: string
}

/** Clients that wait to be told in which Space they work. The id is the client's. */
export function spaceQuestionRoutes({ questions, clients, spaces, record }: AdminDeps) {
  return resource('/space-questions')
    .get('/', (): SpaceQuestionView[] =>
      questions.open().map((question) => ({ ...question, client: clients.get(question.clientId).name })),
    )
    .post(
      '/:id',
      ({ params, body, request }) => {
        const client = clients.get(params.id)
        const space = spaces.get(body.spaceId)
        questions.choose(client.id, space.id)
        record(request, {
          action: 'client.placed',
          clientId: client.id,
          spaceId: space.id,
          subject: client.name,
          detail: { space: space.name },
        })
        return { client, space }
      },
      { params: IdParams, body: SpaceChoice },
    )
    .delete(
      '/:id',
      ({ params, request }) => {
        const client = clients.get(params.id)
        questions.refuse(client.id)
        record(request, {
          action: 'client.placed',
          clientId: client.id,
          subject: client.name,
          detail: { refused: true },
        })
        return { refused: client.id }
      },
      { params: IdParams, body: Nothing },
    )
}
