import { createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

/** SHA-256 of a random token of 128 bits or more: such a token needs no slow hash, for it cannot be guessed. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** HMAC-SHA-256 over parts that cannot run into one another: for short secrets, so that the table alone does not let them be tried. */
export function keyedHash(key: Buffer, ...parts: readonly string[]): Buffer {
  return createHmac('sha256', key).update(parts.join('\0')).digest()
}

/** Whether two hashes are the same, in a time that tells nothing. */
export function sameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A sign-in code: six digits, each value as likely. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** The code a person meant: digits only, spaces and dashes forgiven. */
export function parseCode(typed: string): string {
  return typed.replace(/[\s-]/g, '').slice(0, 20)
}

// Crockford's base32, as references: nothing that is mistaken on a poor print.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A printed secret of 60 random bits: `7QKD-M2XV-9R4B`. */
export function newPrintedSecret(): string {
  let text = ''
  for (const byte of randomBytes(12)) text += alphabet[byte & 31]
  return `${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`
}

/** The printed secret a person meant, as `newPrintedSecret` writes it; what is none comes back as something that matches nothing. */
export function parsePrintedSecret(typed: string): string {
  const s = typed.slice(0, 40).toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  return `${s.slice(0, 4)}-${s.slice(4, 8)}-${s.slice(8)}`
}
