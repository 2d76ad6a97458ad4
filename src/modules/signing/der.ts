/**
 * DER (ITU-T X.690, 2021), read strictly and written. It knows no cryptography and nothing of Node, so the server and the signer in the browser share it.
 *
 * Reading copies nothing: a `Value` is a window on the bytes it was read from. What is not DER (a length that is not the shortest, an indefinite one, a tag above 30, a
 * value that runs past its parent, a number with needless bytes) is refused, so two readers can never see two things in the same bytes.
 */

/** What was read is not DER, or not of the kind that was asked for. The words are for a log, not for people. */
export class DerFault extends Error {}

/** Refuses what stands at `at`. Short words: they travel with the signer to every browser. */
function fail(what: string, at?: number): never {
  throw new DerFault(at === undefined ? what : `${what} at ${at}`)
}

/** A value within `bytes`: its tag byte, where its identifier starts, and its contents `[from, to)`. */
export interface Value {
  readonly bytes: Uint8Array
  readonly tag: number
  readonly start: number
  readonly from: number
  readonly to: number
}

/** Universal tags as they stand in a first byte; constructed where DER asks for it. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  nil: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visible: 0x1a,
  universal: 0x1c,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** The first byte of a context tag `[n]`, n below 31: primitive, or constructed. */
const context = (n: number, constructed: boolean): number => (constructed ? 0xa0 : 0x80) | n

/** Reads one value at `at` that ends at `limit` at the latest. Throws `DerFault`. */
export function readAt(bytes: Uint8Array, at: number, limit: number): Value {
  if (at + 2 > limit) fail('cut off', at)
  const tag = bytes[at]!
  if ((tag & 0x1f) === 0x1f) fail('long tag', at)
  let length = bytes[at + 1]!
  let from = at + 2
  if (length >= 0x80) {
    const count = length & 0x7f
    if (count === 0 || count > 4) fail('bad length', at)
    if (from + count > limit) fail('cut off', at)
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + bytes[from + i]!
    if (length < 0x80 || length < 256 ** (count - 1)) fail('long length', at)
    from += count
  }
  const to = from + length
  if (to > limit) fail('runs past its end', at)
  return { bytes, tag, start: at, from, to }
}

/** Reads bytes that are one value and nothing more. Throws `DerFault`. */
export function readWhole(bytes: Uint8Array): Value {
  const value = readAt(bytes, 0, bytes.length)
  if (value.to !== bytes.length) fail('more follows', value.to)
  return value
}

/** The values within a constructed value. Throws `DerFault`. */
export function children(value: Value): Value[] {
  if ((value.tag & 0x20) === 0) fail('not constructed', value.start)
  const all: Value[] = []
  for (let at = value.from; at < value.to; ) {
    const child = readAt(value.bytes, at, value.to)
    all.push(child)
    at = child.to
  }
  return all
}

/** `value` if it has the tag. Throws `DerFault` for another and for none. */
export function expect(value: Value | undefined, tag: number): Value {
  if (value?.tag !== tag) fail(`no tag ${tag}`, value?.start)
  return value
}

/** Identifier, length and contents: a window, not a copy. */
export const wholeOf = (value: Value): Uint8Array => value.bytes.subarray(value.start, value.to)

/** The contents alone: a window, not a copy. */
export const contentOf = (value: Value): Uint8Array => value.bytes.subarray(value.from, value.to)

/** An object identifier in dots. Throws `DerFault`. */
export function readOid(value: Value | undefined): string {
  const { bytes, from, to } = expect(value, tags.oid)
  if (from === to || bytes[to - 1]! >= 0x80) fail('cut off', from)
  let text = ''
  let part = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    if (part === 0 && byte === 0x80) fail('needless byte', i)
    // 2^45 and no further: no registered identifier is near, and a number stays exact.
    if (part >= 2 ** 38) fail('too large', i)
    part = part * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    text += text ? `.${part}` : part < 80 ? `${Math.floor(part / 40)}.${part % 40}` : `2.${part - 80}`
    part = 0
  }
  return text
}

/** The contents of an INTEGER, in the shortest form as DER asks. Throws `DerFault`. */
export function integerBytes(value: Value | undefined): Uint8Array {
  const { bytes, from, to } = expect(value, tags.integer)
  if (from === to) fail('empty', from)
  const [first, second] = [bytes[from]!, bytes[from + 1] ?? 0]
  if (to - from > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) fail('needless byte', from)
  return bytes.subarray(from, to)
}

/** An INTEGER from 0 to 2^31 - 1. Throws `DerFault`. */
export function readSmall(value: Value | undefined): number {
  const bytes = integerBytes(value)
  if (bytes[0]! >= 0x80 || bytes.length > 4) fail('too large', value!.start)
  return bytes.reduce((n, byte) => n * 256 + byte, 0)
}

/** A BOOLEAN. Throws `DerFault`. */
export function readBoolean(value: Value | undefined): boolean {
  const { bytes, from, to } = expect(value, tags.boolean)
  if (to - from !== 1 || (bytes[from] !== 0 && bytes[from] !== 0xff)) fail('no boolean', from)
  return bytes[from] === 0xff
}

/** A BIT STRING of whole bytes. Throws `DerFault`. */
export function readBits(value: Value | undefined): Uint8Array {
  const { bytes, from, to } = expect(value, tags.bits)
  if (from === to || bytes[from] !== 0) fail('no whole bytes', from)
  return bytes.subarray(from + 1, to)
}

/** The names of a NamedBitList by their place: bit 0 is the first. Throws `DerFault`. */
export function readFlags(value: Value | undefined): boolean[] {
  const { bytes, from, to } = expect(value, tags.bits)
  const unused = bytes[from] ?? 8
  if (unused > 7 || (to - from === 1 && unused > 0)) fail('no bits', from)
  return Array.from({ length: (to - from - 1) * 8 - unused }, (_, i) => ((bytes[from + 1 + (i >> 3)]! >> (7 - (i & 7))) & 1) === 1)
}

const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8', { fatal: true })
const utf16 = new TextDecoder('utf-16be', { fatal: true })

/** A string of any of the kinds that names use. A T.61 string is read as Latin-1, as everybody writes it. Throws `DerFault`. */
export function readText(value: Value): string {
  const bytes = contentOf(value)
  try {
    switch (value.tag) {
      case tags.utf8:
        return utf8.decode(bytes)
      case tags.bmp:
        return utf16.decode(bytes)
      case tags.numeric:
      case tags.printable:
      case tags.ia5:
      case tags.visible:
      case tags.teletex:
        return latin1.decode(bytes)
    }
  } catch {}
  fail('no text', value.start)
}

/** A UTCTime or GeneralizedTime in UTC, to the second; of a fraction the milliseconds are kept. Years of two digits are of 1950 to 2049 (RFC 5280, 4.1.2.5.1). Throws `DerFault`. */
export function readTime(value: Value | undefined): Date {
  const isUtcTime = value?.tag === tags.utcTime
  const text = latin1.decode(contentOf(isUtcTime ? value : expect(value, tags.generalizedTime)))
  const parts = (isUtcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d*[1-9])?Z$/).exec(
    text,
  )
  if (!parts) fail('no time', value?.start)
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const at = new Date(0)
  at.setUTCFullYear(isUtcTime ? year + (year < 50 ? 2000 : 1900) : year, month - 1, day)
  at.setUTCHours(hour, minute, second, Math.floor(Number(parts[7] || 0) * 1000))
  // A date that does not exist has moved on to another.
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || at.getUTCHours() !== hour || at.getUTCMinutes() !== minute)
    fail('no time', value?.start)
  return at
}

/** A value with the tag byte `tag` and the parts one after the other as its contents. */
export function make(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const part of parts) length += part.length
  const count = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : length < 0x100_0000 ? 3 : 4
  const bytes = new Uint8Array(2 + count + length)
  bytes[0] = tag
  bytes[1] = count === 0 ? length : 0x80 | count
  for (let i = 0; i < count; i++) bytes[2 + i] = Math.floor(length / 256 ** (count - 1 - i)) & 0xff
  let at = 2 + count
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** SEQUENCE. */
export const sequence = (...parts: readonly Uint8Array[]) => make(tags.sequence, ...parts)

/** SET OF: DER sorts its members by their bytes. */
export const setOf = (...parts: readonly Uint8Array[]) => make(tags.set, ...[...parts].sort(compare))

/** `[n]` around whole values (EXPLICIT), or in the place of a constructed value's tag (IMPLICIT) when the parts are its contents. */
export const tagged = (n: number, ...parts: readonly Uint8Array[]) => make(context(n, true), ...parts)

/** OCTET STRING. */
export const octets = (bytes: Uint8Array) => make(tags.octets, bytes)

/** BIT STRING of whole bytes. */
export const bits = (bytes: Uint8Array) => make(tags.bits, Uint8Array.of(0), bytes)

/** NamedBitList: the places that are set, without trailing zeros as DER asks. */
export function flags(...places: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...places)
  const bytes = new Uint8Array((last >> 3) + 1)
  for (const place of places) bytes[place >> 3]! |= 0x80 >> (place & 7)
  return make(tags.bits, Uint8Array.of(last < 0 ? 0 : 7 - (last & 7)), bytes)
}

/** INTEGER from a number that is not negative, or from big-endian bytes of one; leading zeros are dropped. */
export function integer(value: number | Uint8Array): Uint8Array {
  const given = typeof value === 'number' ? bytesOf(value) : value
  let skip = 0
  while (skip < given.length - 1 && given[skip] === 0) skip++
  const shortest = given.length === 0 ? Uint8Array.of(0) : given.subarray(skip)
  return shortest[0]! >= 0x80 ? make(tags.integer, Uint8Array.of(0), shortest) : make(tags.integer, shortest)
}

/** BOOLEAN TRUE; FALSE is a default everywhere we write, and DER leaves defaults out. */
export const yes = Uint8Array.of(tags.boolean, 1, 0xff)

/** NULL. */
export const nil = Uint8Array.of(tags.nil, 0)

/** ENUMERATED, below 128. */
export const enumerated = (n: number) => Uint8Array.of(tags.enumerated, 1, n)

/** OBJECT IDENTIFIER from dots. */
export function oid(dots: string): Uint8Array {
  const [first, second, ...rest] = dots.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [first * 40 + second, ...rest].flatMap((part) => {
    const groups = [part % 128]
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128)) groups.unshift(128 + (high % 128))
    return groups
  })
  return make(tags.oid, Uint8Array.from(bytes))
}

const encoder = new TextEncoder()

/** A string of the kind `tag` names; PrintableString and IA5String take ASCII only. */
export const text = (tag: number, words: string) => make(tag, encoder.encode(words))

/** A Time of whole seconds: UTCTime to 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export function time(at: Date): Uint8Array {
  const year = at.getUTCFullYear()
  return year >= 1950 && year < 2050 ? make(tags.utcTime, encoder.encode(digitsOf(at).slice(2))) : generalizedTime(at)
}

/** GeneralizedTime of whole seconds, as RFC 5280, RFC 6960 and RFC 3161 ask. */
export const generalizedTime = (at: Date) => make(tags.generalizedTime, encoder.encode(digitsOf(at)))

const digitsOf = (at: Date) => `${at.toISOString().replace(/[-:T]|\.\d+/g, '')}`

function bytesOf(value: number): Uint8Array {
  const bytes = [value % 256]
  for (let high = Math.floor(value / 256); high > 0; high = Math.floor(high / 256)) bytes.unshift(high % 256)
  return Uint8Array.from(bytes)
}

/** Below zero, zero or above, as `a` stands before, at or after `b` byte by byte. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Whether two strings of bytes are the same. */
export const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && compare(a, b) === 0
