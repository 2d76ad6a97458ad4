import { randomId } from '#kernel/id'
import type { Reply, Request } from '#web'

/** The names and attributes of our cookies. `__Host-` (RFC 6265bis) pins a cookie to this host over https; without https no browser takes it. */
export type Cookies = {
  readonly session: string
  readonly browser: string
  readonly options: { path: '/'; httpOnly: true; sameSite: 'lax'; secure: boolean }
}

/** The module's cookies for this address: over https with the `__Host-` prefix, which binds them to one host and path. */
export function cookies(publicUrl: string): Cookies {
  const secure = publicUrl.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  return { session: `${prefix}session`, browser: `${prefix}code`, options: { path: '/', httpOnly: true, sameSite: 'lax', secure } }
}

/** From here the browser holds the new session alone: the old one, if any, ends, and what the browser brought is never adopted. */
export async function holdSession(
  names: Cookies,
  request: Request,
  reply: Reply,
  token: string,
  signOut: (which: { token: string; next: string }) => Promise<void>,
): Promise<void> {
  const old = request.cookies[names.session]
  if (old) await signOut({ token: old, next: token })
  reply.setCookie(names.session, token, names.options)
  reply.clearCookie(names.browser, names.options)
}

/** What computer it is, as the list of sessions says it. */
export const deviceOf = (request: Request) => (/Mobi|Android|iPhone|iPad/i.test(request.headers['user-agent'] ?? '') ? 'phone' : 'computer')

/** The browser's random mark, to which a code is bound; set when there is none. */
export function browserToken(names: Cookies, request: Request, reply: Reply): string {
  const had = request.cookies[names.browser]
  if (had && /^[\w-]{22}$/.test(had)) return had
  const fresh = randomId()
  reply.setCookie(names.browser, fresh, names.options)
  request.cookies[names.browser] = fresh
  return fresh
}
