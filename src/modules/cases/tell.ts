/** Nothing silent: each act on a turn is told to its holder, with its reason and its place in the log. Jobs; each may run twice. */
import type { CaseId, LineId, TurnId } from '#kernel/id'
import type { PlainDate } from '#kernel/time'
import type { Message } from '#messages'
import type { Deps } from './deps.ts'
import { askedPapers } from './filing.ts'
import { isStandIn } from './recover.ts'
import type { Signer } from './sign.ts'
import * as signs from './sign-store.ts'
import type { Case } from './store.ts'
import * as store from './store.ts'

type Told = {
  kind: string
  place: string
  caseId: string
  turn?: TurnId
  line?: LineId
  n?: number
  data?: { reason?: 'idle' | 'off' | 'outage' | 'absent'; step?: string; opened?: string; until?: PlainDate; n?: number }
  /** The message that an office wrote. */
  message?: string
}

/** How many turns before being called somebody is told to be near. */
const near = 3

/** Handles the jobs of this module that tell people things and keep proofs. */
export function handleNews(deps: Deps): void {
  const { db, jobs, catalogue, messages } = deps

  /** Who declined, by the name in the filing. */
  const signerName = (c: Case, told: Told): Promise<string> =>
    db.tx(async (tx) => {
      const row = await signs.signingOf(tx, c, told.data!.step!)
      const signer = row && (await signs.signersOf(tx, row)).find((s) => s.n === told.data!.n)
      if (!signer) return ''
      const open = await deps.vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
      return open.open<Signer>(`signer/${row.step}/${signer.n}`, signer.sealed).name
    })

  /** What is to be told, in the reader's language. */
  async function messagesFor(told: Told, c: Case): Promise<Message[]> {
    const service = await catalogue.pinned(c.definition, c.service)
    const language = (await deps.people.person(db, c.applicant))?.language ?? 'es'
    const name = service?.text(language, 'name') ?? c.service
    // The office whose line the act is in: a review may stand in another's than the case's own.
    const [where] = told.line ? await store.officesOfLines(db, [told.line]) : [c.office]
    const office = catalogue.office(where ?? c.office)?.name(language) ?? c.office
    const act = { reference: c.reference, line: told.line ?? '', n: told.n ?? 0 }
    // One act, one message, however often the job runs.
    const about = { to: c.applicant, caseReference: c.reference }
    const key = (what: string) => `${c.id}/${what}/${told.line}/${told.n}`
    const finished = (outcome: 'done' | 'absent' | 'lapsed' | 'silence'): Message => ({
      ...about,
      key: key('finished'),
      template: 'finished',
      data: { ...act, outcome },
    })
    switch (told.kind) {
      case 'taken':
        return [
          {
            ...about,
            key: key('taken'),
            template: 'turn-taken',
            data: { ...act, service: name, office, place: told.n ?? 0, due: c.dueOn ?? '' },
          },
        ]
      case 'rejoined': {
        const t = told.turn && (await store.turnById(db, told.place, told.turn))
        return [
          {
            ...about,
            key: `${c.id}/rejoined`,
            template: 'rejoined',
            data: { reference: c.reference, office, place: t?.state.place ?? 0, due: c.dueOn ?? '' },
          },
        ]
      }
      case 'called':
        return [{ ...about, key: key('called'), template: 'called', data: { ...act, office } }]
      case 'passed':
        return [{ ...about, key: key('passed'), template: 'passed', data: act }]
      case 'asked': {
        const asked = await askedPapers(db, c)
        const papers = (asked?.papers ?? []).map((p) => service?.text(language, `papers.${p}`) ?? p)
        return [
          { ...about, key: key('held'), template: 'held', data: { ...act, service: name, papers, until: c.answerBy ?? c.dueOn ?? '' } },
        ]
      }
      case 'held-agency':
        return [{ ...about, key: key('held'), template: 'held-agency', data: { ...act, until: c.dueOn ?? '' } }]
      case 'resumed':
        return [{ ...about, key: key('resumed'), template: 'resumed', data: act }]
      case 'returned':
        return [{ ...about, key: key('returned'), template: 'returned', data: { ...act, reason: told.data?.reason ?? 'off' } }]
      case 'withdrawn':
        return [{ ...about, key: key('left'), template: 'left', data: act }]
      case 'step':
        return [finished('done')]
      case 'decided':
        return [
          finished('done'),
          { ...about, key: `${c.id}/decision`, template: 'decision-ready', data: { reference: c.reference, service: name } },
        ]
      case 'lapsed':
        return [finished('lapsed')]
      case 'lapsed-away':
        return [{ ...about, key: `${c.id}/lapsed`, template: 'lapsed', data: { reference: c.reference, service: name } }]
      case 'sign':
        return [
          {
            ...about,
            key: `${c.id}/sign/${told.data?.step}/${told.data?.opened}`,
            template: 'signature-asked',
            data: { reference: c.reference, service: name, until: told.data!.until! },
          },
        ]
      case 'sign-declined':
        return [
          {
            ...about,
            key: `${c.id}/declined/${told.data?.step}/${told.data?.opened}/${told.data?.n}`,
            template: 'signature-declined',
            data: { reference: c.reference, service: name, name: await signerName(c, told) },
          },
        ]
      case 'absent-twice':
        return [finished('absent')]
      case 'silence': {
        const effect = service?.definition.silence.means === 'affirmative' ? 'granted' : 'refused'
        return [
          finished('silence'),
          {
            ...about,
            // Once, however many turns it ended.
            key: `${c.id}/silence`,
            template: 'silence',
            data: { reference: c.reference, service: name, due: c.dueOn ?? '', effect },
          },
        ]
      }
      case 'message-out':
        return [{ ...about, key: `${c.id}/message/${told.message}`, template: 'office-message', data: { reference: c.reference, office } }]
      default:
        return []
    }
  }

  jobs.handle<Told>('cases/tell', async (told) => {
    const c = await store.caseById(db, told.place, told.caseId as CaseId)
    if (!c || isStandIn(c)) return
    const own = await messagesFor(told, c)
    // Who acts for the applicant is told what they are told: a child or a company reads no mail.
    const actors = own.length > 0 ? await deps.mandates.actorsIn(db, c.reference) : []
    const all = [...own, ...actors.flatMap((to) => own.map((m) => ({ ...m, to })))]
    await db.tx(async (tx) => {
      if (told.kind === 'taken' || told.kind === 'rejoined') await printReceipt(tx, c)
      if (all.length) await messages.send(tx, all)
    })
  })

  /** The secret of the printed receipt, with which its holder signs in. Made once. */
  async function printReceipt(tx: Parameters<Parameters<typeof db.tx>[0]>[0], c: Case): Promise<void> {
    const locked = await store.lockCase(tx, c.place, c.id)
    if (!locked || locked.receipt) return
    const [secret] = await deps.people.allowReceipts(tx, [{ reference: c.reference, person: c.applicant }])
    const open = await deps.vault.use(tx, c, { person: null, office: null, purpose: 'print' })
    await store.setReceipt(tx, c, open.seal('receipt', secret))
  }

  jobs.handle<{ place: string; line: LineId }>('cases/tell-near', async ({ place, line }) => {
    const first = await store.nearTurns(db, place, line, near)
    for (const [before, t] of first.entries()) {
      if (t.toldNear) continue
      const c = await store.caseById(db, t.place, t.caseId)
      if (!c) continue
      const language = (await deps.people.person(db, c.applicant))?.language ?? 'es'
      await db.tx(async (tx) => {
        await store.markToldNear(tx, t.place, t.state.turn)
        await messages.send(
          tx,
          [c.applicant, ...(await deps.mandates.actorsIn(tx, c.reference))].map((to) => ({
            to,
            caseReference: c.reference,
            key: `${c.id}/near/${t.state.turn}`,
            template: 'near' as const,
            data: { reference: c.reference, office: catalogue.office(c.office)?.name(language) ?? c.office, before },
          })),
        )
      })
    }
  })

  jobs.handle<{ place: string; caseId: CaseId; tries?: number }>('cases/attach-proof', async (about) => {
    const events = await store.eventsOf(db, { place: about.place, id: about.caseId })
    const kinds = { submitted: 'filing', decided: 'decision', silence: 'decision' } as const
    let waits = false
    for (const e of events) {
      const kind = kinds[e.kind as keyof typeof kinds]
      const id = kind === 'filing' ? (e.entries[1] ?? e.entries[0]) : e.entries[0]
      if (!kind || id === undefined) continue
      const proof = await deps.publiclog.proof(id)
      if (proof === null) waits = true
      else await store.keepProof(db, { place: about.place, id: about.caseId }, kind, proof)
    }
    // Published within a second; a sequencer that is down is waited for.
    const tries = (about.tries ?? 0) + 1
    if (waits)
      await jobs.add(db, 'cases/attach-proof', { ...about, tries }, { startAfter: new Date(Date.now() + Math.min(60_000, 1000 * tries)) })
  })
}
