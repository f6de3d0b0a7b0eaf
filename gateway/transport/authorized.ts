import { toGatewayError } from '../errors'
import { discard } from '../net/body'
import type { Secret } from '../secrets/secret'
import { type Authorization, type Needed, SignInNeededError } from './authorization'

/** Sends one request, with this token or without one. */
export type Attempt = (token: Secret | null) => Promise<Response>

/** One request of a server with a sign-in, which is sent once more when a new token is what it lacks. */
export class AuthorizedRequest {
  readonly #authorization: Authorization | null
  readonly #url: URL
  readonly #attempt: Attempt
  readonly #onWait: ((waiting: boolean) => void) | null
  #sent: Secret | null = null

  /** `onWait` is told when the request begins to wait for a token, and when it goes on; nothing was sent meanwhile. */
  constructor(
    authorization: Authorization | null,
    url: URL,
    attempt: Attempt,
    onWait: ((waiting: boolean) => void) | null = null,
  ) {
    this.#authorization = authorization
    this.#url = url
    this.#attempt = attempt
    this.#onWait = onWait
  }

  /** Rejects with `SignInNeededError` when only a person can help, and with what kept a token from being had. */
  send(): Promise<Response> {
    if (this.#authorization === null) return this.#attempt(null)
    try {
      const pass = this.#authorization.tokenFor(this.#url)
      return pass instanceof Promise ? this.#waited(pass).then(this.#with) : this.#with(pass)
    } catch (error) {
      return Promise.reject(toGatewayError(error))
    }
  }

  /** The response that counts: this one, or that to the same request with a new token. Rejects as `send`. */
  async settle(response: Response): Promise<Response> {
    const authorization = this.#authorization
    if (authorization === null || !isRefusal(response)) return response
    await this.#refused(authorization, response, false)
    const second = await this.send()
    if (!isRefusal(second)) return second
    await this.#refused(authorization, second, true)
    throw new SignInNeededError('refused', authorization.command)
  }

  /** Sends, and settles. */
  async response(): Promise<Response> {
    return this.settle(await this.send())
  }

  readonly #with = (pass: Secret | Needed | null): Promise<Response> => {
    if (pass !== null && 'need' in pass)
      return Promise.reject(new SignInNeededError(pass.need, this.#authorization?.command ?? ''))
    this.#sent = pass
    return this.#attempt(pass)
  }

  async #refused(authorization: Authorization, response: Response, again: boolean): Promise<void> {
    await discard(response)
    const needed = await this.#waited(
      authorization.refused({
        status: response.status === 403 ? 403 : 401,
        challenge: response.headers.get('www-authenticate'),
        sent: this.#sent,
        url: this.#url,
        again,
      }),
    )
    if (needed) throw new SignInNeededError(needed.need, authorization.command)
  }

  async #waited<T>(work: Promise<T>): Promise<T> {
    this.#onWait?.(true)
    try {
      return await work
    } finally {
      this.#onWait?.(false)
    }
  }
}

/** Whether a response may ask for another token: 401, and 403 with `insufficient_scope` (RFC 6750, section 3.1). */
const isRefusal = ({ status, headers }: Response): boolean =>
  status === 401 || (status === 403 && /insufficient_scope/i.test(headers.get('www-authenticate') ?? ''))
