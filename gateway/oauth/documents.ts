// Documents of servers and authorization servers, of which nothing can be taken for granted.

/** Whether it is said to be JSON. A page that happens to be an object of JSON is nobody's statement. */
export const isJson = (response: Response): boolean =>
  /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(response.headers.get('content-type')?.trim() ?? '')

/** A document of JSON as an object; null for anything else that a server may answer with. */
export async function jsonOf(response: Response): Promise<Readonly<Record<string, unknown>> | null> {
  if (!isJson(response)) return null
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(await response.bytes()),
    )
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

/** The texts of an array of texts; null when it is none. */
export const textsOf = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.length <= 1000 && value.every((one) => typeof one === 'string') ? value : null
