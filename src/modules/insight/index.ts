/** How each service really performs: counted from the public log, released so that nobody can edit it. README.md tells what it promises. */
import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import type { Jobs } from '#jobs'
import type { Clock } from '#kernel/time'
import type { PublicLog } from '#publiclog'
import type { Web } from '#web'
import { registerApi } from './api.ts'
import { openFollow } from './follow.ts'

export { leastPeople } from './disclose.ts'
export type { Numbers, OfficeRow, Row } from './numbers.ts'

export type InsightDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly jobs: Jobs
  readonly publiclog: Pick<PublicLog, 'append' | 'entries'>
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly publicUrl: string
}

export interface Insight {
  /** Counts all that is published now, and makes the tables anew. A job does it every minute. */
  refresh(): Promise<void>
  register(web: Pick<Web, 'route'>): void
}

/** Opens the module. Jobs are handled from `jobs.start` on. */
export function openInsight(deps: InsightDeps): Insight {
  const { follow, publish } = openFollow(deps)
  const refresh = async () => {
    await follow()
    await publish()
  }
  deps.jobs.every('insight/refresh', '* * * * *', refresh)
  return { refresh, register: (web) => registerApi(web, deps) }
}
