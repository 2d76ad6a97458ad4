/** What people say of how they were served: one rating for each case that is over, which nobody can join to the case. README.md tells how. */
import { randomUUID } from 'node:crypto'
import type { Cases } from '#cases'
import type { Catalogue } from '#catalogue'
import type { Db, Tx } from '#db'
import { canonicalBytes } from '#kernel/canonical'
import type { Reference, ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import type { SignedIn, Web } from '#web'
import { registerPages } from './pages.ts'
import * as store from './store.ts'

/** How many times somebody had to go somewhere. `5` is five or more. */
export const visits = ['0', '1', '2', '3', '4', '5'] as const
/** Whether anybody asked for extra money, and at least how much: nothing, something, over 200, over 1,000 pesos. */
export const asked = ['no', 'some', '200', '1000'] as const

/** One person's answers. */
export type Rating = { readonly service: ServiceId; readonly visits: (typeof visits)[number]; readonly asked: (typeof asked)[number] }

export type VoiceDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly cases: Pick<Cases, 'receipts'>
  readonly demo: boolean
}

export interface Voice {
  /** Takes the one rating of the visitor's own case, once it is over. A second one changes nothing and says `false`. Refuses `not-found` for any other case, and one that is not over. */
  rate(visitor: SignedIn, reference: Reference, answers: Pick<Rating, 'visits' | 'asked'>): Promise<boolean>
  /** Whether the visitor may still rate this case of theirs; refuses as `rate`. */
  mayRate(visitor: SignedIn, reference: Reference): Promise<{ readonly service: ServiceId; readonly given: boolean }>
  /** The months with ratings that are not released, earliest first. */
  months(): Promise<string[]>
  /** The ratings of a month, in the order of random numbers, and forgotten with this transaction: for the release, which happens once. */
  take(tx: Tx, month: string): Promise<Rating[]>
  register(web: Pick<Web, 'route'>): void
}

const boxAad = 'voice/rating v1'

/** Opens the module. */
export function openVoice(deps: VoiceDeps): Voice {
  const { db, clock, keys, cases } = deps
  const key = keys.secret('voice/ratings')

  async function mayRate(visitor: SignedIn, reference: Reference) {
    const over = await cases.receipts.over(visitor, reference)
    return { ...over, given: await store.wasGiven(db, over.place, over.id) }
  }

  const voice: Voice = {
    mayRate,
    async rate(visitor, reference, answers) {
      const { place, id, service } = await cases.receipts.over(visitor, reference)
      if (!visits.includes(answers.visits) || !asked.includes(answers.asked))
        throw new Problem('bad-request', 'That is none of the answers.')
      // The month alone: a rating must not be told from another by when it came.
      const month = clock.now().toISOString().slice(0, 7)
      const box = keys.encrypt(key, canonicalBytes({ v: 1, service, ...answers }), boxAad)
      return db.tx(async (tx) => {
        if (!(await store.markGiven(tx, place, id))) return false
        await store.addRating(tx, { id: randomUUID(), month, box })
        return true
      })
    },
    months: () => store.months(db),
    async take(tx, month) {
      const boxes = await store.boxesOf(tx, month)
      await store.forget(tx, month)
      return boxes.map((box) => JSON.parse(keys.decrypt(key, box, boxAad).toString()) as Rating)
    },
    register: (web) => registerPages(web, deps, voice),
  }
  return voice
}
