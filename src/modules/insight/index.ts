/** How each service really performs: counted from the public log, released so that nobody can edit it. README.md tells what it promises. */
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
import { openFollow } from './follow.ts'
import { registerPages } from './pages.ts'
import { openTables } from './tables.ts'
import { text } from './views.ts'

export { leastPeople } from './disclose.ts'
export type { Numbers, OfficeRow, Row } from './numbers.ts'

export type InsightDeps = {
  readonly voice: Pick<Voice, 'months' | 'take'>
  readonly db: Db
  readonly clock: Clock
  readonly jobs: Jobs
  readonly publiclog: Pick<PublicLog, 'append' | 'entries'>
  readonly catalogue: Pick<Catalogue, 'get' | 'places' | 'agencyName' | 'agencies' | 'office' | 'history' | 'version'>
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
  /** The way here from the first page. */
  tile(l: Language): { href: string; title: string; text: string }
  register(web: Pick<Web, 'route'>): void
}

/** Opens the module. Jobs are handled from `jobs.start` on. */
export function openInsight(deps: InsightDeps): Insight {
  const { follow, publish, publishVoices } = openFollow(deps)
  const refresh = async () => {
    await follow()
    await publish()
    await publishVoices()
  }
  deps.jobs.every('insight/refresh', '* * * * *', refresh)
  const tables = openTables(deps, deps.freshMs)
  return {
    refresh,
    tile: (l) => ({ href: places.numbers, title: text(l, 'home.tile'), text: text(l, 'home.tile.text') }),
    register(web) {
      registerApi(web, { ...deps, tables })
      registerPages(web, { ...deps, tables })
    },
  }
}
