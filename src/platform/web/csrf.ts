import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { freshBytes } from '#kernel/random'

/**
 * Tokens against forged forms: an HMAC over what the browser already holds (its session, or a random cookie when signed out), masked anew in
 * each page so that a compressed page leaks nothing by its length (BREACH).
 */
export function csrfTokens(secret: Buffer) {
  const key = createSecretKey(secret)
  const proper = (holder: string) => createHmac('sha256', key).update(holder).digest()

  return {
    /** A token for a page shown to this holder. */
    make(holder: string): string {
      const mask = freshBytes(32)
      const token = proper(holder)
      const masked = Buffer.alloc(32)
      for (let i = 0; i < 32; i++) masked[i] = mask[i]! ^ token[i]!
      return Buffer.concat([mask, masked]).toString('base64url')
    },
    /** Whether the token was made for this holder. */
    check(holder: string, given: unknown): boolean {
      if (typeof given !== 'string' || given.length !== 86) return false
      const bytes = Buffer.from(given, 'base64url')
      if (bytes.length !== 64) return false
      const token = Buffer.alloc(32)
      for (let i = 0; i < 32; i++) token[i] = bytes[i]! ^ bytes[i + 32]!
      return timingSafeEqual(token, proper(holder))
    },
  }
}
