/** What cases hold of a person: all of it to take along, what still runs, and how it is forgotten. */
import { showAnswers } from '#catalogue'
import type { Tx } from '#db'
import type { PersonId } from '#kernel/id'
import { dateIn } from '#kernel/time'
import type { Hold, PersonalPart } from '#people'
import type { SignedIn } from '#web'
import type { SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import type { FileFacts, Filing, Filings } from './filing.ts'
import * as signs from './sign-store.ts'
import type { Case } from './store.ts'
import * as store from './store.ts'

/** More cases than anybody has. */
const mostCases = 10_000
const mostAtOnce = 100

/** Opens it. `forgetOver` forgets what was kept because a paper was in force, once that is over. */
export function openPersonal(deps: Deps, filings: Pick<Filings, 'worldOf'>): PersonalPart & { forgetOver(): Promise<number> } {
  const { db, catalogue, clock, vault, people } = deps
  const runs = (c: Case) => c.state === 'open' || c.state === 'asked'

  async function taken(tx: Tx, visitor: SignedIn, c: Case): Promise<object> {
    const l = visitor.language
    const open = await vault.use(tx, c, { person: visitor.person, office: null, purpose: 'export' })
    const service = await catalogue.pinned(c.definition, c.service)
    const { answers, ground } = open.open<Filing>('answers', c.answers)
    const [files, turns, events, messages, decision] = await Promise.all([
      store.filesOf(tx, c),
      store.turnsOf(tx, c),
      store.eventsOf(tx, c),
      store.messagesOf(tx, c),
      store.decisionOf(tx, c),
    ])
    return {
      reference: c.reference,
      service: c.service,
      name: service?.text(l, 'name') ?? null,
      state: c.state,
      begunAt: c.createdAt,
      filedAt: c.submittedAt,
      dueOn: c.dueOn,
      endedAt: c.endedAt,
      priority: ground,
      answers: service
        ? showAnswers(service, answers, filings.worldOf(c, l)).map((a) => ({ question: a.label, answer: a.shown }))
        : answers,
      papers: files.map((f) => {
        const { name, type, sha256 } = open.open<FileFacts>(`file/${f.id}`, f.sealed)
        return { paper: f.paper, name, type, bytes: f.size, sha256, address: `${deps.publicUrl}/cases/${c.reference}/files/${f.id}` }
      }),
      turns: turns.map((t) => ({ line: t.line, place: t.state.place, step: t.step, takenAt: t.takenAt, endedAt: t.endedAt })),
      events: events.map((e) => ({ at: e.at, what: e.kind, data: e.data })),
      messages: messages.map((m) => ({
        at: m.at,
        from: m.author === 'applicant' ? 'you' : 'office',
        text: open.open<{ text: string }>(`message/${m.id}`, m.sealed).text,
      })),
      decision: decision ? open.open<SealedDecision>('decision', decision.sealed).record : null,
    }
  }

  /** Whether a paper of the case is in force: then others may still ask about it. */
  async function inForce(tx: Tx, c: Case): Promise<boolean> {
    const row = await store.decisionOf(tx, c)
    if (!row || row.withdrawnOn !== null) return false
    const today = dateIn(clock.now(), catalogue.calendarOf(c.office).zone)
    if (row.validUntil !== null) return row.validUntil >= today
    const open = await vault.use(tx, c, { person: null, office: null, purpose: 'erase' })
    return open.open<SealedDecision>('decision', row.sealed).record.result === 'granted'
  }

  return {
    name: 'cases',

    take: (visitor) =>
      db.tx(async (tx) => {
        const all: object[] = []
        for (const c of await store.casesOf(tx, visitor.person, mostCases)) all.push(await taken(tx, visitor, c))
        return all
      }),

    async holds(tx: Tx, person: PersonId): Promise<Hold[]> {
      return (await store.casesOf(tx, person, mostCases)).filter(runs).map((c) => ({ what: 'case', reference: c.reference }))
    },

    async erase(tx: Tx, person: PersonId): Promise<void> {
      for (const seen of await store.casesOf(tx, person, mostCases)) {
        const c = (await store.lockCase(tx, seen.place, seen.id))!
        if (c.state === 'draft') await store.deleteDraft(tx, c, clock.now())
        else if (await inForce(tx, c)) await store.setForget(tx, c)
        else await forget(tx, c)
      }
    },

    async forgetOver(): Promise<number> {
      let forgotten = 0
      for (const { place, id } of await store.toForget(db, mostAtOnce))
        await db.tx(async (tx) => {
          const c = await store.lockCase(tx, place, id)
          if (!c || (await inForce(tx, c))) return
          await forget(tx, c)
          forgotten++
        })
      return forgotten
    },
  }

  /** Destroys the case's key and all that lay under it. Its turns and events stay as the public log has them. */
  async function forget(tx: Tx, c: Case): Promise<void> {
    await signs.forget(tx, c)
    await store.forget(tx, c)
    await people.forgetUses(tx, c.applicant, c.reference)
  }
}
