import { Elysia, sse } from 'elysia'
import type { LineFilter } from '../domain/log'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, LogQuery, LogStreamQuery, ServerLogQuery } from './schemas'

/** Lines that are given when nobody says how many. */
const SOME = 200

interface Wanted extends LineFilter {
  limit?: number | undefined
}

const query = ({ level, source, since, limit = SOME }: Wanted) => ({ level, source, since, limit })

/** What was written down, as it is and as it comes. Secrets are not in it: they were taken out before. */
export const logRoutes = ({ logs, servers }: Pick<AdminDeps, 'logs' | 'servers'>) =>
  new Elysia({ normalize: false })
    .use(
      resource('/servers').get(
        '/:id/logs',
        ({ params, query: wanted }) =>
          logs.read({ ...query(wanted), of: { server: servers.get(params.id).id } }),
        { params: IdParams, query: ServerLogQuery },
      ),
    )
    .use(
      resource('/logs')
        .get('/', ({ query: wanted }) => logs.read({ ...query(wanted), of: wanted.of ?? 'app' }), {
          query: LogQuery,
        })
        .get(
          '/stream',
          async function* ({ query: wanted, request }) {
            const { server, of = 'app' } = wanted
            const chosen = server === undefined ? of : { server: servers.get(server).id }
            // The answer begins with the first event, and the first line may be long in coming.
            yield sse({ event: 'start', data: {} })
            for await (const news of logs.follow({ ...query(wanted), of: chosen }, request.signal))
              yield sse(news)
          },
          { query: LogStreamQuery },
        ),
    )
