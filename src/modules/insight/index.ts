/** How each service really performs: counted from the public log, released so that nobody can edit it. README.md tells what it promises. */
import type { Cases } from '#cases'
import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import type { Jobs } from '#jobs'
import type { Language } from '#kernel/text'
import type { Clock } from '#kernel/time'
import { type MapShapes, places } from '#look'
import type { PublicLog } from '#publiclog'
import type { Voice } from '#voice'
import type { Web } from '#web'
import { registerApi } from './api.ts'
import { registerCosts } from './cost-pages.ts'
import { openFollow } from './follow.ts'
import { registerPages } from './pages.ts'
import { openTables } from './tables.ts'
import { text } from './views.ts'

export { leastPeople } from './disclose.ts'
export type { DraftsNumbers } from './drafts.ts'
export type { Numbers, OfficeRow, Row } from './numbers.ts'

export type InsightDeps = {
  readonly voice: Pick<Voice, 'months' | 'take'>
  readonly left: Cases['left']
  readonly db: Db
  readonly clock: Clock
  readonly jobs: Jobs
  readonly publiclog: Pick<PublicLog, 'append' | 'entries'>
  readonly catalogue: Pick<Catalogue, 'get' | 'places' | 'agencyName' | 'agencies' | 'office' | 'servedAt' | 'history' | 'version'>
  /** Where areas lie on the map: `reference/states-map.json`. */
  readonly shapes: MapShapes
  readonly publicUrl: string
  readonly demo: boolean
  /** How long what pages show may be old; 5 s unless told. */
  readonly freshMs?: number
}

export interface Insight {
  /** Counts all that is published now, and makes the tables anew. A job does it every minute. */
  refresh(): Promise<void>
  /** What was filed most in the running month, or in the one before while that one shows too little: services of a place, or bases anywhere; only what may be shown. At most `most` ids, and twelve. */
  mostFiled(place: string | null, most: number): Promise<readonly string[]>
  /** The way here from the first page. */
  tile(l: Language): { href: string; title: string; text: string }
  register(web: Pick<Web, 'route'>): void
}

/** Opens the module. Jobs are handled from `jobs.start` on. */
export function openInsight(deps: InsightDeps): Insight {
  const { follow, publish, publishVoices, publishDrafts } = openFollow(deps)
  const refresh = async () => {
    await follow()
    await publish()
    await publishVoices()
    await publishDrafts()
  }
  deps.jobs.every('insight/refresh', '* * * * *', refresh)
  const tables = openTables(deps, deps.freshMs)
  return {
    refresh,
    mostFiled: tables.mostFiled,
    tile: (l) => ({ href: places.numbers, title: text(l, 'home.tile'), text: text(l, 'home.tile.text') }),
    register(web) {
      registerApi(web, { ...deps, tables })
      registerCosts(web, deps)
      registerPages(web, { ...deps, tables })
    },
  }
}
