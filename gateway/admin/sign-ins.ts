import { GatewayError } from '../errors'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing } from './schemas'

/** Sign-ins of clients: seen and ended. They begin at the first door. */
export const signInRoutes = ({ signIns, endSignIn, clients, record }: AdminDeps) =>
  resource('/sign-ins')
    .get('/', () => signIns.list())
    .delete(
      '/:id',
      ({ params, request }) => {
        const signIn = signIns.get(params.id)
        if (!signIn || !endSignIn(params.id)) throw new GatewayError('signin.unknown')
        const { id: clientId, name } = clients.get(signIn.clientId)
        record(request, { action: 'signin.revoked', clientId, subject: name, detail: { signIn: params.id } })
        return { revoked: params.id }
      },
      { params: IdParams, body: Nothing },
    )
