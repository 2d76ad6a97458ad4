/** Steps that no desk does: what time, payments and signers do. Their end opens the next steps like any other's. */
import type { Service } from '#catalogue'
import type { Tx } from '#db'
import type { CaseId } from '#kernel/id'
import { dateIn } from '#kernel/time'
import { Acts } from './acts.ts'
import type { Deps, OutsideStep } from './deps.ts'
import { beginOutside, lockPlans, type Plan, planOf, type StepEvent, stepTimers, takeTurns } from './enact.ts'
import type { Filing } from './filing.ts'
import type { Case } from './store.ts'
import * as store from './store.ts'

/** Passes a step that no desk does, in the transaction that holds the case's lock. A step that is not open changes nothing, so the same news twice does no harm. */
export async function passStep(tx: Tx, deps: Deps, c: Case, event: StepEvent): Promise<void> {
  if (c.state !== 'open' && c.state !== 'asked') return
  const service: Service | null = await deps.catalogue.pinned(c.definition, c.service)
  if (!service) throw new Error(`The pinned definition ${c.definition} is not stored.`)
  const open = await deps.vault.use(tx, c, { person: null, office: c.office, purpose: 'serve' })
  const now = deps.clock.now()
  const today = dateIn(now, deps.catalogue.calendarOf(c.office).zone)
  const { answers } = open.open<Filing>('answers', c.answers)
  const before = c.steps as Plan['steps']
  const plan = planOf(deps, service, before, event, { answers, today, at: now.toISOString() })
  if (plan.steps === before) return
  // TODO(#5): a document whose last step no desk does has no turn to end with; until there is one, such a case ends by silence, and operators are told of it.
  if (plan.finish) throw new Error(`${c.service} issues its document after the step ${event.step}, which no turn ends.`)
  const acts = new Acts(now)
  await lockPlans(tx, deps, acts, [plan])
  const person = await deps.people.person(tx, c.applicant)
  // Where no desk had it before (paying comes first), these are the case's first turns and stand for its matter.
  const first = (await store.turnsOf(tx, c)).length === 0
  const { entries, turns } = takeTurns(acts, c, plan, person?.identities[0]?.value ?? '', open, first ? c.matter : null)
  for (const t of stepTimers(deps, c, plan.timers, today)) acts.setTimer(t)
  beginOutside(acts, c, plan)
  acts.case({ ...c, steps: plan.steps })
  acts.event({
    place: c.place,
    caseId: c.id,
    at: now,
    kind: 'step',
    turn: turns[0]?.state.turn ?? null,
    desk: null,
    data: { step: event.step },
    sealed: null,
    entries,
  })
  await acts.write(tx, deps)
}

/** Hands the steps of the job `cases/begin-step` to their doers, and takes the news of their end. */
export function openOutside(
  deps: Deps,
  beginSigning: (place: string, id: CaseId) => Promise<void>,
): { stepDone(step: Pick<OutsideStep, 'kind' | 'place' | 'caseId' | 'step'>): Promise<void> } {
  const stepDone = ({ kind, place, caseId, step }: Pick<OutsideStep, 'kind' | 'place' | 'caseId' | 'step'>) =>
    deps.db.tx(async (tx) => {
      const c = await store.lockCase(tx, place, caseId)
      if (c) await passStep(tx, deps, c, { type: kind === 'pay' ? 'paid' : 'signed', step })
    })

  deps.jobs.handle<{ kind: 'pay' | 'sign'; place: string; caseId: CaseId; step: string }>('cases/begin-step', async (opened) => {
    if (opened.kind === 'sign') return beginSigning(opened.place, opened.caseId)
    const c = await store.caseById(deps.db, opened.place, opened.caseId)
    const doer = deps.doers?.pay
    if (!c || !doer) return
    if ((await doer.begin({ ...opened, reference: c.reference })) === 'done') await stepDone(opened)
  })
  return { stepDone }
}
