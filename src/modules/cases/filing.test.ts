import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { addWorkingDays, workingDaysBetween } from '#kernel/calendar'
import { type OfficeId, type Reference, randomId, type ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dateIn, dayMs, endOfDay, minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { mostFileBytes, mostFiles } from './filing.ts'
import * as store from './store.ts'
import { aPdf, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
})
after(async () => {
  await it.close()
  await database.close()
})

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const inbox = async (visitor: SignedIn) => (await it.messages.inbox(visitor.person, { language: 'es', limit: 100 })).map((m) => m.template)

/** A case of a state's licence at the desk of an official there. */
async function atTheDesk(code: string) {
  const office = `state-${code}` as OfficeId
  const service = `state/drivers-licence@${code}` as ServiceId
  const official = await it.anOfficial(office)
  const filed = await it.aSubmittedCase({ service })
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  const served = (await it.cases.desks.current(official, office))!
  assert.equal(served.c.reference, filed.reference)
  return { ...filed, office, service, official, turn: served.turn.state.turn, calendar: it.catalogue.calendarOf(office) }
}
type AtTheDesk = Awaited<ReturnType<typeof atTheDesk>>
const askFor = (d: AtTheDesk, ...ids: string[]) =>
  it.cases.desks.askPapers(
    d.official,
    d.office,
    d.turn,
    ids.map((id) => ({ id, why: 'missing' as const })),
    '',
  )

test('papers can be asked for until the end of the first third of the term, and not a minute later', async () => {
  const [inTime, late] = [await atTheDesk('01'), await atTheDesk('02')]
  for (const d of [inTime, late]) {
    const c = await caseOf(d.reference)
    // Ten working days: the third of them.
    assert.equal(c.askBy, addWorkingDays(c.filedOn!, 3, d.calendar))
  }
  const { askBy } = await caseOf(inTime.reference)
  // Both desks keep their turns meanwhile: somebody works on them.
  await it.passTo(new Date(endOfDay(askBy!, inTime.calendar.zone).getTime() - 1))
  await askFor(inTime, 'residence')
  await it.passTo(endOfDay(askBy!, late.calendar.zone))
  await assert.rejects(askFor(late, 'residence'), refused('cases/too-late'))
  const served = await it.cases.desks.current(late.official, late.office)
  assert.equal(served?.cannotAsk, 'too-late')
})

test('only what the pinned list has for these answers can be asked for, and only for a listed reason', async () => {
  const d = await atTheDesk('03')
  // Listed for minors only; listed for nobody; nothing at all.
  await assert.rejects(askFor(d, 'responsibility'), refused('cases/not-listed'))
  await assert.rejects(askFor(d, 'residence', 'bank-statement'), refused('cases/not-listed'))
  await assert.rejects(askFor(d), refused('invalid'))
  await assert.rejects(
    it.cases.desks.askPapers(d.official, d.office, d.turn, [{ id: 'residence', why: 'because' as never }], ''),
    refused('cases/not-listed'),
  )
  assert.equal((await caseOf(d.reference)).state, 'open')
})

test('answering resumes at the old place and moves the due day by the working days that it took', async () => {
  const d = await atTheDesk('04')
  const later = await it.aSubmittedCase({ service: d.service })
  const before = await caseOf(d.reference)
  const [held] = await store.turnsOf(it.db, before)
  await askFor(d, 'residence')
  assert.equal((await caseOf(d.reference)).state, 'asked')
  // Nobody asked for it, and nobody else answers.
  await assert.rejects(
    it.cases.filings.attach(d.applicant, d.reference, 'birth', { name: 'a.pdf', stream: aPdf() }),
    refused('cases/not-listed'),
  )
  await assert.rejects(it.cases.filings.answerRequest(later.applicant, d.reference, true), refused('not-found'))
  await it.passTo(new Date(it.clock.now().getTime() + 5 * dayMs))
  await it.cases.filings.attach(d.applicant, d.reference, 'residence', { name: 'nueva.pdf', stream: aPdf() })
  await it.cases.filings.answerRequest(d.applicant, d.reference, false)
  const after = await caseOf(d.reference)
  const paused = workingDaysBetween(after.askedOn!, dateIn(it.clock.now(), d.calendar.zone), d.calendar)
  assert.ok(paused >= 3)
  assert.equal(after.dueOn, addWorkingDays(before.dueOn!, paused, d.calendar))
  const [back] = await store.turnsOf(it.db, after)
  assert.deepEqual([back!.state.state, back!.state.place], ['waiting', held!.state.place])
  await assert.rejects(it.cases.filings.answerRequest(d.applicant, d.reference, false), refused('cases/not-asked'))
  await assert.rejects(
    it.cases.filings.attach(d.applicant, d.reference, 'residence', { name: 'a.pdf', stream: aPdf() }),
    refused('cases/not-asked'),
  )
})

test('an old paper does not answer a new request', async () => {
  const d = await atTheDesk('05')
  await askFor(d, 'residence')
  await assert.rejects(it.cases.filings.answerRequest(d.applicant, d.reference, false), refused('cases/incomplete'))
})

test('a paper that is usually shown can be asked for, and a picture of it answers', async () => {
  const d = await atTheDesk('13')
  const picture = (paper: string) => it.cases.filings.attach(d.applicant, d.reference, paper, { name: 'credencial.pdf', stream: aPdf() })
  await assert.rejects(picture('identification'), refused('cases/not-listed'))
  await askFor(d, 'identification')
  await assert.rejects(it.cases.filings.answerRequest(d.applicant, d.reference, false), refused('cases/incomplete'))
  await it.passTo(new Date(it.clock.now().getTime() + minuteMs))
  await picture('identification')
  await it.cases.filings.answerRequest(d.applicant, d.reference, false)
  assert.equal((await caseOf(d.reference)).state, 'open')
})

test('“it is already there” resumes the turn, and the desk must decide on what it has', async () => {
  const d = await atTheDesk('06')
  await askFor(d, 'residence')
  await it.cases.filings.answerRequest(d.applicant, d.reference, true)
  await it.cases.desks.next(d.official, d.office)
  const served = (await it.cases.desks.current(d.official, d.office))!
  assert.deepEqual([served.c.reference, served.cannotAsk], [d.reference, 'already-there'])
  await assert.rejects(askFor({ ...d, turn: served.turn.state.turn }, 'residence'), refused('cases/already-asked'))
  // Nor at the next step, which has a turn of its own.
  await it.cases.desks.review(d.official, d.office, served.turn.state.turn, { result: 'ok', note: '' })
  const decision = (await it.cases.desks.current(d.official, d.office))!
  assert.deepEqual([decision.c.reference, decision.step.kind], [d.reference, 'decide'])
  await assert.rejects(askFor({ ...d, turn: decision.turn.state.turn }, 'residence'), refused('cases/already-asked'))
})

test('two answers at once resume a turn once', async () => {
  const d = await atTheDesk('07')
  await askFor(d, 'residence')
  const outcomes = await Promise.allSettled([
    it.cases.filings.answerRequest(d.applicant, d.reference, true),
    it.cases.filings.answerRequest(d.applicant, d.reference, true),
  ])
  assert.deepEqual(outcomes.map((o) => o.status).sort(), ['fulfilled', 'rejected'])
  const kinds = (await store.eventsOf(it.db, await caseOf(d.reference))).map((e) => e.kind)
  assert.equal(kinds.filter((k) => k === 'already-there').length, 1)
})

// Baja California follows the clock of the United States, Sonora never changes it, Quintana Roo is an hour ahead, Mexico City in between.
for (const [code, zone] of [
  ['08', 'America/Chihuahua'],
  ['02', 'America/Tijuana'],
  ['26', 'America/Hermosillo'],
  ['23', 'America/Cancun'],
] as const)
  test(`in ${zone} an unanswered request lapses at local midnight, and the log says that it was in time`, async () => {
    const d = await atTheDesk(code)
    assert.equal(d.calendar.zone, zone)
    await askFor(d, 'residence')
    const { answerBy } = await caseOf(d.reference)
    const midnight = endOfDay(answerBy!, zone)
    await it.passTo(new Date(midnight.getTime() - minuteMs))
    assert.equal((await caseOf(d.reference)).state, 'asked')
    await it.passTo(midnight)
    const c = await caseOf(d.reference)
    assert.equal(c.state, 'lapsed')
    const [turn] = await store.turnsOf(it.db, c)
    assert.deepEqual([turn!.state.state, turn!.outcome, turn!.matter], ['finished', 'lapsed', null])
    await assert.rejects(it.cases.filings.answerRequest(d.applicant, d.reference, true), refused('cases/not-asked'))
    await it.jobs.drain()
    assert.ok((await inbox(d.applicant)).includes('finished'))
    assert.deepEqual((await it.replay()).findings, [])
    // The matter is free: it can be filed anew.
    await it.aSubmittedCase({ by: d.applicant, service: d.service })
  })

test('an answer in the last minute of the last day counts', async () => {
  const d = await atTheDesk('10')
  await askFor(d, 'residence')
  const { answerBy } = await caseOf(d.reference)
  await it.passTo(new Date(endOfDay(answerBy!, d.calendar.zone).getTime() - minuteMs))
  await it.cases.filings.attach(d.applicant, d.reference, 'residence', { name: 'a.pdf', stream: aPdf() })
  await it.cases.filings.answerRequest(d.applicant, d.reference, false)
  await it.passTo(new Date(it.clock.now().getTime() + minuteMs))
  assert.equal((await caseOf(d.reference)).state, 'open')
})

test('a file of a false type, too large, or beyond the most is refused and leaves nothing', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const { filings } = it.cases
  const attach = (stream: NodeJS.ReadableStream, paper = 'residence') =>
    filings.attach(person, reference, paper, { name: 'recibo.pdf', stream })
  const kept = async () => (await filings.read(person, reference)).files.length
  assert.equal(await kept(), 1)
  await assert.rejects(attach(Readable.from([Buffer.from('<html><script>alert(1)</script>')])), refused('wrong-type'))
  await assert.rejects(attach(Readable.from([Buffer.from('MZ\x90\x00 a program')])), refused('wrong-type'))
  const large = function* () {
    yield Buffer.from('%PDF-1.4\n')
    for (let n = 0; n < mostFileBytes; n += 65_536) yield Buffer.alloc(65_536)
  }
  await assert.rejects(attach(Readable.from(large())), refused('too-large'))
  await assert.rejects(attach(aPdf(), 'identification'), refused('cases/not-listed'))
  assert.equal(await kept(), 1)
})

test('several uploads at once do not get past the most that a case may have', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const { c, vault, files } = await it.cases.filings.read(person, reference)
  const [first] = files
  await it.db.tx(async (tx) => {
    for (let n = files.length; n < mostFiles - 2; n++) {
      const id = randomId()
      await store.insertFile(tx, {
        ...first!,
        id,
        sealed: vault.seal(`file/${id}`, { name: 'a.pdf', type: first!.type, sha256: first!.sha256 }),
      })
    }
  })
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4, 5].map((n) => it.cases.filings.attach(person, reference, 'residence', { name: `${n}.pdf`, stream: aPdf() })),
  )
  for (const o of outcomes) assert.ok(o.status === 'fulfilled' || refused('cases/file-refused')(o.reason))
  assert.equal((await store.filesOf(it.db, c)).length, mostFiles)
})

test('what an upload breaks off, or a name pretends, leaves nothing in the folder', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const { filings } = it.cases
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('%PDF-1.4\n')
      throw new Error('the line broke')
    })(),
  )
  await assert.rejects(filings.attach(person, reference, 'residence', { name: 'x.pdf', stream: broken }), /the line broke/)
  assert.deepEqual(readdirSync(join(it.folder, 'files/unfinished')), [])
  await filings.attach(person, reference, 'residence', { name: '../../etc/pass\u0000wd<b>.pdf', stream: aPdf() })
  assert.deepEqual((await filings.read(person, reference)).files.map((f) => f.name).sort(), ['passwdb.pdf', 'residence.pdf'])
})

test('an attachment lies encrypted on the disk, and opens for its owner', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const words = 'Una frase que nadie más debe leer'
  await it.cases.filings.attach(person, reference, 'residence', {
    name: 'carta.pdf',
    stream: Readable.from([Buffer.from(`%PDF-1.4\n${words}`)]),
  })
  const o = await it.cases.filings.read(person, reference)
  const file = o.files.find((f) => f.name === 'carta.pdf')!
  const content = Buffer.concat(await it.files.read(file.id, o.vault.key).toArray())
  assert.ok(content.includes(words))
  const folder = join(it.folder, 'files')
  const stored = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
  assert.ok(stored.length > 0)
  for (const e of stored) {
    const bytes = readFileSync(join(e.parentPath, e.name))
    for (const secret of [words, '%PDF', 'carta.pdf']) assert.ok(!bytes.includes(secret), `${e.name} shows ${secret}`)
  }
})

test('a withdrawal is undone within five working days, at the old place; the term stands still meanwhile', async () => {
  const d = await atTheDesk('11')
  const { filings } = it.cases
  const before = await caseOf(d.reference)
  const [place] = (await store.turnsOf(it.db, before)).map((t) => t.state.place)
  await filings.withdraw(d.applicant, d.reference)
  await filings.withdraw(d.applicant, d.reference)
  // The desk that had called it is free.
  assert.equal(await it.cases.desks.current(d.official, d.office), null)
  const withdrawn = await caseOf(d.reference)
  const last = addWorkingDays(dateIn(withdrawn.endedAt!, d.calendar.zone), 5, d.calendar)
  await it.passTo(new Date(endOfDay(last, d.calendar.zone).getTime() - minuteMs))
  await filings.undoWithdrawal(d.applicant, d.reference)
  const back = await caseOf(d.reference)
  const [turn] = await store.turnsOf(it.db, back)
  assert.deepEqual([back.state, turn!.state.state, turn!.state.place], ['open', 'waiting', place])
  assert.equal(back.dueOn, addWorkingDays(before.dueOn!, 5, d.calendar))
  // So that nobody gets silence's effect by having been away: its day is the new one.
  await it.passTo(endOfDay(before.dueOn!, d.calendar.zone))
  assert.equal((await caseOf(d.reference)).state, 'open')
  // Its matter is taken again.
  await assert.rejects(it.aSubmittedCase({ by: d.applicant, service: d.service }), refused('cases/one-living-turn'))

  await filings.withdraw(d.applicant, d.reference)
  const gone = addWorkingDays(dateIn(it.clock.now(), d.calendar.zone), 5, d.calendar)
  await it.passTo(endOfDay(gone, d.calendar.zone))
  await assert.rejects(filings.undoWithdrawal(d.applicant, d.reference), refused('cases/too-late'))
})

/** A case whose papers are awaited, withdrawn three days after they were asked for; time then passes to one day later. */
async function withdrawnWhileAsked(code: string) {
  const d = await atTheDesk(code)
  const before = await caseOf(d.reference)
  await askFor(d, 'residence')
  await it.passTo(new Date(it.clock.now().getTime() + 3 * dayMs))
  const asked = await caseOf(d.reference)
  await it.cases.filings.withdraw(d.applicant, d.reference)
  const leftOn = dateIn(it.clock.now(), d.calendar.zone)
  const today = addWorkingDays(leftOn, 1, d.calendar)
  await it.passTo(new Date(endOfDay(today, d.calendar.zone).getTime() - 600 * minuteMs))
  return { ...d, before, asked, leftOn, today }
}

test('a case withdrawn while papers were awaited comes back awaiting them: nobody is served without them, and the term stands still', async () => {
  const d = await withdrawnWhileAsked('12')
  const { filings, desks, receipts } = it.cases
  await filings.undoWithdrawal(d.applicant, d.reference)
  const back = await caseOf(d.reference)
  assert.deepEqual([back.state, back.askedOn, back.dueOn], ['asked', d.asked.askedOn, d.before.dueOn])
  // A day more for the day away, but no later than the turn may return.
  const moved = addWorkingDays(d.asked.answerBy!, 1, d.calendar)
  const last = addWorkingDays(d.leftOn, 5, d.calendar)
  assert.equal(back.answerBy, moved < last ? moved : last)
  const standing = (await receipts.read(d.applicant, d.reference)).s
  assert.deepEqual(standing.request?.papers, ['residence'])
  await desks.goOn(d.official, d.office)
  assert.equal(await desks.next(d.official, d.office), false)
  await assert.rejects(it.aSubmittedCase({ by: d.applicant, service: d.service }), refused('cases/one-living-turn'))

  // Withdrawn and undone again, the same days count: they are not won anew.
  await filings.withdraw(d.applicant, d.reference)
  await filings.undoWithdrawal(d.applicant, d.reference)
  assert.equal((await caseOf(d.reference)).answerBy, back.answerBy)

  await it.passTo(new Date(endOfDay(back.answerBy!, d.calendar.zone).getTime() - minuteMs))
  await assert.rejects(filings.answerRequest(d.applicant, d.reference, false), refused('cases/incomplete'))
  await filings.attach(d.applicant, d.reference, 'residence', { name: 'a.pdf', stream: aPdf() })
  await filings.answerRequest(d.applicant, d.reference, false)
  const answered = await caseOf(d.reference)
  const [turn] = await store.turnsOf(it.db, answered)
  assert.deepEqual([answered.state, turn!.state.state, turn!.endedAt], ['open', 'waiting', null])
  const paused = workingDaysBetween(d.asked.askedOn!, dateIn(it.clock.now(), d.calendar.zone), d.calendar)
  assert.equal(answered.dueOn, addWorkingDays(d.before.dueOn!, paused, d.calendar))
  assert.equal(await desks.next(d.official, d.office), true)
  assert.equal((await desks.current(d.official, d.office))!.cannotAsk, 'asked-once')
  assert.deepEqual((await it.replay()).findings, [])
})

test('papers awaited again after a withdrawal and not brought end the case, and the person is told', async () => {
  const d = await withdrawnWhileAsked('13')
  await it.cases.filings.undoWithdrawal(d.applicant, d.reference)
  const { answerBy } = await caseOf(d.reference)
  await it.passTo(endOfDay(answerBy!, d.calendar.zone))
  assert.equal((await caseOf(d.reference)).state, 'lapsed')
  await it.jobs.drain()
  assert.ok((await inbox(d.applicant)).includes('lapsed'))
  assert.deepEqual((await it.replay()).findings, [])
  await it.aSubmittedCase({ by: d.applicant, service: d.service })
})

test('all that was asked, answered and withdrawn replays without a finding', async () => {
  assert.deepEqual((await it.replay()).findings, [])
})
