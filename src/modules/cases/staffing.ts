/**
 * Who may serve at an office, as it changes. A desk whose person may serve there no more is closed. A turn that everybody of the office has passed waits for
 * somebody else: it is seen by who can ask for one, and told to its holder; nobody gets a way to pick it, and an official who comes is given it by the rule.
 */
import type { LineId, OfficeId, PersonId } from '#kernel/id'
import type { PlainDate } from '#kernel/time'
import type { Message } from '#messages'
import type { Role } from '#web'
import type { Deps } from './deps.ts'
import type { Desks } from './desk.ts'
import type { Case, Turn } from './store.ts'
import * as store from './store.ts'

/** A turn that nobody of its office may serve: its place and dates, and nothing of whose it is. */
export type Stranded = { readonly line: LineId; readonly number: number; readonly since: Date; readonly due: PlainDate }

export type Staffing = ReturnType<typeof openStaffing>

/** Opens what supervisors and administrators read of it, and handles the news of roles. */
export function openStaffing(deps: Deps, desks: Desks) {
  const { db, jobs, people, catalogue, messages } = deps

  /** The waiting turns that every present official of the office has passed. None while one of them never sat at a desk: that one may serve them. */
  async function passedByAll(office: OfficeId): Promise<{ t: Turn; c: Case; due: PlainDate }[]> {
    const officials = await people.holders(db, 'official', office)
    const seats = (await store.desksOf(db, office)).filter((d) => officials.includes(d.person)).map((d) => d.state.desk)
    if (seats.length < officials.length) return []
    const found: { t: Turn; c: Case; due: PlainDate }[] = []
    for (const { place, state } of await store.linesOf(db, office))
      for (const t of await store.passedByAll(db, place, state.line, seats)) {
        const c = await store.caseById(db, t.place, t.caseId)
        if (c?.dueOn) found.push({ t, c, due: c.dueOn })
      }
    return found
  }

  async function stranded(office: OfficeId): Promise<Stranded[]> {
    return (await passedByAll(office)).map(({ t, due }) => ({ line: t.line, number: t.state.place, since: t.takenAt, due }))
  }

  jobs.handle<{ person: PersonId; role: Role; office: OfficeId | null }>('people.role-withdrawn', async ({ person, role, office }) => {
    if (role !== 'official' || office === null) return
    await desks.closeFor(person, office)
    await jobs.add(db, 'cases/tell-stranded', { office })
  })

  jobs.handle<{ office: OfficeId }>('cases/tell-stranded', async ({ office }) => {
    const all = await passedByAll(office)
    const told: Message[] = []
    for (const { t, c, due } of all) {
      const language = (await people.person(db, c.applicant))?.language ?? 'es'
      const service = await catalogue.pinned(c.definition, c.service)
      told.push({
        to: c.applicant,
        caseReference: c.reference,
        key: `${c.id}/stranded/${t.state.turn}`,
        template: 'stranded',
        data: {
          reference: c.reference,
          office: catalogue.office(office)?.name(language) ?? office,
          due,
          effect: service?.definition.silence.means === 'affirmative' ? 'granted' : 'refused',
        },
      })
      for (const supervisor of await people.holders(db, 'supervisor', office))
        told.push({
          to: supervisor,
          key: `${c.id}/stranded/${t.state.turn}/${supervisor}`,
          template: 'office-stranded',
          data: { office, number: t.state.place, due },
        })
    }
    if (told.length > 0) await db.tx((tx) => messages.send(tx, told))
  })

  return {
    stranded,

    /** The same for every office that has such turns, for administrators, who can invite somebody. */
    async offices(): Promise<{ office: OfficeId; turns: readonly Stranded[] }[]> {
      const all: { office: OfficeId; turns: readonly Stranded[] }[] = []
      for (const office of await store.officesWithPasses(db)) {
        const turns = await stranded(office)
        if (turns.length > 0) all.push({ office, turns })
      }
      return all
    },
  }
}
