/** Builders for tests: the whole engine over a test database, with its real neighbours, and cases as far along as a test needs them. */
import { sign } from 'node:crypto'
import { cpSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Catalogue, type FormFields, openCatalogue } from '#catalogue'
import type { Db } from '#db'
import { openFiles } from '#files'
import { openJobs } from '#jobs'
import type { OfficeId, PersonId, Reference, ServiceId } from '#kernel/id'
import type { Language } from '#kernel/text'
import { FixedClock } from '#kernel/time'
import { openKeys, type SigningKey } from '#keys'
import { openMandates } from '#mandates'
import { openMessages } from '#messages'
import { openPeople, parseIdentity, seedDemo } from '#people'
import { openPublicLog, openSource, readEntries } from '#publiclog'
import { joinTrust, openAuthorityFolder, openSigning, type TrustFolder } from '#signing'
import type { Role, SignedIn, Visitor } from '#web'
import { type CasesDeps, openCases } from './index.ts'
import { type Replay, replayTurns } from './replay.ts'
import { dueTimers } from './store.ts'

const silent = { info() {}, warn() {}, error() {} }
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What the tests' catalogue holds: one office decides alone, and several review at once. */
const usualServices = ['state/drivers-licence', 'state/birth-certificate', 'municipal/business-licence', 'municipal/land-use-certificate']

/** A licence in Mexico City: a test in turn and a decision in turn, both at `state-09`, and one paper to attach. */
export const licence = 'state/drivers-licence@09' as ServiceId
export const licenceOffice = 'state-09' as OfficeId

/** Answers that complete a licence for a first-time applicant. */
export const licenceAnswers: FormFields = {
  kind: 'first',
  fullname: 'Daniela Pacheco Ríos',
  curp: 'PARD010719MDFCSNA6',
  agegroup: 'adult',
  home: 'Calle Naranjo 14, Colonia Santa María la Ribera, 06400, Cuauhtémoc, Ciudad de México',
  lenses: 'no',
  blood: 'o-positive',
  emergency: '5512345678',
  notbarred: 'yes',
}

/** The smallest file that passes for a PDF. */
export const aPdf = () => Readable.from([Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n')])

export type TestCases = Awaited<ReturnType<typeof openTestCases>>

/**
 * The engine over this database at a time that stands still (Tuesday 24 November 2026, ten in the morning in Mexico City). `close` stops it and removes
 * its folder; the database is the caller's.
 */
export async function openTestCases({
  db,
  services = usualServices,
  offices,
  clock = new FixedClock('2026-11-24T16:00:00Z'),
  publicUrl = 'http://localhost:3000',
  servicesFolder = join(root, 'services'),
  doers,
  trust,
}: {
  db: Db
  services?: readonly string[]
  /** Where the definitions are taken from; without `services` all that is there. */
  servicesFolder?: string
  doers?: CasesDeps['doers']
  /** Who may vouch for signers; nobody without it. */
  trust?: TrustFolder
  /** What `reference/offices.json` is to say of some offices, by id: `{ 'state-09': { presence: true } }`. */
  offices?: Readonly<Record<string, object>>
  clock?: FixedClock
  publicUrl?: string
}) {
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-cases-'))
  for (const base of services.length > 0 ? services : [''])
    cpSync(join(servicesFolder, base), join(folder, 'services', base), { recursive: true })
  let reference = join(root, 'reference')
  if (offices) {
    cpSync(reference, (reference = join(folder, 'reference')), { recursive: true })
    writeFileSync(join(reference, 'offices.json'), JSON.stringify({ offices }))
  }
  const keys = openKeys(join(folder, 'keys'), 'development')
  const files = openFiles(folder)
  const queue = openJobs(db, silent)
  const letters: string[] = []
  // The queue itself, listened to: letters are read again by those who have no inbox yet.
  const jobs: typeof queue = {
    ...queue,
    async add(on, name, data, options) {
      if (name === 'people.letter') letters.push((data as { id: string }).id)
      await queue.add(on, name, data, options)
    },
  }
  const publiclog = openPublicLog({
    db,
    keys: { logSigner: forNotes(keys.logSigner) },
    dataFolder: folder,
    origin: 'test.example/log',
    clock,
    log: silent,
  })
  let catalogue: Catalogue | null = null
  const officeName = (office: string, language: Language) => catalogue?.office(office)?.name(language) ?? null
  const people = openPeople({ db, clock, jobs, keys, publicUrl, officeName, phones: true })
  const messages = openMessages({
    db,
    clock,
    jobs,
    people,
    keys,
    publicUrl,
    production: false,
    smtpUrl: null,
    smsUrl: null,
    mailFrom: 'Ventanilla <no-reply@test.invalid>',
  })
  catalogue = await openCatalogue({ db, clock, reference, publiclog, log: silent })
  const loaded = await catalogue.load(join(folder, 'services'))
  if (loaded.faults.length > 0) throw new Error(`The tests' services have a fault: ${JSON.stringify(loaded.faults[0])}`)
  const signing = openSigning({
    keys,
    clock,
    db,
    publiclog,
    people,
    jobs,
    trust: trust ?? joinTrust([]),
    authority: await openAuthorityFolder(join(folder, 'keys', 'authority'), {
      mode: 'development',
      names: { organization: 'test.invalid', demo: false },
      addresses: { ocsp: `${publicUrl}/pki/ocsp`, list: `${publicUrl}/pki/issuing.crl`, issuer: `${publicUrl}/pki/issuing.cer` },
      now: clock.now(),
    }),
    publicUrl,
    demo: false,
  })
  const mandates = openMandates({ db, clock, keys, people, signing, catalogue, jobs, publicUrl, demo: false })
  const cases = openCases({
    db,
    clock,
    jobs,
    keys,
    files,
    publiclog,
    people,
    catalogue,
    messages,
    signing,
    mandates,
    demo: false,
    publicUrl,
    ...(doers ? { doers } : {}),
  })
  people.personalData.concerns([messages.personal, signing.personal, mandates.personal, cases.personal])

  let clerk: Visitor | null = null
  let born = 0

  /** A visitor as the web would make one, with what the person holds now. */
  async function visitorOf(person: PersonId): Promise<SignedIn> {
    return { person, session: `session-of-${person}`, language: 'es', grants: await people.grants(db, person) }
  }

  /** The code last sent to an address. */
  async function codeFor(email: string): Promise<string> {
    for (const id of letters.toReversed()) {
      const letter = await people.letter(id)
      if (letter?.to === email && 'code' in letter.data) return letter.data.code
    }
    throw new Error(`No code was sent to ${email}.`)
  }

  /** The letter last written to an address. */
  async function letterTo(email: string) {
    for (const id of letters.toReversed()) {
      const letter = await people.letter(id)
      if (letter?.to === email) return letter
    }
    throw new Error(`No letter was sent to ${email}.`)
  }

  /** An identified person with a confirmed contact, able to take a turn. */
  async function aPerson(given: { name?: string; identity?: string } = {}): Promise<SignedIn> {
    const office = licenceOffice
    if (!clerk) {
      const [, first] = await seedDemo(db, { office: 'state-01' as OfficeId, now: clock.now() })
      clerk = { person: first!.id, session: 'demo', language: 'es', grants: [{ role: 'clerk', office }] }
    }
    const n = ++born
    const shown = { identity: given.identity ?? aCurp(n), name: given.name ?? `Persona Número ${n}`, language: 'es' as const }
    const { person } = await db.tx((tx) => people.registerAtCounter(tx, clerk!, office, shown))
    const email = `p${n}@test.invalid`
    const browser = `browser-${n}`
    const network = `10.0.${n >> 8}.${n & 255}`
    await people.askContact(clerk, person, { email, browser, network, language: 'es', office })
    await people.confirmContact(clerk, { code: await codeFor(email), browser, network })
    return visitorOf(person)
  }

  async function aStaff(role: Role, office: OfficeId | null = licenceOffice): Promise<SignedIn> {
    const { person } = await aPerson()
    await db.tx((tx) => people.giveRole(tx, null, person, { role, office }))
    return visitorOf(person)
  }

  /** A draft with these answers and a file for each paper that takes one. */
  async function aDraft(
    visitor: SignedIn,
    { service = licence, answers = licenceAnswers }: { service?: ServiceId; answers?: FormFields } = {},
  ): Promise<Reference> {
    const { filings } = cases
    const reference = await filings.start(visitor, { service })
    await fill(visitor, reference, answers)
    return reference
  }

  async function fill(visitor: SignedIn, reference: Reference, answers: FormFields): Promise<void> {
    const { filings } = cases
    const visited = new Set<string>()
    for (;;) {
      const page = (await filings.read(visitor, reference)).journey.pages.find((p) => !visited.has(p.id))
      if (!page) break
      visited.add(page.id)
      const { problems } = await filings.answer(visitor, reference, page.id, answers)
      if (problems.length > 0) throw new Error(`The answers do not fit the page ${page.id}: ${JSON.stringify(problems)}`)
    }
    for (const paper of (await filings.read(visitor, reference)).missing)
      await filings.attach(visitor, reference, paper, { name: `${paper}.pdf`, stream: aPdf() })
  }

  return {
    db,
    folder,
    clock,
    keys,
    files,
    jobs,
    publiclog,
    people,
    messages,
    catalogue,
    signing,
    mandates,
    cases,
    /** The parts as the pages take them. */
    deps: cases.deps,
    visitorOf,
    codeFor,
    letterTo,
    aPerson,
    anOfficial: (office?: OfficeId) => aStaff('official', office),
    aClerk: (office?: OfficeId) => aStaff('clerk', office),
    aSupervisor: (office?: OfficeId) => aStaff('supervisor', office),
    aControl: () => aStaff('control', null),
    anAdministrator: () => aStaff('admin', null),
    aDraft,
    fill,
    /** A case that has its turn, of a person of its own unless one is given. */
    async aSubmittedCase(
      given: { by?: SignedIn; service?: ServiceId; answers?: FormFields } = {},
    ): Promise<{ reference: Reference; applicant: SignedIn }> {
      const applicant = given.by ?? (await aPerson())
      const reference = await aDraft(applicant, given)
      await cases.submit({ person: applicant.person, reference })
      return { reference, applicant }
    },
    /** The cookie of a new session of this person, as a `cookie` header carries it. */
    cookieOf: async (visitor: SignedIn) => (await people.startSession(db, visitor.person, 'email')).cookie,
    /** Time passes until then, and what happens by itself happens in its minute. */
    async passTo(when: string | Date): Promise<void> {
      const end = new Date(when)
      for (;;) {
        const [next] = await dueTimers(db, end, 0, 1)
        if (!next) break
        if (next.due > clock.now()) clock.set(next.due)
        await cases.timers.runDue()
      }
      clock.set(end)
    },
    /** Publishes the log and reads all its entries as anybody could. */
    async entries(): Promise<Record<string, unknown>[]> {
      await publiclog.publishNow()
      const all: Record<string, unknown>[] = []
      for await (const { bytes } of readEntries(await openSource(join(folder, 'log')))) all.push(JSON.parse(bytes.toString()))
      return all
    },
    /** Publishes the log and replays its turns as anybody could. */
    async replay(): Promise<Replay> {
      await publiclog.publishNow()
      return replayTurns(readEntries(await openSource(join(folder, 'log'))))
    },
    async close() {
      messages.close()
      await jobs.stop()
      await publiclog.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The log's key as its notes take it. */
const forNotes = ({ privateKey, publicKey }: SigningKey) => ({
  publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  sign: (bytes: Buffer) => sign(null, bytes, privateKey),
})

/** A CURP of nobody: made from a number, with the check character that holds. */
export function aCurp(n: number): string {
  const consonants = 'BCDFGHJKLMNPQRSTVWXYZ'
  const three = [n % 21, Math.floor(n / 21) % 21, Math.floor(n / 441) % 21].map((i) => consonants[i]).join('')
  const before = `PAUR900101HDF${three}0`
  for (let digit = 0; digit < 10; digit++) {
    const parsed = parseIdentity(`${before}${digit}`)
    if (!('fault' in parsed)) return parsed.value
  }
  throw new Error(`No CURP for ${n}.`)
}
