import { freshBytes } from './random.ts'

declare const brand: unique symbol
/** A string that only its own kind may stand for: a `CaseId` is not a `PersonId`. */
export type Brand<T extends string> = string & { readonly [brand]: T }

export type PersonId = Brand<'person'>
export type CaseId = Brand<'case'>
/** 128 random bits in base64url: a turn's public name. */
export type TurnId = Brand<'turn'>
/** The public path of a line, `[a-z0-9-]+(/[a-z0-9-]+)*`. */
export type LineId = Brand<'line'>
/** An office's public name, `[a-z0-9-]+`. */
export type OfficeId = Brand<'office'>
/** A desk's pseudonym within its office. */
export type DeskId = Brand<'desk'>
/** A base's folder under `services/`, for an adoption followed by `@` and the INEGI key: `state/birth-certificate@09`. */
export type ServiceId = Brand<'service'>
/** What a person quotes: eight characters and a check character, `K7QP-2M4XW`. */
export type Reference = Brand<'reference'>
/** SHA-256 of a definition, lower-case hex (DESIGN.md, Definitions). */
export type DefinitionHash = Brand<'definition'>

/**
 * A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then random. Time-ordered, so that inserts land at the end of an index.
 * Never shown to outsiders: it tells when a thing was made.
 */
export function uuidv7(nowMs: number = Date.now()): string {
  const b = freshBytes(16)
  b.writeUIntBE(nowMs, 0, 6)
  b[6] = (b[6]! & 0x0f) | 0x70
  b[8] = (b[8]! & 0x3f) | 0x80
  const h = b.toString('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}

/** `bytes` random bytes in base64url without padding; 16 by default. */
export function randomId(bytes = 16): string {
  return freshBytes(bytes).toString('base64url')
}

// Crockford's base32: no I, L, O, U, so that nothing read aloud or from a poor print is mistaken.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Product in the field of 32 elements, by the polynomial x⁵ + x² + 1. */
function times(a: number, b: number): number {
  let product = 0
  for (let x = a, y = b; y > 0; y >>= 1) {
    if (y & 1) product ^= x
    x = x & 16 ? (x << 1) ^ 37 : x << 1
  }
  return product
}

function checkOf(eight: string): string {
  // Each place has a weight of its own in a field of 32 elements: no single slip and no swap of two characters keeps the sum.
  let sum = 0
  for (let i = 0; i < eight.length; i++) sum ^= times(i + 2, alphabet.indexOf(eight[i]!))
  return alphabet[sum]!
}

/** A new reference: 40 random bits and a check character. Uniqueness is the table's business. */
export function newReference(): Reference {
  let eight = ''
  for (const byte of freshBytes(8)) eight += alphabet[byte & 31]
  return `${eight.slice(0, 4)}-${eight.slice(4)}${checkOf(eight)}` as Reference
}

/** The reference a person meant (lower case, O for 0, I or L for 1, missing dash), or null when it is none or its check fails. */
export function parseReference(typed: string): Reference | null {
  const s = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  if (s.length !== 9 || [...s].some((c) => !alphabet.includes(c))) return null
  const eight = s.slice(0, 8)
  return checkOf(eight) === s[8] ? (`${eight.slice(0, 4)}-${eight.slice(4)}${s[8]}` as Reference) : null
}
