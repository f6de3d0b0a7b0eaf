import type { Server } from './server'
import type { Space } from './space'
import { visibleText, visibleWord } from './visible-text'

/** The words that name a server on a command line, as they can be typed. */
export type Called = (server: Pick<Server, 'id' | 'alias' | 'name' | 'spaceId'>) => string

/** Names servers by alias or name, and those outside the active Space, which commands look into, with their Space. */
export function createCalled(spaces: { active(): Pick<Space, 'id'>; get(id: string): Space }): Called {
  return ({ id, alias, name, spaceId }) => {
    const word = typed(alias || name, id)
    if (spaces.active().id === spaceId) return word
    return `${word} --space ${typed(spaces.get(spaceId).name, spaceId)}`
  }
}

/** A name that is shown otherwise than it is written would not be found; its id is. */
const typed = (name: string, id: string): string =>
  visibleText(name) === name && !name.includes("'") ? visibleWord(name) : id
