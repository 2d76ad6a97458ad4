/** Steps that people sign: the statement is written once, everybody whom the definition names signs those bytes, and the case goes on when all have. */
import { createHash } from 'node:crypto'
import { type Answers, type Progress, type Service, showAnswers } from '#catalogue'
import type { Tx } from '#db'
import { addWorkingDays } from '#kernel/calendar'
import { type PersonId, type Reference, randomId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { dateIn, endOfDay, type PlainDate } from '#kernel/time'
import { type Level, type Statement, statementText, type TakenSignature } from '#signing'
import type { SignedIn } from '#web'
import { Acts } from './acts.ts'
import { dueAfterPause } from './clock.ts'
import type { SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import type { FileFacts, Filing, Filings } from './filing.ts'
import { passStep } from './outside.ts'
import * as signs from './sign-store.ts'
import type { Case } from './store.ts'
import * as store from './store.ts'
import type { OpenVault } from './vault.ts'

/** Who must sign: as the filing names them. `email` is null for the applicant, who needs no invitation. */
export type Signer = {
  readonly name: string
  /** CURP and RFC; the certificate must name one of them. */
  readonly identities: readonly string[]
  readonly email: string | null
  /** Who applies: whoever acts for them by a mandate to sign may sign instead. */
  readonly applicant?: true
}

/** A signature as it lies sealed: what was sent, raised, and what the certificate says. */
type Signed = { readonly cms: string; readonly revoked?: true } & Omit<TakenSignature, 'cms'>

/** One signer as a page shows them. */
export type SignerState = {
  readonly n: number
  readonly signer: Signer
  readonly state: 'waiting' | 'invited' | 'declined' | 'signed'
  /** `revoked`: its authority said afterwards that the certificate had been, when it signed. */
  readonly signed: { readonly by: string; readonly at: Date; readonly level: Level; readonly cms: Buffer; readonly revoked: boolean } | null
  /** Those before are signed, where the order matters. */
  readonly turn: boolean
}

/** A step's signatures, opened. */
export type Signing = {
  readonly c: Case
  readonly service: Service
  readonly step: string
  /** The step still waits for signatures. */
  readonly open: boolean
  /** The exact bytes that are signed: UTF-8. */
  readonly statement: string
  readonly signers: readonly SignerState[]
  /** The last day on which signatures are taken; null once the step is over. */
  readonly until: PlainDate | null
  /** Which of the signers who asks is, and may sign now. */
  readonly mine: number | null
}

/** A step's signatures under the case's lock; `instead` and `mandate` where somebody acts for the applicant. */
type Opened = { readonly s: Signing; readonly open: OpenVault; readonly instead: readonly string[]; readonly mandate: string | null }

/** A signature whose authority is to be asked. */
type ToSettle = { readonly place: string; readonly caseId: Case['id']; readonly step: string; readonly opened: string; readonly n: number }

/** How the applicant's and the invited person's pages sign. */
export type Signings = ReturnType<typeof openSignings>

const hashToken = (token: string) => createHash('sha256').update(token).digest()
const gone = () => new Problem('not-found', 'This invitation holds no more.')

/** The step that a case waits at for signatures; null for none. */
export function signingStep(c: Pick<Case, 'state' | 'steps'>, service: Service): Progress['active'][number] | null {
  if (c.state !== 'open' && c.state !== 'asked') return null
  const active = (c.steps as Progress | null)?.active ?? []
  return active.find((a) => service.definition.steps.some((s) => s.id === a.step && s.kind === 'sign')) ?? null
}

/** Opens the operations of steps that are signed. */
export function openSignings(deps: Deps, filings: Pick<Filings, 'worldOf' | 'held'>) {
  const { db, catalogue, clock, vault, people, signing } = deps

  async function serviceOf(c: Case): Promise<Service> {
    const service = await catalogue.pinned(c.definition, c.service)
    if (!service) throw new Error(`The pinned definition ${c.definition} is not stored.`)
    return service
  }

  /** Whom the definition names, from the filing: the people of a group, else the applicant. */
  async function signersFor(tx: Tx, c: Case, service: Service, step: string, answers: Answers): Promise<Signer[]> {
    const rule = service.definition.steps.find((s) => s.id === step)
    const group = rule?.kind === 'sign' ? service.definition.questions.find((q) => q.id === rule.signers) : undefined
    if (group?.kind !== 'group') {
      const person = await people.person(tx, c.applicant)
      return [{ name: person?.name ?? '', identities: person?.identities.map((i) => i.value) ?? [], email: null, applicant: true }]
    }
    const items = (answers[group.id] ?? []) as unknown as Record<string, unknown>[]
    const of = (item: Record<string, unknown>, ...kinds: string[]) =>
      group.questions.flatMap((q) => (kinds.includes(q.kind) && typeof item[q.id] === 'string' ? [item[q.id] as string] : []))
    return items.map((item) => ({
      name: of(item, 'person-name')[0] ?? of(item, 'text')[0] ?? '',
      identities: of(item, 'curp', 'rfc'),
      email: of(item, 'email')[0] ?? null,
    }))
  }

  /** Writes the statement and the list of signers where that has not happened yet, under the case's lock. The clock of the office stands still until they have signed. */
  async function begin(tx: Tx, c: Case, service: Service, step: string, opened: string): Promise<void> {
    const calendar = catalogue.calendarOf(c.office)
    const now = clock.now()
    const today = dateIn(now, calendar.zone)
    const planned = addWorkingDays(dateIn(new Date(opened), calendar.zone), service.definition.answerWithin.workingDays, calendar)
    // Where a withdrawal was undone late, there is a day left to sign.
    const until = planned > today ? planned : addWorkingDays(today, 1, calendar)
    const open = await vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
    const { answers } = open.open<Filing>('answers', c.answers)
    const person = await people.person(tx, c.applicant)
    const language = person?.language ?? 'es'
    const shown = showAnswers(service, answers, filings.worldOf(c, language))
    const files = (await store.filesOf(tx, c)).map((f) => ({ paper: f.paper, ...open.open<FileFacts>(`file/${f.id}`, f.sealed) }))
    const statement: Statement = {
      purpose: 'file',
      portal: deps.publicUrl,
      demo: deps.demo,
      service: c.service,
      serviceName: service.text(language, 'name'),
      definition: c.definition,
      reference: c.reference,
      step: service.text(language, `steps.${step}`),
      by: [person?.name ?? '', ...(person?.identities.map((i) => i.value) ?? [])].join(', '),
      rows: shown.map((s) => ({ label: s.item === null ? s.label : `${s.label} (${s.item + 1})`, value: s.shown })),
      documents: files.map((f) => ({ label: service.text(language, `papers.${f.paper}`), name: f.name, sha256: f.sha256 })),
      content: c.filing ?? '',
      at: now,
      zone: calendar.zone,
      unique: randomId(),
    }
    const signers = await signersFor(tx, c, service, step, answers)
    const fresh = await signs.insertSigning(
      tx,
      { place: c.place, caseId: c.id, step, opened, until, statement: open.seal(`statement/${step}`, statementText(language, statement)) },
      signers.map((s, i) => open.seal(`signer/${step}/${i + 1}`, s)),
    )
    await store.clearTimers(tx, [{ c, kinds: ['silence'] }])
    await store.setTimers(tx, [{ place: c.place, caseId: c.id, kind: 'sign', key: step, due: endOfDay(until, calendar.zone) }])
    if (!fresh) return
    await deps.jobs.add(tx, 'cases/invite-signers', { place: c.place, caseId: c.id })
    await deps.jobs.add(tx, 'cases/tell', { kind: 'sign', place: c.place, caseId: c.id, data: { step, opened, until } })
  }

  /** A locked case's signatures, opened; begun where nobody had asked for them yet. Null where nothing was ever to be signed. */
  async function read(tx: Tx, c: Case, open: OpenVault, visitor: PersonId | null, represents = false): Promise<Signing | null> {
    const service = await serviceOf(c)
    const waits = signingStep(c, service)
    let row = await signs.signingOf(tx, c, waits?.step ?? null)
    if (waits && row?.opened !== waits.opened) {
      await begin(tx, c, service, waits.step, waits.opened)
      row = await signs.signingOf(tx, c, waits.step)
    }
    if (!row) return null
    const rule = service.definition.steps.find((s) => s.id === row.step)
    const ordered = rule?.kind === 'sign' && rule.order === 'listed'
    const rows = await signs.signersOf(tx, row)
    const signers = rows.map((r, i): SignerState => {
      const signed = r.signature ? open.open<Signed>(`signature/${row.step}/${r.n}`, r.signature) : null
      return {
        n: r.n,
        signer: open.open<Signer>(`signer/${row.step}/${r.n}`, r.sealed),
        state: signed ? 'signed' : r.declinedAt ? 'declined' : r.invitedAt ? 'invited' : 'waiting',
        signed: signed && {
          by: signed.signer.name,
          at: new Date(signed.at),
          level: r.level!,
          cms: Buffer.from(signed.cms, 'base64'),
          revoked: signed.revoked === true,
        },
        turn: !ordered || rows.slice(0, i).every((before) => before.signedAt !== null),
      }
    })
    const own = visitor === null ? null : await people.person(tx, visitor)
    const mine = signers.find(
      (s) =>
        own &&
        s.state !== 'signed' &&
        s.turn &&
        ((represents && s.signer.applicant) || s.signer.identities.some((id) => own.identities.some((i) => i.value === id))),
    )
    return {
      c,
      service,
      step: row.step,
      open: waits !== null,
      statement: open.open<string>(`statement/${row.step}`, row.statement),
      signers,
      until: waits ? row.until : null,
      mine: waits ? (mine?.n ?? null) : null,
    }
  }

  /** Keeps a signature of the signer `n`, and lets the case go on where it was the last. The case is locked. `instead`: CURP and RFC of who signs for the applicant by a mandate. */
  async function keep(tx: Tx, s: Signing, open: OpenVault, n: number, taken: TakenSignature, instead: readonly string[]): Promise<void> {
    const { c, step } = s
    const who = s.signers.find((x) => x.n === n)!
    const { rfc, curp } = taken.signer
    const may = who.signer.applicant ? [...who.signer.identities, ...instead] : who.signer.identities
    if (!may.some((id) => id === rfc || id === curp)) throw new Problem('signing/other-person', 'The certificate is of somebody else.')
    const row = (await signs.signingOf(tx, c, step))!
    const now = clock.now()
    const { cms, ...facts } = taken
    const sealed = open.seal(`signature/${step}/${n}`, { ...facts, cms: cms.toString('base64') } satisfies Signed)
    await signs.keepSignature(tx, row, n, { signature: sealed, level: taken.level, at: now })
    if (taken.level !== 'B-LT')
      await deps.jobs.add(tx, 'cases/settle-signature', { place: c.place, caseId: c.id, step, opened: row.opened, n } satisfies ToSettle)
    const acts = new Acts(now)
    acts.case(c)
    acts.event({
      place: c.place,
      caseId: c.id,
      at: now,
      kind: 'signed',
      turn: null,
      desk: null,
      data: { n, of: s.signers.length },
      sealed: null,
      entries: [],
    })
    await acts.write(tx, deps)
    const left = s.signers.filter((x) => x.n !== n && x.state !== 'signed')
    if (left.length > 0) {
      await deps.jobs.add(tx, 'cases/invite-signers', { place: c.place, caseId: c.id })
      return
    }
    await store.clearTimers(tx, [{ c, kinds: ['sign'] }])
    // The office could do nothing meanwhile: its term ends as many working days later.
    const calendar = catalogue.calendarOf(c.office)
    const today = dateIn(now, calendar.zone)
    const due = c.dueOn && dueAfterPause(c.dueOn, dateIn(new Date(row.opened), calendar.zone), today, calendar)
    const askBy = c.askBy && dueAfterPause(c.askBy, dateIn(new Date(row.opened), calendar.zone), today, calendar)
    if (due) await store.setTimers(tx, [{ place: c.place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) }])
    const again = (await store.lockCase(tx, c.place, c.id))!
    await passStep(tx, deps, { ...again, dueOn: due, askBy }, { type: 'signed', step })
  }

  /** Checks a signature before any lock is taken: that is the processor's work alone. */
  const taken = (statement: string, cms: Buffer) =>
    signing.take({ content: Buffer.from(statement, 'utf8'), signature: cms, at: clock.now() })

  async function sign(
    find: () => Promise<{ statement: string; n: number }>,
    under: (tx: Tx) => Promise<Opened & { n: number | null }>,
    cms: Buffer,
  ) {
    const before = await find()
    const checked = await taken(before.statement, cms)
    await db.tx(async (tx) => {
      const { s, open, n, instead, mandate } = await under(tx)
      const who = s.signers.find((x) => x.n === n)
      // Sent twice: the first one holds.
      if (who?.state === 'signed') return
      if (!who || !s.open || !who.turn) throw new Problem('cases/not-to-sign', 'There is nothing for you to sign now.')
      if (s.statement !== before.statement) throw new Problem('conflict', 'What is to be signed has changed.')
      if (mandate) await deps.mandates.note(tx, [{ mandate, reference: s.c.reference }])
      await keep(tx, s, open, who.n, checked, instead)
    })
  }

  /** The visitor's own case under its lock, or that of somebody for whom they act. */
  async function own(tx: Tx, visitor: SignedIn, reference: Reference): Promise<Opened & { n: number | null }> {
    const { c, as } = await filings.held(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
    const represents = as === 'representative'
    const { person, session } = visitor
    const asked = { person, session, principal: c.applicant, service: c.service, reference, act: 'sign' as const }
    const [mandate = null] = represents ? await deps.mandates.check(tx, [asked]) : []
    const open = await vault.use(tx, c, { person, office: null, purpose: 'read-own', represents })
    const s = await read(tx, c, open, person, mandate !== null)
    if (!s) throw new Problem('not-found', 'Nothing is to be signed here.')
    const instead = mandate === null ? [] : ((await people.person(tx, person))?.identities.map((i) => i.value) ?? [])
    return { s, open, n: s.mine, instead, mandate }
  }

  /** The case of an invitation under its lock. */
  async function invited(tx: Tx, token: string): Promise<Opened & { n: number }> {
    const found = token.length > 60 ? null : await signs.signerByToken(tx, hashToken(token))
    const c = found && (await store.lockCase(tx, found.place, found.caseId))
    if (!found || !c) throw gone()
    const open = await vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
    const s = await read(tx, c, open, null)
    if (!s || s.step !== found.step) throw gone()
    return { s: { ...s, mine: s.open ? found.n : null }, open, n: found.n, instead: [], mandate: null }
  }

  deps.jobs.handle<{ place: string; caseId: Case['id'] }>('cases/invite-signers', (about) =>
    db.tx(async (tx) => {
      const c = await store.lockCase(tx, about.place, about.caseId)
      const service = c && (await serviceOf(c))
      const waits = c && service && signingStep(c, service)
      if (!c || !service || !waits) return
      const open = await vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
      const s = (await read(tx, c, open, c.applicant))!
      for (const x of s.signers) if (x.state === 'waiting' && x.turn && x.n !== s.mine && x.signer.email !== null) await invite(tx, s, x)
    }),
  )

  /** The signature of a job, under the case's lock; null once there is nothing more to ask. */
  async function toSettle(tx: Tx, about: ToSettle) {
    const c = await store.lockCase(tx, about.place, about.caseId)
    const row = c && (await signs.signingOf(tx, c, about.step))
    if (!c || row?.opened !== about.opened) return null
    const open = await vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
    const signature = (await signs.signersOf(tx, row)).find((r) => r.n === about.n)?.signature
    if (!signature) return null
    return {
      row,
      open,
      statement: open.open<string>(`statement/${row.step}`, row.statement),
      name: `signature/${row.step}/${about.n}`,
      signature,
    }
  }

  deps.jobs.handle<ToSettle>('cases/settle-signature', async (about) => {
    const found = await db.tx((tx) => toSettle(tx, about))
    if (!found) return
    const before = found.open.open<Signed>(found.name, found.signature)
    // Remote, so between two transactions; a silent responder fails the job, which is tried again.
    const settled = await signing.settle({
      cms: Buffer.from(before.cms, 'base64'),
      content: Buffer.from(found.statement, 'utf8'),
      at: clock.now(),
    })
    if (!settled) return
    await db.tx(async (tx) => {
      const again = await toSettle(tx, about)
      if (!again?.signature.equals(found.signature)) return
      const { cms, level, revoked } = settled
      const facts: Signed = { ...before, cms: cms.toString('base64'), level, ...(revoked ? { revoked: true } : {}) }
      await signs.keepSignature(tx, again.row, about.n, { signature: again.open.seal(again.name, facts), level, at: clock.now() })
    })
  })

  /** A decision with its official's signature, under the case's lock; null where nobody signed it, or it was forgotten. */
  async function decided(tx: Tx, about: { place: string; caseId: Case['id'] }) {
    const c = await store.lockCase(tx, about.place, about.caseId)
    const row = c && (await store.decisionOf(tx, c))
    if (!c || !row) return null
    const open = await vault.use(tx, c, { person: null, office: null, purpose: 'sign' })
    const sealed = open.open<SealedDecision>('decision', row.sealed)
    return sealed.signature ? { c, open, sealed, signature: sealed.signature } : null
  }

  deps.jobs.handle<{ place: string; caseId: Case['id'] }>('cases/settle-decision', async (about) => {
    const found = await db.tx((tx) => decided(tx, about))
    if (!found) return
    const { statement, cms } = found.signature
    const settled = await signing.settle({ cms: Buffer.from(cms, 'base64'), content: Buffer.from(statement, 'utf8'), at: clock.now() })
    if (!settled) return
    await db.tx(async (tx) => {
      const now = await decided(tx, about)
      if (now?.signature.cms !== cms) return
      const { level, revoked } = settled
      const signature = { ...now.signature, cms: settled.cms.toString('base64'), level, ...(revoked ? { revoked: true as const } : {}) }
      await store.setDecision(tx, now.c, now.open.seal('decision', { ...now.sealed, signature } satisfies SealedDecision))
    })
  })

  async function invite(tx: Tx, s: Signing, x: SignerState): Promise<void> {
    const token = randomId(32)
    const row = (await signs.signingOf(tx, s.c, s.step))!
    await signs.noteInvited(tx, row, x.n, hashToken(token), clock.now())
    const from = await people.person(tx, s.c.applicant)
    const language = from?.language ?? 'es'
    await people.inviteToSign(tx, {
      email: x.signer.email!,
      language,
      link: `${deps.publicUrl}/sign/${token}`,
      service: s.service.text(language, 'name'),
      until: s.until!,
    })
  }

  return {
    /** What is or was signed in the visitor's case. Refuses with `not-found`. */
    read: (visitor: SignedIn, reference: Reference): Promise<Signing> => db.tx(async (tx) => (await own(tx, visitor, reference)).s),

    /**
     * Takes the visitor's signature (CMS, DER) of their own case. Refuses with `not-found`, `cases/not-to-sign`, `signing/other-person` (the certificate names nobody who
     * must sign) and `signing/refused` with every reason.
     */
    sign: (visitor: SignedIn, reference: Reference, cms: Buffer): Promise<void> =>
      sign(
        () =>
          db.tx(async (tx) => {
            const { s, n } = await own(tx, visitor, reference)
            if (n === null) throw new Problem('cases/not-to-sign', 'There is nothing for you to sign now.')
            return { statement: s.statement, n }
          }),
        (tx) => own(tx, visitor, reference),
        cms,
      ),

    /** What an invitation leads to, and which of the signers it is for. Refuses with `not-found` for one that holds no more. */
    readInvited: (token: string): Promise<Signing & { readonly invited: number }> =>
      db.tx(async (tx) => {
        const { s, n } = await invited(tx, token)
        return { ...s, invited: n }
      }),

    /** Takes the signature of who was invited; refuses as `sign`. Who holds the link and the certificate named in the filing needs no account. */
    signInvited: (token: string, cms: Buffer): Promise<void> =>
      sign(
        () =>
          db.tx(async (tx) => {
            const { s, n } = await invited(tx, token)
            return { statement: s.statement, n }
          }),
        (tx) => invited(tx, token),
        cms,
      ),

    /** Who was invited will not sign; the applicant is told. */
    decline: (token: string): Promise<void> =>
      db.tx(async (tx) => {
        const { s, n } = await invited(tx, token)
        if (!s.open || s.signers.find((x) => x.n === n)?.state === 'signed') throw gone()
        const row = (await signs.signingOf(tx, s.c, s.step))!
        await signs.noteDeclined(tx, row, n, clock.now())
        await deps.jobs.add(tx, 'cases/tell', {
          kind: 'sign-declined',
          place: s.c.place,
          caseId: s.c.id,
          data: { step: s.step, opened: row.opened, n },
        })
      }),

    /** Sends an invitation once more, with a new link; the old one holds no more. Refuses with `not-found`. */
    inviteAgain: (visitor: SignedIn, reference: Reference, n: number): Promise<void> =>
      db.tx(async (tx) => {
        const { s } = await own(tx, visitor, reference)
        const x = s.signers.find((y) => y.n === n)
        if (!s.open || !x || x.state === 'signed' || !x.turn || x.signer.email === null)
          throw new Problem('not-found', 'There is nobody to invite.')
        await invite(tx, s, x)
      }),

    /** Begins the step of a case that reached it: for the job after the commit. */
    begin: (place: string, id: Case['id']): Promise<void> =>
      db.tx(async (tx) => {
        const c = await store.lockCase(tx, place, id)
        const service = c && (await serviceOf(c))
        const waits = c && service && signingStep(c, service)
        if (c && service && waits) await begin(tx, c, service, waits.step, waits.opened)
      }),

    /** The signatures of a case for the official who serves it: opened by the caller. */
    of: (tx: Tx, c: Case, open: OpenVault): Promise<Signing | null> => read(tx, c, open, null),
  }
}
