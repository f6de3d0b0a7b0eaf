import type { EventBus } from '../../gateway/events'
import type { Noticed } from '../../gateway/pins/notice'
import { createPins } from '../../gateway/pins/pins'
import type { openStores } from './temp-store'

/** Pins over real stores, and what they said. */
export function tempPins(stores: ReturnType<typeof openStores>, events: EventBus, keep = 2000) {
  const lines: string[] = []
  const noticed: Noticed[] = []
  const pins = createPins({
    store: stores.pinRows,
    catalog: stores.catalog,
    servers: stores.servers,
    db: stores.db,
    events,
    keep: () => keep,
    log: (_, line) => lines.push(line),
    record: (_, one) => noticed.push(one),
  })
  return { pins, lines, noticed }
}
