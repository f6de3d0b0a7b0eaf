// A running gateway, servers that say what they were given, and the admin API to set them up.
import { join } from 'node:path'
import type { ServerView } from '../../gateway/admin/server-view'
import { controlOf } from './control'
import { repository } from './daemon'
import type { SourceDaemon } from './source-daemon'

export const givenProgram = join(repository, 'tests/servers/given-stdio.ts')

/** A definition of the stdio server. */
export const givenStdio = (env: Record<string, string>, args: string[] = []) => ({
  type: 'stdio',
  command: process.execPath,
  args: [givenProgram, ...args],
  env,
  cwd: null,
})

export interface GivenToStdio {
  args: string[]
  env: Record<string, string>
}

export function givenThrough(daemon: Pick<SourceDaemon, 'dataDir' | 'home' | 'fetch'>) {
  const control = controlOf(daemon)
  return {
    control,
    /** Status and body, whatever it is. */
    async ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
      const answer = await daemon.fetch(path, body ? { method, body: JSON.stringify(body) } : { method })
      return { status: answer.status, text: await answer.text() }
    },
    /** Adds an approved server to the active Space, or to another. */
    async add(
      name: string,
      definition: object,
      inputs: readonly object[] = [],
      spaceId?: string,
    ): Promise<ServerView> {
      const spaces = await control.get<{ id: string; active: boolean }[]>('/spaces')
      return control.send('POST', '/servers', {
        spaceId: spaceId ?? spaces.find(({ active }) => active)?.id,
        name,
        definition,
        inputs,
        source: 'cli',
        consent: { givenBy: 'cli' },
      })
    },
    server: (id: string) => control.get<ServerView>(`/servers/${id}`),
    /** What the server says it was given now. */
    async given<T>(id: string): Promise<T> {
      await control.send('POST', `/servers/${id}/connect`, {})
      const answer = await control.send<{ result: { content: { text: string }[] } }>(
        'POST',
        `/servers/${id}/call?tool=given`,
        {},
      )
      const text = answer.result.content[0]?.text
      if (text === undefined) throw new Error('no answer')
      return JSON.parse(text) as T
    },
  }
}
