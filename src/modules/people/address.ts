import { Problem } from '#kernel/problem'

// Strict on purpose: what passes can stand in a mail header and in SMTP's RCPT TO without quoting (RFC 5321, 4.1.2, Dot-string).
const emailShape =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/** The e-mail address as it is stored and compared: trimmed, lower case. Refuses with `invalid` (`/email`) what is none. */
export function parseEmail(typed: string): string {
  const email = typed.normalize('NFC').trim().toLowerCase()
  if (email.length > 254 || email.indexOf('@') > 64 || !emailShape.test(email)) {
    throw new Problem('invalid', 'This is not an e-mail address.', {
      fields: [{ pointer: '/email', code: 'email', detail: 'This is not an e-mail address.' }],
    })
  }
  return email
}

/** `ana@example.org` as somebody may see it who need not know it: `a…@example.org`. */
export function maskEmail(email: string): string {
  const at = email.indexOf('@')
  return `${email.slice(0, 1)}…${email.slice(at)}`
}

/** `next` when it is a path of this portal, else `otherwise`: an address elsewhere after sign-in would lend our name to a fraud. */
export function ownPath(next: unknown, otherwise = '/me'): string {
  if (typeof next !== 'string' || next.length > 500 || !next.startsWith('/')) return otherwise
  // `//host`, `/\host` and control characters inside are all read as another host by some browser.
  if (/^\/[/\\]/.test(next) || /[\\\p{Cc}]/u.test(next)) return otherwise
  const url = URL.parse(next, 'http://here.invalid')
  // Dots are resolved by now: `/a/..//host` has become `//host`.
  if (url?.origin !== 'http://here.invalid' || url.pathname.startsWith('//')) return otherwise
  return url.pathname + url.search + url.hash
}
