import type { Server } from './server'
import type { Space } from './space'
import { visibleText, visibleWord } from './visible-text'

/** How a command line names a server, as it can be typed. */
export interface CalledWords {
  /** What stands for SERVER, with `--space` behind it where that is needed. */
  words: string
  /** ` --space S` for other commands about the same Space; empty for the active one, which they look into. */
  space: string
}

export type Called = (server: Pick<Server, 'id' | 'alias' | 'name' | 'spaceId'>) => CalledWords

export interface CalledDeps {
  spaces: { active(): Pick<Space, 'id'>; get(id: string): Pick<Space, 'name'> }
  servers: { list(spaceId: string): readonly Pick<Server, 'alias'>[] }
}

/** Names servers by alias or name, and those outside the active Space with their Space. */
export function createCalled({ spaces, servers }: CalledDeps): Called {
  return ({ id, alias, name, spaceId }) => {
    // An alias is looked for first.
    const isOfAnother = !alias && servers.list(spaceId).some((other) => other.alias === name)
    const word = isOfAnother ? id : typed(alias || name, id)
    const isActive = spaces.active().id === spaceId
    const space = isActive ? '' : ` --space ${typed(spaces.get(spaceId).name, spaceId)}`
    return { words: `${word}${space}`, space }
  }
}

/** A name that is shown otherwise than it is written would not be found, and one like an option not taken; its id is. */
const typed = (name: string, id: string): string =>
  visibleText(name) === name && !name.includes("'") && !name.startsWith('-') ? visibleWord(name) : id
