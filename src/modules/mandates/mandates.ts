/** Mandates: written down, signed, taken up, checked at each act, and ended. Each operation is one transaction. */
import { createHash } from 'node:crypto'
import type { Catalogue } from '#catalogue'
import type { Db, Tx } from '#db'
import { newReference, type OfficeId, type PersonId, parseReference, type Reference, randomId, type ServiceId, uuidv7 } from '#kernel/id'
import { type FieldProblem, Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { addDays, type Clock, dateIn, dayMs, type PlainDate } from '#kernel/time'
import type { Keys } from '#keys'
import { type People, type Person, parseEmail, parseIdentity } from '#people'
import { declarationText, type Signing, type TakenSignature } from '#signing'
import { holds, type SignedIn } from '#web'
import { bornOn, eighteenOn } from './age.ts'
import { helperInForce } from './helpers.ts'
import type { Kind, On, Row } from './store.ts'
import * as store from './store.ts'
import { text } from './text.ts'

/** The zone in which a mandate's days are counted: the capital's. */
const zone = 'America/Mexico_City'
/** A draft that nobody signs is kept this long, as an application's is. */
const draftDays = 30
/** Longest a mandate runs, in days; a parent's runs until the child comes of age. */
const longestDays = { relative: 5 * 366, company: 5 * 366, accountant: 2 * 366, helper: 366 } as const
/** For how many people somebody may act out of trust alone: with more they are a helper. */
const mostTrusted = 3
const mostServices = 20
/** Unsigned drafts of one person. */
const mostDrafts = 20
/** What the tax authority serves. */
const taxServices = 'federal/sat/'

/** Somebody whom a mandate names. */
export type Named = { readonly name: string; readonly identity: string }

/** What lies sealed: names and numbers, the text that was signed, and its signatures. */
type Words = {
  readonly language: Language
  /** For whom one acts. */
  readonly principal: Named
  /** Who signs: the principal, for a child the parent. */
  readonly giver: Named
  readonly representative: Named & { readonly email: string | null }
  readonly statement: string
  readonly signed?: Signed
  readonly endStatement?: string
  readonly endSigned?: Signed
}
type Signed = Omit<TakenSignature, 'cms'> & { readonly cms: string }

/** A signature whose authority is to be asked. */
type ToSettle = { readonly code: string; readonly which: 'signed' | 'endSigned' }

/** How far a mandate is. `draft`: not signed; `to-confirm`: a counter must see the papers; `to-accept`; `later`: not begun; `living`; `over`: its days are past; `ended`. */
export type State = 'draft' | 'to-confirm' | 'to-accept' | 'later' | 'living' | 'over' | 'ended'

/** A mandate as its sides read it. */
export type Mandate = Omit<Row, 'sealed' | 'principal' | 'representative'> &
  Pick<Words, 'principal' | 'giver' | 'representative' | 'statement'> & {
    readonly principalId: PersonId | null
    readonly representativeId: PersonId | null
    readonly state: State
    /** The signature (CMS in DER), and of whom; null where it was signed by hand or not yet. */
    readonly signature: { readonly cms: Buffer; readonly by: string } | null
    readonly endSignature: { readonly cms: Buffer; readonly by: string } | null
    /** What the visitor is to it. */
    readonly mine: readonly ('principal' | 'representative' | 'drafter')[]
  }

/** What somebody writes down. Dates as `YYYY-MM-DD`, money in centavos; what a kind does not ask for is not read. */
export type Draft = {
  readonly kind: Kind
  readonly companyName: string
  readonly companyRfc: string
  readonly childName: string
  readonly childCurp: string
  /** The representative is who writes: of a company. */
  readonly self: boolean
  readonly name: string
  readonly identity: string
  readonly email: string
  /** A helper's number in the register. */
  readonly helper: string
  /** Ids, or beginnings of ids that end with a slash; none: every service. */
  readonly services: readonly string[]
  readonly maySign: boolean
  readonly from: string
  readonly until: string
  readonly capCentavos: number | null
  readonly oneCase: string
}

/** What somebody wants to do for another. `file`: fill in, file, answer, follow; `sign`: sign in their place; `start`: begin a case. */
export type Act = 'start' | 'file' | 'sign'
/** `reference` is null where a case is to be begun. */
export type Asked = {
  readonly person: PersonId
  /** Their session: one that began with a paper acts for nobody else. */
  readonly session: string | null
  readonly principal: PersonId
  readonly service: ServiceId
  readonly reference: Reference | null
  readonly act: Act
}

/** For whom somebody may act. `cases`: the only one, where the mandate is for one. */
export type Acting = {
  readonly mandate: string
  readonly code: string
  readonly kind: Kind
  readonly principal: PersonId
  readonly name: string
  readonly services: readonly string[]
  readonly oneCase: Reference | null
}

export type MandatesDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly people: Pick<People, 'person' | 'names' | 'ownerOf' | 'proved' | 'recordUse' | 'inviteToAct' | 'tellOfMandate' | 'sessionStart'>
  readonly signing: Pick<Signing, 'take' | 'settle'>
  readonly catalogue: Pick<Catalogue, 'get' | 'agencies' | 'agencyName' | 'search'>
  readonly jobs: {
    every(name: string, cron: string, handler: () => Promise<void>): void
    handle<T extends object>(name: string, handler: (data: T) => Promise<void>): void
    add(on: Db | Tx, name: string, data: object): Promise<void>
  }
  readonly publicUrl: string
  readonly demo: boolean
}

const hashToken = (token: string) => createHash('sha256').update(token).digest()
const none = () => new Problem('not-found', 'There is no such mandate.')
const place = (id: string) => `mandates_mandate/${id}`

/** Whether a service is among those of a mandate. */
export const covers = (services: readonly string[], service: string): boolean =>
  services.length === 0 || services.some((s) => (s.endsWith('/') ? service.startsWith(s) : s === service || s === service.split('@')[0]))

/** The operations of mandates. */
export type Operations = ReturnType<typeof openOperations>

/** Opens them. */
export function openOperations(deps: MandatesDeps) {
  const { db, clock, keys, people, catalogue } = deps
  const key = keys.secret('mandates/words')
  const today = (): PlainDate => dateIn(clock.now(), zone)

  const seal = (id: string, words: Words) => keys.encrypt(key, Buffer.from(JSON.stringify(words)), place(id))
  const open = (row: Pick<Row, 'id' | 'sealed'>) => JSON.parse(keys.decrypt(key, row.sealed, place(row.id)).toString()) as Words

  function stateOf(row: Row): State {
    if (row.endedAt) return 'ended'
    if (row.untilOn < today()) return 'over'
    if (!row.signedAt) return 'draft'
    if (row.kind === 'parent' && !row.confirmedAt) return 'to-confirm'
    if (!row.acceptedAt) return 'to-accept'
    return row.fromOn > today() ? 'later' : 'living'
  }

  function read(row: Row, person: PersonId | null): Mandate {
    const { sealed: _sealed, principal, representative, ...rest } = row
    const words = open(row)
    const shown = (s: Signed | undefined) => (s ? { cms: Buffer.from(s.cms, 'base64'), by: s.signer.name } : null)
    return {
      ...rest,
      principalId: principal,
      representativeId: representative,
      principal: words.principal,
      giver: words.giver,
      representative: words.representative,
      statement: words.statement,
      signature: shown(words.signed),
      endSignature: shown(words.endSigned),
      state: stateOf(row),
      mine: [
        ...(person !== null && principal === person ? (['principal'] as const) : []),
        ...(person !== null && representative === person ? (['representative'] as const) : []),
        ...(person !== null && row.draftedBy === person ? (['drafter'] as const) : []),
      ],
    }
  }

  /** Whether a person is a side of it: also who acts for the same company today, since a company sees what it gave through those who act for it. */
  async function isSide(on: On, row: Row, person: PersonId): Promise<boolean> {
    if (row.draftedBy === person) return true
    // What is not signed was said to nobody.
    if (!row.signedAt) return false
    if (row.principal === person || row.representative === person) return true
    if (row.kind !== 'company' || row.principal === null) return false
    return (await store.between(on, today(), [{ representative: person, principal: row.principal }])).some((m) => m.kind === 'company')
  }

  async function side(on: On, visitor: SignedIn, typed: string, lock = false): Promise<Row> {
    const code = parseReference(typed)
    const row = code && (await store.byCode(on, code, lock))
    if (!row || !(await isSide(on, row, visitor.person))) throw none()
    return row
  }

  async function identified(on: On, person: PersonId): Promise<Person & { readonly name: string }> {
    const found = await people.person(on, person)
    if (!found?.name || found.identities.length === 0) throw new Problem('people/not-identified', 'Say who you are first.')
    return { ...found, name: found.name }
  }
  const asNamed = (p: Person & { readonly name: string }): Named => ({ name: p.name, identity: p.identities[0]!.value })

  // ── Writing one down ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What was typed, as it is kept. Refuses with `invalid` that names all that is wrong. */
  async function checked(tx: Tx, visitor: SignedIn, d: Draft) {
    const faults: FieldProblem[] = []
    const wrong = (field: string, code: string): void => void faults.push({ pointer: `/${field}`, code, detail: code })
    const me = await identified(tx, visitor.person)
    const own = new Set(me.identities.map((i) => i.value))
    const now = today()

    const nameOf = (typed: string, field: string): string => {
      const name = typed.normalize('NFC').replace(/\s+/g, ' ').trim()
      if (name.length < 2 || name.length > 200 || /\p{Cc}|\p{Cf}|[<>]/u.test(name)) wrong(field, 'name')
      return name
    }
    const identityOf = (typed: string, field: string, what: 'curp' | 'company' | 'any'): string => {
      const found = parseIdentity(typed)
      if ('fault' in found) wrong(field, 'identity')
      else if (what === 'curp' && found.kind !== 'curp') wrong(field, 'curp')
      else if (what === 'company' && (found.kind !== 'rfc' || found.value.length !== 12)) wrong(field, 'company')
      else return found.value
      return ''
    }

    let principal = asNamed(me)
    let representative: Words['representative'] = { ...asNamed(me), email: null }
    let representativeId: PersonId | null = null
    if (d.kind === 'company')
      principal = { name: nameOf(d.companyName, 'companyName'), identity: identityOf(d.companyRfc, 'companyRfc', 'company') }
    if (d.kind === 'parent') principal = { name: nameOf(d.childName, 'childName'), identity: identityOf(d.childCurp, 'childCurp', 'curp') }

    let cap: number | null = null
    if (d.kind === 'helper') {
      const number = parseReference(d.helper)
      const licence = number && (await store.helperBy(tx, { number }))
      const helper = licence && helperInForce(licence, now) ? await people.person(tx, licence.person) : null
      if (!licence || !helper?.name || helper.identities.length === 0) wrong('helper', 'helper')
      else if (helper.id === visitor.person) wrong('helper', 'self')
      else {
        representative = { ...asNamed({ ...helper, name: helper.name }), email: null }
        representativeId = helper.id
        if (d.capCentavos === null || !Number.isInteger(d.capCentavos) || d.capCentavos < 0) wrong('cap', 'money')
        else if (d.capCentavos > licence.cap_centavos) wrong('cap', 'cap')
        else cap = d.capCentavos
      }
    } else if (d.kind === 'parent' || (d.kind === 'company' && d.self)) representativeId = visitor.person
    else {
      const name = nameOf(d.name, 'name')
      const identity = identityOf(d.identity, 'identity', 'any')
      if (own.has(identity)) wrong('identity', 'self')
      let email = ''
      try {
        email = parseEmail(d.email)
      } catch {
        wrong('email', 'email')
      }
      representative = { name, identity, email }
    }

    let services = [...new Set(d.services)]
    if (d.kind === 'accountant') services = [taxServices]
    if (d.kind === 'parent') services = []
    const knows = (s: string) =>
      s.endsWith('/')
        ? Object.keys(catalogue.agencies).some((a) => catalogue.search({ agency: a, limit: 1 }).items.some((i) => i.base.startsWith(s)))
        : catalogue.get(s) !== null
    if (services.length > mostServices || !services.every(knows)) wrong('services', 'services')
    if (d.kind === 'helper' && (services.length !== 1 || services[0]!.endsWith('/'))) wrong('services', 'one-service')

    const dateOf = (typed: string, field: string): PlainDate => {
      if (/^\d{4}-\d{2}-\d{2}$/.test(typed) && !Number.isNaN(Date.parse(typed)) && addDays(typed, 0) === typed) return typed
      wrong(field, 'date')
      return now
    }
    let from = d.kind === 'parent' ? now : dateOf(d.from, 'from')
    let until = now
    if (d.kind === 'parent') {
      const born = principal.identity === '' ? null : bornOn(principal.identity)
      if (born === null || born > now) wrong('childCurp', 'curp')
      else if (eighteenOn(born) <= now) wrong('childCurp', 'of-age')
      else until = addDays(eighteenOn(born), -1)
    } else {
      until = dateOf(d.until, 'until')
      if (until < now || until < from) wrong('until', 'past')
      else if (until > addDays(from, longestDays[d.kind])) wrong('until', 'long')
      if (from < now) from = now
    }
    const oneCase = d.kind === 'helper' ? parseReference(d.oneCase) : null
    if (faults.length > 0) throw new Problem('invalid', 'Something is not as it must be.', { fields: faults })
    return {
      me,
      principal,
      representative,
      representativeId,
      services,
      maySign: d.kind === 'parent' || d.maySign,
      from,
      until,
      cap,
      oneCase,
    }
  }

  type Checked = Awaited<ReturnType<typeof checked>>

  /** The text that is signed, in words. */
  function statementOf(l: Language, kind: Kind, code: string, c: Checked, giver: Named): string {
    const named = (n: Named) => `${n.name}, ${n.identity}`
    const rows: [string, string][] = [
      [text(l, 'row.kind'), text(l, `kind.${kind}`)],
      ...(kind === 'parent' ? [[text(l, 'row.child'), named(c.principal)] as [string, string]] : []),
      [text(l, kind === 'parent' ? 'row.parent' : 'row.giver'), named(kind === 'parent' ? giver : c.principal)],
      ...(kind === 'parent' ? [] : [[text(l, 'row.representative'), named(c.representative)] as [string, string]]),
      [text(l, 'row.acts'), text(l, c.maySign ? 'acts.sign' : 'acts.file')],
      [text(l, 'row.services'), servicesWords(l, c.services)],
      ...(kind === 'helper' ? [[text(l, 'row.case'), c.oneCase ?? text(l, 'case.new')] as [string, string]] : []),
      ...(c.cap === null ? [] : [[text(l, 'row.cap'), pesosOf(c.cap)] as [string, string]]),
      [text(l, 'row.from'), c.from],
      [text(l, 'row.until'), c.until],
      [text(l, 'row.code'), code],
    ]
    return declarationText(l, {
      purpose: text(l, `purpose.${kind}`),
      portal: deps.publicUrl,
      demo: deps.demo,
      rows: rows.map(([label, value]) => ({ label, value })),
      at: clock.now(),
      unique: randomId(),
    })
  }

  /** The services of a mandate in words. */
  function servicesWords(l: Language, services: readonly string[]): string {
    if (services.length === 0) return text(l, 'services.all')
    return services
      .map((s) => {
        if (!s.endsWith('/')) return catalogue.get(s)?.text(l, 'name') ?? s
        const agency = Object.keys(catalogue.agencies).find((a) =>
          catalogue.search({ agency: a, limit: 1 }).items.some((i) => i.base.startsWith(s)),
        )
        return text(l, 'services.agency', { agency: agency ? catalogue.agencyName(agency, l) : s })
      })
      .join('; ')
  }

  // ── Signing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether a certificate is of who must sign: a company's own, or that of the person alone. */
  function isOf(kind: Kind, giver: Named, taken: TakenSignature, identities: readonly string[]): boolean {
    const { rfc, curp, representative } = taken.signer
    if (kind === 'company') return representative !== null && rfc === giver.identity
    return representative === null && [rfc, curp].some((id) => id !== null && identities.includes(id))
  }

  async function taken(row: Row, giver: Named, statement: string, signature: Buffer): Promise<Signed> {
    const kept = await deps.signing.take({ content: Buffer.from(statement, 'utf8'), signature, at: clock.now() })
    const drafter = await people.person(db, row.draftedBy)
    const identities = row.kind === 'company' ? [giver.identity] : [giver.identity, ...(drafter?.identities.map((i) => i.value) ?? [])]
    if (!isOf(row.kind, giver, kept, identities)) throw new Problem('signing/other-person', 'The certificate is of somebody else.')
    const { cms, ...facts } = kept
    return { ...facts, cms: cms.toString('base64') }
  }

  /** What follows once it is signed: the principal is known, and who is to act is asked, or acts at once. */
  async function signedBy(tx: Tx, row: Row, words: Words, how: 'signature' | 'paper'): Promise<void> {
    const now = clock.now()
    // A company is known by its own signature; a child by a counter, which sees the papers.
    const principal =
      row.kind === 'company'
        ? await people.proved(tx, { ...words.principal, language: words.language, by: null, office: null })
        : row.kind === 'parent'
          ? null
          : row.draftedBy
    const token = randomId(32)
    const invites = words.representative.email !== null
    await store.setSigned(tx, row.id, { at: now, how, principal, inviteHash: invites ? hashToken(token) : null })
    const self = row.representative !== null && row.representative === row.draftedBy
    if (self) await store.setAccepted(tx, row.id, row.draftedBy, now)
    else if (row.representative !== null) await people.tellOfMandate(tx, row.representative, 'offered')
    else if (invites)
      await people.inviteToAct(tx, {
        email: words.representative.email!,
        language: words.language,
        link: `${deps.publicUrl}/mandates/${token}`,
        until: row.untilOn,
      })
  }

  const atCounter = (clerk: SignedIn, office: OfficeId) => {
    if (!holds(clerk, ['clerk'], office)) throw new Problem('forbidden', 'This is another counter.')
  }

  async function atCounterBy(on: On, clerk: SignedIn, office: OfficeId, typed: string, lock = false): Promise<Row> {
    atCounter(clerk, office)
    const code = parseReference(typed)
    const row = code && (await store.byCode(on, code, lock))
    if (!row || row.kind === 'company' || row.endedAt || row.untilOn < today()) throw none()
    if ([row.draftedBy, row.principal, row.representative].includes(clerk.person)) throw new Problem('forbidden', 'Nobody serves oneself.')
    return row
  }

  async function invited(on: On, token: string): Promise<Row> {
    const row = token.length > 60 ? null : await store.byInvite(on, hashToken(token))
    if (!row || stateOf(row) !== 'to-accept') throw new Problem('not-found', 'This invitation holds no more.')
    return row
  }

  /** Refuses with `mandates/other-person` who is not the one a mandate names: a letter may go astray. */
  async function namedIn(on: On, representative: Named, person: PersonId): Promise<void> {
    const found = await people.person(on, person)
    if (!found?.identities.some((i) => i.value === representative.identity))
      throw new Problem('mandates/other-person', 'This mandate names the holder of another CURP or RFC.')
  }

  /** Takes a mandate up, where its kind and number allow it. */
  async function takeUp(tx: Tx, row: Row, person: PersonId): Promise<void> {
    const { representative, giver } = open(row)
    await namedIn(tx, representative, person)
    if (row.draftedBy === person && giver.identity !== representative.identity && row.kind !== 'company')
      throw new Problem('mandates/other-person', 'Nobody takes up what they gave.')
    if (row.kind === 'relative' && (await store.trustedBy(tx, today(), person)) >= mostTrusted) {
      const licence = await store.helperBy(tx, { person })
      if (!licence || !helperInForce(licence, today()))
        throw new Problem('mandates/helper-first', 'Who acts for more than three people does so as a registered helper.')
    }
    await store.setAccepted(tx, row.id, person, clock.now())
    await people.tellOfMandate(tx, row.draftedBy, 'accepted')
  }

  /** The mandates that allow what is asked, in the same order; null for what none allows. Session and helper's licence are looked at only where a mandate is there. */
  async function check(on: On, asked: readonly Asked[]): Promise<(Row | null)[]> {
    if (asked.length === 0) return []
    const now = today()
    const rows = await store.between(
      on,
      now,
      asked.map((a) => ({ representative: a.person, principal: a.principal })),
    )
    return Promise.all(
      asked.map(async (a) => {
        const fits = rows.filter(
          (m) =>
            m.representative === a.person &&
            m.principal === a.principal &&
            covers(m.services, a.service) &&
            (a.act !== 'sign' || m.maySign) &&
            (m.kind !== 'helper' || m.oneCase === a.reference),
        )
        if (fits.length === 0) return null
        // A paper that was found opens what is its own, not what others entrusted.
        if (a.session === null) return null
        const start = await people.sessionStart(a.session)
        if (start?.way === 'receipt' || start?.way === 'counter') return null
        for (const m of fits) {
          if (m.kind !== 'helper') return m
          const licence = await store.helperBy(on, { person: a.person })
          if (licence && helperInForce(licence, now)) return m
        }
        return null
      }),
    )
  }

  /** Asks for what its authority says of the certificate that signed, where that is not known yet. */
  const toSettle = (tx: Tx, row: Row, signed: Signed, which: 'signed' | 'endSigned') =>
    signed.level === 'B-LT' ? undefined : deps.jobs.add(tx, 'mandates/settle-signature', { code: row.code, which } satisfies ToSettle)

  deps.jobs.handle<ToSettle>('mandates/settle-signature', async ({ code, which }) => {
    const row = await store.byCode(db, code)
    const words = row && open(row)
    const signed = words?.[which]
    const statement = which === 'signed' ? words?.statement : words?.endStatement
    if (!signed || statement === undefined) return
    // Remote, so before the transaction; a silent responder fails the job, which is tried again.
    const settled = await deps.signing.settle({
      cms: Buffer.from(signed.cms, 'base64'),
      content: Buffer.from(statement, 'utf8'),
      at: clock.now(),
    })
    if (!settled) return
    await db.tx(async (tx) => {
      const now = await store.byCode(tx, code, true)
      if (!now || open(now)[which]?.cms !== signed.cms) return
      const { cms, level, revoked } = settled
      const kept: Signed = { ...signed, cms: cms.toString('base64'), level }
      await store.setSealed(tx, now.id, seal(now.id, { ...open(now), [which]: kept }))
      // What a revoked certificate gave was given by nobody that is known.
      if (revoked && which === 'signed') await store.setEnded(tx, now.id, 'office', clock.now())
    })
  })

  deps.jobs.every('mandates/tidy', '23 4 * * *', () => store.dropOld(db, new Date(clock.now().getTime() - draftDays * dayMs)))

  return {
    today,
    servicesWords,

    /** Writes a mandate down; nothing is given until it is signed. Returns its code. Refuses with `people/not-identified`, `too-many` beyond twenty drafts, and `invalid` with all that is wrong. */
    draft: (visitor: SignedIn, d: Draft): Promise<Reference> =>
      db.tx(async (tx) => {
        const c = await checked(tx, visitor, d)
        if ((await store.countDrafts(tx, visitor.person)) >= mostDrafts) throw new Problem('too-many', 'Sign or delete a draft first.')
        const id = uuidv7(clock.now().getTime())
        const code = newReference()
        const giver = d.kind === 'parent' ? asNamed(c.me) : c.principal
        const language = visitor.language
        const words: Words = {
          language,
          principal: c.principal,
          giver,
          representative: c.representative,
          statement: statementOf(language, d.kind, code, c, giver),
        }
        await store.insert(tx, {
          id,
          code,
          kind: d.kind,
          draftedBy: visitor.person,
          representative: c.representativeId,
          services: c.services,
          maySign: c.maySign,
          fromOn: c.from,
          untilOn: c.until,
          capCentavos: c.cap,
          oneCase: c.oneCase,
          sealed: seal(id, words),
          draftedAt: clock.now(),
        })
        return code
      }),

    /** Everything a person gave, wrote or acts by, and what the companies they act for gave; the newest first. */
    async of(visitor: SignedIn): Promise<Mandate[]> {
      const own = (await store.ofPerson(db, visitor.person)).filter((r) => r.signedAt !== null || r.draftedBy === visitor.person)
      const companies = new Set(own.filter((r) => r.kind === 'company' && stateOf(r) === 'living').map((r) => r.principal!))
      const more = (await Promise.all([...companies].map((c) => store.ofPerson(db, c)))).flat()
      const known = new Set(own.map((r) => r.id))
      return [...own, ...more.filter((r) => r.signedAt !== null && !known.has(r.id))].map((r) => read(r, visitor.person))
    },

    /** One of them. Refuses with `not-found`. */
    async one(visitor: SignedIn, code: string): Promise<Mandate & { readonly cases: readonly Reference[] }> {
      const row = await side(db, visitor, code)
      return { ...read(row, visitor.person), cases: await store.casesOf(db, row.id) }
    },

    /** Takes the giver's signature (CMS) over the statement. Sent twice, the first holds. Refuses with `not-found`, `signing/refused`, `signing/other-person`. */
    async sign(visitor: SignedIn, code: string, signature: Buffer): Promise<void> {
      const before = await side(db, visitor, code)
      const words = open(before)
      if (before.draftedBy !== visitor.person || stateOf(before) !== 'draft') throw none()
      const signed = await taken(before, words.giver, words.statement, signature)
      await db.tx(async (tx) => {
        const row = await side(tx, visitor, code, true)
        if (row.signedAt) return
        const kept = { ...words, signed }
        await store.setSealed(tx, row.id, seal(row.id, kept))
        await toSettle(tx, row, signed, 'signed')
        await signedBy(tx, row, kept, 'signature')
      })
    },

    /** Throws a draft away. Refuses with `not-found` what is signed. */
    discard: (visitor: SignedIn, code: string): Promise<void> =>
      db.tx(async (tx) => {
        const row = await side(tx, visitor, code, true)
        if (row.draftedBy !== visitor.person || row.signedAt) throw none()
        await store.drop(tx, row.id)
      }),

    /** Ends all that a person gave or acts by, for who is erased; the other sides are told. Texts by which somebody acted stay, sealed: they are the proof of it. */
    async endAll(tx: Tx, person: PersonId): Promise<void> {
      for (const other of await store.endAll(tx, person, clock.now())) await people.tellOfMandate(tx, other, 'ended')
    },

    /** What an invitation leads to, for whom it names alone. Refuses with `not-found` and `mandates/other-person`. */
    async invited(visitor: SignedIn, token: string): Promise<Mandate> {
      const row = await invited(db, token)
      await namedIn(db, open(row).representative, visitor.person)
      return read(row, visitor.person)
    },

    /**
     * Takes a mandate up: by an invitation's token, or, where a register names who helps, by its code. Refuses with `not-found`, `mandates/other-person` and
     * `mandates/helper-first`.
     */
    accept: (visitor: SignedIn, by: { readonly token: string } | { readonly code: string }): Promise<Reference> =>
      db.tx(async (tx) => {
        const found = 'token' in by ? await invited(tx, by.token) : await side(tx, visitor, by.code)
        const row = (await store.byCode(tx, found.code, true))!
        if (stateOf(row) !== 'to-accept' || ('code' in by && row.representative !== visitor.person)) throw none()
        await takeUp(tx, row, visitor.person)
        return row.code as Reference
      }),

    /** Says no to one that was offered; who gave it is told. */
    decline: (visitor: SignedIn, by: { readonly token: string } | { readonly code: string }): Promise<void> =>
      db.tx(async (tx) => {
        const found = 'token' in by ? await invited(tx, by.token) : await side(tx, visitor, by.code)
        const row = (await store.byCode(tx, found.code, true))!
        if (stateOf(row) !== 'to-accept' || ('code' in by && row.representative !== visitor.person)) throw none()
        if ('token' in by) await namedIn(tx, open(row).representative, visitor.person)
        await store.setEnded(tx, row.id, 'representative', clock.now())
        await people.tellOfMandate(tx, row.draftedBy, 'declined')
      }),

    /** The text that withdraws it, written when it is first asked for. Refuses with `not-found`. */
    ending: (visitor: SignedIn, code: string): Promise<string> =>
      db.tx(async (tx) => {
        const row = await side(tx, visitor, code, true)
        if (row.endedAt || !row.signedAt) throw none()
        const words = open(row)
        if (words.endStatement) return words.endStatement
        const l = words.language
        const named = (n: Named) => `${n.name}, ${n.identity}`
        const endStatement = declarationText(l, {
          purpose: text(l, 'purpose.end'),
          portal: deps.publicUrl,
          demo: deps.demo,
          rows: [
            { label: text(l, 'row.kind'), value: text(l, `kind.${row.kind}`) },
            { label: text(l, 'row.giver'), value: named(words.giver) },
            { label: text(l, 'row.representative'), value: named(words.representative) },
            { label: text(l, 'row.code'), value: row.code },
          ],
          at: clock.now(),
          unique: randomId(),
        })
        await store.setSealed(tx, row.id, seal(row.id, { ...words, endStatement }))
        return endStatement
      }),

    /**
     * Ends it at once. By a side's own word, in their session: the principal's or the representative's. A company's is withdrawn by its signature alone, and its representative may
     * give it up. With `signature` (CMS over `ending`) the withdrawal is kept signed. Sent twice, the first holds. Refuses with `not-found`, `forbidden`, `signing/refused`,
     * `signing/other-person`.
     */
    async end(visitor: SignedIn, code: string, signature: Buffer | null = null): Promise<void> {
      const before = await side(db, visitor, code)
      const words = open(before)
      const endSigned =
        signature === null ? null : await taken(before, words.giver, words.endStatement ?? (await this.ending(visitor, code)), signature)
      await db.tx(async (tx) => {
        const row = await side(tx, visitor, code, true)
        if (row.endedAt) return
        if (!row.signedAt) throw none()
        const by =
          endSigned !== null || (row.kind !== 'company' && (row.principal === visitor.person || row.draftedBy === visitor.person))
            ? 'principal'
            : row.representative === visitor.person
              ? 'representative'
              : null
        if (by === null) throw new Problem('forbidden', 'A company withdraws a mandate by its own signature.')
        if (endSigned) {
          await store.setSealed(tx, row.id, seal(row.id, { ...open(row), endSigned }))
          await toSettle(tx, row, endSigned, 'endSigned')
        }
        await store.setEnded(tx, row.id, by, clock.now())
        for (const person of new Set([row.representative, row.draftedBy]))
          if (person !== null) await people.tellOfMandate(tx, person, 'ended')
      })
    },

    // ── At a counter ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /** Refuses with `forbidden` who is no clerk of the office. */
    atCounter,

    /** A mandate for the clerk who has its giver before them. The look is recorded. Refuses with `forbidden` and `not-found`. */
    async readAtCounter(clerk: SignedIn, office: OfficeId, code: string): Promise<Mandate> {
      const row = await atCounterBy(db, clerk, office, code)
      await people.recordUse(db, [{ subject: row.draftedBy, actor: clerk.person, office, purpose: 'mandate' }])
      return read(row, null)
    },

    /**
     * The clerk saw the giver's identity and saw them sign the printed text by hand, and for a child the birth certificate too. `statement` is the digest (SHA-256, hex) of the text that
     * the clerk has before them. Told twice it is recorded once. Refuses with `forbidden`, `not-found`, and `conflict` where the text is another.
     */
    seenAtCounter: (
      clerk: SignedIn,
      office: OfficeId,
      code: string,
      given: { readonly statement: string; readonly certificateSeen: boolean },
    ): Promise<void> =>
      db.tx(async (tx) => {
        const row = await atCounterBy(tx, clerk, office, code, true)
        const words = open(row)
        if (createHash('sha256').update(words.statement).digest('hex') !== given.statement)
          throw new Problem('conflict', 'The text has changed. Look at it again.')
        if (row.kind === 'parent' && !given.certificateSeen)
          throw new Problem('invalid', 'See the birth certificate.', {
            fields: [{ pointer: '/seen', code: 'required', detail: 'See the birth certificate.' }],
          })
        const now = clock.now()
        await people.recordUse(tx, [{ subject: row.draftedBy, actor: clerk.person, office, purpose: 'mandate' }])
        const confirms = row.kind === 'parent' && row.confirmedAt === null
        const child = confirms ? await people.proved(tx, { ...words.principal, language: words.language, by: clerk.person, office }) : null
        if (confirms || !row.signedAt)
          await store.setSeen(tx, row.id, {
            by: clerk.person,
            office,
            confirmedAt: confirms ? now : null,
            principal: child,
          })
        if (!row.signedAt) await signedBy(tx, row, words, 'paper')
      }),

    /** Ends it for the giver who stands before the clerk. Refuses with `forbidden`, `not-found`. */
    endAtCounter: (clerk: SignedIn, office: OfficeId, code: string): Promise<void> =>
      db.tx(async (tx) => {
        const row = await atCounterBy(tx, clerk, office, code, true)
        if (!row.signedAt) throw none()
        await people.recordUse(tx, [{ subject: row.draftedBy, actor: clerk.person, office, purpose: 'mandate' }])
        await store.setEnded(tx, row.id, 'office', clock.now())
        for (const person of new Set([row.representative, row.draftedBy]))
          if (person !== null) await people.tellOfMandate(tx, person, 'ended')
      }),

    // ── At each act ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /** The mandates by which each of these is allowed today, in the same order; null for none. One statement however many. */
    check: async (on: On, asked: readonly Asked[]): Promise<(string | null)[]> => (await check(on, asked)).map((m) => m?.id ?? null),

    /** Notes, with an act of the same transaction, by which mandate it is done. A helper's is bound to the first case that is begun by it. */
    async note(
      tx: Tx,
      uses: readonly { readonly mandate: string; readonly reference: Reference; readonly begins?: boolean }[],
    ): Promise<void> {
      if (uses.length === 0) return
      await store.noteCases(tx, clock.now(), uses)
      for (const u of uses) if (u.begins) await store.bindCase(tx, u.mandate, u.reference)
    },

    /** Notes how a case was decided, where somebody acted in it for its applicant. */
    noteResult: (tx: Tx, reference: Reference, result: 'granted' | 'refused'): Promise<void> => store.noteResult(tx, reference, result),

    /** For whom a person may act today. */
    async acting(on: On, person: PersonId): Promise<Acting[]> {
      const rows = await store.actingBy(on, today(), person)
      return rows.map((m) => ({
        mandate: m.id,
        code: m.code,
        kind: m.kind,
        principal: m.principal!,
        name: open(m).principal.name,
        services: m.services,
        oneCase: m.oneCase,
      }))
    },

    /** Who acted in a case for its applicant, and may today: they are told what the applicant is told. */
    actorsIn: (on: On, reference: Reference): Promise<PersonId[]> => store.actorsIn(on, today(), reference),

    /** Whether somebody acted in a case for its applicant, or may act for them: then they decide nothing in it. */
    isBound: (on: On, person: PersonId, c: { readonly reference: Reference; readonly applicant: PersonId }): Promise<boolean> =>
      store.isBound(on, person, c),
  }
}

/** Centavos as people read them: `$1,250.00 MXN`. */
export const pesosOf = (centavos: number): string =>
  `$${(centavos / 100).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })} MXN`
