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
