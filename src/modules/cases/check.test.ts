import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Json } from '#kernel/canonical'
import { commit, sha256Hex } from '#kernel/commitment'
import { randomId } from '#kernel/id'
import type { LineEntry } from '#publiclog'
import { judge, packOpenings, paperMark, unpackOpenings } from './check.ts'
import { historyOf, type Openings, type PaperContent, type Published, type Verdict } from './verdict.ts'

const definition = sha256Hex('a definition')
const turn = randomId()

/** An honest turn from taking to its end, as the log has it, and what opens it. Each test spoils one thing. */
function anHonestTurn(more: { paper?: Partial<PaperContent>; holder?: Record<string, Json>; outcome?: 'done' | 'silence' } = {}) {
  const holder = commit({
    person: 'PARD010719MDFCSNA6',
    service: 'state/drivers-licence@09',
    definition,
    filing: randomId(32),
    ...more.holder,
  })
  const content: PaperContent = {
    v: 1,
    code: 'K7QP-2M4XW',
    turn,
    reference: '3NHQ-7Y27S',
    service: 'state/drivers-licence@09',
    definition,
    office: 'state-09',
    person: 'Daniela Pacheco Ríos',
    identity: 'PARD010719MDFCSNA6',
    result: 'granted',
    decided: '2026-11-24',
    until: '2027-11-24',
    sha256: sha256Hex('the record'),
    ...more.paper,
  }
  const paper = commit(content as unknown as Json)
  const outcome = more.outcome ?? 'done'
  const act = (index: number, at: string, entry: object): Published => ({
    index,
    entry: { v: 1, at, line: 'state-09/general', n: index, turn, ...entry } as unknown as LineEntry,
  })
  const taken = act(4, '2026-11-24T16:00Z', { type: 'turn.taken', class: 'general', holder: holder.commitment })
  const called = act(9, '2026-11-24T16:20Z', { type: 'turn.called', desk: 'd-one' })
  const finished = act(12, '2026-11-24T16:31Z', { type: 'turn.finished', desk: 'd-one', outcome, paper: paper.commitment })
  const openings: Openings = { v: 1, turn, holder: holder.opening, paper: paper.opening }
  return { holder, paper, content, taken, called, finished, openings }
}

const day = '2026-12-01'
const judged = (
  o: Openings,
  entries: Published[],
  today = day,
  withdrawn = false,
): Pick<Verdict, 'genuine' | 'inTurn' | 'valid' | 'why'> => {
  const { genuine, inTurn, valid, why } = judge(o, historyOf(entries), today, withdrawn)
  return { genuine, inTurn, valid, why }
}
const good = { genuine: true, inTurn: true, why: 'ok' }
const bad = (why: Verdict['why'], genuine = false) => ({ genuine, inTurn: false, valid: 'not-applicable', why })

test('an honest paper is genuine, in turn and valid until its last day', () => {
  const { openings, taken, called, finished } = anHonestTurn()
  const all = [taken, called, finished]
  assert.deepEqual(judged(openings, all), { ...good, valid: 'valid' })
  assert.deepEqual(judged(openings, all, '2027-11-24'), { ...good, valid: 'valid' })
  assert.deepEqual(judged(openings, all, '2027-11-25'), { ...good, valid: 'expired' })
  assert.deepEqual(judged(openings, all, day, true), { ...good, valid: 'withdrawn' })
  assert.deepEqual(judged(openings, all.toReversed()), { ...good, valid: 'valid' })
})

test('a verdict repeats what the paper says only when the paper is what was committed to', () => {
  const { openings, content, taken, called, finished } = anHonestTurn()
  assert.deepEqual(judge(openings, historyOf([taken, called, finished]), day, false).says, content)
  const forged = { ...openings, paper: { ...openings.paper!, content: { ...content, person: 'Otra Persona' } } } as unknown as Openings
  assert.equal(judge(forged, historyOf([taken, called, finished]), day, false).says, null)
})

test('a paper that holds for ever does not expire', () => {
  const { openings, taken, called, finished } = anHonestTurn({ paper: { until: null } })
  assert.equal(judged(openings, [taken, called, finished], '2099-01-01').valid, 'valid')
})

test('a refusal is genuine and in turn, and permits nothing', () => {
  const { openings, taken, called, finished } = anHonestTurn({ paper: { result: 'refused', until: null } })
  assert.deepEqual(judged(openings, [taken, called, finished]), { ...good, valid: 'refused' })
})

test('silence needs no call; an act does, and after the turn was taken and before it ended', () => {
  const silent = anHonestTurn({ outcome: 'silence' })
  assert.deepEqual(judged(silent.openings, [silent.taken, silent.finished]), { ...good, valid: 'valid' })
  const { openings, taken, called, finished } = anHonestTurn()
  assert.deepEqual(judged(openings, [taken, finished]), bad('not-finished', true))
  assert.deepEqual(judged(openings, [taken, finished, { ...called, index: 20 }]), bad('not-finished', true))
  assert.deepEqual(judged(openings, [{ ...called, index: 1 }, taken, finished]), bad('not-finished', true))
})

test('without a turn, or with one that has not ended, a paper was not issued in turn', () => {
  const { openings, taken, called } = anHonestTurn()
  assert.deepEqual(judged(openings, []), bad('no-such-turn'))
  assert.deepEqual(judged(openings, [called]), bad('no-such-turn'))
  assert.deepEqual(judged(openings, [taken, called]), bad('not-finished'))
})

test('a forged key, another holder and another paper open nothing', () => {
  const { openings, taken, called, finished } = anHonestTurn()
  const all = [taken, called, finished]
  const key = randomBytes(32).toString('base64url')
  assert.deepEqual(judged({ ...openings, holder: { ...openings.holder, key } }, all), bad('holder-differs'))
  assert.deepEqual(judged({ ...openings, paper: { ...openings.paper!, key } }, all), bad('paper-differs'))
  const other = anHonestTurn({ holder: { person: 'LOPE800101HDFPRD09' } })
  assert.deepEqual(judged({ ...openings, holder: other.openings.holder }, all), bad('holder-differs'))
  assert.deepEqual(judged({ ...openings, paper: other.openings.paper! }, all), bad('paper-differs'))
})

test('a turn that ended without a paper issues none', () => {
  const { openings, taken, called, finished } = anHonestTurn()
  const lapsed = { ...finished, entry: { ...finished.entry, paper: null } as LineEntry }
  assert.deepEqual(judged(openings, [taken, called, lapsed]), bad('paper-differs'))
})

test('two cases swapped behind their turns are seen even where the log was made to agree', () => {
  for (const paper of [
    { identity: 'LOPE800101HDFPRD09' },
    { service: 'state/birth-certificate@09' },
    { definition: sha256Hex('another version') },
  ]) {
    const { openings, taken, called, finished } = anHonestTurn({ paper })
    assert.deepEqual(judged(openings, [taken, called, finished]), bad('persons-differ', true))
  }
})

test("a paper of another turn does not pass as this one's", () => {
  const { openings, taken, called, finished } = anHonestTurn({ paper: { turn: randomId() } })
  assert.deepEqual(judged(openings, [taken, called, finished]), bad('paper-differs'))
})

test('a receipt is genuine as soon as its turn was taken', () => {
  const { openings, taken } = anHonestTurn()
  const { paper: _, ...receipt } = openings
  assert.deepEqual(judged(receipt, [taken]), { ...good, valid: 'not-applicable' })
})

test('packed openings come back as they were, for receipts and decisions, also where paper and holder differ', () => {
  for (const more of [
    {},
    { paper: { until: null, result: 'refused' as const } },
    { paper: { identity: 'X', service: 'a/b', definition: sha256Hex('v2'), turn: randomId() } },
    { holder: { filing: null } },
  ]) {
    const { openings } = anHonestTurn(more)
    const { paper: _, ...receipt } = openings
    for (const o of [openings, receipt]) {
      assert.deepEqual(unpackOpenings(packOpenings(o)), o)
      assert.deepEqual(unpackOpenings(`%PDF-1.7 /Keywords (${paperMark(o)}) trailer`), o)
      assert.deepEqual(unpackOpenings(`https://ventanilla.example/check#${packOpenings(o)}`), o)
    }
  }
})

test('a decision stays small enough for a code that old telephones read', () => {
  // 666 bytes is the most of version 20 (97 modules) at medium correction: half a millimetre each on 48 mm.
  assert.ok(packOpenings(anHonestTurn().openings).length + 'https://ventanilla.gob.mx/check#'.length <= 666)
})

test('hostile openings never crash and are never genuine', () => {
  const { openings, taken, called, finished } = anHonestTurn()
  const packed = packOpenings(openings)
  const texts = [
    '',
    '#',
    'A',
    'ventanilla-paper:;',
    `ventanilla-paper:${'A'.repeat(1999)};`,
    '\0'.repeat(500),
    'ñ'.repeat(500),
    '%PDF-1.7',
    '{"mark":1}',
    packed.repeat(30),
    packed.slice(0, -9),
  ]
  for (let i = 0; i < packed.length; i += 3) texts.push(`${packed.slice(0, i)}${packed[i] === 'A' ? 'B' : 'A'}${packed.slice(i + 1)}`)
  for (const text of texts) {
    const found = unpackOpenings(text)
    if (found) assert.equal(judge(found, historyOf([taken, called, finished]), day, false).inTurn, false, text)
  }
  let deep: Json = 'x'
  for (let i = 0; i < 20_000; i++) deep = [deep]
  for (const content of [deep, '\ud800', { person: '\ud800' }, null, 0, []] as Json[]) {
    const hostile = { ...openings, holder: { key: openings.holder.key, content } }
    assert.equal(judge(hostile, historyOf([taken, called, finished]), day, false).why, 'holder-differs')
  }
  assert.equal(judge({ ...openings, holder: { key: 'short', content: {} } }, historyOf([taken]), day, false).why, 'holder-differs')
})
