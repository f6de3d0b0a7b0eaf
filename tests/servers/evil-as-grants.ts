// What an authorization server remembers: clients, codes, and families of tokens of which each refresh token is used once.

export interface RegisteredClient {
  id: string
  secret: string | null
  authMethod: string
  /** Null takes any. */
  redirectUris: readonly string[] | null
}

export interface Code {
  clientId: string
  redirectUri: string
  challenge: string
  resource: string
  scope: string
  used: string | null
}

export interface Family {
  id: string
  clientId: string
  resource: string
  scope: string
  access: Set<string>
  /** The newest is the only one that is good; an older one that comes back ends the family. */
  refresh: string[]
  revoked: boolean
}

export interface Tokens {
  access_token: string
  refresh_token: string
}

/** Every value that is secret starts with its kind, so that a test finds it anywhere. */
export const issue = (kind: 'code' | 'access' | 'refresh' | 'client' | 'secret'): string =>
  `${kind}-${crypto.randomUUID()}`

export class Grants {
  readonly clients = new Map<string, RegisteredClient>()
  readonly codes = new Map<string, Code>()
  readonly families = new Map<string, Family>()

  begin(code: Code): Family {
    const family: Family = {
      id: issue('client'),
      clientId: code.clientId,
      resource: code.resource,
      scope: code.scope,
      access: new Set(),
      refresh: [],
      revoked: false,
    }
    this.families.set(family.id, family)
    return family
  }

  /** New tokens of a family; the refresh token before is used up. */
  tokens(family: Family): Tokens {
    const tokens = this.unknown()
    family.access.add(tokens.access_token)
    family.refresh.push(tokens.refresh_token)
    return tokens
  }

  /** Tokens that are good nowhere. */
  unknown(): Tokens {
    return { access_token: issue('access'), refresh_token: issue('refresh') }
  }

  byAccess(token: string): Family | undefined {
    return [...this.families.values()].find(({ access, revoked }) => !revoked && access.has(token))
  }

  byRefresh(token: string): Family | undefined {
    return [...this.families.values()].find(({ refresh }) => refresh.includes(token))
  }

  /** Access tokens stop working; refresh tokens do not. */
  expireAccess(): void {
    for (const { access } of this.families.values()) access.clear()
  }
}
