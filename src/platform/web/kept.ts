import type { IncomingMessage, ServerResponse } from 'node:http'

/** A whole answer as it goes over the line. */
type Answer = { readonly until: number; readonly route: string; readonly head: readonly string[]; readonly body: Buffer }

/** Answers kept; all are forgotten when there are more, since pages live a second or so and what lives longer is soon made again. */
const mostKept = 2000
/** A browser's list of languages is shorter; a longer one is nobody's we must be quick for. */
const longestLanguages = 100

/** Whether an answer to this request may be compressed with gzip: it is named, and not by `q=0`, which refuses it (RFC 9110, 12.4.2). */
export const takesGzip = ({ 'accept-encoding': given }: IncomingMessage['headers']): boolean =>
  /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(String(given ?? ''))

const keyOf = (url: string, headers: IncomingMessage['headers']) =>
  `${takesGzip(headers) ? 'gzip' : ''} ${headers['accept-language'] ?? ''} ${url}`

const fits = ({ headers }: Pick<IncomingMessage, 'headers'>) =>
  headers.cookie === undefined && headers['if-none-match'] === undefined && (headers['accept-language']?.length ?? 0) <= longestLanguages

/**
 * Answers that are the same for everybody without a cookie, sent again whole while they are fresh, before the routes are asked. A page sent this way costs
 * a third more than node's bare server; through routes, hooks and schema it costs more than twice as much.
 */
export function keptAnswers() {
  const kept = new Map<string, Answer>()
  return {
    /** Keeps what is being sent with status 200, for `freshMs`, where anybody without a cookie gets the same. */
    keep(
      request: { raw: IncomingMessage; url: string },
      route: string,
      headers: Record<string, unknown>,
      body: Buffer,
      freshMs: number,
    ): void {
      if (request.raw.method !== 'GET' || freshMs <= 0 || !fits(request.raw)) return
      const head = Object.entries(headers).flatMap(([name, value]) => [name, String(value)])
      if (kept.size >= mostKept) kept.clear()
      kept.set(keyOf(request.url, request.raw.headers), {
        until: performance.now() + freshMs,
        route,
        head: [...head, 'content-length', String(body.length)],
        body,
      })
    },
    /** The fresh answer to this request, if one is kept. */
    find(raw: IncomingMessage): Answer | null {
      if (kept.size === 0 || raw.method !== 'GET' || raw.url === undefined || !fits(raw)) return null
      const answer = kept.get(keyOf(raw.url, raw.headers))
      return answer !== undefined && performance.now() < answer.until ? answer : null
    },
  }
}

/** Sends it. */
export function sendKept({ head, body }: Answer, response: ServerResponse): void {
  response.writeHead(200, head as string[])
  response.end(body)
}
