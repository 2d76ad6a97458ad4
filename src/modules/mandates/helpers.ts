/** The public register of helpers: people who help others for a price, each with a licence, the most they may charge, and how the cases ended. */
import type { Db } from '#db'
import { newReference, type PersonId, parseReference, type Reference } from '#kernel/id'
import { type FieldProblem, Problem } from '#kernel/problem'
import { addDays, type PlainDate } from '#kernel/time'
import { administers, type People } from '#people'
import type { Visitor } from '#web'
import type { HelperRow } from './store.ts'
import * as store from './store.ts'

/** A licence runs at most two years, and is given anew. */
const longestDays = 731
/** Above this no cap is set: 5,000 pesos. */
const highestCap = 500_000
const freshMs = 60_000

/** How a case stands, as the engine of cases says it. */
export type Standing = 'open' | 'decided' | 'lapsed' | 'withdrawn'
/** How the register counts it. */
type Outcome = Exclude<Standing, 'decided'> | 'granted' | 'refused'

/** One line of the register. `name` is public by the licence; null for who is registered no more. */
export type Helper = Omit<HelperRow, 'person'> & {
  readonly name: string | null
  readonly inForce: boolean
  /** In how many cases they helped, by how they stand. */
  readonly outcomes: Readonly<Record<Outcome, number>>
}

/** Whether a licence is in force on a day. */
export const helperInForce = (h: Pick<HelperRow, 'licensed_on' | 'until_on' | 'ended_on'>, day: PlainDate): boolean =>
  h.licensed_on <= day && day <= h.until_on && (h.ended_on === null || day < h.ended_on)

/** Tells how cases stand. */
export type StandingsOf = (references: readonly Reference[]) => Promise<ReadonlyMap<Reference, Standing>>

/** The operations of the register. */
export type HelperRegister = ReturnType<typeof openHelpers>

/** Opens the register. */
export function openHelpers(deps: {
  readonly db: Db
  readonly people: Pick<People, 'names' | 'person' | 'ownerOf'>
  readonly today: () => PlainDate
}) {
  const { db, people, today } = deps
  let kept: { readonly until: number; readonly list: Promise<Helper[]> } | null = null

  /** Counts anew. */
  async function count(standingsOf: StandingsOf): Promise<Helper[]> {
    const [rows, helped] = await Promise.all([store.helpers(db), store.helped(db)])
    const [names, ends] = await Promise.all([
      people.names(
        db,
        rows.map((r) => r.person),
      ),
      standingsOf([...new Set(helped.map((h) => h.reference))]),
    ])
    const counts = new Map<PersonId, Record<Outcome, number>>()
    for (const { person, reference, result } of helped) {
      const stands = ends.get(reference)
      const end = stands === 'decided' ? result : stands
      if (!end) continue
      const count = counts.get(person) ?? { open: 0, granted: 0, refused: 0, lapsed: 0, withdrawn: 0 }
      count[end]++
      counts.set(person, count)
    }
    return rows.map(({ person, ...row }) => ({
      ...row,
      name: names.get(person) ?? null,
      inForce: helperInForce(row, today()),
      outcomes: counts.get(person) ?? { open: 0, granted: 0, refused: 0, lapsed: 0, withdrawn: 0 },
    }))
  }

  return {
    /** The register, by number, counted at most once a minute whoever asks. `standingsOf` tells how cases stand. */
    list(standingsOf: StandingsOf): Promise<Helper[]> {
      const now = performance.now()
      if (kept && kept.until > now) return kept.list
      const list = count(standingsOf)
      kept = { until: now + freshMs, list }
      // What failed is tried again by whoever comes next.
      list.catch(() => {
        kept = null
      })
      return list
    },

    /**
     * Licences the person with this proved address, or gives them new terms. Returns the number. Refuses with `forbidden` who does not administer the portal, and with `invalid` (`/email`, `/place`,
     * `/cap`, `/until`).
     */
    async license(
      by: Visitor,
      given: { readonly email: string; readonly place: string; readonly capCentavos: number | null; readonly until: string },
    ): Promise<string> {
      if (!administers(by)) throw new Problem('forbidden', 'Only an administrator licences helpers.')
      const faults: FieldProblem[] = []
      const wrong = (field: string, code: string): void => void faults.push({ pointer: `/${field}`, code, detail: code })
      let person: PersonId | undefined
      try {
        person = await people.ownerOf(given.email)
      } catch (error) {
        if (!(error instanceof Problem)) throw error
      }
      const known = person ? await people.person(db, person) : null
      if (!known?.name || known.identities.length === 0) wrong('email', 'nobody')
      const place = given.place.normalize('NFC').replace(/\s+/g, ' ').trim()
      if (place.length < 2 || place.length > 200 || /\p{Cc}|\p{Cf}|[<>]/u.test(place)) wrong('place', 'place')
      const cap = given.capCentavos
      if (cap === null || !Number.isInteger(cap) || cap < 0 || cap > highestCap) wrong('cap', 'money')
      const now = today()
      const until = /^\d{4}-\d{2}-\d{2}$/.test(given.until) && !Number.isNaN(Date.parse(given.until)) ? given.until : null
      if (until === null || until < now || until > addDays(now, longestDays)) wrong('until', 'until')
      if (faults.length > 0) throw new Problem('invalid', 'Something is not as it must be.', { fields: faults })
      kept = null
      return db.tx(async (tx) => {
        const before = await store.helperBy(tx, { person: person! })
        const number = before?.number ?? newReference()
        await store.putHelper(tx, {
          person: person!,
          number,
          place,
          cap_centavos: cap!,
          licensed_on: now,
          until_on: until!,
          licensed_by: by.person,
        })
        return number
      })
    },

    /** Ends a licence at once, for a reason that the register shows. Refuses with `forbidden`, `not-found`, and `invalid` (`/why`). */
    async end(by: Visitor, typed: string, reason: string): Promise<void> {
      if (!administers(by)) throw new Problem('forbidden', 'Only an administrator ends a licence.')
      const why = reason.normalize('NFC').replace(/\s+/g, ' ').trim()
      if (why.length < 3 || why.length > 300 || /\p{Cc}|\p{Cf}|[<>]/u.test(why))
        throw new Problem('invalid', 'Say why.', { fields: [{ pointer: '/why', code: 'why', detail: 'why' }] })
      const number = parseReference(typed)
      kept = null
      await db.tx(async (tx) => {
        if (!number || !(await store.helperBy(tx, { number }))) throw new Problem('not-found', 'There is no such helper.')
        await store.endHelper(tx, number, today(), why)
      })
    },
  }
}
