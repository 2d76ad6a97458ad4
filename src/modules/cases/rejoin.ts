/**
 * A turn whose case was lost (recover.ts) and its holder. The receipt opens `holder`: it names person, service, definition and filing, so that whoever brings it and has an account
 * of that person fills the case in again, and filing puts it behind the turn at its old place. The contents are new, and the log says so: `case.submitted` commits to them on the day
 * they are filed. What the turn promised (who, what, which version) stays as it was: for anybody or anything else the receipt opens nothing.
 */
import type { Tx } from '#db'
import { type Opening, opens } from '#kernel/commitment'
import type { OfficeId, PersonId, Reference, ServiceId, TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { SignedIn } from '#web'
import type { Acts } from './acts.ts'
import type { Deps } from './deps.ts'
import type { Plan } from './enact.ts'
import type { Filings } from './filing.ts'
import { resumeTurn } from './line.ts'
import * as lost from './lost-store.ts'
import type { Case, Turn } from './store.ts'
import * as store from './store.ts'
import type { OpenVault } from './vault.ts'
import { type HolderContent, unpackOpenings } from './verdict.ts'

export type Rejoins = ReturnType<typeof openRejoins>

/** Opens what the holder of a receipt does after a loss. */
export function openRejoins(deps: Deps, filings: Pick<Filings, 'start' | 'peek'>) {
  const { db, catalogue, people, vault } = deps
  const nothing = () => new Problem('not-found', 'No lost turn belongs to you and this receipt.')

  return {
    /**
     * Begins the draft in which the holder of a lost turn fills it in again, or a clerk for the person before them (`given`): from the receipt's file, or the text of its code. Brought
     * twice it leads to the same draft. Refuses with `forbidden` a clerk of another counter,
     * with `invalid` what is no receipt, with `not-found` where the turn is not lost or is another person's, with `cases/too-late` when it is over, and with
     * `cases/definition-changed` where the service is another by now: its turn promised the old one.
     */
    async begin(visitor: SignedIn, receipt: string | Buffer, given?: { person: PersonId; office: OfficeId }): Promise<Reference> {
      const applicant = given?.person ?? visitor.person
      const openings = unpackOpenings(typeof receipt === 'string' ? receipt : receipt.toString('latin1'))
      if (!openings)
        throw new Problem('invalid', 'This is no receipt.', {
          fields: [{ pointer: '/file', code: 'not-readable', detail: 'Bring the receipt.' }],
        })
      const holder = openings.holder.content as unknown as HolderContent
      const service = catalogue.get(holder.service as ServiceId)
      const check = async (tx: Tx) => {
        const row = await lost.lockLostTurn(tx, openings.turn as TurnId)
        const person = await people.person(tx, applicant)
        if (!row || !opens(row.holder, openings.holder) || !person?.identities.some((i) => i.value === holder.person)) throw nothing()
        if (!isLiving(await store.turnById(tx, row.place, row.turn))) throw new Problem('cases/too-late', 'This turn is over.')
        if (service?.hash !== holder.definition) throw new Problem('cases/definition-changed', 'The service is another by now.')
        const begun = row.draft === null ? undefined : await store.caseById(tx, row.place, row.draft)
        const same = begun?.state === 'draft' && begun.applicant === applicant && (!given || begun.takenBy === visitor.person)
        return { row, begun: same ? begun.reference : null }
      }
      const { begun } = await db.tx(check)
      if (begun) return begun
      const reference = await filings.start(visitor, { service: holder.service as ServiceId, ...(given ? { for: given } : {}) })
      const c = await filings.peek(visitor, reference)
      return db.tx(async (tx) => {
        // Brought from two devices at once: the first draft counts, and the other is an ordinary one.
        const now = await check(tx)
        if (now.begun) return now.begun
        const open = await vault.use(tx, c, {
          person: visitor.person,
          office: given?.office ?? null,
          purpose: given ? 'take-at-counter' : 'fill-in',
        })
        await lost.linkDraft(tx, now.row, c.id, open.seal(`holder/${now.row.turn}`, openings.holder))
        return reference
      })
    },
  }
}

const isLiving = (t: Turn | undefined) => t?.state.state === 'waiting' || t?.state.state === 'held'

/** A draft's turn of before, found again. */
export type Found = { readonly link: lost.Rejoin & { opening: Buffer }; readonly standIn: Case }

/** The lost turns that these drafts stand for, with their stand-ins locked: before the lines, as all cases are. */
export async function findRejoins(tx: Tx, drafts: readonly Case[]): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  for (const [id, link] of await lost.rejoinsOf(
    tx,
    drafts.map((c) => c.id),
  )) {
    const standIn = await store.lockCase(tx, link.place, link.standIn)
    if (standIn) found.set(id, { link, standIn })
  }
  return found
}

/**
 * Puts a case that is being filed behind its turn of before, under the lines' locks: back at its old place when it was held. Returns the turn, its entries, the steps that still need
 * turns of their own and the filing that the turn names; null when the turn is over meanwhile or none of the steps stands in its line: then the case takes turns like any other.
 */
export async function rejoin(
  tx: Tx,
  acts: Acts,
  c: Case,
  plan: Plan,
  vault: OpenVault,
  { link, standIn }: Found,
): Promise<{ turn: Turn; entries: number[]; opens: Plan['opens']; filing: string | null } | null> {
  const t = await store.turnById(tx, link.place, link.turn)
  if (!t || !isLiving(t) || t.place !== c.place) return null
  const at = plan.opens.findIndex((o) => acts.lineCovering(o.cover)?.line === t.line)
  const step = plan.opens[at]
  if (!step) return null
  const { filing } = vault.open<Opening>(`holder/${link.turn}`, link.opening).content as unknown as HolderContent
  const entries: number[] = []
  let state = t.state
  if (state.state === 'held') {
    const back = resumeTurn(acts.line(t.line), state, null, acts.now)
    entries.push(acts.act(back))
    state = back.turn
  }
  const turn = acts.turn(t, state, { matter: c.matter })
  await lost.rejoinTurn(tx, link, {
    id: c.id,
    applicant: c.applicant as PersonId,
    step: step.step,
    branch: step.branch,
    opening: link.opening,
    filing,
  })
  acts.case({ ...standIn, state: 'lapsed', endedAt: acts.now })
  acts.clearTimers(standIn, ['answer', 'agency'])
  acts.tell({ kind: 'rejoined', place: c.place, caseId: c.id, turn: t.state.turn })
  return { turn, entries, opens: plan.opens.toSpliced(at, 1), filing }
}
