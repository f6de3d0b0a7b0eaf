// Where authorization servers send the browser back to: an address of the first door. It is open to every page and program,
// so it says the same to all of them, and what it was sent is looked at elsewhere.
import { GatewayError } from '../errors'
import { page } from '../web/page'
import { redirectReply, wrongMethodReply } from '../web/replies'

export const CALLBACK_PATH = '/oauth/callback'
/** Where the browser goes on to, so that no code stays in its history. */
export const ANSWERED_PATH = '/oauth/answered'

/** Where the first door is. */
export interface Listening {
  port: number
  addresses: readonly string[]
}

/**
 * The redirect address, on the host a person chose, or on the one that is there. Throws `oauth.interrupted` while nothing
 * listens.
 */
export function callbackAddress(wanted: string, listening: Listening | null): string {
  if (!listening) throw new GatewayError('oauth.interrupted', 'McpMux is only starting')
  const host = wanted === 'localhost' || listening.addresses.includes('127.0.0.1') ? wanted : '[::1]'
  return new URL(`http://${host}:${listening.port}${CALLBACK_PATH}`).href
}

/** The callback on the origins of one listening socket. */
export interface CallbackDoor {
  /** The handler of this whole address, without its query; null when nothing is there. */
  at(address: string): ((request: Request) => Response) | null
}

const answeredPage = (): Response =>
  page(
    'Back to McpMux',
    `<p>McpMux looks at what came back, and says how the sign-in went: in its window, or in the terminal where it began.</p>
<p>This page can be closed.</p>`,
  )

/** `receive` takes whole addresses, and throws nothing. */
export function createCallbackDoors(
  receive: (address: string) => void,
): (hosts: readonly string[]) => CallbackDoor {
  const places: Readonly<Record<string, (request: Request) => Response>> = {
    [CALLBACK_PATH](request) {
      receive(request.url)
      return redirectReply(ANSWERED_PATH)
    },
    [ANSWERED_PATH]: answeredPage,
  }
  return (hosts) => {
    const handlers = new Map<string, (request: Request) => Response>(
      hosts.flatMap((host) =>
        Object.entries(places).map(([path, handle]) => [`http://${host}${path}`, handle] as const),
      ),
    )
    return {
      at(address) {
        const handle = handlers.get(address)
        if (!handle) return null
        return (request) => (request.method === 'GET' ? handle(request) : wrongMethodReply('GET'))
      },
    }
  }
}
