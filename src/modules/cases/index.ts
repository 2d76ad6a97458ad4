/** From the first question to the decision; lines and turns; the legal clock. README.md tells what it promises and never does. */
import type { Service } from '#catalogue'
import type { OfficeId } from '#kernel/id'
import type { Language } from '#kernel/text'
import { dateIn, startOfDay } from '#kernel/time'
import type { Web } from '#web'
import { openChecks } from './check.ts'
import type { CasesDeps, Deps } from './deps.ts'
import { openDesks } from './desk.ts'
import { openFilings } from './filing.ts'
import { openLeft } from './left.ts'
import { medianMinutes, waitRange } from './line-statistics.ts'
import { openOutside } from './outside.ts'
import { registerCitizen } from './pages/citizen.ts'
import { registerCounter } from './pages/counter.ts'
import { registerDesk } from './pages/desk.ts'
import { registerMine } from './pages/mine.ts'
import { registerOffice } from './pages/office.ts'
import { registerPapers } from './pages/papers.ts'
import { registerRejoin } from './pages/rejoin.ts'
import { registerReports } from './pages/report.ts'
import { registerSign } from './pages/sign.ts'
import { text as staffText } from './pages/staff-text.ts'
import { durationWords, waitWords } from './pages/wait.ts'
import { openPersonal } from './personal.ts'
import { openReceipts } from './receipt.ts'
import { openRecovery } from './recover.ts'
import { openRejoins } from './rejoin.ts'
import { openSignings } from './sign.ts'
import { openStaffing } from './staffing.ts'
import * as store from './store.ts'
import { openSubmit } from './submit.ts'
import { handleNews } from './tell.ts'
import { openTimers } from './timers.ts'
import { openVaults } from './vault.ts'

export type { CasesDeps, OutsideStep, StepDoer } from './deps.ts'
export type { Left } from './left.ts'
export type { Losses } from './recover.ts'
export { type Finding as TurnsFinding, type Replay, replayTurns } from './replay.ts'

/** The module's verbs, by who uses them. */
export type Cases = ReturnType<typeof openCases>

/** Opens the module. Jobs are handled from `jobs.start` on. */
export function openCases(given: CasesDeps) {
  const deps: Deps = { ...given, vault: openVaults(given) }
  const filings = openFilings(deps)
  const submit = openSubmit(deps)
  const signings = openSignings(deps, filings)
  const desks = openDesks(deps, signings)
  const receipts = openReceipts(deps, filings)
  const checks = openChecks(deps)
  const timers = openTimers(deps)
  const recovery = openRecovery(deps)
  const { stepDone } = openOutside(deps, signings.begin)
  const rejoins = openRejoins(deps, filings)
  const staffing = openStaffing(deps, desks)
  const left = openLeft(deps)
  const personal = openPersonal(deps, filings)
  deps.jobs.every('cases/forget', '11 4 * * *', async () => void (await personal.forgetOver()))
  handleNews(deps)
  deps.jobs.every('cases/run-timers', '* * * * *', async () => {
    // What fails in the one must not stop the other; the job tells both.
    const failed = (await Promise.allSettled([timers.runDue(), timers.returnIdle()])).flatMap((o) =>
      o.status === 'rejected' ? [o.reason] : [],
    )
    if (failed.length > 0) throw new AggregateError(failed, failed.map(String).join(' '))
  })
  deps.jobs.every('cases/sweep-files', '41 3 * * *', async () => {
    await deps.files.sweep((ids) => store.knownFiles(deps.db, ids))
  })
  return { stepDone, deps, filings, submit, desks, receipts, checks, timers, recovery, rejoins, staffing, left, signings, personal }
}

/** The wait at a service's line in words, from what was measured: the likely one, or with its desks closed what people waited today. Null where too little was measured. */
export async function waitOf(cases: Cases, service: Service, language: Language): Promise<string | null> {
  const { db, catalogue, clock } = cases.deps
  if (service.office === null) return null
  const lines = await store.linesOf(db, service.office)
  const line = lines.find(({ state }) => state.covers.some((c) => c.startsWith(`${service.id}/`))) ?? lines[0]
  if (!line) return null
  const { place, state } = line
  const waiting = await store.waitingCount(db, place, state.line)
  const range = waitWords(language, waitRange(waiting, state.desks, await store.serviceMinutes(db, place, state.line)))
  if (range !== null) return range
  // With every desk closed nothing can be foretold; what people waited today is known.
  const { zone } = catalogue.calendarOf(service.office)
  const measured = medianMinutes(await store.waitMinutes(db, place, state.line, startOfDay(dateIn(clock.now(), zone), zone)))
  return measured === null ? null : durationWords(language, measured)
}

/** An office's lines as they are now, in words: the desks open and the turns that wait; null where it has no line yet. */
export async function nowAt(cases: Cases, office: OfficeId, language: Language): Promise<string | null> {
  const { db } = cases.deps
  const lines = await store.linesOf(db, office)
  if (lines.length === 0) return null
  const waiting = await Promise.all(lines.map(({ place, state }) => store.waitingCount(db, place, state.line)))
  const total = (each: readonly number[]) => each.reduce((sum, n) => sum + n, 0)
  const desks = total(lines.map(({ state }) => state.desks))
  return `${desks === 0 ? staffText(language, 'office.none-open') : staffText(language, 'office.on-duty', { count: desks })}. ${staffText(language, 'office.waiting', { count: total(waiting) })}`
}

/** Adds every page and route of the module. */
export function registerCases(web: Web, cases: Cases): void {
  registerCitizen(web, cases.deps, cases)
  registerMine(web, cases.deps, cases)
  registerPapers(web, cases.deps, cases)
  registerSign(web, cases.deps, cases)
  registerDesk(web, cases.deps, cases)
  registerCounter(web, cases.deps, cases)
  registerRejoin(web, cases.deps, cases)
  registerOffice(web, cases.deps, cases)
  registerReports(web, cases.deps)
}
