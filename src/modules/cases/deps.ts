import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import type { Files } from '#files'
import type { Jobs } from '#jobs'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import type { Messages } from '#messages'
import type { People } from '#people'
import type { PublicLog } from '#publiclog'
import type { Signing } from '#signing'
import type { Vault } from './vault.ts'

/** What the engine needs of its neighbours. */
export type CasesDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly jobs: Jobs
  readonly keys: Keys
  readonly files: Files
  readonly publiclog: PublicLog
  readonly people: People
  readonly catalogue: Catalogue
  readonly messages: Messages
  readonly signing: Signing
  /** A demonstration: ids of lines begin with `demo`, and every page and paper says so. */
  readonly demo: boolean
  readonly publicUrl: string
}

/** The same with what this module opens for itself. */
export type Deps = CasesDeps & { readonly vault: Vault }
