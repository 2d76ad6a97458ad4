import canonicalize from 'canonicalize'

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * Canonical JSON (RFC 8785, JCS) as text. The same value always gives the same characters. Throws a `TypeError` for what JSON cannot
 * carry (undefined, NaN, functions).
 */
export function canonical(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('This value has no canonical JSON.')
  return text
}

/** The bytes of `canonical(value)`, UTF-8. */
export function canonicalBytes(value: unknown): Buffer {
  return Buffer.from(canonical(value), 'utf8')
}
