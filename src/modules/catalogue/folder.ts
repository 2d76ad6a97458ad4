import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { type Checked, checkAdoptions, checkDefinition, type Surroundings } from './check.ts'
import type { Adoption, Definition } from './definition.ts'
import { type Fault, faultAt } from './faults.ts'
import { type Agencies, readAgencies } from './offices.ts'
import { readPlaces } from './places.ts'

/** A definition's files as they are written, by name. */
export type FileTexts = Readonly<Record<string, string>>

/** What a folder of services holds that is sound, and every fault of the rest. */
export type FolderContent = {
  readonly definitions: ReadonlyMap<string, Checked & { readonly files: FileTexts }>
  /** Adoptions by place (INEGI key) and base id. */
  readonly adoptions: ReadonlyMap<string, ReadonlyMap<string, Adoption>>
  /** The file of each place, as it is written. */
  readonly placeFiles: ReadonlyMap<string, string>
  /** Adoptions that are there but cannot be used, as `<base>@<place>`, or `*@<place>` for a whole file: what they would replace stays. */
  readonly broken: ReadonlySet<string>
  readonly faults: readonly Fault[]
  readonly checkedFiles: number
}

/** A file of a definition is text by hand: more than this is none. */
export const maxBytes = 300_000
/** The four files of a definition, by what they hold. */
export const files = { definition: 'definition.json', es: 'text.es.json', en: 'text.en.json', examples: 'examples.json' } as const

/** The base ids of the folders below `services` that hold a `definition.json`. */
function baseFolders(services: string): string[] {
  return readdirSync(services, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name === files.definition)
    .map((e) => relative(services, e.parentPath).split(sep).join('/'))
    .sort()
}

type Read = { readonly value: unknown; readonly text: string } | { readonly fault: Fault }

/** The value of a file's text; `text` null where there is none. `shown` names it in a fault. */
export function parseFile(text: string | null, shown: string, bytes = text === null ? 0 : Buffer.byteLength(text)): Read {
  if (text === null && bytes === 0) return { fault: faultAt(shown, '', 'file-missing') }
  if (text === null || bytes > maxBytes) return { fault: faultAt(shown, '', 'file-large', { bytes, most: maxBytes }) }
  try {
    return { value: JSON.parse(text) as unknown, text }
  } catch (error) {
    return { fault: faultAt(shown, '', 'not-json', { why: (error as Error).message }) }
  }
}

function readJson(path: string, shown: string): Read {
  if (!existsSync(path)) return parseFile(null, shown)
  const { size } = statSync(path)
  return parseFile(size > maxBytes ? null : readFileSync(path, 'utf8'), shown, size)
}

/** Checks the four files of one definition, read or not. */
export function checkFiles(
  id: string,
  read: Readonly<Record<keyof typeof files, Read>>,
  around: Surroundings,
): { faults: readonly Fault[]; checked: (Checked & { readonly files: FileTexts }) | null } {
  const faults = Object.values(read).flatMap((r) => ('fault' in r ? [r.fault] : []))
  if (faults.length > 0) return { faults, checked: null }
  const value = (r: Read) => ('value' in r ? r.value : null)
  const { definition, es, en, examples } = read
  const found = checkDefinition(id, { definition: value(definition), es: value(es), en: value(en), examples: value(examples) }, around)
  const texts = Object.entries(read).map(([key, r]) => [files[key as keyof typeof files], 'text' in r ? r.text : ''] as const)
  return { faults: found.faults, checked: found.checked && { ...found.checked, files: Object.fromEntries(texts) } }
}

function checkOne(services: string, id: string, around: Surroundings) {
  const read = (name: string) => readJson(join(services, id, name), `${id}/${name}`)
  return checkFiles(
    id,
    { definition: read(files.definition), es: read(files.es), en: read(files.en), examples: read(files.examples) },
    around,
  )
}

/** Papers that need each other could never be had: the circle, or null. */
export function circleOfPapers(definitions: ReadonlyMap<string, { readonly definition: Definition }>): string[] | null {
  const needs = (id: string) =>
    definitions
      .get(id)
      ?.definition.papers.filter((p) => p.from !== undefined && !p.optional && p.when === undefined)
      .map((p) => p.from!) ?? []
  const done = new Set<string>()
  const walk = (id: string, path: readonly string[]): string[] | null => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id]
    if (done.has(id)) return null
    for (const next of needs(id)) {
      const found = walk(next, [...path, id])
      if (found) return found
    }
    done.add(id)
    return null
  }
  for (const id of definitions.keys()) {
    const found = walk(id, [])
    if (found) return found
  }
  return null
}

/** Reads and checks a whole folder of services, or only the bases in `only`. */
export function readServices(services: string, surroundings: Omit<Surroundings, 'bases'>, only?: ReadonlySet<string>): FolderContent {
  const all = baseFolders(services)
  const around: Surroundings = { ...surroundings, bases: new Set(all) }
  const definitions = new Map<string, Checked & { readonly files: FileTexts }>()
  const faults: Fault[] = []
  let checkedFiles = 0
  for (const id of all) {
    if (only && !only.has(id)) continue
    const one = checkOne(services, id, around)
    checkedFiles += 4
    faults.push(...one.faults)
    if (one.checked) definitions.set(id, one.checked)
  }
  const circle = circleOfPapers(definitions)
  if (circle) {
    faults.push(faultAt(`${circle[0]}/definition.json`, '/papers', 'circle', { circle: circle.join(' → ') }))
    definitions.delete(circle[0]!)
  }
  const adoptions = new Map<string, ReadonlyMap<string, Adoption>>()
  const placeFiles = new Map<string, string>()
  const broken = new Set<string>()
  const folder = join(services, 'adoptions')
  if (!only && existsSync(folder)) {
    const bases = new Map<string, Definition>([...definitions].map(([id, c]) => [id, c.definition]))
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.json')) continue
      const path = join(entry.parentPath, entry.name)
      const shown = `adoptions/${relative(folder, path).split(sep).join('/')}`
      const place = basename(entry.name, '.json')
      checkedFiles++
      const inState = basename(dirname(path))
      if (place.length === 5 && inState !== place.slice(0, 2)) {
        faults.push(faultAt(shown, '', 'wrong-folder', { place, state: place.slice(0, 2) }))
        continue
      }
      const read = readJson(path, shown)
      if ('fault' in read) {
        faults.push(read.fault)
        broken.add(`*@${place}`)
        continue
      }
      const found = checkAdoptions(shown, place, read.value, bases, around)
      faults.push(...found.faults)
      for (const id of found.broken) broken.add(`${id}@${place}`)
      if (found.adoptions.size > 0) adoptions.set(place, found.adoptions)
      placeFiles.set(place, read.text)
    }
  }
  return { definitions, adoptions, placeFiles, broken, faults, checkedFiles }
}

/** What a checker of single files must know, from the folders of a program that is not running. */
export function readAround(
  services: string,
  reference: string,
): Surroundings & { readonly agencies: Agencies; readonly definitions: FolderContent['definitions'] } {
  const around = { agencies: readAgencies(reference), places: readPlaces(reference) }
  const { definitions } = readServices(services, around)
  return { ...around, bases: new Set(definitions.keys()), definitions }
}

/**
 * Checks `folder`, which is one definition's folder or a whole `services` folder; what the command `check-service` prints. Throws where
 * the folder is neither.
 */
export function checkFolder(
  folder: string,
  reference: string,
): { readonly ok: boolean; readonly services: number; readonly faults: readonly Fault[] } {
  const path = resolve(folder)
  if (!existsSync(path)) throw new Error(`There is no folder ${folder}.`)
  const agencies: Agencies = readAgencies(reference)
  const around = { agencies, places: readPlaces(reference) }
  if (!existsSync(join(path, files.definition))) {
    const all = readServices(path, around)
    if (all.checkedFiles === 0) throw new Error(`${folder} holds neither a definition.json nor folders with one.`)
    return { ok: all.faults.length === 0, services: all.definitions.size, faults: all.faults }
  }
  // The root is above the id's first part, wherever the folder stands.
  const parts = path.split(sep)
  const level = Math.max(parts.lastIndexOf('federal'), parts.lastIndexOf('state'), parts.lastIndexOf('municipal'))
  if (level < 0) throw new Error(`${folder} does not lie under federal/, state/ or municipal/.`)
  const id = parts.slice(level).join('/')
  const found = readServices(parts.slice(0, level).join(sep), around, new Set([id]))
  return { ok: found.faults.length === 0, services: found.definitions.size, faults: found.faults }
}
