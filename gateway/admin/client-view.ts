import { nowhere } from '../domain/space'
import { type AccessKey, type Client, counts, keyState } from '../domain/client'
import type { Grant } from '../domain/policy'
import type { SignIn } from '../domain/sign-in'
import type { AdminDeps, SessionInfo } from './deps'

/** A client with what follows from its grants now. Of keys it holds what is stored, never the key. */
export interface ClientView extends Client {
  grants: Grant[]
  keys: AccessKey[]
  /** What it came by without a key; the ended ones too. */
  signIns: SignIn[]
  /** The Space it works in now; null while it is to be told one. */
  spaceNow: string | null
  /** Name of that Space, '' for none. */
  space: string
  /** Names of the Feature Sets it may use there. */
  sets: string[]
  /** False when nothing covers that Space: then it sees nothing. */
  seesSomething: boolean
  /** Open sessions. What they say of themselves proves nothing. */
  sessions: SessionInfo[]
  /** What keeps it from working, or soon will; null for nothing. */
  remark: string | null
}

type Deps = Pick<
  AdminDeps,
  'clients' | 'keys' | 'signIns' | 'spaces' | 'sets' | 'info' | 'runtime' | 'spaceOf' | 'questions'
>

/** The end of a key is told so long in advance. */
const SOON_MS = 7 * 86_400_000

/** What a person should know of the keys of a client before it hurts. */
function keyRemark(keys: readonly AccessKey[], now: number): string | null {
  if (keys.length === 0) return null
  const live = keys.filter((key) => counts(keyState(key, now)))
  if (live.length === 0) return 'has no key that counts'
  const last = Math.max(...live.map(({ expiresAt }) => expiresAt ?? Infinity))
  if (last > now + SOON_MS) return null
  return `has no key that counts after ${new Date(last).toISOString().slice(0, 16)}Z; rotate it`
}

export function clientView(client: Client, deps: Deps): ClientView {
  const { clients, spaces, sets } = deps
  const spaceNow = deps.spaceOf(client.id)
  const here = spaceNow === nowhere ? null : spaces.get(spaceNow)
  const grants = clients.grants(client.id)
  const keys = deps.keys.list(client.id)
  const granted = grants.filter((grant) => grant.spaceId === here?.id)
  const signIns = deps.signIns.list(client.id)
  const signedIn = signIns.some(({ revokedAt }) => revokedAt === null)
  const setIds = new Set(granted.map(({ setId }) => setId))
  if (client.everywhere && here) setIds.add(here.defaultSetId)
  const seesSomething = setIds.size > 0
  return {
    ...client,
    grants,
    keys,
    signIns,
    spaceNow: here?.id ?? null,
    space: here?.name ?? '',
    sets: [...setIds].map((setId) => sets.get(setId).name),
    seesSomething,
    sessions: deps.info().sessions.filter(({ clientId }) => clientId === client.id),
    remark: remarkOf(),
  }

  function remarkOf(): string | null {
    if (deps.questions.open().some(({ clientId }) => clientId === client.id))
      return 'waits to be told its Space; say "mcpmux space choose CLIENT SPACE"'
    if (here && !seesSomething) return `has no grant in Space ${here.name} and sees nothing there`
    return signedIn ? null : keyRemark(keys, deps.runtime.now())
  }
}
