import type { Tx } from '#db'
import { addWorkingDays } from '#kernel/calendar'
import { canonical } from '#kernel/canonical'
import type { ServiceId } from '#kernel/id'
import { type Clock, dateIn, minuteStamp } from '#kernel/time'
import type { PublicLog } from '#publiclog'
import type { Adoption, Definition, DefinitionTexts } from './definition.ts'
import type { Offices } from './offices.ts'
import { baseContent, burdens, contentHash, wholeHash } from './service.ts'
import * as store from './store.ts'

/** Notice that a burden needs (DESIGN.md, Definitions): working days after the entry. */
const noticeDays = 10
/** The clock by which versions of the whole country change. */
const nationalZone = 'America/Mexico_City'

/** The day it is for the catalogue. */
export function catalogueDay(clock: Clock): string {
  return dateIn(clock.now(), nationalZone)
}

/** What publishing needs of its neighbours. Without `publiclog` (tests) nothing is entered. */
export type PublishDeps = {
  readonly clock: Clock
  readonly publiclog?: Pick<PublicLog, 'append'> | undefined
  readonly offices: Offices
}

/** What is to be in force: bases by id; by place and base what the place changes, null to withdraw it. All of it passed the checker. */
export type Wanted = {
  readonly bases: ReadonlyMap<string, { readonly definition: Definition; readonly texts: DefinitionTexts }>
  readonly adoptions: ReadonlyMap<string, ReadonlyMap<string, Adoption | null>>
}

/** One publication, with the day from which it holds and what in it burdens people. */
export type Published = { readonly service: ServiceId; readonly from: string; readonly burdens: readonly string[] }

type Version<T> = { readonly from: string; readonly hash: string | null; readonly value: T | null }

/** What is published of a base or of a place's difference: the newest, and what is in force today. */
export type Standing = {
  readonly today: string
  /** The first day on which a burden entered today may hold. */
  readonly later: string
  base(id: string): { readonly newest: Version<Definition>; readonly now: Version<Definition> } | null
  adoption(id: string, place: string): { readonly newest: Version<Adoption>; readonly now: Version<Adoption> } | null
  /** Places that have a difference to this base, or had one. */
  placesOf(id: string): readonly string[]
  /** Places that have any difference, or had one. */
  readonly places: readonly string[]
  /** Every base that was ever published. */
  readonly bases: readonly string[]
}

/** The day it is, and the first on which a burden entered today may hold. */
export function noticeDates({ clock, offices }: Pick<PublishDeps, 'clock' | 'offices'>): {
  readonly today: string
  readonly later: string
} {
  const today = catalogueDay(clock)
  return { today, later: addWorkingDays(today, noticeDays, offices.calendarOf(offices.get('sat')!.id)) }
}

/** Reads what is published: all of it, or what concerns one base or one place. Inside a transaction that publishes, the state is locked first. */
export async function readStanding(
  on: Parameters<typeof store.published>[0],
  deps: Pick<PublishDeps, 'clock' | 'offices'>,
  about: Parameters<typeof store.published>[1] = null,
): Promise<Standing> {
  const { today, later } = noticeDates(deps)
  const rows = await store.published(on, about)
  const byKey = new Map<string, store.PublishedRow[]>()
  const placesOf = new Map<string, string[]>()
  for (const r of rows) {
    const key = `${r.base}@${r.place}`
    const before = byKey.get(key)
    if (before) before.push(r)
    else {
      byKey.set(key, [r])
      if (r.place !== '') placesOf.set(r.base, [...(placesOf.get(r.base) ?? []), r.place])
    }
  }
  // Of the past nothing is compared: only the newest, and what is in force.
  const living = [...byKey.values()].flatMap((all) => [all.at(-1)!, ...all.slice(all.findLastIndex((r) => r.from <= today))])
  const definitions = await store.definitions(on, [...new Set(living.flatMap((r) => r.definition ?? []))])
  const adoptions = await store.adoptions(on, [...new Set(living.flatMap((r) => r.adoption ?? []))])
  const none = { from: '', hash: null, value: null }
  const both = <T>(key: string, read: (row: store.PublishedRow) => Version<T>) => {
    const all = byKey.get(key)
    if (!all) return null
    const now = all.findLast((r) => r.from <= today)
    return { newest: read(all.at(-1)!), now: now ? read(now) : none }
  }
  return {
    today,
    later,
    base: (id) =>
      both(`${id}@`, (r) => ({
        from: r.from,
        hash: r.definition,
        value: (JSON.parse(definitions.get(r.definition!)!) as { definition: Definition }).definition,
      })),
    adoption: (id, place) =>
      both(`${id}@${place}`, (r) => ({
        from: r.from,
        hash: r.adoption,
        value: r.adoption === null ? null : (JSON.parse(adoptions.get(r.adoption)!) as Adoption),
      })),
    placesOf: (id) => placesOf.get(id) ?? [],
    places: [...new Set([...placesOf.values()].flat())],
    bases: [...new Set(rows.flatMap((r) => (r.place === '' ? r.base : [])))],
  }
}

/**
 * Publishes what differs from the newest: each version by its hash, with its entry in the public log, in the caller's transaction, which holds the state's
 * lock. What burdens people beyond what is in force today waits for its notice, also where a burden is waiting already: nobody is surprised by a second version.
 */
export async function publishWanted(tx: Tx, deps: PublishDeps, standing: Standing, wanted: Wanted): Promise<Published[]> {
  const { clock, publiclog } = deps
  const { today, later } = standing
  const news: (Published & { readonly definition: string; readonly row: store.PublishedRow | null })[] = []

  for (const [id, { definition, texts }] of wanted.bases) {
    const text = baseContent(definition, texts)
    const hash = contentHash(text)
    const was = standing.base(id)
    if (was?.newest.hash === hash) continue
    const found = was?.now.value ? burdens(was.now.value, definition) : []
    const from = found.length > 0 ? later : today
    await store.addDefinition(tx, hash, id, text)
    await store.addVersion(tx, wholeHash(hash, null), hash, null)
    news.push({
      service: id as ServiceId,
      definition: wholeHash(hash, null),
      row: { base: id, place: '', from, definition: hash, adoption: null },
      from,
      burdens: found,
    })
  }
  const changed = new Map(news.map((n) => [n.service as string, n]))

  /** Each base in a place whose entry is due: what the place wants, and what stays but lies over a base that changed. */
  const due = new Map<string, { id: string; place: string; adoption: Adoption | null }>()
  for (const id of changed.keys())
    for (const place of standing.placesOf(id)) {
      const adoption = standing.adoption(id, place)!.newest.value
      if (adoption) due.set(`${id}@${place}`, { id, place, adoption })
    }
  for (const [place, all] of wanted.adoptions)
    for (const [id, adoption] of all) {
      const was = standing.adoption(id, place)?.newest.hash ?? null
      const is = adoption === null ? null : contentHash(canonical(adoption))
      if (is !== was || changed.has(id)) due.set(`${id}@${place}`, { id, place, adoption })
    }
  for (const [key, { id, place, adoption }] of due) {
    const was = standing.adoption(id, place)
    if (adoption === null && !was?.newest.hash) continue
    const base = standing.base(id)
    const baseNews = changed.get(id)
    const definition = wanted.bases.get(id)?.definition ?? base?.newest.value
    const baseHash = baseNews?.row?.definition ?? base?.newest.hash
    if (!definition || !baseHash) continue
    const text = adoption === null ? null : canonical(adoption)
    const hash = text === null ? null : contentHash(text)
    const found = base?.now.value ? burdens(base.now.value, definition, was?.now.value ?? null, adoption) : []
    const baseFrom = baseNews?.from ?? (base!.newest.from > today ? base!.newest.from : today)
    const from = found.length > 0 ? later : baseFrom
    if (hash !== null) {
      await store.addAdoption(tx, hash, text!)
      await store.addVersion(tx, wholeHash(baseHash, hash), baseHash, hash)
    }
    news.push({
      service: key as ServiceId,
      definition: wholeHash(baseHash, hash),
      row: hash === (was?.newest.hash ?? null) ? null : { base: id, place, from, definition: null, adoption: hash },
      from,
      burdens: found,
    })
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
  return news.map(({ service, from, burdens: found }) => ({ service, from, burdens: found }))
}
