import type { AdminDeps } from './deps'
import { resource } from './resource'
import { Nothing } from './schemas'

/** Ends the gateway: the answer leaves first, then everything drains and stops. */
export const quitRoutes = ({ quit, info }: Pick<AdminDeps, 'quit' | 'info'>) =>
  resource('/quit').post(
    '/',
    () => {
      quit()
      return { stopping: info().pid }
    },
    { body: Nothing },
  )
