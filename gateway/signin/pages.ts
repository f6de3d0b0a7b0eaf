// The pages of the sign-in of clients. They are fixed text but for four characters of ours.
import { page } from '../web/page'

/** Shown until a person decided. `code` is of `[A-Z0-9]` only. */
export const waitingPage = (code: string): Response =>
  page(
    'A program wants to use McpMux',
    `<p>Approve it in the window of McpMux, or in a terminal:</p>
<p><kbd>mcpmux approve ${code}</kbd></p>
<p>McpMux shows who asks. Approve only if it shows these four characters, and if it was you who began this:</p>
<p class="code" role="status">${code}</p>
<p>This page goes on by itself.</p>`,
    { again: true },
  )

/** The answer went to the program already. */
export const donePage = (): Response =>
  page('Done', '<p>The program has its answer. This page can be closed.</p>')

/** For a browser that is not the one that began, and for what is over. */
export const strangerPage = (): Response =>
  page(
    'Nothing waits here',
    '<p>This sign-in is over, or was begun in another browser. Begin again in your program.</p>',
    { status: 404 },
  )

/** Why a request is not even waited for. */
export type Refusal = 'client' | 'redirect' | 'request' | 'busy' | 'document'

const refusals: Record<Refusal, { status: number; text: string }> = {
  client: {
    status: 400,
    text: 'The program is not registered here, or its registration ran out. Sign out of McpMux in the program, if it can do that, and sign in again.',
  },
  redirect: {
    status: 400,
    text: 'The program wants its answer sent to an address it did not register, or that is not on this computer.',
  },
  request: { status: 400, text: 'The request of the program is not complete, or not one a sign-in has.' },
  busy: {
    status: 503,
    text: 'Too many programs wait for an approval. See them with "mcpmux approve --list", deny what you do not know, and begin again.',
  },
  document: {
    status: 400,
    text: 'The program is described by a document on the internet, and that could not be read, does not fit, or is not to be fetched (the setting auth.client_documents).',
  },
}

export const refusalPage = (why: Refusal): Response =>
  page('This sign-in cannot go on', `<p>${refusals[why].text}</p>`, { status: refusals[why].status })
