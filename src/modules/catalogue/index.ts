import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Db } from '#db'
import type { OfficeId, ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { type Clock, minuteMs, type PlainDate } from '#kernel/time'
import type { PublicLog } from '#publiclog'
import type { Web } from '#web'
import { localPaperId } from './check.ts'
import type { Adoption, AdoptionFile, Definition, DefinitionTexts, OfficeFacts } from './definition.ts'
import { type Drafts, openDrafts } from './editor/drafts.ts'
import { registerEditor } from './editor/pages.ts'
import { registerLinked } from './linked/routes.ts'
import { type Loaded, loadFolder } from './load.ts'
import { type Agencies, type Office, type OfficeCalendar, openOffices } from './offices.ts'
import { type PageOptions, registerPages } from './pages.ts'
import { type Jurisdiction, type Municipality, type Places, readPlaces } from './places.ts'
import { catalogueDay } from './publish.ts'
import { buildIndex, inOrder, type SearchIndex, type Synonyms } from './search.ts'
import { type Base, layOver, type Service, wholeHash } from './service.ts'
import * as store from './store.ts'

export {
  type ActiveStep,
  advance,
  begin,
  type Command,
  type ProcessEvent,
  type ProcessFacts,
  type ProcessPicture,
  type Progress,
  processPicture,
  straightPath,
} from './advance.ts'
export { definitionSchema } from './check.ts'
export type { Adoption, Definition, Example, Paper, Question, Reason, Source, Step } from './definition.ts'
export { channels, lifeEvents } from './definition.ts'
export { readImport } from './editor/import.ts'
export { missingWords, takenWords } from './editor/records.ts'
export type { Fault } from './faults.ts'
export { checkFolder, readAround } from './folder.ts'
export {
  type Accepted,
  type AskedPage,
  type Asking,
  accept,
  ask,
  asked,
  type FormFields,
  fee,
  type Journey,
  type ListedPaper,
  type Prompt,
  type PromptGroup,
  type ShownAnswer,
  showAnswers,
} from './journey.ts'
export { type DigitalLevel, digitalLevel, digitalLevels } from './level.ts'
export type { Loaded } from './load.ts'
export type { Agency, Hours, Office, OfficeCalendar } from './offices.ts'
export type { CachedPage, PageOptions } from './pages.ts'
export type { Jurisdiction, Municipality, Places, State } from './places.ts'
export { named, promptFields, summaryOf } from './prompts.ts'
export type { Answer, Answers, FileAnswer, Option, Shape, World } from './questions/index.ts'
export type { Service } from './service.ts'
export { shownFee, shownMoney, shownTerm } from './views.ts'

export type CatalogueDeps = {
  readonly db: Db
  readonly clock: Clock
  /** The folder of dated facts: `reference/`. */
  readonly reference: string
  /** Where publications are entered; without it (tests) nothing is. */
  readonly publiclog?: Pick<PublicLog, 'append'> | undefined
  readonly log: { warn(about: object, message: string): void; info(about: object, message: string): void }
}

/** What to look for. `place` is an INEGI key of two or five digits. */
export type Query = {
  readonly q?: string | undefined
  readonly place?: string | undefined
  readonly event?: string | undefined
  readonly agency?: string | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

/** One service of a list. */
export type Listed = {
  readonly id: ServiceId
  readonly base: string
  readonly level: Definition['level']
  readonly jurisdiction: Jurisdiction
  /** In how many places it is offered; 0 for a federal service. */
  readonly adoptions: number
  text(language: Language, key: string): string
  agency(language: Language): string
}

/** One publication: a base's definition, or what a place changed; null where it was taken back. */
export type PublishedVersion = {
  readonly base: string
  /** Null for the base itself. */
  readonly place: string | null
  readonly from: PlainDate
  readonly definition: Definition | null
  readonly adoption: Adoption | null
}

/** What was found, and the place that was meant. */
export type Results = { readonly total: number; readonly items: readonly Listed[]; readonly place: Jurisdiction | null }

/** The services that there are, found, read and pinned. Everything but `pinned`, `load` and `refresh` answers from memory at once. */
export interface Catalogue {
  readonly places: Places
  readonly agencies: Agencies
  /** The service in force today, by id; null where there is none, or the place is not of its level. */
  get(id: string): Service | null
  /** The service as a case pinned it: by hash and the id it was filed under; null for a hash never published. */
  pinned(hash: string, id: string): Promise<Service | null>
  /** Ids of the bases in force. */
  bases(): readonly string[]
  /** How many bases, and how many services they make with the places that offer them. */
  counts(): { readonly bases: number; readonly services: number }
  /**
   * Finds and lists. With a place: that municipality's, its state's and federal services; without: every base once. Words find a municipal base by its state
   * too, without its place. Without words, by level and name. Throws `catalogue/no-such-place`.
   */
  search(query: Query): Results
  /** The municipalities of a state, by name. */
  municipalities(state: string): readonly Municipality[]
  office(id: string): Office | null
  /** Where a step of a service is done; `unit` as the step says. Throws `catalogue/not-offered` for a base without its place. */
  officeFor(service: Pick<Service, 'id' | 'office'>, unit?: string | undefined): OfficeId
  /** The services in force of which this office does at least one step. */
  servedAt(office: string): readonly Service[]
  /** Working days and zone of an office. */
  calendarOf(office: OfficeId): OfficeCalendar
  /** An agency's name; its id where it is unknown. */
  agencyName(agency: string, language: Language): string
  /** All that was ever published, in order, read from the store: for those who tell its history. */
  history(): Promise<PublishedVersion[]>
  /** Checks a folder of services and publishes what is new in it; see load.ts. */
  load(folder: string): Promise<Loaded>
  /** Hears of what other processes published; at most every 2 s, unless `now`. */
  refresh(now?: boolean): Promise<void>
  /** What analysts write, and how it is published. */
  readonly drafts: Drafts
  /** Adds the pages and the API; what comes back gives a service page's bytes, for the bench. */
  register(web: Pick<Web, 'route'>, options: Omit<PageOptions, 'clock' | 'record'>): ReturnType<typeof registerPages>
  /** Changes whenever what is in force changes: for caches of pages. */
  readonly version: string
}

/** How often a process looks whether something was published, milliseconds. */
const watchMs = 2000
/** Laid-over services kept for the next question; the bases alone answer nearly all. */
const keptServices = 2000

type Dated<T> = readonly { readonly from: string; readonly value: T }[]

/** Opens the catalogue on what is published. Its tables exist. */
export async function openCatalogue(deps: CatalogueDeps): Promise<Catalogue> {
  const { db, clock, reference, log } = deps
  const places = readPlaces(reference)
  let placeFacts = new Map<string, OfficeFacts>()
  const offices = openOffices(reference, places, (place) => placeFacts.get(place))
  const synonyms = JSON.parse(readFileSync(join(reference, 'synonyms.json'), 'utf8')) as Synonyms

  let version = -1
  let day = ''
  let minute = Number.NaN
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> = Promise.resolve()
  /** By base; and by base and place: all that is published, oldest first. */
  let baseRows = new Map<string, Dated<Base>>()
  let adoptionRows = new Map<string, ReadonlyMap<string, Dated<{ hash: string; adoption: Adoption } | null>>>()
  let inForce = new Map<string, Base>()
  /** Made when somebody searches: a process that serves no pages never does, and the first page need not wait for it. */
  let index: SearchIndex | null = null
  const kept = new Map<string, Service>()
  const parsed = new Map<string, Base>()

  const parseBase = (hash: string, content: string): Base => {
    const known = parsed.get(hash)
    if (known) return known
    const { definition, text } = JSON.parse(content) as { definition: Definition; text: DefinitionTexts }
    const base = { hash, definition, texts: text }
    parsed.set(hash, base)
    return base
  }

  async function reload(): Promise<void> {
    const { version: newest } = await store.readState(db)
    if (newest === version) return
    const rows = await store.published(db)
    const today = catalogueDay(clock)
    // Of the past only the last row counts; pinned versions are read when asked for.
    const living = rows.filter(
      (r, i) => r.from > today || !rows.some((o, j) => j > i && o.base === r.base && o.place === r.place && o.from <= today),
    )
    const contents = await store.definitions(
      db,
      living.flatMap((r) => (r.definition && !parsed.has(r.definition) ? r.definition : [])),
    )
    const adoptions = await store.adoptions(
      db,
      living.flatMap((r) => r.adoption ?? []),
    )
    const bases = new Map<string, { from: string; value: Base }[]>()
    const local = new Map<string, Map<string, { from: string; value: { hash: string; adoption: Adoption } | null }[]>>()
    for (const r of living) {
      if (r.place === '') {
        const list = bases.get(r.base) ?? []
        bases.set(r.base, [...list, { from: r.from, value: parseBase(r.definition!, contents.get(r.definition!) ?? '') }])
      } else {
        const byPlace = local.get(r.base) ?? new Map()
        local.set(r.base, byPlace)
        const value = r.adoption === null ? null : { hash: r.adoption, adoption: JSON.parse(adoptions.get(r.adoption)!) as Adoption }
        byPlace.set(r.place, [...(byPlace.get(r.place) ?? []), { from: r.from, value }])
      }
    }
    placeFacts = new Map(
      (await store.placeFiles(db)).flatMap(({ place, files }) => {
        const { office } = JSON.parse(files) as AdoptionFile
        return office ? [[place, office] as const] : []
      }),
    )
    baseRows = bases
    adoptionRows = local
    version = newest
    day = ''
    settle()
  }

  async function history(): Promise<PublishedVersion[]> {
    const rows = await store.published(db)
    const definitions = await store.definitions(db, [...new Set(rows.flatMap((r) => r.definition ?? []))])
    const adoptions = await store.adoptions(db, [...new Set(rows.flatMap((r) => r.adoption ?? []))])
    return rows.map((r) => ({
      base: r.base,
      place: r.place === '' ? null : r.place,
      from: r.from,
      definition: r.definition === null ? null : parseBase(r.definition, definitions.get(r.definition)!).definition,
      adoption: r.adoption === null ? null : (JSON.parse(adoptions.get(r.adoption)!) as Adoption),
    }))
  }

  function pick<T>(rows: Dated<T> | undefined, today: string): T | undefined {
    return rows?.findLast((r) => r.from <= today)?.value
  }

  /** Lets in force what is due today. */
  function settle(): void {
    // The day can change only with the minute; asking the calendar costs more than all the rest of `get`.
    const now = Math.floor(clock.now().getTime() / minuteMs)
    if (now === minute && day !== '') return
    minute = now
    const today = catalogueDay(clock)
    if (today === day) return
    day = today
    kept.clear()
    inForce = new Map(
      [...baseRows].flatMap(([id, rows]) => {
        const base = pick(rows, today)
        return base ? [[id, base] as const] : []
      }),
    )
    index = null
  }

  function current(): void {
    settle()
    if (performance.now() - lookedAt > watchMs) {
      void refresh().catch((error: unknown) => log.warn({ err: error }, 'The catalogue could not look for what is new.'))
    }
  }

  function refresh(now = false): Promise<void> {
    if (!now && performance.now() - lookedAt <= watchMs) return looking
    lookedAt = performance.now()
    // One after another: who insists gets a look that began after the call.
    looking = looking.catch(() => {}).then(reload)
    return looking
  }

  function agencyName(agency: string, language: Language): string {
    return offices.agencies[agency]?.name[language] ?? agency
  }

  const split = (id: string): { base: string; place: string | null } => {
    const at = id.lastIndexOf('@')
    return at < 0 ? { base: id, place: null } : { base: id.slice(0, at), place: id.slice(at + 1) }
  }

  const officeOf = (d: Definition, place: string | null): OfficeId | null =>
    (d.level === 'federal' ? d.agency : place === null ? null : `${d.level === 'state' ? 'state' : 'mun'}-${place}`) as OfficeId | null

  function make(base: Base, place: string | null, difference: { hash: string; adoption: Adoption } | null): Service {
    const d = base.definition
    const adoption = difference?.adoption ?? null
    const localPaper = adoption?.localPaper?.from
    return {
      id: (place === null ? d.id : `${d.id}@${place}`) as ServiceId,
      base: d.id,
      hash: wholeHash(base.hash, difference?.hash ?? null),
      baseHash: base.hash,
      adoptionHash: difference?.hash ?? null,
      definition: layOver(d, adoption),
      adoption,
      jurisdiction: place === null ? { level: d.level, code: '00', name: 'México' } : places.jurisdiction(place),
      placed: d.level === 'federal' || place !== null,
      office: officeOf(d, place),
      text(language, key) {
        if (localPaper !== undefined && key === `papers.${localPaperId}`) return inForce.get(localPaper)?.texts[language].name ?? localPaper
        return base.texts[language][key] ?? ''
      },
      texts: (language) => base.texts[language],
    }
  }

  /** Whether a place of this key offers services of this level. */
  const offers = (level: Definition['level'], place: string): boolean =>
    level === 'state' ? places.state(place) !== null : level === 'municipal' ? places.municipality(place) !== null : false

  function get(id: string): Service | null {
    current()
    const known = kept.get(id)
    if (known) return known
    const { base: baseId, place } = split(id)
    const base = inForce.get(baseId)
    if (!base || (place !== null && !offers(base.definition.level, place))) return null
    const difference = place === null ? null : (pick(adoptionRows.get(baseId)?.get(place), day) ?? null)
    const service = make(base, place, difference)
    if (kept.size >= keptServices) kept.delete(kept.keys().next().value!)
    kept.set(id, service)
    return service
  }

  const placesOf = (level: Definition['level']) =>
    level === 'federal' ? 0 : level === 'state' ? places.count.states : places.count.municipalities

  function search(query: Query): Results {
    current()
    const given = query.place === undefined ? null : places.require(query.place)
    const words = (query.q ?? '').trim()
    const found =
      words === '' ? null : (index ??= buildIndex([...inForce.values()], places, synonyms, agencyName)).find(words, given?.code ?? null)
    // A place written among the words counts where none was chosen beside them.
    const place = given ?? (found?.place ? places.jurisdiction(found.place) : null)
    let bases = inOrder(inForce.values(), found, place)
    if (query.event !== undefined) bases = bases.filter((b) => (b.definition.lifeEvents as readonly string[]).includes(query.event!))
    if (query.agency !== undefined) bases = bases.filter((b) => b.definition.agency === query.agency)
    const offset = query.offset ?? 0
    const items = bases.slice(offset, offset + (query.limit ?? 20)).map((b): Listed => {
      const { level, id, agency } = b.definition
      const code =
        level === 'federal' || !place ? null : level === 'state' ? place.code.slice(0, 2) : place.level === 'municipal' ? place.code : null
      return {
        id: (code === null ? id : `${id}@${code}`) as ServiceId,
        base: id,
        level,
        jurisdiction: code === null ? { level, code: '00', name: 'México' } : places.jurisdiction(code),
        adoptions: placesOf(level),
        text: (language, key) => b.texts[language][key] ?? '',
        agency: (language) => agencyName(agency, language),
      }
    })
    return { total: bases.length, items, place }
  }

  /** Whether this place's window does the steps of every unit. */
  const doesAll = (office: string): boolean => placeFacts.get(/^(?:state|mun)-(\d+)$/.exec(office)?.[1] ?? '')?.oneLine === true

  function officeFor(service: Pick<Service, 'id' | 'office'>, unit?: string): OfficeId {
    if (service.office === null)
      throw new Problem('catalogue/not-offered', 'Choose the place first: this service is asked for in a state or a municipality.')
    return (unit === undefined || doesAll(service.office) ? service.office : `${service.office}-${unit}`) as OfficeId
  }

  const catalogue: Catalogue = {
    places,
    agencies: offices.agencies,
    get,
    async pinned(hash, id) {
      const now = get(id)
      if (now?.hash === hash) return now
      const parts = await store.version(db, hash)
      if (!parts) return null
      const key = `${hash} ${id}`
      const known = kept.get(key)
      if (known) return known
      const content = parsed.has(parts.definition) ? '' : ((await store.definitions(db, [parts.definition])).get(parts.definition) ?? '')
      const base = parseBase(parts.definition, content)
      const text = parts.adoption === null ? null : (await store.adoptions(db, [parts.adoption])).get(parts.adoption)!
      const { base: baseId, place } = split(id)
      if (base.definition.id !== baseId || (place !== null && !offers(base.definition.level, place))) return null
      const service = make(base, place, text === null ? null : { hash: parts.adoption!, adoption: JSON.parse(text) as Adoption })
      if (kept.size >= keptServices) kept.delete(kept.keys().next().value!)
      kept.set(key, service)
      return service
    },
    bases() {
      current()
      return [...inForce.keys()]
    },
    counts() {
      current()
      const all = [...inForce.values()]
      return {
        bases: all.length,
        services: all.reduce((n, b) => n + (b.definition.level === 'federal' ? 1 : placesOf(b.definition.level)), 0),
      }
    },
    search,
    municipalities: (state) => places.municipalities(state),
    office: (id) => offices.get(id),
    officeFor,
    servedAt(id) {
      current()
      const office = offices.get(id)
      if (!office) return []
      const place = office.jurisdiction.level === 'federal' ? null : office.jurisdiction.code
      return [...inForce.values()].flatMap((b) => {
        const d = b.definition
        if (d.level !== office.jurisdiction.level || (d.level === 'federal' && d.agency !== office.agency)) return []
        const all = doesAll(office.id)
        const own = (unit: string | undefined) => all || (unit ?? null) === office.unit
        const does = d.steps.some((s) =>
          s.kind === 'parallel' ? s.branches.some((x) => own(x.unit)) : (s.kind === 'review' || s.kind === 'decide') && own(s.unit),
        )
        return does ? [get(place === null ? d.id : `${d.id}@${place}`)!] : []
      })
    },
    calendarOf: (office) => offices.calendarOf(office),
    agencyName,
    async load(folder) {
      const loaded = await loadFolder({ db, clock, publiclog: deps.publiclog, places, offices }, folder)
      for (const f of loaded.faults) log.warn({ file: f.file, pointer: f.pointer }, `${f.what}. ${f.remedy}`)
      await refresh(true)
      return loaded
    },
    refresh,
    history,
    drafts: openDrafts({
      db,
      clock,
      publiclog: deps.publiclog,
      places,
      offices,
      inForce() {
        current()
        return inForce
      },
      refresh: () => refresh(true),
    }),
    register(web, options) {
      const { publicUrl: origin, demo, officeUrl, names = async () => new Map() } = options
      const { record } = registerLinked(web, { catalogue, db, origin, demo, officeUrl })
      const pages = registerPages(web, catalogue, { ...options, clock, record })
      registerEditor(web, { catalogue, drafts: catalogue.drafts, clock, demo, names })
      return pages
    },
    get version() {
      current()
      return `${version}.${day}`
    },
  }
  await refresh(true)
  return catalogue
}
