/** What somebody could do with every right on the server and the database, and what anybody sees of it afterwards. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TurnReplay } from '#cases/replay'
import { canonicalBytes } from '#kernel/canonical'
import type { OfficeId, ServiceId } from '#kernel/id'
import { addDays } from '#kernel/time'
import { noteKey, openKeys } from '#keys'
import { openPublicLog, openSource, readEntries, verifyLog } from '#publiclog'
import type { SignedIn } from '#web'
import { openTestCases } from '../../src/modules/cases/testing.ts'
import { silent, unsafeAppend } from '../../src/modules/publiclog/testing.ts'
import { copyDatabase, testDatabase } from '../support/database.ts'

const office = 'state-09' as OfficeId
const service = 'state/drivers-licence@09' as ServiceId
const line = `${office}/general`
const ventanilla = fileURLToPath(new URL('../../bin/ventanilla', import.meta.url))

type Entry = Record<string, unknown>

/** A morning at one office, written by the engine and closed: its database, its folder, and where everybody is when it ends. */
type Morning = {
  readonly databaseUrl: string
  readonly folder: string
  readonly n: number
  readonly at: string
  /** Turns: held for papers; called by the first desk, by the second, by the third and once absent; waiting. */
  readonly turns: Record<'held' | 'first' | 'second' | 'absent' | 'next' | 'later', string>
  readonly desks: Record<'first' | 'second' | 'third' | 'idle', string>
  readonly opened: Entry
  close(): Promise<void>
}

let morning: Morning
before(async () => {
  morning = await aMorning()
})
after(() => morning.close())

async function aMorning(): Promise<Morning> {
  const database = await testDatabase()
  const it = await openTestCases({ db: database.db, offices: { [office]: { presence: true } } })
  const { desks } = it.cases
  const officials: SignedIn[] = []
  for (let i = 0; i < 4; i++) officials.push(await it.anOfficial(office))
  const [first, second, third, idle] = officials as [SignedIn, SignedIn, SignedIn, SignedIn]
  const serve = async (who: SignedIn) => {
    it.clock.advance(60_000)
    await desks.goOn(who, office)
    await desks.next(who, office)
    return atDesk(who)
  }
  const atDesk = async (who: SignedIn) => (await desks.current(who, office))!.turn.state.turn
  for (let i = 0; i < 4; i++) await it.aSubmittedCase({ service })
  const held = await serve(first)
  await desks.askPapers(first, office, held, [{ id: 'residence', why: 'missing' }], '')
  const absent = await atDesk(first)
  await desks.absent(first, office, absent)
  const called = { first: await atDesk(first), second: await serve(second), third: await serve(third) }
  assert.equal(called.third, absent)
  await desks.goOn(idle, office)
  for (let i = 0; i < 2; i++) await it.aSubmittedCase({ service })

  const entries = await it.entries()
  const acts = entries.filter((e) => e.line === line)
  const waiting = acts.filter((e) => e.type === 'turn.taken').slice(-2)
  const deskOf = (turn: string) => String(acts.findLast((e) => e.type === 'turn.called' && e.turn === turn)!.desk)
  const names = { first: deskOf(called.first), second: deskOf(called.second), third: deskOf(called.third) }
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-morning-'))
  await cp(it.folder, folder, { recursive: true })
  await it.close()
  // A database is copied only while nobody is in it.
  await database.db.close()
  return {
    databaseUrl: database.url,
    folder,
    n: acts.length,
    at: String(acts.at(-1)!.at),
    turns: { held, absent, first: called.first, second: called.second, next: String(waiting[0]!.turn), later: String(waiting[1]!.turn) },
    desks: { ...names, idle: String(acts.findLast((e) => e.type === 'line.desk' && e.on)!.desk) },
    opened: acts[0]!,
    close: async () => {
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The morning's log with these entries written past the engine and published: a folder of its own. */
async function planted(t: { after(work: () => Promise<void>): void }, entries: readonly Entry[]): Promise<string> {
  const copy = await copyDatabase(morning.databaseUrl)
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-theft-'))
  await cp(morning.folder, folder, { recursive: true })
  const publiclog = openPublicLog({
    db: copy.db,
    keys: { logSigner: noteKey(openKeys(join(folder, 'keys'), 'development').logSigner) },
    dataFolder: folder,
    origin: 'test.example/log',
    log: silent,
  })
  t.after(async () => {
    await publiclog.stop()
    await copy.close()
    await rm(folder, { recursive: true, force: true })
  })
  await copy.db.tx((tx) =>
    unsafeAppend(
      tx,
      entries.map((e) => canonicalBytes(e)),
    ),
  )
  await publiclog.publishNow()
  return folder
}

/** Runs a command as anybody would, and reads its answer. */
function run(...args: string[]): Promise<{ code: number; answer: Entry & { findings: Entry[] } }> {
  return new Promise((resolve, reject) =>
    execFile(ventanilla, [...args, '--json'], (error, stdout) => {
      const code = error ? Number(error.code) : 0
      try {
        resolve({ code, answer: JSON.parse(stdout) })
      } catch {
        reject(error)
      }
    }),
  )
}

/** The same as the command, without its process. */
async function replay(folder: string) {
  const turns = new TurnReplay()
  const log = await verifyLog(folder, { onEntry: (e) => turns.read(e.index, e.bytes) })
  assert.deepEqual(log.findings, [])
  return turns.finish()
}

/** An entry on the line, the `more`-th after the morning's last. */
const act = (type: string, fields: Entry, more = 1): Entry => ({ v: 1, type, at: morning.at, line, n: morning.n + more, ...fields })

const day = () => morning.at.slice(0, 10)
const lineTerms = () => ({ covers: morning.opened.covers, quiet: false })

/** Each theft: what is written, and what must be said of which act. */
const thefts: Record<string, { entries: () => Entry[]; kind: string; line?: string; n?: () => number }> = {
  'a jump': {
    entries: () => [act('turn.called', { turn: morning.turns.later, desk: morning.desks.idle })],
    kind: 'jump',
  },
  'a hold while waiting': {
    entries: () => [act('turn.held', { turn: morning.turns.next, desk: morning.desks.idle, reason: 'agency', until: addDays(day(), 3) })],
    kind: 'impossible',
  },
  'two open calls of one desk': {
    entries: () => [act('turn.called', { turn: morning.turns.next, desk: morning.desks.first })],
    kind: 'impossible',
  },
  'another desk finishing': {
    entries: () => [
      act('turn.finished', { turn: morning.turns.first, desk: morning.desks.second, outcome: 'done', paper: 'A'.repeat(43) }),
    ],
    kind: 'impossible',
  },
  'a return by absent twice': {
    entries: () => [act('turn.returned', { turn: morning.turns.absent, desk: morning.desks.third, reason: 'absent' })],
    kind: 'impossible',
  },
  'a second line over one step': {
    entries: () => [
      {
        ...morning.opened,
        at: morning.at,
        line: `${office}/friends`,
        n: 1,
        covers: [(morning.opened.covers as string[])[0]],
      },
    ],
    kind: 'impossible',
    line: `${office}/friends`,
    n: () => 1,
  },
  'a hasty rule change': {
    entries: () => [act('line.changed', { ...lineTerms(), rule: { kind: 'first-come' }, from: addDays(day(), 1) })],
    kind: 'clock',
  },
  'a gap': {
    entries: () => [act('turn.called', { turn: morning.turns.next, desk: morning.desks.idle }, 2)],
    kind: 'gap',
    n: () => morning.n + 2,
  },
  'a reason not in the list': {
    entries: () => [act('turn.returned', { turn: morning.turns.first, desk: morning.desks.first, reason: 'lunch' })],
    kind: 'unlisted',
  },
}

test('the honest log passes both commands', async (t) => {
  const folder = await planted(t, [])
  const turns = await run('verify-turns', folder)
  assert.deepEqual([turns.code, turns.answer.ok, turns.answer.findings], [0, true, []])
  assert.deepEqual([turns.answer.lines, turns.answer.acts], [1, morning.n])
  const log = await run('verify-log', folder)
  assert.deepEqual([log.code, log.answer.ok, log.answer.findings], [0, true, []])
  assert.equal(log.answer.size, turns.answer.size)
})

test('the next honest act passes too: what is named below is the theft alone', async (t) => {
  const folder = await planted(t, [act('turn.called', { turn: morning.turns.next, desk: morning.desks.idle })])
  assert.deepEqual((await replay(folder)).findings, [])
})

for (const [name, theft] of Object.entries(thefts))
  test(`${name}, written past the engine, is named by its kind, its line and its number`, async (t) => {
    const folder = await planted(t, theft.entries())
    const { ok, findings } = await replay(folder)
    assert.equal(ok, false)
    const brief = findings.map(({ line, n, kind }) => ({ line, n, kind }))
    const expected = [{ line: theft.line ?? line, n: theft.n?.() ?? morning.n + 1, kind: theft.kind }]
    assert.deepEqual(brief, expected, JSON.stringify(findings))
  })

test('the commands say so too: exit 1 and the finding in JSON, while the log itself is sound', async (t) => {
  for (const name of ['a jump', 'a gap'] as const) {
    const { entries, kind, n } = thefts[name]!
    const folder = await planted(t, entries())
    const { code, answer } = await run('verify-turns', folder)
    assert.equal(code, 1)
    assert.equal(answer.ok, false)
    assert.equal(answer.findings.length, 1)
    const [found] = answer.findings
    assert.deepEqual([found!.line, found!.n, found!.kind], [line, n?.() ?? morning.n + 1, kind])
    assert.equal(typeof found!.index, 'number')
    assert.ok(String(found!.detail).length > 10)
    const log = await run('verify-log', folder)
    assert.deepEqual([log.code, log.answer.ok], [0, true])
  }
})

test('an entry of the engine left out of the log is a gap to everybody', async (t) => {
  // As if the engine had counted and the log had not: the numbers tell.
  const folder = await planted(t, [
    act('turn.finished', { turn: morning.turns.second, desk: morning.desks.second, outcome: 'done', paper: null }, 2),
    act('turn.called', { turn: morning.turns.next, desk: morning.desks.second }, 3),
  ])
  const { findings } = await replay(folder)
  assert.deepEqual(
    findings.map(({ n, kind }) => ({ n, kind })),
    [{ n: morning.n + 2, kind: 'gap' }],
  )
})

test('the entries that the copies begin with are the engine’s own, byte for byte', async (t) => {
  const folder = await planted(t, [act('turn.called', { turn: morning.turns.later, desk: morning.desks.idle })])
  const bytes = async (of: string) => {
    const all: Buffer[] = []
    for await (const e of readEntries(await openSource(join(of, 'log')))) all.push(e.bytes)
    return all
  }
  const [copy, honest] = [await bytes(folder), await bytes(morning.folder)]
  assert.equal(copy.length, honest.length + 1)
  assert.deepEqual(copy.slice(0, -1), honest)
})
