/** Which line serves what: the lines of an office, opened when their first turn is taken. */
import type { Catalogue } from '#catalogue'
import type { Tx } from '#db'
import type { LineId, OfficeId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { LineRule } from '#publiclog'
import type { Acts } from './acts.ts'
import type { Deps } from './deps.ts'
import { openLine } from './line.ts'
import * as store from './store.ts'

/**
 * One priority turn of every three calls while both classes wait. Elderly and disabled people, pregnant women and people with small children have
 * a right to be preferred (LDPAM, art. 5; LGIPD); a fixed share keeps the others' wait bounded.
 */
const usualRule: LineRule = { kind: 'shared', priority: 1, of: 3 }

/** A step as lines name it: `service/step`, a branch of a parallel step as `service/step-branch`. */
export function coverOf(service: string, step: string, branch: string | null): string {
  return `${service}/${branch === null ? step : `${step}-${branch}`}`
}

/** All that the desks of an office serve, sorted, each once. */
export function coversOf(catalogue: Pick<Catalogue, 'servedAt' | 'officeFor'>, office: OfficeId): string[] {
  const covers = new Set<string>()
  for (const service of catalogue.servedAt(office)) {
    for (const step of service.definition.steps) {
      if (step.kind === 'review' || step.kind === 'decide') {
        if (catalogue.officeFor(service, step.unit) === office) covers.add(coverOf(service.id, step.id, null))
      } else if (step.kind === 'parallel') {
        for (const b of step.branches) if (catalogue.officeFor(service, b.unit) === office) covers.add(coverOf(service.id, step.id, b.id))
      }
    }
  }
  return [...covers].sort()
}

/**
 * Locks the lines of these offices and puts them into the acts; opens the line for a step that none covers. The office's first line covers all that
 * its desks serve, so that there is one line for everything; what comes to the catalogue later gets a line of its own, since a change of a
 * line needs a week's notice and people cannot wait for it.
 */
export async function lockLinesFor(
  tx: Tx,
  deps: Pick<Deps, 'catalogue' | 'demo'>,
  acts: Acts,
  needs: readonly { office: OfficeId; cover: string }[],
): Promise<void> {
  if (needs.length === 0) return
  acts.hold(await store.lockLines(tx, [...new Set(needs.map((n) => n.office))]))
  for (const { office, cover } of needs) {
    if (acts.lineCovering(cover)) continue
    await store.lockOffice(tx, office)
    // Another process may have opened it while we waited.
    const there = await store.lockLines(tx, [office])
    acts.hold(there)
    if (acts.lineCovering(cover)) continue
    const all = coversOf(deps.catalogue, office)
    if (!all.includes(cover)) throw new Problem('catalogue/not-offered', `The office ${office} does not serve ${cover}.`)
    const taken = new Set(there.flatMap((l) => [...l.state.covers, ...l.state.announced.flatMap((a) => a.covers)]))
    const prefix = `${deps.demo ? 'demo/' : ''}${office}`
    const line = (there.length === 0 ? `${prefix}/general` : `${prefix}/general-${there.length + 1}`) as LineId
    const about = deps.catalogue.office(office)
    if (!about) throw new Problem('catalogue/not-offered', `There is no office ${office}.`)
    const opened = openLine(
      {
        line,
        office,
        covers: all.filter((c) => !taken.has(c)),
        rule: usualRule,
        presence: about.presence ?? false,
        quiet: about.quiet ?? false,
      },
      there.map((l) => l.state),
      acts.now,
    )
    const row = { place: about.jurisdiction.code, state: opened.line }
    await store.insertLine(tx, row)
    acts.hold([row])
    acts.act(opened)
  }
}
