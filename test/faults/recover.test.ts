/** A backup that is a hundred acts old, brought up to the published log: the lines go on where the public saw them, and what is lost is said. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { openCases } from '#cases'
import { readConfig } from '#config'
import type { Reference } from '#kernel/id'
import { FixedClock, hourMs, minuteMs } from '#kernel/time'
import { openSource, readEntries } from '#publiclog'
import type { SignedIn } from '#web'
import { takeBackup } from '../../src/commands/backup.ts'
import { restoreBackup } from '../../src/commands/restore.ts'
import { openParts, type Parts } from '../../src/main.ts'
import { licenceOffice as office, openTestCases, type TestCases } from '../../src/modules/cases/testing.ts'
import { emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts'

const root = resolve(import.meta.dirname, '../..')
const logOrigin = 'test.example/log'
const scratch = mkdtempSync(join(tmpdir(), 'vt-recover-'))
const data = join(scratch, 'data')
// The engine of before stands some hours back, so that what comes after is later.
const clock = new FixedClock(new Date(Date.now() - 6 * hourMs))
let own: TestDatabase
let other: TestDatabase
let old: TestCases

before(async () => {
  own = await testDatabase()
  other = await emptyDatabase()
  await own.db.query(`insert into db_installation (demo, log_origin, made_at) values (false, $1, now())`, [logOrigin])
  old = await openTestCases({ db: own.db, clock })
})
after(async () => {
  for (const one of opened) {
    await one.jobs.stop()
    await one.close()
  }
  await old?.close()
  await other?.close()
  await own?.close()
  rmSync(scratch, { recursive: true, force: true })
})

const settings = () => ({
  VENTANILLA_DATA: data,
  DATABASE_URL: other.url,
  VENTANILLA_DEMO: 'off',
  VENTANILLA_LOG_ORIGIN: logOrigin,
  VENTANILLA_PORT: '0',
  VENTANILLA_METRICS_PORT: '0',
  VENTANILLA_LOG_LEVEL: 'error',
})

async function command(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'src/cli.ts'), ...args], { env: { PATH: process.env.PATH, ...settings() }, cwd: root })
  let out = ''
  let err = ''
  child.stdout.on('data', (d) => (out += d))
  child.stderr.on('data', (d) => (err += d))
  const code = await new Promise<number | null>((done) => child.on('close', done))
  return { code, out, err }
}

const opened: Parts[] = []
async function parts(behind = false): Promise<Parts> {
  const made = await openParts(readConfig(settings(), scratch), undefined, { behind })
  opened.push(made)
  return made
}

type Act = { type: string; line?: string; n?: number; turn?: string; desk?: string; on?: boolean }
async function published(folder: string): Promise<Act[]> {
  const all: Act[] = []
  for await (const { bytes } of readEntries(await openSource(folder))) all.push(JSON.parse(bytes.toString()))
  return all
}

/** What the log alone says: of each turn its state, of each line its last number, living turns and desks. */
function told(acts: readonly Act[]) {
  const states: Record<string, string> = {
    'turn.taken': 'waiting',
    'turn.called': 'called',
    'turn.held': 'held',
    'turn.resumed': 'waiting',
    'turn.returned': 'waiting',
    'turn.left': 'left',
    'turn.finished': 'finished',
  }
  const turns = new Map<string, { line: string; state: string }>()
  const lines = new Map<string, { n: number; desks: Set<string> }>()
  for (const a of acts) {
    if (!a.line) continue
    const line = lines.get(a.line) ?? { n: 0, desks: new Set() }
    lines.set(a.line, line)
    line.n = a.n!
    if (a.type === 'line.desk') a.on ? line.desks.add(a.desk!) : line.desks.delete(a.desk!)
    if (a.turn && states[a.type]) turns.set(a.turn, { line: a.line, state: states[a.type]! })
  }
  const living = (line: string) =>
    [...turns.values()].filter((t) => t.line === line && ['waiting', 'called', 'held'].includes(t.state)).length
  return {
    turns: Object.fromEntries([...turns].map(([turn, t]) => [turn, t.state])),
    lines: Object.fromEntries([...lines].map(([line, l]) => [line, { n: l.n, desks: l.desks.size, living: living(line) }])),
  }
}

/** The same, as the database says. */
async function kept({ db }: Pick<Parts, 'db'>) {
  const turns = await db.query<{ turn: string; state: string }>('select turn, state from cases_turn')
  const lines = await db.query<{ id: string; n: string; desks: number; living: string }>('select id, n, desks, living from cases_line')
  return {
    turns: Object.fromEntries(turns.map((t) => [t.turn, t.state])),
    lines: Object.fromEntries(lines.map((l) => [l.id, { n: Number(l.n), desks: l.desks, living: Number(l.living) }])),
  }
}

/** Serves what is at the desk: a paper asked of one in five, a refusal of one in seven. */
async function serve(cases: TestCases['cases'], official: SignedIn, n: number): Promise<boolean> {
  const at = await cases.desks.current(official, office)
  if (!at) return cases.desks.next(official, office)
  const { turn } = at.turn.state
  const paper = at.journey.papers[0]
  if (n % 5 === 2 && at.cannotAsk === null && paper)
    await cases.desks.askPapers(official, office, turn, [{ id: paper.id, why: 'missing' }], 'x')
  else if (at.step.kind === 'review') await cases.desks.review(official, office, turn, { result: 'ok', note: '' })
  else
    await cases.desks.decide(
      official,
      office,
      turn,
      n % 7 === 3
        ? { result: 'refused', reasons: [at.service.definition.reasons[0]!.id], note: '' }
        : { result: 'granted', reasons: [], note: '' },
    )
  return true
}

test('a backup a hundred acts old is recovered from the published log, and both verifiers pass over all of it', {
  timeout: 240_000,
}, async () => {
  const { cases } = old
  const official = await old.anOfficial()
  await cases.desks.goOn(official, office)
  const filed: { reference: Reference; applicant: SignedIn }[] = []
  for (let i = 0; i < 12; i++) {
    clock.advance(minuteMs)
    filed.push(await old.aSubmittedCase())
  }
  for (let i = 0; i < 6; i++) await serve(cases, official, i)
  // Drafts that the backup has, filed after it.
  const drafts: { person: SignedIn; reference: Reference }[] = []
  for (let i = 0; i < 3; i++) {
    const person = await old.aPerson()
    drafts.push({ person, reference: await old.aDraft(person) })
  }
  await old.publiclog.publishNow()
  // Committed and without an index when the backup is taken.
  const pending = await old.aSubmittedCase()
  filed.push(pending)

  const folder = join(scratch, 'backup')
  const manifest = await takeBackup({ db: own.db, data: old.folder, keys: join(old.folder, 'keys'), demo: false, logOrigin }, folder, {
    withKeys: true,
  })

  // A hundred acts that only the log will remember: of cases the backup has, of its drafts, of people and a desk it never saw.
  for (const d of drafts) await cases.submit({ person: d.person.person, reference: d.reference })
  await cases.filings.withdraw(filed[8]!.applicant, filed[8]!.reference)
  await cases.filings.withdraw(filed[9]!.applicant, filed[9]!.reference)
  await cases.filings.undoWithdrawal(filed[9]!.applicant, filed[9]!.reference)
  const late = await old.anOfficial()
  await cases.desks.goOn(late, office)
  const unknown: { reference: Reference; applicant: SignedIn }[] = []
  for (let i = 0; i < 14; i++) {
    clock.advance(minuteMs)
    unknown.push(await old.aSubmittedCase())
    for (let k = 0; k < 2; k++) await serve(cases, [official, late][k]!, 2 * i + k)
  }
  for (const { c } of (await Promise.all(filed.map(({ applicant, reference }) => cases.filings.read(applicant, reference))))
    .filter((o) => o.c.state === 'asked')
    .slice(0, 1)) {
    const holder = filed.find((f) => f.reference === c.reference)!
    await cases.filings.answerRequest(holder.applicant, c.reference, true)
  }
  for (let i = 0; i < 6; i++) unknown.push(await old.aSubmittedCase())
  await cases.desks.next(late, office)
  await old.publiclog.publishNow()
  const before = await published(old.folder)
  const missing = before.length - manifest.log.size
  assert.ok(missing >= 100, `${missing} acts are newer than the backup`)

  // The machine is lost; the backup, the keys and the published log are not.
  cpSync(join(old.folder, 'log'), join(data, 'log'), { recursive: true })
  const restored = await restoreBackup({ db: other.db, data, keys: join(data, 'keys') }, folder)
  assert.deepEqual([restored.behind, restored.published], [true, before.length])

  const refused = await command('start')
  assert.equal(refused.code, 2, refused.err)
  assert.match(refused.err, /bin\/ventanilla recover/)

  // Stopped within a portion, then between the last portion and the end, as by crashes; and run again.
  const half = await parts(true)
  const recovery = await half.publiclog.recovery(data)
  assert.deepEqual([Number(recovery.size), Number(recovery.size - recovery.from) <= missing], [before.length, true])
  const stopped = async () => {
    throw new Error('stopped here')
  }
  const at = '2026-01-01T00:00Z'
  const replay: Parameters<typeof recovery.run>[0] = (tx, entries) => half.cases.recovery.replay(tx, entries)
  await assert.rejects(
    recovery.run(
      async (tx, entries) => replay(tx, entries).then(stopped),
      async () => {},
      at,
    ),
    /stopped here/,
  )
  await assert.rejects(recovery.run(replay, stopped, at), /stopped here/)
  await half.close()
  opened.pop()

  const recovered = await command('recover', '--json')
  assert.equal(recovered.code, 0, recovered.err)
  const losses = JSON.parse(recovered.out)
  assert.equal(losses.size, before.length)
  const again = await command('recover', '--json')
  assert.deepEqual([again.code, JSON.parse(again.out).taken], [0, 0], again.err)

  // Nothing that was published changed, and what recovery itself did stands behind it.
  const now = await published(data)
  assert.deepEqual(now.slice(0, before.length), before)
  const own2 = now.slice(before.length).map((e) => e.type)
  assert.ok(own2.includes('log.recovered'), own2.join(' '))
  const running = await parts()
  assert.deepEqual(await kept(running), told(now))

  // What is lost is listed, and whom the database knows is told.
  const names = new Map(losses.lost.cases.map((c: { reference: string | null; what: string }) => [c.reference, c.what]))
  for (const d of drafts) assert.equal(names.get(d.reference), 'filing')
  assert.notEqual(names.get(pending.reference), 'filing', 'what was committed before the backup is not lost')
  assert.equal(losses.lost.cases.filter((c: { reference: string | null }) => c.reference === null).length, unknown.length)
  await running.jobs.drain()
  for (const d of drafts) {
    const inbox = await running.messages.inbox(d.person.person, { language: 'es' })
    assert.equal(inbox.filter((m) => m.template === 'contents-lost').length, 1)
  }
  // The draft itself is there, to be filled in again, and another person's receipt still proves its turn.
  assert.equal((await running.cases.filings.peek(drafts[0]!.person, drafts[0]!.reference)).state, 'draft')
  const receipt = (await cases.receipts.read(unknown[0]!.applicant, unknown[0]!.reference)).s.receipt!
  const verdict = await running.cases.checks.paper(receipt.openings)
  assert.deepEqual([verdict.genuine, verdict.kind], [true, 'receipt'])

  // The window opens: the desk that the backup knew serves on, nobody is served out of turn, and turns without their case wait aside.
  const visitor: SignedIn = { ...official, grants: await running.people.grants(running.db, official.person) }
  await running.cases.desks.goOn(visitor, office)
  for (let i = 0; i < 200 && (await serve(running.cases, visitor, i)); i++);
  const newcomer = drafts[0]!
  // This system's catalogue has more adoptions than the test's first one.
  await running.cases.filings.acceptChange(newcomer.person, newcomer.reference)
  await running.cases.submit({ person: newcomer.person.person, reference: newcomer.reference })
  assert.equal((await running.cases.filings.peek(newcomer.person, newcomer.reference)).state, 'open')
  await running.publiclog.publishNow()
  const aside = await running.db.query<{ state: string }>(
    `select distinct t.state from cases_lost_turn l join cases_turn t using (turn, place)`,
  )
  assert.deepEqual(
    aside.map((t) => t.state).sort(),
    ['finished', 'held'],
    'turns without their case wait aside, and none of them is at a desk or before others',
  )

  // Two months go by: every clock runs to its end, also of cases of which something is lost.
  const later = new FixedClock(new Date())
  const calm = { ...running.jobs, handle() {}, every() {} }
  const { timers } = openCases({ ...running.cases.deps, clock: later, jobs: calm })
  for (let hour = 0; hour < 60 * 24; hour += 3) {
    later.advance(3 * hourMs)
    await timers.runDue()
  }
  await running.publiclog.publishNow()
  const [left] = await running.db.query<{ n: number }>(
    `select count(*)::integer as n from cases_turn t where state in ('waiting', 'called', 'held') and exists (select from cases_lost_turn l where l.turn = t.turn)`,
  )
  assert.equal(left!.n, 0, 'what nobody claimed has lapsed')
  const end = await published(data)
  assert.ok(end.length > now.length + 10)
  assert.deepEqual(await kept(running), told(end))
  for (const verify of ['verify-log', 'verify-turns']) {
    const verified = await command(verify, data, '--key', running.publiclog.vkey, '--json')
    assert.equal(verified.code, 0, verified.out + verified.err)
  }
})
