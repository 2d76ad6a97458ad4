/** Submitting: the hot path. What arrives while a commit is under way is gathered into the next (DESIGN.md, Submitting, step by step). */
import { begin, type Service } from '#catalogue'
import type { Tx } from '#db'
import { commit } from '#kernel/commitment'
import { gather } from '#kernel/gather'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { dateIn, dayMs, endOfDay, minuteStamp } from '#kernel/time'
import type { Level, Person } from '#people'
import { Acts } from './acts.ts'
import { askBy, draftDays, dueOn } from './clock.ts'
import type { Deps } from './deps.ts'
import { beginOutside, lockPlans, planOf, stepTimers, takeTurns } from './enact.ts'
import type { Filing } from './filing.ts'
import { findRejoins, rejoin } from './rejoin.ts'
import type { Case, CaseChannel } from './store.ts'
import * as store from './store.ts'

/** Who submits which draft. `clerkAt`: the counters where this person takes filings for others. `level`: how surely who submits is known (`people.level`); 1 without it. */
export type Submission = {
  readonly person: PersonId
  readonly reference: Reference
  readonly clerkAt?: readonly OfficeId[]
  /** The session of who submits, where a mandate may be needed. */
  readonly session?: string
  readonly level?: Level
}

const mostAtOnce = 256
/** Batches under way at once: the processor decides one while the disk takes the other. */
const abreast = 2

/**
 * A function that submits drafts, durable when it returns. A draft that was submitted already is left as it is, so a second press finds the first
 * receipt. Refuses: `not-found` (no such case, or another person's), `cases/draft-expired`, `cases/incomplete`, `cases/definition-changed`,
 * `people/not-identified`, `people/step-up`, `cases/one-living-turn`.
 */
export function openSubmit(deps: Deps): (submission: Submission) => Promise<void> {
  return gather(
    async (batch) => {
      try {
        return await deps.db.tx((tx) => submitAll(tx, deps, batch))
      } catch (error) {
        // Another process filed the same matter between our look and our write: alone, that is a refusal like any other.
        if (batch.length === 1 && store.breaksLivingTurn(error)) return [oneLivingTurn()]
        throw error
      }
    },
    mostAtOnce,
    abreast,
  )
}

const oneLivingTurn = () => new Problem('cases/one-living-turn', 'You have a turn for this matter already.')

type Decided = {
  readonly c: Case
  readonly s: Submission
  readonly mandate: string | null
  readonly service: Service
  readonly identity: string
}

/** Whether this is the clerk who took the filing, at their counter. */
const takes = (c: Case, s: Submission) => c.takenBy === s.person && s.clerkAt?.includes(c.office) === true

/** By which mandate each files whose case it is not; no statement where everybody files their own. */
async function mandatesFor(tx: Tx, deps: Deps, batch: readonly Submission[], cases: ReadonlyMap<Reference, Case>) {
  const others = batch.flatMap((s) => {
    const c = cases.get(s.reference)
    return c && c.applicant !== s.person && !takes(c, s) ? [{ s, c }] : []
  })
  if (others.length === 0) return new Map<Submission, string>()
  const found = await deps.mandates.check(
    tx,
    others.map(({ s, c }) => ({
      person: s.person,
      session: s.session ?? null,
      principal: c.applicant,
      service: c.service,
      reference: c.reference,
      act: 'file',
    })),
  )
  await deps.mandates.note(
    tx,
    others.flatMap(({ c }, i) => (found[i] ? [{ mandate: found[i], reference: c.reference }] : [])),
  )
  return new Map(others.flatMap(({ s }, i) => (found[i] ? [[s, found[i]] as const] : [])))
}

async function submitAll(tx: Tx, deps: Deps, batch: readonly Submission[]): Promise<(undefined | Error)[]> {
  const outcomes = new Array<undefined | Error>(batch.length).fill(undefined)
  const cases = await store.lockCases(tx, [...new Set(batch.map((s) => s.reference))])
  const people = await deps.people.persons(tx, [...new Set(batch.map((s) => cases.get(s.reference)?.applicant ?? s.person))])
  const now = deps.clock.now()
  const mandates = await mandatesFor(tx, deps, batch, cases)
  const decided: Decided[] = []
  const seen = new Set<Reference>()
  for (const [i, s] of batch.entries()) {
    try {
      const c = cases.get(s.reference)
      // Another person's case reads as absent, so the answer never reveals that it exists.
      const mandate = mandates.get(s) ?? null
      if (!c || (c.applicant !== s.person && !takes(c, s) && mandate === null)) throw new Problem('not-found', 'There is no such case.')
      if (c.state !== 'draft' || seen.has(s.reference)) continue
      decided.push({ c, s, mandate, ...decide(deps, c, people.get(c.applicant), s, mandate, now) })
      seen.add(s.reference)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      outcomes[i] = error
    }
  }
  if (decided.length === 0) return outcomes

  // One living turn for one matter: in this batch and in the lines.
  const living = await store.livingMatters(
    tx,
    decided.flatMap((d) => (d.c.matter ? [d.c.matter] : [])),
  )
  const kept = decided.filter(({ c }) => {
    if (c.matter === null || !living.has(c.matter)) {
      if (c.matter !== null) living.add(c.matter)
      return true
    }
    // Every press of this draft is refused, also those that only followed the first.
    for (const [i, s] of batch.entries()) if (s.reference === c.reference) outcomes[i] ??= oneLivingTurn()
    return false
  })

  const [vaults, lost] = await Promise.all([
    deps.vault.useMany(
      tx,
      kept.map(({ c, s, mandate }) => ({
        c,
        use: {
          person: s.person,
          office: c.applicant === s.person || mandate !== null ? null : c.office,
          purpose: 'file' as const,
          represents: mandate !== null,
        },
      })),
    ),
    findRejoins(
      tx,
      kept.map(({ c }) => c),
    ),
  ])
  const plans = kept.map(({ c, service }, i) =>
    planOf(
      deps,
      service,
      begin(service.definition, now.toISOString()),
      { type: 'submitted', step: service.definition.steps[0]!.id },
      {
        answers: vaults[i]!.open<Filing>('answers', c.answers).answers,
        today: dateIn(now, deps.catalogue.calendarOf(c.office).zone),
        at: now.toISOString(),
      },
    ),
  )
  const acts = new Acts(now)
  await lockPlans(tx, deps, acts, plans)
  for (const [i, { c, service, identity, mandate }] of kept.entries()) {
    const vault = vaults[i]!
    const plan = plans[i]!
    const calendar = deps.catalogue.calendarOf(c.office)
    const filedOn = dateIn(now, calendar.zone)
    const { term } = service.definition
    const due = dueOn(term, filedOn, calendar)
    const channel: CaseChannel = c.takenBy === null ? c.channel : 'counter'
    const promise = commit({ case: c.pseudonym, person: identity, service: c.service, definition: c.definition, filing: c.filing })
    const first = acts.entry({
      v: 1,
      type: 'case.submitted',
      at: minuteStamp(now),
      case: c.pseudonym,
      service: c.service,
      definition: c.definition,
      channel,
      commitment: promise.commitment,
    })
    const found = lost.get(c.id)
    const back = found ? await rejoin(tx, acts, c, plan, vault, found) : null
    const { turns, entries } = back
      ? takeTurns(acts, { ...c, filing: back.filing }, { ...plan, opens: back.opens }, identity, vault)
      : takeTurns(acts, c, plan, identity, vault, c.matter)
    acts.case({
      ...c,
      state: 'open',
      channel,
      steps: plan.steps,
      submittedAt: now,
      filedOn,
      dueOn: due,
      askBy: askBy(term, filedOn, calendar),
    })
    acts.event({
      place: c.place,
      caseId: c.id,
      at: now,
      kind: 'submitted',
      turn: (back?.turn ?? turns[0])?.state.turn ?? null,
      desk: null,
      data: mandate === null ? { channel } : { channel, mandate },
      sealed: vault.seal('submitted', promise.opening),
      entries: [first, ...(back?.entries ?? []), ...entries],
    })
    acts.clearTimers(c, ['draft'])
    acts.setTimer({ place: c.place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
    for (const t of stepTimers(deps, c, plan.timers, filedOn)) acts.setTimer(t)
    beginOutside(acts, c, plan)
    acts.job('cases/attach-proof', { place: c.place, caseId: c.id })
  }
  await acts.write(tx, deps)
  return outcomes
}

function decide(
  deps: Deps,
  c: Case,
  applicant: Person | undefined,
  s: Submission,
  mandate: string | null,
  now: Date,
): Pick<Decided, 'service' | 'identity'> {
  if (now.getTime() - c.savedAt.getTime() > draftDays * dayMs) throw new Problem('cases/draft-expired', 'Drafts are kept 30 days.')
  const service = deps.catalogue.get(c.service)
  if (!service) throw new Problem('catalogue/not-offered', 'This service is not offered any more.')
  if (service.hash !== c.definition) throw new Problem('cases/definition-changed', 'The service has changed since you answered.')
  if (c.completeFor !== service.hash || c.filing === null) throw new Problem('cases/incomplete', 'An answer or a paper is missing.')
  const identity = applicant?.identities[0]?.value
  if (!identity || !applicant.name || !(applicant.email || applicant.phone || c.takenBy || mandate))
    throw new Problem('people/not-identified', 'Say who you are before taking a turn.')
  // At a counter the person stands before a clerk, which is more than any session says.
  if ((service.definition.assurance ?? 1) > (s.level ?? 1) && c.takenBy !== s.person)
    throw new Problem('people/step-up', 'This service asks to know more surely who you are.')
  return { service, identity }
}
