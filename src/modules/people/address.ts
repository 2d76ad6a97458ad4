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

/**
 * The telephone number as it is stored and compared: E.164. Ten digits are a Mexican number, also behind the prefixes that people still write (+52, 521, 01, 044,
 * 045); a number of another country begins with + or 00. Spaces, dashes, dots and brackets do not count. Refuses with `invalid` (`/phone`) what is none.
 */
export function parsePhone(typed: string): string {
  const dialled = typed
    .slice(0, 60)
    .normalize('NFKC')
    .replace(/[\s().‐-―-]/g, '')
    .replace(/^00/, '+')
  // No area of Mexico begins with 0 or 1; the 1 behind 52 was dialled to mobile telephones until 2019.
  const mexican = /^(?:\+?521?|01|04[45])?([2-9]\d{9})$/.exec(dialled)?.[1]
  if (mexican !== undefined) return `+52${mexican}`
  if (/^\+[1-9]\d{7,14}$/.test(dialled) && !dialled.startsWith('+52')) return dialled
  throw new Problem('invalid', 'This is not a telephone number.', {
    fields: [{ pointer: '/phone', code: 'phone', detail: 'This is not a telephone number.' }],
  })
}

/** Whether an address as it is stored is a telephone number: every other kind has an @. */
export function isPhone(address: string): boolean {
  return address.startsWith('+') && !address.includes('@')
}

/** A stored number as people write it: `+52 55 1234 5678`. */
export function formatPhone(phone: string): string {
  return phone.replace(/^\+52(\d{2})(\d{4})(\d{4})$/, '+52 $1 $2 $3')
}

/** `+525512345678` as somebody may see it who need not know it: `…78`. */
export function maskPhone(phone: string): string {
  return `…${phone.slice(-2)}`
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
