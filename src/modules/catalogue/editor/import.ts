/** What a file that somebody brings holds: a definition's four files or their zip, a place's adoptions, or a list of records. Nothing is written here. */
import { checkAdoptions, checkDefinition, type Surroundings } from '../check.ts'
import type { Definition } from '../definition.ts'
import { type Fault, faultAt } from '../faults.ts'
import { files, maxBytes } from '../folder.ts'
import type { Content, PlaceContent } from './content.ts'
import { readFiles, unpacked } from './files.ts'
import { mostRows, type RecordReport, readRecords, takeRecords } from './records.ts'

/** A file as it came. */
export type Brought = { readonly name: string; readonly bytes: Uint8Array }

/** What was brought. A definition or a place with any fault is refused as a whole; of a list each row stands for itself. */
export type Found =
  | { readonly kind: 'refused'; readonly faults: readonly Fault[] }
  | { readonly kind: 'service'; readonly content: Content }
  | { readonly kind: 'place'; readonly content: PlaceContent }
  | { readonly kind: 'records'; readonly rows: readonly (RecordReport & { readonly faults: readonly Fault[] })[] }

/** What the reader must know of the rest. */
export type ImportSurroundings = Surroundings & { readonly definitions: ReadonlyMap<string, { readonly definition: Definition }> }

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4
const known = new Set<string>(Object.values(files))

/** Reads what was brought. `level`, `agency`: of the services of a list. Never throws on hostile input, but for a zip that is none (`invalid`). */
export function readImport(
  brought: readonly Brought[],
  list: { readonly level: Definition['level']; readonly agency: string },
  around: ImportSurroundings,
): Found {
  const refused = (...faults: Fault[]): Found => ({ kind: 'refused', faults })
  const text = (b: Brought) => (b.bytes.length > maxBytes ? null : new TextDecoder().decode(b.bytes))
  const zip = brought.find((b) => isZip(b.bytes))
  const four = zip
    ? unpacked(zip.bytes)
    : new Map(brought.filter((b) => known.has(b.name)).map((b) => [b.name, { text: text(b), bytes: b.bytes.length }]))
  if (zip || four.size > 0) {
    const said = readFiles(four, around)
    // A service that is there already may be named by itself; a new one is known to its own papers.
    const read = around.bases.has(said.id) ? said : readFiles(four, { ...around, bases: new Set([...around.bases, said.id]) })
    const { checked, faults } = read
    return checked
      ? {
          kind: 'service',
          content: { ...checked, es: { ...checked.texts.es }, en: { ...checked.texts.en }, examples: [...checked.examples] },
        }
      : refused(...faults)
  }
  const one = brought[0]
  if (!one) return refused(faultAt('', '', 'file-missing'))
  if (one.bytes.length > 20 * maxBytes)
    return refused(faultAt(one.name, '', 'file-large', { bytes: one.bytes.length, most: 20 * maxBytes }))
  const whole = decoded(one.bytes)
  const place = placeOf(whole)
  if (place !== null) {
    const bases = new Map([...around.definitions].map(([id, b]) => [id, b.definition]))
    const { faults } = checkAdoptions(one.name, place.file.place, place.file, bases, around)
    return faults.length > 0 ? refused(...faults) : { kind: 'place', content: place }
  }
  const rows = readRecords(one.name, whole)
  if (!rows || rows.length === 0) return refused(faultAt(one.name, '', 'no-rows'))
  if (rows.length > mostRows) return refused(faultAt(one.name, '', 'too-many', { limit: mostRows }))
  return {
    kind: 'records',
    rows: takeRecords(rows, list.level, list.agency).map((r) => ({
      ...r,
      faults: r.draft
        ? checkDefinition(r.draft.definition.id, r.draft, { ...around, bases: new Set([...around.bases, r.draft.definition.id]) }).faults
        : [],
    })),
  }
}

/** The text of a file that may come out of any spreadsheet: UTF-8, UTF-16 with its mark, or what older programs write in this part of the world. */
function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** A place's file of adoptions; null where the text is none. */
function placeOf(text: string): PlaceContent | null {
  if (text.length > maxBytes) return null
  try {
    const value = JSON.parse(text) as { place?: unknown; services?: unknown } | null
    return value !== null && typeof value === 'object' && typeof value.place === 'string' && typeof value.services === 'object'
      ? { file: value as PlaceContent['file'] }
      : null
  } catch {
    return null
  }
}
