/** A day of invented cases, played through the real engine after the portal answers. What was played before is found and not played again. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cases, openCases } from '#cases'
import type { Example } from '#catalogue'
import { ifAlone } from '#db'
import type { OfficeId, PersonId, ServiceId } from '#kernel/id'
import { FixedClock, hourMs, minuteMs } from '#kernel/time'
import { seedCrowd, seedDemo } from '#people'
import type { SignedIn } from '#web'
import { projectFolder } from '../folder.ts'
import type { Parts } from '../main.ts'

const office = 'state-09' as OfficeId
const offered = [
  'state/drivers-licence',
  'state/birth-certificate',
  'state/criminal-record-certificate',
  'state/marriage-certificate',
] as const
const crowd = 36
// The lock of who plays. Every release must use the same number.
const playing = 7_303_014_403
/** How many of them are served before the day ends; the others wait for whoever tries the desk. */
const served = 22

/** What a start prints and `<data>/demo.json` holds. */
export type DemoList = {
  readonly demo: true
  readonly office: string
  readonly accounts: readonly { email: string; name: string; duty: string; roles: readonly { role: string; office: string | null }[] }[]
}

const duties: Record<string, string> = {
  'ciudadana@demo.invalid': 'a citizen with a case in line',
  'oficial1@demo.invalid': `official and clerk at ${office}`,
  'oficial2@demo.invalid': `official and clerk at ${office}`,
  'supervisora@demo.invalid': `supervisor at ${office}`,
  'analista1@demo.invalid': 'analyst: writes and changes services',
  'analista2@demo.invalid': 'analyst: the second person, who approves',
  'admin@demo.invalid': 'administrator',
}

/** The smallest file that is a PDF by its own bytes. */
const aPaper = () => Readable.from([Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')])

/** Seeds the accounts and plays the day, in one process at a time: who comes second waits and finds it played. `say` is told how far it is. */
export async function playDemo(parts: Parts, say: (words: string) => void): Promise<DemoList> {
  for (;;) {
    const list = await ifAlone(parts.db, playing, () => play(parts, say))
    if (list) return list
    await sleep(250)
  }
}

async function play(parts: Parts, say: (words: string) => void): Promise<DemoList> {
  const { db } = parts
  const now = parts.clock.now()
  const accounts = await seedDemo(db, { office, now })
  const list: DemoList = {
    demo: true,
    office,
    accounts: accounts.map((a) => ({ email: a.email, name: a.name, duty: duties[a.email] ?? '', roles: a.roles })),
  }
  const people = await seedCrowd(db, crowd, now)
  // An engine of the day's own, on a clock that goes through the hours before now.
  const clock = new FixedClock(new Date(now.getTime() - 9 * hourMs))
  const cases: Cases = openCases({ ...parts.cases.deps, clock, jobs: { ...parts.jobs, handle() {}, every() {} } })
  const visitor = async (person: PersonId): Promise<SignedIn> => ({
    person,
    session: `demo-${person}`,
    language: 'es',
    grants: await parts.people.grants(db, person),
  })
  const citizen = accounts[0]!.id
  const all = [...people.slice(0, 30).map((p) => p.id), citizen, ...people.slice(30).map((p) => p.id)]
  const before = await Promise.all(all.map(async (p) => (await cases.receipts.mine(await visitor(p))).length))
  const officials = await Promise.all(accounts.slice(1, 3).map((a) => visitor(a.id)))
  const entrusting = async () =>
    entrust(parts, cases, {
      giver: await visitor(citizen),
      friend: people[0]!,
      helped: await visitor(people[2]!.id),
      helper: await visitor(people[1]!.id),
      helperEmail: 'persona2@demo.invalid',
      clerk: officials[0]!,
      admin: await visitor(accounts.at(-1)!.id),
    })
  if (before.every((n) => n > 0)) {
    await entrusting()
    return list
  }

  say('Playing a day of demonstration cases…')
  for (const o of officials) await cases.desks.goOn(o, office)
  let done = 0
  for (const [i, person] of all.entries()) {
    clock.advance(9 * minuteMs)
    const who = await visitor(person)
    if (before[i] === 0) await file(cases, who, i)
    if (i % 12 === 11) say(`  ${i + 1} of ${all.length} people have filed`)
    // The desks work while people come, a little more slowly than they do.
    if (i > 3 && done < served && (await serve(cases, officials[i % 2]!, clock, done))) done++
  }
  for (const o of officials) await cases.desks.goOff(o, office)
  await entrusting()
  say(`  ${all.length} cases filed, ${done} turns served`)
  return list
}

/** One mandate that waits to be accepted, and a registered helper who files a case for somebody: both signed by hand before a clerk, whom everybody has. */
async function entrust(
  { mandates }: Pick<Parts, 'mandates'>,
  cases: Cases,
  o: {
    giver: SignedIn
    friend: { name: string; curp: string }
    helped: SignedIn
    helper: SignedIn
    helperEmail: string
    clerk: SignedIn
    admin: SignedIn
  },
): Promise<void> {
  const today = mandates.today()
  const until = `${Number(today.slice(0, 4)) + 1}${today.slice(4).replace('-02-29', '-02-28')}`
  const empty = {
    ...{ companyName: '', companyRfc: '', childName: '', childCurp: '', self: true, name: '', identity: '', email: '', helper: '' },
    ...{ services: [], maySign: false, from: today, until, capCentavos: null, oneCase: '' },
  }
  const signedByHand = async (who: SignedIn, code: string) => {
    const { statement } = await mandates.one(who, code)
    const digest = createHash('sha256').update(statement).digest('hex')
    await mandates.seenAtCounter(o.clerk, office, code, { statement: digest, certificateSeen: false })
  }
  const trusted = { kind: 'relative', name: o.friend.name, identity: o.friend.curp, email: 'persona1@demo.invalid' } as const
  if ((await mandates.of(o.giver)).length === 0) await signedByHand(o.giver, await mandates.draft(o.giver, { ...empty, ...trusted }))

  if ((await mandates.of(o.helper)).length > 0) return
  const number = await mandates.helpers.license(o.admin, {
    ...{ email: o.helperEmail, place: 'Mercado de Tacubaya, Ciudad de México', capCentavos: 20_000, until },
  })
  const service = 'state/drivers-licence@09' as ServiceId
  const help = { kind: 'helper', helper: number, services: [service], capCentavos: 15_000 } as const
  const code = await mandates.draft(o.helped, { ...empty, ...help })
  await signedByHand(o.helped, code)
  await mandates.accept(o.helper, { code })
  await file(cases, o.helper, 0, o.helped.person)
}

async function file(cases: Cases, who: SignedIn, i: number, principal?: PersonId): Promise<void> {
  const base = offered[i % offered.length]!
  const examples = JSON.parse(readFileSync(join(projectFolder, 'services', base, 'examples.json'), 'utf8')) as Example[]
  const answers = examples.find((e) => !e.expect.refused)!.answers
  const reference = await cases.filings.start(who, { service: `${base}@09` as ServiceId, ...(principal ? { principal } : {}) })
  const seen = new Set<string>()
  for (;;) {
    const page = (await cases.filings.read(who, reference)).journey.pages.find((p) => !seen.has(p.id))
    if (!page) break
    seen.add(page.id)
    await cases.filings.answer(who, reference, page.id, answers)
  }
  for (const paper of (await cases.filings.read(who, reference)).missing)
    await cases.filings.attach(who, reference, paper, { name: `${paper}.pdf`, stream: aPaper() })
  if (i % 9 === 4) await cases.filings.claim(who, reference, 'older')
  await cases.submit({ person: who.person, session: who.session, reference })
}

/** One turn at one desk: most are granted, some refused, one is asked for a paper. */
async function serve(cases: Cases, official: SignedIn, clock: FixedClock, n: number): Promise<boolean> {
  const { desks } = cases
  if (!(await desks.next(official, office))) return false
  const at = await desks.current(official, office)
  if (!at) return false
  clock.advance((3 + (n % 5)) * minuteMs)
  const { turn } = at.turn.state
  const paper = at.journey.papers[0]
  if (n % 9 === 5 && at.cannotAsk === null && paper)
    await desks.askPapers(official, office, turn, [{ id: paper.id, why: 'unreadable' }], '')
  else if (at.step.kind === 'review') await desks.review(official, office, turn, { result: 'ok', note: '' })
  else
    await desks.decide(
      official,
      office,
      turn,
      n % 8 === 6
        ? { result: 'refused', reasons: [at.service.definition.reasons[0]!.id], note: '' }
        : { result: 'granted', reasons: [], note: '' },
    )
  return true
}
