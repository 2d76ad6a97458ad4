/**
 * What is kept of a person, as the law gives it to them: all of it in one file, and its erasure (Ley General de Protección de Datos Personales en Posesión de Sujetos Obligados, DOF 20 March 2025:
 * rights of access and of cancellation). Each module says what it holds, and forgets it; the public log holds nothing about anybody.
 */
import type { Db, Tx } from '#db'
import type { PersonId, Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { type Clock, dayMs } from '#kernel/time'
import type { SignedIn } from '#web'
import * as store from './store.ts'

/** Days between the wish and its fulfilment, in which it can be taken back: our choice, within the twenty working days in which the law wants an answer. */
export const erasureDays = 15
const mostAtOnce = 100

/** What stands in the way of an erasure: a case that runs, or a duty. */
export type Hold = { readonly what: 'case' | 'duty'; readonly reference: Reference | null }

/** What a module does with what it holds of a person. */
export type PersonalPart = {
  /** Its name in the file. */
  readonly name: string
  /** All it holds, as JSON; a use of what is sealed is recorded. */
  take(visitor: SignedIn): Promise<unknown>
  /** What must end first. */
  holds?(tx: Tx, person: PersonId): Promise<readonly Hold[]>
  /** Forgets it, but what a paper in force or a proof still needs. */
  erase(tx: Tx, person: PersonId): Promise<void>
}

export type PersonalDataDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly tellEnded: (tx: Tx, sessions: readonly string[]) => Promise<void>
  /** A letter to the proved address. */
  readonly tell: (tx: Tx, person: PersonId, template: 'erasure-asked' | 'erasure-done') => Promise<void>
  /** Refuses with `forbidden` a session that somebody else may hold: by a paper, or by a telephone of the household where there is an e-mail address. */
  readonly refuseWeak: (visitor: SignedIn) => Promise<void>
  /** A person's passkeys, without what they sign with. */
  readonly passkeysOf: (person: PersonId) => Promise<readonly unknown[]>
}

export type PersonalData = ReturnType<typeof openPersonalData>

/** Opens what a person may do with all that is kept of them. */
export function openPersonalData({ db, clock, tellEnded, tell, refuseWeak, passkeysOf }: PersonalDataDeps) {
  let parts: readonly PersonalPart[] = []

  async function holdsOf(tx: Tx, person: PersonId): Promise<Hold[]> {
    const duties = (await store.grantsOf(tx, person)).map((): Hold => ({ what: 'duty', reference: null }))
    return [...duties.slice(0, 1), ...(await Promise.all(parts.map((p) => p.holds?.(tx, person) ?? []))).flat()]
  }

  return {
    /** The modules that hold something of people, beside this one; told once, when all are open. */
    concerns(all: readonly PersonalPart[]): void {
      parts = all
    },

    /** All that is kept of the visitor, module by module. Refuses with `forbidden` a session that somebody else may hold. */
    async take(visitor: SignedIn): Promise<Record<string, unknown>> {
      await refuseWeak(visitor)
      const { person } = visitor
      const found = await store.findPerson(db, person)
      const all: Record<string, unknown> = {
        takenAt: clock.now(),
        account: {
          name: found?.name ?? null,
          language: found?.language ?? null,
          identities: (found?.identities ?? []).map((i) => ({ kind: i.kind, value: i.value, seenAtCounter: i.shown_at })),
          contacts: await store.contactsOf(db, person),
          sessions: await store.sessionsOf(db, person, clock.now(), new Date(0)),
          passkeys: await passkeysOf(person),
          roles: await store.grantsOf(db, person),
          events: (await store.eventsOf(db, person, 10_000)).map(({ at, what, role, office }) => ({ at, what, role, office })),
          // Who of an office it was is the office's to know; who acts for one by a mandate is told by name.
          uses: (await store.usesOf(db, person, null, 100_000)).map(({ id: _id, actor, ...use }) => ({ ...use, byYou: actor === person })),
        },
      }
      for (const part of parts) all[part.name] = await part.take(visitor)
      return all
    },

    /** What must end before the visitor's data can be erased, and when that happens where they have asked for it. */
    async state(visitor: SignedIn): Promise<{ readonly holds: readonly Hold[]; readonly dueAt: Date | null }> {
      return db.tx(async (tx) => ({
        holds: await holdsOf(tx, visitor.person),
        dueAt: await store.erasureOf(tx, visitor.person),
      }))
    },

    /** Asks for the erasure; asked twice, the first day holds. Refuses with `forbidden` a session that somebody else may hold, and with `people/erasure-held` while a case runs or a duty is held. */
    async ask(visitor: SignedIn): Promise<void> {
      await refuseWeak(visitor)
      await db.tx(async (tx) => {
        await store.lockPerson(tx, visitor.person)
        if ((await holdsOf(tx, visitor.person)).length > 0) throw new Problem('people/erasure-held', 'Something of yours still runs.')
        const now = clock.now()
        if (!(await store.putErasure(tx, visitor.person, now, new Date(now.getTime() + erasureDays * dayMs)))) return
        await store.addEvent(tx, now, 'erasure-asked', visitor.person, visitor.person)
        await tell(tx, visitor.person, 'erasure-asked')
      })
    },

    /** Takes the wish back. */
    async keep(visitor: SignedIn): Promise<void> {
      await db.tx(async (tx) => {
        if (await store.dropErasure(tx, visitor.person))
          await store.addEvent(tx, clock.now(), 'erasure-kept', visitor.person, visitor.person)
      })
    },

    /** Erases whose day has come, each in a transaction of its own: all of them or nothing. Who began something meanwhile keeps their account until it has ended. How many were erased. */
    async eraseDue(): Promise<number> {
      let erased = 0
      for (const person of await store.erasuresDue(db, clock.now(), mostAtOnce))
        await db.tx(async (tx) => {
          if (!(await store.lockPerson(tx, person))) return
          if ((await store.erasureOf(tx, person)) === null || (await holdsOf(tx, person)).length > 0) return
          await tell(tx, person, 'erasure-done')
          await tellEnded(tx, await store.endSessions(tx, person))
          for (const part of parts) await part.erase(tx, person)
          await store.erase(tx, person)
          erased++
        })
      return erased
    },
  }
}
