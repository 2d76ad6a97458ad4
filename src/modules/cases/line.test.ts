import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProblemCode } from '#kernel/problem'
import * as rule from './line.ts'
import { Play } from './line-play.ts'

const L = 'centro/licencias'
const M = 'centro/registro'
const refuses = (code: ProblemCode, act: () => unknown) => assert.throws(act, { name: 'Problem', code })
const last = (play: Play) => JSON.parse(play.texts.at(-1)!)
const clock = (play: Play) => new Date(play.now)

/** Two desks on duty, turns a, b, c waiting. */
function morning(terms: Parameters<Play['open']>[1] = {}): Play {
  return new Play().open(L, terms).on(L, 'd-1', 'd-2').take(L, 'a').take(L, 'b').take(L, 'c')
}

test('a desk is given the lowest place, and one turn at a time', () => {
  const play = morning()
  assert.equal(play.next(L, 'd-1'), 'a')
  refuses('cases/desk-busy', () => play.next(L, 'd-1'))
  assert.equal(play.next(L, 'd-2'), 'b')
  play.done('a')
  assert.equal(play.next(L, 'd-1'), 'c')
  play.done('c')
  assert.equal(play.next(L, 'd-1'), null)
})

test('a desk off duty is given nothing', () => {
  refuses('cases/off-duty', () => morning().off(L, 'd-1').next(L, 'd-1'))
})

test('the shared rule gives the priority class its share of calls less returns', () => {
  const play = new Play().open(L, { rule: { kind: 'shared', priority: 1, of: 3 } }).on(L, 'd-1')
  for (const name of ['a', 'b', 'c', 'd', 'e']) play.take(L, name)
  for (const name of ['p', 'q', 'r']) play.take(L, name, 'priority')
  const order: (string | null)[] = []
  for (let i = 0; i < 8; i++) {
    const name = play.next(L, 'd-1')
    order.push(name)
    play.done(name!)
  }
  assert.deepEqual(order, ['p', 'a', 'b', 'q', 'c', 'd', 'r', 'e'])
})

test('a returned call does not spend a share', () => {
  const play = new Play()
    .open(L, { rule: { kind: 'shared', priority: 1, of: 2 } })
    .on(L, 'd-1')
    .take(L, 'a')
    .take(L, 'p', 'priority')
  assert.equal(play.next(L, 'd-1'), 'p')
  play.giveBack('p', 'idle')
  assert.equal(play.next(L, 'd-1'), 'p')
})

test('only the next turn is passed, and another desk serves it', () => {
  const play = morning()
  assert.equal(
    play.next(L, 'd-1', (turn) => turn.turn === play.id('a')),
    'b',
  )
  refuses('cases/not-your-turn', () =>
    rule.passTurn(play.line(L), play.desk(L, 'd-2'), play.turn('c'), play.candidates(L, 'd-2'), clock(play)),
  )
  assert.equal(play.next(L, 'd-2'), 'a')
})

test('only the desk that called holds, returns and finishes', () => {
  const play = morning().call(L, 'd-1')
  const [line, other, turn, now] = [play.line(L), play.desk(L, 'd-2'), play.turn('a'), clock(play)]
  refuses('cases/not-your-turn', () => rule.finishTurn(line, other, turn, { outcome: 'done', paper: null }, now))
  refuses('cases/not-your-turn', () => rule.holdTurn(line, other, turn, { reason: 'papers', until: play.date(3) }, now))
  refuses('cases/not-your-turn', () => rule.returnTurn(line, other, turn, 'idle', now))
  refuses('cases/not-your-turn', () => rule.finishTurn(line, other, play.turn('b'), { outcome: 'done', paper: null }, now))
})

test('a turn is held once for each reason and comes back at its old place', () => {
  const play = morning().call(L, 'd-1').hold('a')
  assert.equal(play.next(L, 'd-1'), 'b')
  play.resume('a')
  assert.equal(play.next(L, 'd-2'), 'a')
  refuses('cases/already-asked', () => play.hold('a'))
  play.hold('a', 'agency')
  assert.deepEqual(play.turn('a').heldFor, ['papers', 'agency'])
})

test('a hold ends on a date that is not past, and an overdue one can still be ended', () => {
  refuses('invalid', () => morning().call(L, 'd-1').hold('a', 'papers', -1))
  const play = morning().call(L, 'd-1').hold('a', 'papers', 2).days(3)
  assert.equal(play.resume('a').next(L, 'd-2'), 'a')
  assert.equal(last(play.hold('a', 'agency', 1).days(4).end('a', 'lapsed')).desk, null)
})

test('a hold is dated by the UTC date on which its term ends', () => {
  // Midnight at the end of 3 December in Mexico City is 06:00Z on the 4th.
  assert.equal(rule.holdUntil(new Date('2026-12-04T06:00:00Z')), '2026-12-04')
})

test('an absence returns the turn to the end once, the second finishes it', () => {
  const play = morning().call(L, 'd-1').absent('a')
  assert.equal(play.turn('a').place, last(play).n)
  refuses('conflict', () => {
    const held = morning().call(L, 'd-1')
    rule.finishTurn(held.line(L), held.desk(L, 'd-1'), held.turn('a'), { outcome: 'absent', paper: null }, clock(held))
  })
  for (const name of ['b', 'c']) {
    assert.equal(play.next(L, 'd-1'), name)
    play.done(name)
  }
  assert.equal(play.next(L, 'd-1'), 'a')
  refuses('conflict', () => play.giveBack('a', 'absent'))
  assert.deepEqual([last(play.absent('a')).type, last(play).outcome], ['turn.finished', 'absent'])
})

test('nobody is absent where nobody waits in person', () => {
  refuses('conflict', () => morning({ presence: false }).call(L, 'd-1').absent('a'))
})

test('who withdraws frees the desk, and may undo it in time', () => {
  const play = morning().call(L, 'd-1').leave('a')
  assert.equal(play.desk(L, 'd-1').turn, null)
  assert.equal(play.line(L).living, 2)
  refuses('conflict', () => play.end('a'))
  play.days(3).resume('a')
  assert.equal(play.next(L, 'd-1'), 'a')
  play.leave('a').days(8)
  refuses('cases/too-late', () => play.resume('a'))
})

test('the system ends a turn in any state and frees its desk', () => {
  const play = morning().call(L, 'd-1').hold('a').call(L, 'd-1').end('a').end('b', 'lapsed').end('c')
  assert.equal(play.desk(L, 'd-1').turn, null)
  assert.equal(play.line(L).living, 0)
})

test('a desk is on duty in one line, and changes line at most twice a day', () => {
  const play = new Play().open(L).open(M).on(L, 'd-1')
  refuses('cases/desk-busy', () => play.on(M, 'd-1'))
  play.off(L, 'd-1').on(M, 'd-1').off(M, 'd-1').on(L, 'd-1').off(L, 'd-1').on(L, 'd-1').off(L, 'd-1')
  refuses('cases/desk-changes', () => play.on(M, 'd-1'))
  play.days(1).on(M, 'd-1')
})

test('a desk that goes off duty may finish its turn and is given no other', () => {
  const play = morning().call(L, 'd-1').off(L, 'd-1').done('a')
  refuses('cases/off-duty', () => play.next(L, 'd-1'))
})

test('no step of an office is covered by two lines, now or announced', () => {
  const covers = ['x/review']
  refuses('conflict', () => new Play().open(L, { covers }).open(M, { covers }))
  new Play().open(L, { covers }).open(M, { covers, office: 'office-2' })
  const play = new Play().open(L, { covers }).open(M)
  refuses('conflict', () => play.change(M, { covers: ['x/review', 'y/review'] }))
  // Given up from the tenth day, it is another line's from that day and no earlier.
  play.change(L, { covers: ['z/review'], from: play.date(10) })
  refuses('conflict', () => play.change(M, { covers, from: play.date(9) }))
  play.change(M, { covers, from: play.date(10) })
})

test('a change waits seven days and applies from the first act on its date', () => {
  const play = morning().take(L, 'p', 'priority')
  const shared = { kind: 'shared', priority: 1, of: 2 } as const
  refuses('invalid', () => play.change(L, { rule: shared, from: play.date(6) }))
  play.change(L, { rule: shared, from: play.date(7) })
  assert.equal(play.days(6).next(L, 'd-1'), 'a')
  play.giveBack('a', 'idle')
  assert.equal(play.days(1).next(L, 'd-1'), 'p')
  assert.deepEqual(play.line(L).announced, [])
})

test('the time never goes back, and a quiet line tells the date alone', () => {
  const play = new Play().open(L).wait(-90).take(L, 'a')
  assert.equal(last(play).at, '2026-11-23T15:00Z')
  play
    .change(L, { quiet: true, from: play.date(8) })
    .days(8)
    .take(L, 'b')
  assert.equal(last(play).at, '2026-12-01')
  play
    .change(L, { quiet: false, from: play.date(7) })
    .days(7)
    .take(L, 'c')
  assert.equal(last(play).at, '2026-12-08T13:30Z')
})

test('a line closes when every turn is over and every desk is off, and does nothing more', () => {
  const play = new Play().open(L).on(L, 'd-1').take(L, 'a')
  refuses('conflict', () => play.close(L))
  refuses('conflict', () => play.end('a').close(L))
  play.off(L, 'd-1').close(L)
  refuses('conflict', () => play.take(L, 'b'))
})

test('a rule gives the priority class more than nothing and less than all', () => {
  for (const [priority, of] of [
    [0, 3],
    [3, 3],
    [1.5, 3],
  ] as const)
    refuses('invalid', () => new Play().open(L, { rule: { kind: 'shared', priority, of } }))
})

test('a call is idle after its minutes', () => {
  const called = new Date('2026-11-23T15:00:00Z')
  assert.equal(rule.isIdle(called, new Date('2026-11-23T15:19:59Z'), 20), false)
  assert.equal(rule.isIdle(called, new Date('2026-11-23T15:20:00Z'), 20), true)
})

test('the state of a line does not grow with what is past', () => {
  const play = new Play().open(L).on(L, 'd-1')
  const size = () => JSON.stringify(play.line(L)).length
  play.take(L, 'first').call(L, 'd-1').done('first')
  const before = size()
  for (let i = 0; i < 300; i++) play.take(L, `t${i}`).call(L, 'd-1').done(`t${i}`)
  // The numbers have more digits, nothing else.
  assert.ok(size() - before <= 8, `${before} to ${size()}`)
})
