import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Db } from '#db'
import { addWorkingDays } from '#kernel/calendar'
import { canonical } from '#kernel/canonical'
import type { ServiceId } from '#kernel/id'
import { type Clock, dateIn, minuteStamp } from '#kernel/time'
import type { PublicLog } from '#publiclog'
import type { Fault } from './check.ts'
import type { Adoption, Definition } from './definition.ts'
import { readServices } from './folder.ts'
import type { Offices } from './offices.ts'
import type { Places } from './places.ts'
import { baseContent, burdens, contentHash, wholeHash } from './service.ts'
import * as store from './store.ts'

/** What loading a folder came to. */
export type Loaded = {
  /** False where the folder is the one loaded last: nothing was read twice. */
  readonly changed: boolean
  /** Ids of the services published now, with the day from which they hold. */
  readonly published: readonly { readonly service: ServiceId; readonly from: string }[]
  /** What is wrong with definitions that were left out; what they replace stays in force. */
  readonly faults: readonly Fault[]
}

/** Notice that a burden needs (DESIGN.md, Definitions): working days after the entry. */
const noticeDays = 10
/** The clock by which versions of the whole country change. */
const nationalZone = 'America/Mexico_City'

/** The day it is for the catalogue. */
export function catalogueDay(clock: Clock): string {
  return dateIn(clock.now(), nationalZone)
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
 * Checks a folder and publishes what is new in it: each definition by its hash, with its entry in the public log, in one transaction. The same folder
 * again costs a digest and one query. Faulty definitions are left out and named; they never take others down.
 */
export async function loadFolder(
  deps: {
    readonly db: Db
    readonly clock: Clock
    readonly publiclog?: Pick<PublicLog, 'append'> | undefined
    readonly places: Places
    readonly offices: Offices
  },
  folder: string,
): Promise<Loaded> {
  const { db, clock, publiclog, places, offices } = deps
  const digest = folderDigest(folder)
  if ((await store.readState(db)).folder === digest) return { changed: false, published: [], faults: [] }

  const content = readServices(folder, { places, agencies: offices.agencies })
  const done: { service: ServiceId; from: string }[] = []
  await db.tx(async (tx) => {
    done.length = 0
    const { folder: before } = await store.lockState(tx)
    if (before === digest) return
    const today = catalogueDay(clock)
    const calendar = offices.calendarOf(offices.get('sat')!.id)
    const later = addWorkingDays(today, noticeDays, calendar)

    const rows = await store.published(tx)
    const newest = new Map<string, store.PublishedRow>()
    for (const r of rows) newest.set(`${r.base}@${r.place}`, r)
    const oldDefinitions = await store.definitions(
      tx,
      [...newest.values()].flatMap((r) => r.definition ?? []),
    )
    const oldAdoptions = await store.adoptions(
      tx,
      [...newest.values()].flatMap((r) => r.adoption ?? []),
    )
    const news: { service: ServiceId; definition: string; row: store.PublishedRow | null; from: string }[] = []

    const bases = new Map<string, { hash: string; definition: Definition; from: string; changed: boolean; old: Definition | null }>()
    for (const [id, { definition, texts }] of content.definitions) {
      const text = baseContent(definition, texts)
      const hash = contentHash(text)
      const was = newest.get(`${id}@`)
      if (was?.definition === hash) {
        bases.set(id, { hash, definition, from: was.from > today ? was.from : today, changed: false, old: definition })
        continue
      }
      const old = was?.definition ? (JSON.parse(oldDefinitions.get(was.definition)!) as { definition: Definition }).definition : null
      const from = old && burdens(old, definition).length > 0 ? later : today
      await store.addDefinition(tx, hash, id, text)
      bases.set(id, { hash, definition, from, changed: true, old })
      news.push({
        service: id as ServiceId,
        definition: wholeHash(hash, null),
        row: { base: id, place: '', from, definition: hash, adoption: null },
        from,
      })
      await store.addVersion(tx, wholeHash(hash, null), hash, null)
    }

    const places = new Map<string, ReadonlyMap<string, Adoption>>(content.adoptions)
    for (const r of newest.values()) if (r.place !== '' && r.adoption !== null && !places.has(r.place)) places.set(r.place, new Map())
    for (const [place, adoptions] of places) {
      for (const [id, base] of bases) {
        const was = newest.get(`${id}@${place}`)
        // A slip in a file withdraws nothing: what is in force stays until somebody mends it.
        if (content.broken.has(`${id}@${place}`) || content.broken.has(`*@${place}`)) continue
        const adoption = adoptions.get(id) ?? null
        if (!adoption && !was?.adoption) continue
        const old = was?.adoption ? (JSON.parse(oldAdoptions.get(was.adoption)!) as Adoption) : null
        const text = adoption === null ? null : canonical(adoption)
        const hash = text === null ? null : contentHash(text)
        if (hash === (was?.adoption ?? null) && !base.changed) continue
        const burden = base.old && burdens(base.old, base.definition, old, adoption).length > 0
        const from = burden ? later : base.from
        if (hash !== null) {
          await store.addAdoption(tx, hash, text!)
          await store.addVersion(tx, wholeHash(base.hash, hash), base.hash, hash)
        }
        news.push({
          service: `${id}@${place}` as ServiceId,
          definition: wholeHash(base.hash, hash),
          row: hash === (was?.adoption ?? null) ? null : { base: id, place, from, definition: null, adoption: hash },
          from,
        })
      }
    }

    const at = minuteStamp(clock.now())
    const entries = news.map((n) => ({
      v: 1 as const,
      type: 'definition.published' as const,
      at,
      service: n.service,
      definition: n.definition,
      from: n.from,
    }))
    const appended = publiclog && entries.length > 0 ? await publiclog.append(tx, entries) : []
    for (const [i, n] of news.entries()) if (n.row) await store.publish(tx, n.row, appended[i]?.id ?? null)
    await store.setState(tx, digest)
    done.push(...news.map((n) => ({ service: n.service, from: n.from })))
  })
  return { changed: true, published: done, faults: content.faults }
}
