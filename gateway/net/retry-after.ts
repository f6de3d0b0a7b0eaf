const LONGEST_RETRY_AFTER = 300_000

/** `Retry-After` in milliseconds, at most five minutes; null when absent or unreadable (RFC 9110 section 10.2.3). */
export function retryAfterOf(response: Response, now: number): number | null {
  const text = response.headers.get('retry-after')?.trim() ?? ''
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : dateOf(text) - now
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER) : null
}

/** An HTTP date begins with a day of the week; a parser takes much else for a date, "-40" for one. */
const dateOf = (text: string): number => (/^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN)
