import type { Contents, Shown } from './contents'
import type { FeatureView } from './feature-view'
import type { PreparedServer } from './prepare'
import type { Policy } from './resolve'
import type { UriTemplate } from './uri-template'
import { comparableUri, looksWrapped, unwrapUri, wrapUri } from './uris'

interface TemplateRoute {
  server: PreparedServer
  template: UriTemplate
  wrapped: boolean
}

/** Finds the server of a URI and the URI of a server, within one view. */
export type ResourceRoutes = Pick<FeatureView, 'route' | 'exposedUri' | 'rewritesUris'>

/**
 * An exact resource comes first, then the most specific template. A template opens nothing the policy closed: a
 * resource its server lists but the view does not show, and whatever an exclude names, stay unknown.
 */
export function createResourceRoutes(contents: Contents, policy: Policy): ResourceRoutes {
  const exact = new Map(contents.resources.map((item) => [item.shown.exposedName, item]))
  const exposed = new Map<string, string>()
  const rewritten = new Set<string>()
  for (const { server, shown, wrapped } of [...contents.resources, ...contents.templates]) {
    exposed.set(`${server.server.id} ${shown.feature.name}`, shown.exposedName)
    if (wrapped) rewritten.add(server.server.id)
  }
  const templates = contents.templates
    .flatMap((item) => templateRoute(item))
    .sort((a, b) => b.template.specificity - a.template.specificity)
  // Made when the first template is asked: normalising every URI of a server is no work for a tool call.
  let closed: Map<string, Set<string>> | null = null

  const mayExpand = ({ server: { server } }: TemplateRoute, uri: string): boolean => {
    const hidden = (closed ??= closedUris(contents, exposed)).get(server.id)
    return [uri, comparableUri(uri)].every(
      (name) =>
        !hidden?.has(name) && !policy.excludes(server.alias, { serverId: server.id, kind: 'resource', name }),
    )
  }

  const route: ResourceRoutes['route'] = (uri) => {
    const known = exact.get(uri)
    if (known) return { serverId: known.server.server.id, uri: known.shown.feature.name }
    // It was one server's until another came to offer it too; whose is meant now cannot be told.
    if (contents.contested.has(uri)) return null
    const inWrappedForm = looksWrapped(uri)
    let best: { candidate: TemplateRoute; original: string } | null = null
    for (const candidate of templates) {
      if (best && candidate.template.specificity < best.candidate.template.specificity) break
      if (candidate.wrapped !== inWrappedForm || !candidate.template.matches(uri)) continue
      const original = inWrappedForm ? unwrapUri(candidate.server.label, uri) : uri
      if (original === null || !mayExpand(candidate, original)) continue
      if (best && best.candidate.server !== candidate.server) return null
      best ??= { candidate, original }
    }
    return best && { serverId: best.candidate.server.server.id, uri: best.original }
  }

  return {
    route,
    rewritesUris: (serverId) => rewritten.has(serverId),
    exposedUri(serverId, uri) {
      const known = exposed.get(`${serverId} ${uri}`)
      if (known !== undefined) return known
      const owner = templates.find(({ server }) => server.server.id === serverId)
      if (!owner) return null
      for (const form of [uri, wrapUri(owner.server.label, uri)]) {
        const target = route(form)
        if (target?.serverId === serverId && target.uri === uri) return form
      }
      return null
    },
  }
}

function templateRoute({ server, entry, wrapped }: Shown): TemplateRoute[] {
  const template = entry.template(wrapped)
  return template ? [{ server, template, wrapped }] : []
}

/** Per server with visible templates: the URIs it lists that this view does not show. */
function closedUris(contents: Contents, exposed: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const closed = new Map<string, Set<string>>()
  for (const { server } of contents.templates) {
    const { id } = server.server
    if (closed.has(id)) continue
    const uris = new Set<string>()
    for (const { plain } of server.entries.resource) {
      const { name } = plain.feature
      if (!exposed.has(`${id} ${name}`)) uris.add(name).add(comparableUri(name))
    }
    closed.set(id, uris)
  }
  return closed
}
