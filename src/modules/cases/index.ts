/** From the first question to the decision; lines and turns; the legal clock. README.md tells what it promises and never does. */
import { openChecks } from './check.ts'
import type { Web } from '#web'
import type { CasesDeps, Deps } from './deps.ts'
import { openDesks } from './desk.ts'
import { openFilings } from './filing.ts'
import { openReceipts } from './receipt.ts'
import { openSubmit } from './submit.ts'
import { registerCitizen } from './pages/citizen.ts'
import { handleNews } from './tell.ts'
import { openTimers } from './timers.ts'
import { openVaults } from './vault.ts'

export type { CasesDeps } from './deps.ts'
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
  handleNews(deps)
  deps.jobs.every('cases/run-timers', '* * * * *', async () => {
    await timers.runDue()
    await timers.returnIdle()
  })
  return { deps, filings, submit, desks, receipts, checks, timers }
}

/** Adds every page and route of the module. */
export function registerCases(web: Web, cases: Cases): void {
  registerCitizen(web, cases.deps, cases)
}
