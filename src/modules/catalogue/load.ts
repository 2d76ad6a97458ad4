import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Db, Tx } from '#db'
import { canonical } from '#kernel/canonical'
import type { ServiceId } from '#kernel/id'
import { type Checked, checkAdoption } from './check.ts'
import type { Adoption } from './definition.ts'
import type { Fault } from './faults.ts'
import { type FolderContent, readServices } from './folder.ts'
import type { Places } from './places.ts'
import { type PublishDeps, publishWanted, readStanding, type Standing, type Wanted } from './publish.ts'
import { baseContent, contentHash } from './service.ts'
import * as store from './store.ts'

/** What loading a folder came to. */
export type Loaded = {
  /** False where the folder is the one loaded last: nothing was read twice. */
  readonly changed: boolean
  /** Ids of the services published now, with the day from which they hold. */
  readonly published: readonly { readonly service: ServiceId; readonly from: string }[]
  /** Ids of services for which the folder brings something new while somebody published another version here: that one stays. */
  readonly kept: readonly ServiceId[]
  /** What is wrong with definitions that were left out; what they replace stays in force. */
  readonly faults: readonly Fault[]
}

/** A digest of all files below a folder, names and bytes. */
function folderDigest(folder: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.json'))
    .map((e) => join(e.parentPath, e.name))
    .sort()
  for (const f of files) {
    const bytes = readFileSync(f)
    hash.update(`${relative(folder, f)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

/**
 * What the folder wants to be in force, against what is. It is a seed: of each base and each difference three hashes are compared, what it brings, what it
 * brought last, and what is newest here. Where somebody has published another version here, that one stays.
 */
async function whatIsNew(
  tx: Tx,
  content: FolderContent,
  standing: Standing,
  bases: ReadonlySet<string>,
): Promise<{ wanted: Wanted; kept: ServiceId[]; faults: Fault[] }> {
  const sources = await store.sources(tx)
  const kept: ServiceId[] = []
  const faults: Fault[] = []
  const wanted = { bases: new Map<string, Checked>(), adoptions: new Map<string, Map<string, Adoption | null>>() }

  /** Whether what the folder brings is to be published; keeps the books of what it brought. */
  const brings = async (
    base: string,
    place: string,
    hash: string | null,
    newest: string | null,
    files: string | null,
  ): Promise<boolean> => {
    const was = sources.get(`${base}@${place}`) ?? null
    // Before books were kept nobody but the folder published.
    const seed = sources.size === 0 ? newest : (was?.seed ?? null)
    const own = newest === seed
    const note = async (row: Omit<store.SourceRow, 'base' | 'place'>) => {
      if (was?.files === row.files && was.seed === row.seed && was.seedFiles === row.seedFiles) return
      if (was === null && row.seed === null) return
      await store.setSource(tx, { base, place, ...row })
    }
    if (hash === newest || own) {
      await note({ files: files ?? was?.files ?? null, seed: hash, seedFiles: null })
      return hash !== newest
    }
    if (hash !== seed) kept.push((place === '' ? base : `${base}@${place}`) as ServiceId)
    await note({ files: was?.files ?? null, seed: hash, seedFiles: hash === seed ? (was?.seedFiles ?? null) : files })
    return false
  }

  for (const [id, checked] of content.definitions) {
    const hash = contentHash(baseContent(checked.definition, checked.texts))
    if (await brings(id, '', hash, standing.base(id)?.newest.hash ?? null, JSON.stringify(checked.files))) wanted.bases.set(id, checked)
  }
  const known = [...new Set([...content.adoptions.keys(), ...standing.places])]
  for (const place of known) {
    let own = true
    for (const id of content.definitions.keys()) {
      // A slip in a file withdraws nothing: what is in force stays until somebody mends it.
      if (content.broken.has(`${id}@${place}`) || content.broken.has(`*@${place}`)) continue
      const adoption = content.adoptions.get(place)?.get(id) ?? null
      const newest = standing.adoption(id, place)?.newest ?? null
      if (!adoption && newest === null) continue
      const hash = adoption && contentHash(canonical(adoption))
      // The base that is in force here may not be the folder's.
      const base = wanted.bases.get(id)?.definition ?? standing.base(id)?.newest.value
      const pointer = `/services/${id.replaceAll('/', '~1')}`
      const wrong = adoption && base && hash !== newest?.hash ? checkAdoption(`adoptions/${place}`, pointer, adoption, base, { bases }) : []
      faults.push(...wrong)
      if (wrong.length > 0) continue
      if (!(await brings(id, place, hash, newest?.hash ?? null, null))) {
        own &&= hash === (newest?.hash ?? null)
        continue
      }
      const all = wanted.adoptions.get(place) ?? new Map<string, Adoption | null>()
      wanted.adoptions.set(place, all.set(id, adoption))
    }
    const text = content.placeFiles.get(place)
    const was = sources.get(`@${place}`)
    if (own && text !== undefined && was?.files !== text)
      await store.setSource(tx, { base: '', place, files: text, seed: null, seedFiles: null })
  }
  return { wanted, kept, faults }
}

/**
 * Checks a folder and publishes what is new in it, in one transaction. The same folder again costs a digest and one query. Faulty definitions are left
 * out and named; they never take others down. What somebody published here is never undone.
 */
export async function loadFolder(deps: PublishDeps & { readonly db: Db; readonly places: Places }, folder: string): Promise<Loaded> {
  const { db, places, offices } = deps
  const digest = folderDigest(folder)
  if ((await store.readState(db)).folder === digest) return { changed: false, published: [], kept: [], faults: [] }

  const content = readServices(folder, { places, agencies: offices.agencies })
  return db.tx(async (tx) => {
    const { folder: before } = await store.lockState(tx)
    if (before === digest) return { changed: true, published: [], kept: [], faults: content.faults }
    const standing = await readStanding(tx, deps)
    const { wanted, kept, faults } = await whatIsNew(tx, content, standing, new Set([...content.definitions.keys(), ...standing.bases]))
    const published = await publishWanted(tx, deps, standing, wanted)
    await store.setState(tx, digest)
    return {
      changed: true,
      published: published.map(({ service, from }) => ({ service, from })),
      kept,
      faults: [...content.faults, ...faults],
    }
  })
}
