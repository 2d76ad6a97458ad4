/** What analysts do with drafts. Each is one transaction; refusals are `Problem`s, and a draft that is not one's own to see reads as absent. */
import { isDeepStrictEqual } from 'node:util'
import type { Db, Tx } from '#db'
import { canonical } from '#kernel/canonical'
import { type PersonId, uuidv7 } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { SignedIn } from '#web'
import { type Checked, checkAdoption, checkAdoptions, checkDefinition, type Surroundings } from '../check.ts'
import type { Adoption, Definition } from '../definition.ts'
import { type Fault, type FaultCode, type FaultValues, faultAt } from '../faults.ts'
import { circleOfPapers, type FileTexts, files } from '../folder.ts'
import { noticeDates, type PublishDeps, type Published, publishWanted, readStanding, type Standing } from '../publish.ts'
import { contentHash } from '../service.ts'
import * as store from '../store.ts'
import { type Content, copyOf, type PlaceContent, skeleton } from './content.ts'
import { filesOf, placeFile } from './files.ts'
import { mayApprove, mayWrite, type Target } from './rights.ts'

export type DraftDeps = PublishDeps & {
  readonly db: Db
  readonly places: Surroundings['places']
  /** The bases in force, and what they say. */
  readonly inForce: () => ReadonlyMap<string, { readonly definition: Definition; readonly texts: Checked['texts'] }>
  /** Hears of what was published. */
  readonly refresh: () => Promise<void>
}

/** How a draft begins. */
export type Beginning =
  | { readonly how: 'new'; readonly level: Definition['level']; readonly agency: string; readonly name: { es: string; en: string } }
  | {
      readonly how: 'copy'
      readonly of: string
      readonly level: Definition['level']
      readonly agency: string
      readonly name: { es: string; en: string }
    }
  /** Of what is in force; `seed`: of what the program's folder brings in its stead. */
  | { readonly how: 'change' | 'seed'; readonly base: string }
  | { readonly how: 'place'; readonly place: string }
  /** Of files that passed the checker, or of a record taken over as far as it goes. */
  | { readonly how: 'import'; readonly content: Content }
  | { readonly how: 'import-place'; readonly content: PlaceContent }

type Held =
  | { readonly kind: 'service'; readonly content: Content; readonly checked: Checked | null; readonly before: Content | null }
  | { readonly kind: 'place'; readonly content: PlaceContent; readonly checked: null; readonly before: PlaceContent | null }

/** A draft as somebody sees it. */
export type OpenDraft = store.DraftRow &
  Held & {
    readonly faults: readonly Fault[]
    /** Everybody who saved a state of it, or sent it: none of them can approve it. */
    readonly authors: ReadonlySet<PersonId>
    readonly acts: readonly store.ActRow[]
    readonly mayWrite: boolean
    /** Whether this visitor can be the second person. */
    readonly mayApprove: boolean
    /** The hash of what is newest; a draft begun from another one would undo what came between. */
    readonly newest: string | null
    readonly came: FileTexts | null
  }

/** A save that came too late: what others saved since, and the content as it was and is. */
export type Stale<C> = { readonly since: readonly store.SaveRow[]; readonly was: C; readonly is: C; readonly n: number }

/** A line of the list of drafts. */
export type ListedDraft = store.DraftRow & { readonly mine: boolean; readonly mayApprove: boolean }

const isUuid = (id: string) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)
const absent = () => new Problem('not-found', 'There is no such draft.')
const parse = <T>(text: string) => JSON.parse(text) as T

/** A service's four files as content. */
export function contentOf(all: FileTexts): Content {
  return {
    definition: parse(all[files.definition]!),
    es: parse(all[files.es]!),
    en: parse(all[files.en]!),
    examples: parse(all[files.examples]!),
  }
}

export type Drafts = ReturnType<typeof openDrafts>

/** The operations of drafts. */
export function openDrafts(deps: DraftDeps) {
  const { db, clock, places, offices } = deps

  const around = (own?: string): Surroundings => ({
    bases: new Set([...deps.inForce().keys(), ...(own === undefined ? [] : [own])]),
    agencies: offices.agencies,
    places,
  })

  /** What is newest of a target: its hash, its content, and the files it came in. */
  async function newestOf(on: Db | Tx, { base, place }: Target, standing: Standing) {
    const source = await store.source(on, base, place)
    if (place !== '') {
      const all: Record<string, Adoption> = {}
      const file = source?.files ?? null
      for (const id of new Set([...Object.keys(file === null ? {} : parse<PlaceContent['file']>(file).services), ...standing.bases])) {
        const value = standing.adoption(id, place)?.newest.value
        if (value) all[id] = value
      }
      const before = file === null ? null : parse<PlaceContent['file']>(file)
      const office = before?.office
      const content: PlaceContent = { file: { format: 1, place, ...(office ? { office } : {}), services: all } }
      const same = before !== null && isDeepStrictEqual(before.services, all)
      return {
        hash: contentHash(canonical({ office: office ?? null, services: all })),
        content: same ? { file: before } : content,
        came: file === null ? null : { place: file },
      }
    }
    const hash = standing.base(base)?.newest.hash ?? null
    if (hash === null) return { hash, content: null, came: null }
    const came = source?.files ? parse<FileTexts>(source.files) : null
    if (came) return { hash, content: contentOf(came), came }
    const { definition, text } = parse<{ definition: Definition; text: { es: Record<string, string>; en: Record<string, string> } }>(
      (await store.definitions(on, [hash])).get(hash)!,
    )
    return { hash, content: { definition, es: text.es, en: text.en, examples: [] }, came: null }
  }

  /** Every fault of a service's content, in its four files and against its neighbours. */
  function checkService(
    base: string,
    content: Content,
    standing: Standing,
    begunFrom: string | null,
  ): { faults: Fault[]; checked: Checked | null } {
    const found = checkDefinition(base, content, around(base))
    const faults = [...found.faults]
    const at = (pointer: string, code: FaultCode, values: FaultValues) =>
      faults.push(faultAt(`${base}/${files.definition}`, pointer, code, values))
    if (begunFrom === null && standing.base(base)) at('/id', 'name-taken', { id: base })
    if (found.checked) {
      const all = new Map<string, { definition: Definition }>([...deps.inForce(), [base, { definition: content.definition }]])
      const circle = circleOfPapers(all)
      if (circle) at('/papers', 'circle', { circle: circle.join(' → ') })
      // What places changed must lie within the new bounds as well: nobody changes it for them.
      for (const place of standing.placesOf(base)) {
        const adoption = standing.adoption(base, place)!.newest.value
        const [wrong] = adoption ? checkAdoption('', '', adoption, content.definition, around(base)) : []
        if (wrong)
          at(`/adoption${wrong.pointer.replace(/\/(amount|count|from)$/, '')}`, 'adopted-outside', {
            place: places.nameOf(place),
            why: wrong.what,
          })
      }
    }
    return { faults, checked: faults.length === 0 ? found.checked : null }
  }

  function checkPlace(place: string, content: PlaceContent): Fault[] {
    const bases = new Map([...deps.inForce()].map(([id, b]) => [id, b.definition]))
    return [...checkAdoptions(`adoptions/${place}.json`, place, content.file, bases, around()).faults]
  }

  const sameTarget = (row: Target): Target => ({ base: row.base, place: row.place })

  async function seen(on: Db | Tx, visitor: SignedIn, row: store.DraftRow | null): Promise<{ row: store.DraftRow; write: boolean }> {
    if (!row) throw absent()
    const write = mayWrite(visitor, row)
    if (!write && !(await mayApprove(on, visitor, row))) throw absent()
    return { row, write }
  }

  async function hold(tx: Tx, visitor: SignedIn, id: string, n: number | null, state: store.DraftState): Promise<store.DraftRow> {
    const { row, write } = await seen(tx, visitor, isUuid(id) ? await store.lockDraft(tx, id) : null)
    if (!write) throw new Problem('forbidden', 'This is not yours to write.')
    if (row.state !== state) throw new Problem('conflict', `The draft is ${row.state}.`)
    if (n !== null && row.n !== n) throw new Problem('conflict', 'Somebody saved this draft in between.')
    return row
  }

  async function authorsOf(on: Db | Tx, id: string): Promise<Set<PersonId>> {
    const saved = await store.saves(on, id)
    const acts = await store.acts(on, id)
    return new Set([...saved.map((s) => s.person), ...acts.filter((a) => a.what === 'sent').map((a) => a.person)])
  }

  async function write(tx: Tx, row: store.DraftRow, visitor: SignedIn, part: string, content: unknown, backTo: number | null) {
    const at = clock.now()
    await store.addSave(tx, row.id, { n: row.n + 1, at, person: visitor.person, part, backTo }, JSON.stringify(content))
    await store.setDraft(tx, row.id, row.state, row.n + 1, row.begunFrom, at)
  }

  const readContent = async (on: Db | Tx, row: { id: string; n: number }, n = row.n) =>
    parse<unknown>((await store.savedContent(on, row.id, n))!)

  /** Begins a draft; `around` is what is published, and the drafts there are. */
  async function start(
    tx: Tx,
    { standing, living: drafted }: { readonly standing: Standing; readonly living: readonly store.DraftRow[] },
    visitor: SignedIn,
    beginning: Beginning,
  ): Promise<string> {
    let content: Content | PlaceContent
    let target: Target
    let begunFrom: string | null = null
    switch (beginning.how) {
      case 'new':
        content = skeleton(beginning.level, beginning.agency, beginning.name)
        target = { base: content.definition.id, place: '' }
        break
      case 'copy': {
        const of = await newestOf(tx, { base: beginning.of, place: '' }, standing)
        if (!of.content) throw new Problem('not-found', 'There is no such service.')
        content = copyOf(of.content as Content, beginning.level, beginning.agency, beginning.name)
        target = { base: content.definition.id, place: '' }
        break
      }
      case 'change':
      case 'seed': {
        target = { base: beginning.base, place: '' }
        const of = await newestOf(tx, target, standing)
        if (!of.content) throw new Problem('not-found', 'There is no such service.')
        const seed = beginning.how === 'seed' ? (await store.source(tx, beginning.base, ''))?.seedFiles : null
        if (seed === undefined) throw new Problem('not-found', 'The folder brings nothing else.')
        content = seed === null ? (of.content as Content) : contentOf(parse(seed))
        begunFrom = of.hash
        break
      }
      case 'place': {
        if (!places.state(beginning.place) && !places.municipality(beginning.place))
          throw new Problem('not-found', 'There is no such place.')
        target = { base: '', place: beginning.place }
        const of = await newestOf(tx, target, standing)
        content = of.content as PlaceContent
        begunFrom = of.hash
        break
      }
      case 'import': {
        content = beginning.content
        target = { base: content.definition.id, place: '' }
        begunFrom = standing.base(target.base)?.newest.hash ?? null
        break
      }
      case 'import-place':
        content = beginning.content
        target = { base: '', place: content.file.place }
        begunFrom = (await newestOf(tx, target, standing)).hash
    }
    if (!mayWrite(visitor, target)) throw new Problem('forbidden', 'This is not yours to write.')
    const living = drafted.find((d) => d.base === target.base && d.place === target.place)
    if (living) {
      if (beginning.how === 'change' || beginning.how === 'place') return living.id
      throw new Problem('conflict', `There is a draft of ${target.base || places.nameOf(target.place)} already.`)
    }
    if ((beginning.how === 'new' || beginning.how === 'copy') && standing.base(target.base))
      throw new Problem('invalid', 'There is a service of that name already.', {
        fields: [{ pointer: '/name', code: 'taken', detail: 'There is a service of that name already.' }],
      })
    const at = clock.now()
    const id = uuidv7(at.getTime())
    await store.addDraft(tx, { id, ...target, state: 'open', begunFrom, n: 1, changedAt: at })
    await store.addSave(tx, id, { n: 1, at, person: visitor.person, part: beginning.how, backTo: null }, JSON.stringify(content))
    return id
  }

  /** What a draft begins among. One after another: two who begin to change one service must find one draft. */
  async function beginnings(tx: Tx) {
    await store.lockState(tx)
    return { standing: await readStanding(tx, deps), living: await store.livingDrafts(tx) }
  }

  const begin = (visitor: SignedIn, beginning: Beginning): Promise<string> =>
    db.tx(async (tx) => start(tx, await beginnings(tx), visitor, beginning))

  async function open(visitor: SignedIn, id: string): Promise<OpenDraft> {
    const { row, write: writes } = await seen(db, visitor, isUuid(id) ? await store.findDraft(db, id) : null)
    const standing = await readStanding(db, deps, row)
    const authors = await authorsOf(db, id)
    const newest = await newestOf(db, row, standing)
    const approves = !authors.has(visitor.person) && (await mayApprove(db, visitor, row))
    const content = await readContent(db, row)
    const shared = {
      ...row,
      authors,
      acts: await store.acts(db, id),
      mayWrite: writes,
      mayApprove: approves,
      newest: newest.hash,
      came: newest.came as FileTexts | null,
    }
    if (row.place !== '') {
      const c = content as PlaceContent
      return {
        ...shared,
        kind: 'place',
        content: c,
        checked: null,
        before: newest.content as PlaceContent,
        faults: checkPlace(row.place, c),
      }
    }
    const c = content as Content
    // What is over is looked at, not judged: what it was to become is there.
    const over = row.state === 'published' || row.state === 'dropped'
    const found = over ? { faults: [], checked: null } : checkService(row.base, c, standing, row.begunFrom)
    return { ...shared, kind: 'service', content: c, before: newest.content as Content | null, ...found }
  }

  return {
    begin,
    open,

    /** Begins a draft of each content, in one transaction; null where there is none, or there is such a service or draft already. */
    beginAll: (visitor: SignedIn, contents: readonly (Content | null)[]): Promise<(string | null)[]> =>
      db.tx(async (tx) => {
        const among = await beginnings(tx)
        const made: (string | null)[] = []
        for (const content of contents) {
          const base = content?.definition.id
          const there = base === undefined || among.standing.base(base) !== null || among.living.some((d) => d.base === base)
          made.push(content === null || there ? null : await start(tx, among, visitor, { how: 'import', content }))
        }
        return made
      }),

    /** What a file that somebody brings is checked against. */
    importAround: () => ({ ...around(), definitions: deps.inForce() }),

    /** Drafts this analyst can write or approve. */
    async list(visitor: SignedIn): Promise<ListedDraft[]> {
      const all: ListedDraft[] = []
      for (const row of await store.livingDrafts(db)) {
        const mine = mayWrite(visitor, row)
        const may = mine || (await mayApprove(db, visitor, row))
        if (may) all.push({ ...row, mine, mayApprove: may && !(await authorsOf(db, row.id)).has(visitor.person) })
      }
      return all
    },

    /** A draft's name: the service's in Spanish, or the place's. */
    async nameOf(row: store.DraftRow): Promise<string> {
      if (row.place !== '') return places.nameOf(row.place)
      const { es } = (await readContent(db, row)) as Content
      return es.name ?? row.base
    },

    /**
     * Saves what `edit` makes of the content. Where somebody saved since state `n`, nothing is written and what changed comes back; where nothing
     * changes, nothing is written either.
     */
    save<C extends Content | PlaceContent>(
      visitor: SignedIn,
      id: string,
      n: number,
      part: string,
      edit: (content: C) => C,
    ): Promise<Stale<C> | { readonly n: number }> {
      return db.tx(async (tx) => {
        const row = await hold(tx, visitor, id, null, 'open')
        const is = (await readContent(tx, row)) as C
        if (n > row.n || n < 1) throw new Problem('bad-request', 'There is no such state.')
        if (row.n !== n) {
          const since = (await store.saves(tx, id)).filter((s) => s.n > n)
          return { since, was: (await readContent(tx, row, n)) as C, is, n: row.n }
        }
        const next = edit(structuredClone(is))
        if (isDeepStrictEqual(next, is) && isDeepStrictEqual(Object.keys(next), Object.keys(is))) return { n: row.n }
        await write(tx, row, visitor, part, next, null)
        return { n: row.n + 1 }
      })
    },

    /** Goes back to an earlier state, which is written anew: nothing is lost. */
    async goBack(visitor: SignedIn, id: string, n: number, to: number): Promise<void> {
      await db.tx(async (tx) => {
        const row = await hold(tx, visitor, id, n, 'open')
        if (to < 1 || to >= row.n) throw new Problem('bad-request', 'There is no such state.')
        await write(tx, row, visitor, 'undo', await readContent(tx, row, to), to)
      })
    },

    /** Every state, the newest first, and what was decided about it. */
    async history(visitor: SignedIn, id: string) {
      const draft = await open(visitor, id)
      return { draft, saves: await store.saves(db, id) }
    },

    /** One earlier state. */
    async stateOf(visitor: SignedIn, id: string, n: number): Promise<Content | PlaceContent> {
      const { row } = await seen(db, visitor, isUuid(id) ? await store.findDraft(db, id) : null)
      const content = n >= 1 && n <= row.n ? await store.savedContent(db, id, n) : null
      if (content === null) throw absent()
      return parse(content)
    },

    /** Asks for the second person. Refuses a draft with faults (`invalid`), one that changes nothing, and one begun before what is newest, unless that was seen. */
    async send(visitor: SignedIn, id: string, n: number, seenHash: string | null): Promise<void> {
      const draft = await open(visitor, id)
      if (draft.faults.length > 0) throw new Problem('invalid', 'The draft has faults.')
      if (draft.before && isDeepStrictEqual(draft.before, draft.content)) throw new Problem('conflict', 'The draft changes nothing.')
      if (draft.newest !== draft.begunFrom && seenHash !== draft.newest)
        throw new Problem('conflict', 'Another version was published since this draft was begun.')
      await db.tx(async (tx) => {
        await hold(tx, visitor, id, n, 'open')
        const at = clock.now()
        await store.addAct(tx, id, { at, person: visitor.person, what: 'sent', n, note: '' })
        await store.setDraft(tx, id, 'sent', n, draft.newest, at)
      })
    },

    /** An author takes a sent draft back to go on writing. */
    takeBack: (visitor: SignedIn, id: string) =>
      db.tx(async (tx) => {
        const row = await hold(tx, visitor, id, null, 'sent')
        const at = clock.now()
        await store.addAct(tx, id, { at, person: visitor.person, what: 'taken-back', n: row.n, note: '' })
        await store.setDraft(tx, id, 'open', row.n, row.begunFrom, at)
      }),

    /** Puts a draft away; it can be read in its history no more, and nothing published changes. */
    drop: (visitor: SignedIn, id: string, n: number) =>
      db.tx(async (tx) => {
        const row = await hold(tx, visitor, id, n, 'open')
        const at = clock.now()
        await store.addAct(tx, id, { at, person: visitor.person, what: 'dropped', n: row.n, note: '' })
        await store.setDraft(tx, id, 'dropped', row.n, row.begunFrom, at)
      }),

    /** The second person sends it back, with words. */
    async sendBack(visitor: SignedIn, id: string, n: number, note: string): Promise<void> {
      await db.tx(async (tx) => {
        await second(tx, visitor, id, n)
        const at = clock.now()
        await store.addAct(tx, id, { at, person: visitor.person, what: 'returned', n, note })
        const row = (await store.findDraft(tx, id))!
        await store.setDraft(tx, id, 'open', n, row.begunFrom, at)
      })
    },

    /**
     * The second person approves: the draft is checked again, published with its entries in the public log, and its files are kept, in one transaction.
     * Refuses an author (`forbidden`), and with `conflict` a draft that was changed, or begun before what is newest now.
     */
    async approve(visitor: SignedIn, id: string, n: number): Promise<Published[]> {
      const published = await db.tx(async (tx) => {
        await store.lockState(tx)
        const row = await second(tx, visitor, id, n)
        const standing = await readStanding(tx, deps, row)
        const newest = await newestOf(tx, row, standing)
        if (newest.hash !== row.begunFrom) throw new Problem('conflict', 'Another version was published since this draft was sent.')
        const at = clock.now()
        let news: Published[]
        if (row.place === '') {
          const content = (await readContent(tx, row)) as Content
          const { checked, faults } = checkService(row.base, content, standing, row.begunFrom)
          if (!checked) throw new Problem('invalid', `The draft has ${faults.length} faults.`)
          news = await publishWanted(tx, deps, standing, { bases: new Map([[row.base, checked]]), adoptions: new Map() })
          const was = await store.source(tx, row.base, '')
          const all = filesOf(content, newest.came as FileTexts | null)
          // What the folder brings besides stays on offer until a draft was begun of it.
          const seen = (await store.saves(tx, id)).at(-1)!.part === 'seed'
          const seedFiles = seen ? null : (was?.seedFiles ?? null)
          await store.setSource(tx, { base: row.base, place: '', files: JSON.stringify(all), seed: was?.seed ?? null, seedFiles })
        } else {
          const content = (await readContent(tx, row)) as PlaceContent
          if (checkPlace(row.place, content).length > 0) throw new Problem('invalid', 'The draft has faults.')
          const level = row.place.length === 2 ? 'state' : 'municipal'
          const wanted = new Map<string, Adoption | null>()
          for (const base of standing.bases) if (base.startsWith(`${level}/`)) wanted.set(base, content.file.services[base] ?? null)
          news = await publishWanted(tx, deps, standing, { bases: new Map(), adoptions: new Map([[row.place, wanted]]) })
          const came = (newest.came as FileTexts | null)?.place ?? null
          await store.setSource(tx, { base: '', place: row.place, files: placeFile(content.file, came), seed: null, seedFiles: null })
        }
        await store.addAct(tx, id, { at, person: visitor.person, what: 'approved', n, note: '' })
        await store.setDraft(tx, id, 'published', n, row.begunFrom, at)
        await store.setState(tx)
        return news
      })
      await deps.refresh()
      return published
    },

    /** What was said about pairings with this town. */
    pairings: (place: string) => store.pairings(db, place),

    /** Says that this town and another approve for one another, or no longer; it holds once both have said so. For who writes the town's facts. */
    pair: (visitor: SignedIn, place: string, partner: string, together: boolean) =>
      db.tx(async (tx) => {
        if (!mayWrite(visitor, { base: '', place })) throw new Problem('forbidden', 'This is not yours to write.')
        if (!places.municipality(place) || !places.municipality(partner) || place === partner)
          throw new Problem('catalogue/no-such-place', 'Name another municipality.')
        if (together) await store.addPairing(tx, place, partner, visitor.person, clock.now())
        else {
          await store.removePairing(tx, place, partner)
          await store.removePairing(tx, partner, place)
        }
      }),

    /** The draft's files as they would be published. */
    async files(visitor: SignedIn, id: string): Promise<{ readonly folder: string; readonly files: FileTexts }> {
      const draft = await open(visitor, id)
      if (draft.kind === 'place')
        return { folder: 'adoptions', files: { [`${draft.place}.json`]: placeFile(draft.content.file, draft.came?.place ?? null) } }
      return { folder: draft.base, files: filesOf(draft.content, draft.came) }
    },

    /** The files of what is newest of a base; null where there is none. */
    async newestFiles(base: string): Promise<FileTexts | null> {
      const target = { base, place: '' }
      const newest = await newestOf(db, target, await readStanding(db, deps, target))
      return newest.content && filesOf(newest.content as Content, newest.came as FileTexts | null)
    },

    /** Bases for which the program's folder brings another version than the one that is newest here. */
    async withSeeds(): Promise<readonly string[]> {
      return [...(await store.sources(db)).values()].flatMap((s) => (s.seedFiles === null ? [] : s.base))
    },

    /** The day it is, and the first on which a burden published today may hold. */
    dates: () => noticeDates(deps),

    around,
  }

  /** The draft under its lock, for its second person. */
  async function second(tx: Tx, visitor: SignedIn, id: string, n: number): Promise<store.DraftRow> {
    const { row } = await seen(tx, visitor, isUuid(id) ? await store.lockDraft(tx, id) : null)
    if (row.state !== 'sent' || row.n !== n) throw new Problem('conflict', 'The draft is not waiting for approval in this state.')
    if (!(await mayApprove(tx, visitor, sameTarget(row)))) throw new Problem('forbidden', 'This is not yours to approve.')
    if ((await authorsOf(tx, id)).has(visitor.person)) throw new Problem('forbidden', 'Who wrote a draft cannot approve it.')
    return row
  }
}
