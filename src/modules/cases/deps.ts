import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import type { Files } from '#files'
import type { Jobs } from '#jobs'
import type { CaseId, Reference } from '#kernel/id'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import type { Mandates } from '#mandates'
import type { Messages } from '#messages'
import type { People } from '#people'
import type { PublicLog } from '#publiclog'
import type { Signing } from '#signing'
import type { Vault } from './vault.ts'

/** A step of a case, as whoever does it outside the desks is told of it. */
export type OutsideStep = {
  readonly kind: 'pay' | 'sign'
  readonly place: string
  readonly caseId: CaseId
  readonly reference: Reference
  readonly step: string
}

/**
 * Who does the steps that no desk does: the payments of a later release. `begin` runs in a job after the commit that opened the step and may run twice; it may call others over the network. It answers `done`, or `waiting`: then `stepDone` is called when the news comes.
 */
export type StepDoer = { begin(step: OutsideStep): Promise<'done' | 'waiting'> }

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
  readonly mandates: Mandates
  /** A demonstration: ids of lines begin with `demo`, and every page and paper says so. */
  readonly demo: boolean
  readonly publicUrl: string
  /** Without its doer a step that is paid is passed at once: a fee is then paid at the office, as the receipt says. */
  readonly doers?: { readonly pay?: StepDoer }
}

/** The same with what this module opens for itself. */
export type Deps = CasesDeps & { readonly vault: Vault }
