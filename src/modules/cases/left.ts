/** Where people give up: the page of a draft in the clear, and the count of those that ended there. Nobody's name, case or answer is in it. */
import type { Journey, Service } from '#catalogue'
import type { Tx } from '#db'
import type { ServiceId } from '#kernel/id'
import type { Deps } from './deps.ts'
import * as store from './store.ts'

/** How many drafts of a service were given up at one page. `stop`: `start` before anything was answered, a page of the form, `papers`, `review`. */
export type Left = { readonly service: ServiceId; readonly stop: string; readonly n: number }

/**
 * The page at which a draft would be taken up again, as far as it may stand beside the draft in the clear. A page or paper that only some are asked for would tell what they
 * answered: then it is the last one before it that everybody is asked.
 * `missing`: the papers still to be added, by their ids.
 */
export function stopOf({ definition }: Pick<Service, 'definition'>, journey: Journey, missing: readonly string[]): string {
  const open = journey.pages.find((p) => !p.complete)
  if (!open && missing.length === 0) return 'review'
  if (!open && definition.papers.some((p) => !p.when && missing.includes(p.id))) return 'papers'
  const always = new Set(definition.questions.filter((q) => !q.when).map((q) => q.id))
  const upTo = open ? definition.pages.findIndex((p) => p.id === open.id) + 1 : definition.pages.length
  return definition.pages.slice(0, upTo).findLast((p) => !p.when && p.questions.some((q) => always.has(q)))?.id ?? 'start'
}

/** Opens the counts of drafts that were given up: thrown away by those who began them, or forgotten after 30 days. Drafts that a clerk fills in are not among them. */
export function openLeft({ db }: Pick<Deps, 'db'>) {
  return {
    /** The months with counts that are not taken, earliest first. */
    months: (): Promise<string[]> => store.leftMonths(db),
    /** The counts of a month, forgotten with this transaction: for the release, which happens once. */
    take: (tx: Tx, month: string): Promise<Left[]> => store.takeLeft(tx, month),
  }
}
