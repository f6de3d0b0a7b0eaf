// Answers of the first door to a browser and to programs beside it, with the headers all of them carry.

const guarded = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
} as const

const nothing = "default-src 'none'; frame-ancestors 'none'"

/** A complete JSON document. */
export const jsonReply = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { ...guarded, 'Content-Security-Policy': nothing, 'Content-Type': 'application/json' },
  })

/** The answer to what was done and has nothing to say. */
export const doneReply = (): Response =>
  new Response(null, { status: 200, headers: { ...guarded, 'Content-Security-Policy': nothing } })

/** A page. `style` is the hash of its one style sheet. */
export const pageReply = (html: string, style: string, status: number): Response =>
  new Response(html, {
    status,
    headers: {
      ...guarded,
      'Content-Security-Policy': `default-src 'none'; style-src '${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'X-Frame-Options': 'DENY',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Content-Type': 'text/html; charset=utf-8',
    },
  })

/** Sends the browser on, with a cookie or none. */
export function redirectReply(to: string, cookie: string | null = null): Response {
  const headers = new Headers({ ...guarded, 'Content-Security-Policy': nothing, Location: to })
  if (cookie !== null) headers.set('Set-Cookie', cookie)
  return new Response(null, { status: 303, headers })
}

export const wrongMethodReply = (allowed: string): Response =>
  new Response(null, {
    status: 405,
    headers: { ...guarded, 'Content-Security-Policy': nothing, Connection: 'close', Allow: allowed },
  })
