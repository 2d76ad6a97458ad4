/** From the first question to the decision; lines and turns; the legal clock. README.md tells what it promises and never does. */
import type { Service } from '#catalogue'
import type { Language } from '#kernel/text'
import type { Web } from '#web'
import { openChecks } from './check.ts'
import type { CasesDeps, Deps } from './deps.ts'
import { openDesks } from './desk.ts'
import { openFilings } from './filing.ts'
import { waitRange } from './line-statistics.ts'
import { openOutside } from './outside.ts'
import { registerCitizen } from './pages/citizen.ts'
import { registerCounter } from './pages/counter.ts'
import { registerDesk } from './pages/desk.ts'
import { registerOffice } from './pages/office.ts'
import { registerPapers } from './pages/papers.ts'
import { registerRejoin } from './pages/rejoin.ts'
import { registerReports } from './pages/report.ts'
import { waitWords } from './pages/wait.ts'
import { openReceipts } from './receipt.ts'
import { openRecovery } from './recover.ts'
import { openRejoins } from './rejoin.ts'
import { openStaffing } from './staffing.ts'
import * as store from './store.ts'
import { openSubmit } from './submit.ts'
import { handleNews } from './tell.ts'
import { openTimers } from './timers.ts'
import { openVaults } from './vault.ts'

export type { CasesDeps, OutsideStep, StepDoer } from './deps.ts'
export type { Losses } from './recover.ts'
export { type Finding as TurnsFinding, type Replay, replayTurns } from './replay.ts'

/** The module's verbs, by who uses them. */
export type Cases = ReturnType<typeof openCases>

/** Opens the module. Jobs are handled from `jobs.start` on. */
export function openCases(given: CasesDeps) {
  const deps: Deps = { ...given, vault: openVaults(given) }
  const filings = openFilings(deps)
  const submit = openSubmit(deps)
  const desks = openDesks(deps)
  const receipts = openReceipts(deps)
  const checks = openChecks(deps)
  const timers = openTimers(deps)
  const recovery = openRecovery(deps)
  const { stepDone } = openOutside(deps)
  const rejoins = openRejoins(deps, filings)
  const staffing = openStaffing(deps, desks)
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
  return { stepDone, deps, filings, submit, desks, receipts, checks, timers, recovery, rejoins, staffing }
}

/** The wait measured lately at a service's line, in words; null where too little was measured. For the service's public page. */
export async function waitOf(cases: Cases, service: Service, language: Language): Promise<string | null> {
  const { db } = cases.deps
  if (service.office === null) return null
  const [line] = await store.linesOf(db, service.office)
  if (!line) return null
  const waiting = await store.waitingCount(db, line.place, line.state.line)
  const range = waitRange(waiting, line.state.desks, await store.serviceMinutes(db, line.place, line.state.line))
  return waitWords(language, range)
}

/** Adds every page and route of the module. */
export function registerCases(web: Web, cases: Cases): void {
  registerCitizen(web, cases.deps, cases)
  registerPapers(web, cases.deps, cases)
  registerDesk(web, cases.deps, cases)
  registerCounter(web, cases.deps, cases)
  registerRejoin(web, cases.deps, cases)
  registerOffice(web, cases.deps, cases)
  registerReports(web, cases.deps)
}
