/** Counts the portal's own log as it is published, and makes the tables of what was counted. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Cases } from '#cases'
import type { Catalogue } from '#catalogue'
import type { Db, Tx } from '#db'
import { canonicalBytes } from '#kernel/canonical'
import { type Clock, minuteStamp } from '#kernel/time'
import { type Entry, type PublicLog, parseEntry } from '#publiclog'
import type { Voice } from '#voice'
import { type DraftsNumbers, draftsNumbers, filedOnWeb } from './drafts.ts'
import { type Numbers, numbersOf, type Scope } from './numbers.ts'
import { type PeopleNumbers, peopleNumbers } from './people.ts'
import * as store from './store.ts'
import { remembered, Tally } from './tally.ts'

/** Of an entry beyond this the next transaction takes care. */
const atOnce = 5_000

export type FollowDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly publiclog: Pick<PublicLog, 'append' | 'entries'>
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly voice: Pick<Voice, 'months' | 'take'>
  /** The counts of drafts that were given up. */
  readonly left: Cases['left']
}

/** The sets, as tables, entries and addresses name them: what is counted from the log alone, what people said, and who came to the end of the form. */
export const servicesSet = 'services'
export const peopleSet = 'people'
export const draftsSet = 'drafts'
/** Under which scope rows of drafts are kept: those of services have the others. */
export const draftsScope = (scope: Scope): string => `${draftsSet} ${scope}`

/** The bytes a release's hash is taken of. */
function tableBytes(numbers: Numbers | PeopleNumbers | DraftsNumbers): { content: Buffer; sha256: string } {
  const bytes = canonicalBytes(numbers)
  return { content: gzipSync(bytes), sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** The agency of a base as the catalogue has it today. */
function agencyIn(catalogue: Pick<Catalogue, 'get'>): (base: string) => string {
  return (base) => catalogue.get(base)?.definition.agency ?? 'unknown'
}

/** Opens the follower. Each verb may run twice and in several processes. */
export function openFollow(deps: FollowDeps) {
  const { db, clock, publiclog, catalogue, voice, left } = deps

  /** Counts all that is published now. What is counted is counted once: the counts and how far the log was read commit together. */
  async function follow(): Promise<void> {
    for (;;) {
      const from = await store.counted(db)
      const read = await publiclog.entries(from, atOnce)
      if (read.length === 0) return
      const next = from + read.length
      const entries = read.flatMap(({ bytes }): Entry[] => {
        const entry = parseEntry(bytes)
        return 'fault' in entry ? [] : [entry]
      })
      await db.tx(async (tx) => {
        // Another process was faster: its counts stand, and this one looks again.
        if ((await store.lockCounted(tx)) !== from) return
        const asked = { cases: new Set<string>(), turns: new Set<string>(), lines: new Set<string>() }
        for (const entry of entries) for (const [kind, id] of Object.entries(remembered(entry))) asked[kind as 'cases'].add(id)
        const before = await store.recall(tx, { cases: [...asked.cases], turns: [...asked.turns], lines: [...asked.lines] })
        const tally = new Tally()
        for (const kind of ['cases', 'turns', 'lines'] as const) for (const [id, facts] of before[kind]) tally[kind].set(id, facts as never)
        for (const entry of entries) tally.read(entry)
        await store.keep(tx, tally, { cases: [...before.cases.keys()], turns: [...before.turns.keys()] }, next)
      })
    }
  }

  async function tableOn(tx: Tx, period: string, size: number): Promise<Numbers> {
    return numbersOf(period, size, await store.countsOf(tx, period), await store.linesOf(tx), agencyIn(catalogue))
  }

  /** A month's last entries are published within seconds: a day after its end none is missing. */
  const isOver = (month: string) => month < new Date(clock.now().getTime() - 86_400_000).toISOString().slice(0, 7)

  /** Releases a table of a month that is over, once: its bytes stand from now on, its rows can be found one by one, and the log has its hash. */
  async function release(
    tx: Tx,
    size: number,
    numbers: Numbers | PeopleNumbers | DraftsNumbers,
    rows: readonly { readonly scope: string; readonly id: string; readonly data: object }[],
  ): Promise<void> {
    const now = clock.now()
    const { set, period } = numbers
    const { content, sha256 } = tableBytes(numbers)
    if (!(await store.saveTable(tx, { set, period, size, sha256, content, releasedAt: now }))) return
    await store.saveRows(tx, period, rows)
    await publiclog.append(tx, [{ v: 1, type: 'numbers.released', at: minuteStamp(now), set, period, sha256 }])
  }

  /** Makes the tables of months that are not released anew, and releases those that are over. */
  async function publish(): Promise<void> {
    const running = clock.now().toISOString().slice(0, 7)
    await db.tx(async (tx) => {
      const size = await store.lockCounted(tx)
      for (const period of new Set([...(await store.unreleased(tx)), running])) {
        const numbers = await tableOn(tx, period, size)
        if (isOver(period))
          await release(tx, size, numbers, [
            ...numbers.rows.map((data) => ({ scope: data.scope, id: data.id, data })),
            ...numbers.offices.map((data) => ({ scope: 'office', id: data.office, data })),
          ])
        else await store.saveTable(tx, { set: servicesSet, period, size, ...tableBytes(numbers), releasedAt: null })
      }
    })
  }

  /** Releases what people said in months that are over. Their boxes are forgotten in the same transaction: what is published is all that is left. */
  async function publishVoices(): Promise<void> {
    for (const period of (await voice.months()).filter(isOver))
      await db.tx(async (tx) => {
        const size = await store.lockCounted(tx)
        const answers = (await voice.take(tx, period)).map((r) => [r.service, r.visits, r.asked] as const)
        // Another process was faster.
        if (answers.length === 0) return
        const numbers = peopleNumbers(period, answers)
        await release(
          tx,
          size,
          numbers,
          numbers.rows.map((data) => ({ scope: peopleSet, id: data.id, data })),
        )
      })
  }

  /** Releases where drafts were given up in months that are over, beside what was sent. The counts are forgotten in the same transaction. */
  async function publishDrafts(): Promise<void> {
    for (const period of (await left.months()).filter(isOver))
      await db.tx(async (tx) => {
        const size = await store.lockCounted(tx)
        const counts = await left.take(tx, period)
        if (counts.length === 0) return
        const numbers = draftsNumbers(period, size, counts, filedOnWeb(period, await store.countsOf(tx, period)), agencyIn(catalogue))
        await release(
          tx,
          size,
          numbers,
          numbers.rows.map((data) => ({ scope: draftsScope(data.scope), id: data.id, data })),
        )
      })
  }

  return { follow, publish, publishVoices, publishDrafts }
}
