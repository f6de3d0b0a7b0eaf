// Migrations are imported as text, so that a compiled binary carries them.
declare module '*.sql' {
  const text: string
  export default text
}

// The package has no types of its own; this is what the tests use of it.
declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  interface Client {
    grantTypeAllowed(type: string): boolean
  }
  interface Context {
    path: string
    status: number
    oidc?: { params?: Record<string, unknown> }
  }
  interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
  export interface Configuration {
    features: {
      resourceIndicators: {
        getResourceServerInfo(context: Context, indicator: string): object
        [option: string]: unknown
      }
      [feature: string]: object
    }
    issueRefreshToken(context: Context, client: Client): Promise<boolean>
    findAccount(context: Context, accountId: string): object
    interactions: { url(context: Context, interaction: { uid: string }): string }
    [option: string]: unknown
  }
  export default class Provider {
    constructor(issuer: string, configuration: Configuration)
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void
    callback(): RequestListener
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ prompt: { name: string }; params: Record<string, unknown>; grantId?: string }>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
      options?: { mergeWithLastSubmission: boolean },
    ): Promise<void>
    Grant: {
      new (of: { accountId: string; clientId: string | undefined }): Grant
      find(id: string): Promise<Grant | undefined>
    }
  }
}
