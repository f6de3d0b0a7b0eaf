/** Where a client is that was not told a Space yet: an id no Space has, with nothing in it. */
export const nowhere = ''

/** An isolated set of servers, credentials and Feature Sets. */
export interface Space {
  id: string
  name: string
  icon: string | null
  position: number
  /** Feature Set a new client gets here. */
  defaultSetId: string
  createdAt: number
}
