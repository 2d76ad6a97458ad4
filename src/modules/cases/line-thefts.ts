/** What somebody inside the office might try, each as a small log, with what the replay must say. Tests replay them; `test/vectors/turns` holds them as files. */
import { Play } from './line-play.ts'
import type { FindingKind } from './replay.ts'

/** `line@n kind`, one for each finding, in the order of the log. */
export type Scene = { readonly play: () => Play; readonly findings: readonly string[] }

const L = 'centro/licencias'
const M = 'centro/registro'

/** Two desks on duty, turns a to e waiting at places 4 to 8. The next act is number 9. */
function morning(terms: Parameters<Play['open']>[1] = {}): Play {
  const play = new Play().open(L, terms).on(L, 'd-1', 'd-2').wait(5)
  for (const name of ['a', 'b', 'c', 'd', 'e']) play.take(L, name)
  return play.wait(5)
}

const found = (kind: FindingKind, n: number, line = L) => `${line}@${n} ${kind}`
const scene = (play: () => Play, ...findings: string[]): Scene => ({ play, findings })

const shared = { kind: 'shared', priority: 1, of: 3 } as const

export const scenes: Readonly<Record<string, Scene>> = {
  // Honest logs, with what most easily looks like a theft and is none.
  'honest-day': scene(() =>
    morning().call(L, 'd-1', 'd-2').wait(9).done('b').call(L, 'd-2').done('a').call(L, 'd-1').wait(7).done('c').done('d'),
  ),
  'honest-hold-and-answer': scene(() =>
    morning()
      .call(L, 'd-1')
      .hold('a')
      .call(L, 'd-1')
      .days(2)
      .resume('a')
      .done('b')
      .call(L, 'd-1')
      .hold('a', 'agency')
      .resume('a')
      .call(L, 'd-1')
      .done('a'),
  ),
  'honest-absent-twice-finishes': scene(() =>
    morning()
      .call(L, 'd-1')
      .absent('a')
      .call(L, 'd-1')
      .done('b')
      .call(L, 'd-1', 'd-2')
      .done('c')
      .call(L, 'd-1')
      .done('d')
      .done('e')
      .call(L, 'd-1')
      .absent('a'),
  ),
  'honest-conflict': scene(() => {
    const play = morning()
    play.next(L, 'd-1', (turn) => turn.turn === play.id('a'))
    return play.call(L, 'd-2').done('a').done('b')
  }),
  'honest-shared': scene(() =>
    morning({ rule: shared })
      .take(L, 'p', 'priority')
      .take(L, 'q', 'priority')
      .call(L, 'd-1', 'd-2')
      .done('p')
      .call(L, 'd-1')
      .done('a')
      .call(L, 'd-2'),
  ),
  'honest-withdrawal-undone': scene(() => morning().leave('a').days(3).resume('a').call(L, 'd-1').done('a')),
  'honest-off-and-finish': scene(() =>
    morning().call(L, 'd-1').off(L, 'd-1').wait(3).done('a').on(L, 'd-1').call(L, 'd-1').giveBack('b', 'off').off(L, 'd-1'),
  ),
  'honest-silence': scene(() => morning().call(L, 'd-1').end('c').end('a', 'lapsed').call(L, 'd-1')),
  'honest-change-in-time': scene(() =>
    morning().take(L, 'p', 'priority').change(L, { rule: shared }).days(7).call(L, 'd-1').call(L, 'd-2'),
  ),
  'honest-quiet': scene(() =>
    new Play().open(L, { quiet: true }).on(L, 'd-1').take(L, 'a').days(1).call(L, 'd-1').change(L, { quiet: false }).days(7).done('a'),
  ),
  'honest-step-moves': scene(() => {
    const play = morning().open(M)
    const { covers } = play.line(L)
    return play
      .change(L, { covers: ['x/other'] })
      .change(M, { covers: [...covers, ...play.line(M).covers] })
      .days(8)
      .off(L, 'd-1')
      .on(M, 'd-1')
  }),
  'honest-desk-changes-twice': scene(() =>
    morning().open(M).off(L, 'd-1').on(M, 'd-1').off(M, 'd-1').on(L, 'd-1').days(1).off(L, 'd-1').on(M, 'd-1'),
  ),
  'honest-closed': scene(() =>
    new Play()
      .open(L)
      .on(L, 'd-1')
      .take(L, 'a')
      .call(L, 'd-1')
      .done('a')
      .off(L, 'd-1')
      .close(L)
      .open(M, { covers: [`${L}/review`] }),
  ),
  'honest-unfinished-business': scene(() => morning().call(L, 'd-1').hold('a', 'papers', 5).call(L, 'd-1').wait(60).take(L, 'f')),
  'honest-other-entries': scene(() => {
    const play = morning()
    play.texts.push('{"at":"2026-11-23T15:00Z","from":0,"size":3,"type":"log.recovered","v":1}', '{"type":"weather.reported"}')
    return play.call(L, 'd-1')
  }),

  // Order.
  jump: scene(() => morning().plant(L, 'turn.called', { turn: morning().id('c'), desk: 'd-1' }), found('jump', 9)),
  'jump-and-then-honest': scene(
    () => {
      const play = morning()
      const c = play.id('c')
      play
        .plant(L, 'turn.called', { turn: c, desk: 'd-1' })
        .plant(L, 'turn.finished', { turn: c, desk: 'd-1', outcome: 'done', paper: null })
      for (const name of ['a', 'b', 'd']) {
        play.plant(L, 'turn.called', { turn: play.id(name), desk: 'd-2' })
        play.plant(L, 'turn.finished', { turn: play.id(name), desk: 'd-2', outcome: 'done', paper: null })
      }
      return play
    },
    found('jump', 9),
  ),
  'priority-out-of-its-share': scene(
    () => {
      const play = morning({ rule: shared }).take(L, 'p', 'priority').take(L, 'q', 'priority').call(L, 'd-1')
      return play.plant(L, 'turn.called', { turn: play.id('q'), desk: 'd-2' })
    },
    found('jump', 12),
  ),
  'priority-denied-its-share': scene(
    () => {
      const play = morning({ rule: shared }).take(L, 'p', 'priority')
      return play.plant(L, 'turn.called', { turn: play.id('a'), desk: 'd-1' })
    },
    found('jump', 10),
  ),
  'priority-in-a-first-come-line': scene(
    () => {
      const play = morning().take(L, 'p', 'priority')
      return play.plant(L, 'turn.called', { turn: play.id('p'), desk: 'd-1' })
    },
    found('jump', 10),
  ),
  'return-does-not-spend-a-share': scene(
    () => {
      // One call less one return: the count is 0 again, so the priority turn is due once more.
      const play = morning({ rule: shared }).take(L, 'p', 'priority').take(L, 'q', 'priority').call(L, 'd-1').giveBack('p', 'idle')
      return play.plant(L, 'turn.called', { turn: play.id('a'), desk: 'd-1' })
    },
    found('jump', 13),
  ),
  'absent-called-at-its-old-place': scene(
    () => {
      const play = morning().call(L, 'd-1').absent('a')
      return play.plant(L, 'turn.called', { turn: play.id('a'), desk: 'd-1' })
    },
    found('jump', 11),
  ),
  'resumed-sent-to-the-end': scene(
    () => {
      const play = morning().call(L, 'd-1').hold('a').resume('a')
      return play.plant(L, 'turn.called', { turn: play.id('b'), desk: 'd-1' })
    },
    found('jump', 12),
  ),
  'rule-of-tomorrow-today': scene(
    () => {
      const play = morning().take(L, 'p', 'priority').change(L, { rule: shared }).days(6)
      return play.plant(L, 'turn.called', { turn: play.id('p'), desk: 'd-1' })
    },
    found('jump', 11),
  ),
  'passed-turn-served-all-the-same': scene(
    () => {
      const play = morning()
      play.next(L, 'd-1', (turn) => turn.turn === play.id('a'))
      play.done('b')
      return play.plant(L, 'turn.called', { turn: play.id('a'), desk: 'd-1' })
    },
    found('impossible', 12),
  ),

  // One at a time, on duty.
  'two-open-calls-of-one-desk': scene(
    () => {
      const play = morning().call(L, 'd-1')
      play.plant(L, 'turn.called', { turn: play.id('b'), desk: 'd-1' })
      for (const name of ['a', 'b']) play.plant(L, 'turn.finished', { turn: play.id(name), desk: 'd-1', outcome: 'done', paper: null })
      return play
    },
    found('impossible', 10),
  ),
  'two-open-calls-in-two-lines': scene(
    () => {
      const play = morning().open(M).take(M, 'm').call(L, 'd-1').off(L, 'd-1')
      return play.plant(M, 'line.desk', { desk: 'd-1', on: true }).plant(M, 'turn.called', { turn: play.id('m'), desk: 'd-1' })
    },
    found('impossible', 4, M),
  ),
  'call-off-duty': scene(
    () =>
      morning()
        .off(L, 'd-1')
        .plant(L, 'turn.called', { turn: morning().id('a'), desk: 'd-1' }),
    found('impossible', 10),
  ),
  'called-by-two-desks': scene(
    () =>
      morning()
        .call(L, 'd-1')
        .plant(L, 'turn.called', { turn: morning().id('a'), desk: 'd-2' }),
    found('impossible', 10),
  ),
  'call-of-a-turn-never-taken': scene(
    () => {
      const play = morning()
      const turn = play.id('nobody')
      return play
        .plant(L, 'turn.called', { turn, desk: 'd-1' })
        .plant(L, 'turn.finished', { turn, desk: 'd-1', outcome: 'done', paper: null })
    },
    found('impossible', 9),
  ),
  'call-of-a-finished-turn': scene(
    () =>
      morning()
        .call(L, 'd-1')
        .done('a')
        .plant(L, 'turn.called', { turn: morning().id('a'), desk: 'd-1' }),
    found('impossible', 11),
  ),
  'off-and-stays': scene(
    () => {
      const play = morning().call(L, 'd-1').giveBack('a', 'off').call(L, 'd-2')
      return play.plant(L, 'turn.called', { turn: play.id('b'), desk: 'd-1' })
    },
    found('impossible', 12),
  ),

  // Only the desk that called.
  'another-desk-finishes': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-2', outcome: 'done', paper: play.commitment('x') })
    },
    found('impossible', 10),
  ),
  'another-desk-holds': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-2', reason: 'papers', until: play.date(5) })
    },
    found('impossible', 10),
  ),
  'another-desk-returns': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.returned', { turn: play.id('a'), desk: 'd-2', reason: 'idle' })
    },
    found('impossible', 10),
  ),
  'finished-while-waiting': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.finished', { turn: play.id('e'), desk: 'd-1', outcome: 'done', paper: play.commitment('x') })
    },
    found('impossible', 9),
  ),
  'finished-while-held': scene(
    () => {
      const play = morning().call(L, 'd-1').hold('a')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-1', outcome: 'done', paper: null })
    },
    found('impossible', 11),
  ),
  'finished-by-nobody': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: null, outcome: 'done', paper: null })
    },
    found('impossible', 10),
  ),
  'silence-by-a-desk': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-1', outcome: 'silence', paper: null })
    },
    found('impossible', 9),
  ),
  'finished-twice': scene(
    () => {
      const play = morning().call(L, 'd-1').done('a')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-1', outcome: 'done', paper: null })
    },
    found('impossible', 11),
  ),
  'finished-after-it-left': scene(
    () => {
      const play = morning().leave('a')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: null, outcome: 'silence', paper: null })
    },
    found('impossible', 10),
  ),

  // Holds and absences.
  'hold-while-waiting': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-1', reason: 'papers', until: play.date(5) })
    },
    found('impossible', 9),
  ),
  'held-twice-for-papers': scene(
    () => {
      const play = morning().call(L, 'd-1').hold('a').resume('a').call(L, 'd-1')
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-1', reason: 'papers', until: play.date(5) })
    },
    found('impossible', 13),
  ),
  'held-for-ever': scene(() => morning().call(L, 'd-1').hold('a').call(L, 'd-1').days(6).done('b'), found('clock', 10)),
  'held-too-long': scene(
    () => {
      const play = morning().call(L, 'd-1').hold('a').days(6)
      return play.plant(L, 'turn.resumed', { turn: play.id('a') })
    },
    found('clock', 11),
  ),
  'held-until-yesterday': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-1', reason: 'papers', until: play.date(-1) })
    },
    found('clock', 10),
  ),
  'resumed-while-waiting': scene(() => morning().plant(L, 'turn.resumed', { turn: morning().id('a') }), found('impossible', 9)),
  'withdrawal-undone-after-two-months': scene(
    () =>
      morning()
        .leave('a')
        .days(61)
        .plant(L, 'turn.resumed', { turn: morning().id('a') }),
    found('impossible', 10),
  ),
  'withdrawal-undone-too-late': scene(
    () =>
      morning()
        .leave('a')
        .days(30)
        .plant(L, 'turn.resumed', { turn: morning().id('a') }),
    found('clock', 10),
  ),
  'returned-absent-twice': scene(
    () => {
      const play = new Play().open(L).on(L, 'd-1').take(L, 'a').call(L, 'd-1').absent('a').call(L, 'd-1')
      return play.plant(L, 'turn.returned', { turn: play.id('a'), desk: 'd-1', reason: 'absent' })
    },
    found('impossible', 7),
  ),
  'absent-at-once': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-1', outcome: 'absent', paper: null })
    },
    found('impossible', 10),
  ),
  'absent-where-nobody-waits': scene(
    () => {
      const play = morning({ presence: false }).call(L, 'd-1')
      return play.plant(L, 'turn.returned', { turn: play.id('a'), desk: 'd-1', reason: 'absent' })
    },
    found('impossible', 10),
  ),

  // Lines, desks and rules.
  'second-line-over-one-step': scene(
    () => {
      const play = morning()
      const { office, covers } = play.line(L)
      return play.plant(M, 'line.opened', { office, covers, rule: { kind: 'first-come' }, presence: true, quiet: false })
    },
    found('impossible', 1, M),
  ),
  'step-covered-twice-by-a-change': scene(
    () => {
      const play = morning().open(M)
      const covers = [...play.line(L).covers, ...play.line(M).covers].sort()
      return play.plant(M, 'line.changed', { covers, rule: { kind: 'first-come' }, quiet: false, from: play.date(9) })
    },
    found('impossible', 2, M),
  ),
  // Given up from a date on, taken by another line from that date on, and taken back.
  'step-taken-back': scene(
    () => {
      const play = new Play().open(L, { covers: ['a/review', 'b/review'] }).open(M)
      play.change(L, { covers: ['b/review'], from: play.date(9) })
      play.change(M, { covers: ['a/review', ...play.line(M).covers], from: play.date(9) })
      const covers = ['a/review', 'b/review']
      return play.plant(L, 'line.changed', { covers, rule: { kind: 'first-come' }, quiet: false, from: play.date(9) })
    },
    found('impossible', 3),
  ),
  'hasty-change': scene(
    () => {
      const play = morning().take(L, 'p', 'priority')
      play.plant(L, 'line.changed', { covers: play.line(L).covers, rule: shared, quiet: false, from: play.date() })
      return play.plant(L, 'turn.called', { turn: play.id('p'), desk: 'd-1' })
    },
    found('clock', 10),
  ),
  'change-six-days-ahead': scene(
    () => {
      const play = morning()
      return play.plant(L, 'line.changed', { covers: play.line(L).covers, rule: shared, quiet: true, from: play.date(6) })
    },
    found('clock', 9),
  ),
  'opened-twice': scene(
    () => {
      const play = morning()
      const { office, covers } = play.line(L)
      return play.plant(L, 'line.opened', { office, covers, rule: shared, presence: true, quiet: false })
    },
    found('impossible', 9),
  ),
  'act-in-a-line-never-opened': scene(() => new Play().plant(L, 'line.desk', { desk: 'd-1', on: true }), found('impossible', 1)),
  'closed-over-living-turns': scene(() => morning().plant(L, 'line.closed'), found('impossible', 9)),
  'act-after-closing': scene(
    () => {
      const play = new Play().open(L).plant(L, 'line.closed')
      return play.plant(L, 'turn.taken', { turn: play.id('a'), class: 'general', holder: play.commitment('a') })
    },
    found('impossible', 3),
  ),
  'desk-in-two-lines': scene(() => morning().open(M).plant(M, 'line.desk', { desk: 'd-1', on: true }), found('impossible', 2, M)),
  'desk-in-two-lines-and-on': scene(
    () =>
      morning()
        .open(M)
        .plant(M, 'line.desk', { desk: 'd-1', on: true })
        .plant(M, 'line.desk', { desk: 'd-1', on: false })
        .plant(L, 'line.desk', { desk: 'd-1', on: true })
        .plant(L, 'turn.called', { turn: morning().id('a'), desk: 'd-1' }),
    found('impossible', 2, M),
  ),
  // One of the two lines is a day behind: its changes count for the later day too.
  'desk-changes-between-two-days': scene(
    () => {
      const play = new Play().open(M).days(1).open(L).on(L, 'd-1').off(L, 'd-1')
      for (const [line, days] of [
        [M, -1],
        [L, 1],
        [M, -1],
        [L, 1],
      ] as const) {
        play.days(days).plant(line, 'line.desk', { desk: 'd-1', on: true })
        play.plant(line, 'line.desk', { desk: 'd-1', on: false })
      }
      return play
    },
    found('impossible', 6),
  ),
  'desk-changes-thrice': scene(
    () => {
      const play = morning().open(M).off(L, 'd-1').on(M, 'd-1').off(M, 'd-1').on(L, 'd-1').off(L, 'd-1')
      return play.plant(M, 'line.desk', { desk: 'd-1', on: true })
    },
    found('impossible', 4, M),
  ),
  'on-duty-twice': scene(() => morning().plant(L, 'line.desk', { desk: 'd-1', on: true }), found('impossible', 9)),
  'off-without-on': scene(() => morning().plant(L, 'line.desk', { desk: 'd-9', on: false }), found('impossible', 9)),
  'pass-off-duty': scene(
    () => morning().plant(L, 'turn.passed', { turn: morning().id('a'), desk: 'd-9', reason: 'conflict' }),
    found('impossible', 9),
  ),
  'pass-of-a-called-turn': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.passed', { turn: play.id('a'), desk: 'd-1', reason: 'conflict' })
    },
    found('impossible', 10),
  ),

  // Numbers and turns.
  gap: scene(
    () => {
      const play = morning().call(L, 'd-1').done('a').call(L, 'd-1')
      play.texts.splice(9, 1)
      return play
    },
    found('gap', 11),
  ),
  'first-act-missing': scene(
    () => {
      const play = morning().call(L, 'd-1').done('a').call(L, 'd-1', 'd-2').absent('c')
      play.texts.shift()
      return play
    },
    found('gap', 2),
  ),
  'act-twice': scene(
    () => {
      const play = morning().call(L, 'd-1')
      play.texts.push(play.texts[8]!)
      return play.done('a')
    },
    found('duplicate', 9),
  ),
  'number-used-twice': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.left', { turn: play.id('a'), n: 8 })
    },
    found('duplicate', 8),
  ),
  'order-of-numbers': scene(
    () => {
      const play = morning()
      play.texts.splice(4, 2, play.texts[5]!, play.texts[4]!)
      return play.call(L, 'd-1')
    },
    found('gap', 6),
    found('gap', 5),
  ),
  'number-far-ahead': scene(
    () => {
      const play = morning().call(L, 'd-1')
      play.texts[8] = play.texts[8]!.replace('"n":9', '"n":900')
      return play.done('a').call(L, 'd-1')
    },
    found('gap', 900),
  ),
  'taken-with-a-number-far-ahead': scene(
    () => {
      const play = morning().take(L, 'f').take(L, 'g')
      play.texts[8] = play.texts[8]!.replace('"n":9', '"n":900')
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) play.call(L, 'd-1').done(name)
      return play
    },
    found('gap', 900),
  ),
  'turn-taken-twice': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.taken', { turn: play.id('a'), class: 'priority', holder: play.commitment('a') })
    },
    found('duplicate', 9),
  ),
  'turn-moves-to-another-line': scene(
    () => {
      const play = morning().open(M).on(M, 'd-3')
      const turn = play.id('e')
      play.plant(M, 'turn.taken', { turn, class: 'general', holder: play.commitment('e') })
      play.plant(M, 'turn.called', { turn, desk: 'd-3' })
      return play.plant(M, 'turn.finished', { turn, desk: 'd-3', outcome: 'done', paper: play.commitment('x') })
    },
    found('duplicate', 3, M),
  ),
  'turn-called-in-another-line': scene(
    () => {
      const play = morning().open(M).on(M, 'd-3')
      return play.plant(M, 'turn.called', { turn: play.id('e'), desk: 'd-3' })
    },
    found('impossible', 3, M),
  ),

  // Words, times and form.
  'reason-not-in-the-list': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.returned', { turn: play.id('a'), desk: 'd-1', reason: 'lunch' }).call(L, 'd-2')
    },
    found('unlisted', 10),
  ),
  'pass-without-conflict': scene(
    () => morning().plant(L, 'turn.passed', { turn: morning().id('a'), desk: 'd-1', reason: 'difficult' }),
    found('unlisted', 9),
  ),
  'hold-for-another-reason': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-1', reason: 'payment', until: play.date(3) })
    },
    found('unlisted', 10),
  ),
  'outcome-not-in-the-list': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.finished', { turn: play.id('a'), desk: 'd-1', outcome: 'granted', paper: null })
    },
    found('unlisted', 10),
  ),
  'class-not-in-the-list': scene(
    () => {
      const play = morning()
      return play.plant(L, 'turn.taken', { turn: play.id('v'), class: 'vip', holder: play.commitment('v') })
    },
    found('unlisted', 9),
  ),
  'act-not-in-the-list': scene(() => morning().plant(L, 'turn.moved', { turn: morning().id('e'), place: 1 }), found('unlisted', 9)),
  'back-in-time': scene(
    () =>
      morning()
        .plant(L, 'turn.left', { turn: morning().id('a'), at: '2026-11-23T14:00Z' })
        .plant(L, 'turn.called', { turn: morning().id('b'), desk: 'd-1' }),
    found('clock', 9),
  ),
  'a-field-too-many': scene(
    () => {
      const play = morning()
      return play
        .plant(L, 'turn.left', { turn: play.id('a'), because: 'asked to' })
        .plant(L, 'turn.called', { turn: play.id('b'), desk: 'd-1' })
    },
    found('malformed', 9),
  ),
  'a-field-too-few': scene(
    () =>
      morning()
        .plant(L, 'turn.called', { desk: 'd-1' })
        .plant(L, 'turn.called', { turn: morning().id('b'), desk: 'd-1' }),
    found('malformed', 9),
  ),
  'not-canonical': scene(
    () => {
      const play = morning().call(L, 'd-1')
      play.texts[8] = play.texts[8]!.replace('{"at"', '{ "at"')
      return play.done('a')
    },
    found('malformed', 9),
  ),
  'a-field-twice': scene(
    () => {
      const play = morning().call(L, 'd-1')
      play.texts[8] = play.texts[8]!.replace('"n":9', '"n":9,"n":9')
      return play.done('a')
    },
    found('malformed', 9),
  ),
  'a-minute-in-a-quiet-line': scene(
    () => {
      const play = new Play().open(L, { quiet: true })
      return play.plant(L, 'line.desk', { desk: 'd-1', on: true, at: '2026-11-23T15:00Z' })
    },
    found('malformed', 2),
  ),
  'a-minute-in-a-quiet-line-and-on': scene(
    () => {
      const play = new Play().open(L, { quiet: true })
      return play
        .plant(L, 'line.desk', { desk: 'd-1', on: true, at: '2026-11-23T15:00Z' })
        .plant(L, 'line.desk', { desk: 'd-1', on: false })
    },
    found('malformed', 2),
  ),
  'a-date-in-a-busy-line-and-on': scene(
    () => {
      const play = new Play().open(L)
      return play.plant(L, 'line.desk', { desk: 'd-1', on: true, at: '2026-11-23' }).plant(L, 'line.desk', { desk: 'd-1', on: false })
    },
    found('malformed', 2),
  ),
  // A time far ahead is one fault: the holds are not over by it.
  'a-year-too-far': scene(
    () => {
      const play = morning().call(L, 'd-1').hold('a').call(L, 'd-1')
      play.texts[10] = play.texts[10]!.replace('"at":"2026', '"at":"2096')
      return play.done('b')
    },
    found('clock', 12),
  ),
  'a-number-that-is-a-text': scene(() => {
    const play = morning().call(L, 'd-1').done('a')
    play.texts[8] = play.texts[8]!.replace('"n":9', '"n":"9"')
    return play
  }, `${L}@null malformed`),
  'a-date-in-a-busy-line': scene(
    () => new Play().open(L).days(1).plant(L, 'line.desk', { desk: 'd-1', on: true, at: '2026-11-24' }),
    found('malformed', 2),
  ),
  'a-date-that-does-not-exist': scene(
    () => {
      const play = morning().call(L, 'd-1')
      return play.plant(L, 'turn.held', { turn: play.id('a'), desk: 'd-1', reason: 'papers', until: '2026-11-31' })
    },
    found('malformed', 10),
  ),
  'a-share-of-all': scene(
    () => {
      const play = new Play()
      const rule = { kind: 'shared', priority: 3, of: 3 }
      return play.plant(L, 'line.opened', { office: 'office-1', covers: ['a/b'], rule, presence: true, quiet: false })
    },
    found('malformed', 1),
  ),
  'a-rule-not-in-the-list': scene(
    () => {
      const play = new Play()
      return play.plant(L, 'line.opened', { office: 'office-1', covers: ['a/b'], rule: { kind: 'by-merit' }, presence: true, quiet: false })
    },
    found('unlisted', 1),
  ),
  // Who keeps the first of two types sees a call here.
  'two-types': scene(() => {
    const play = morning()
    play.texts.push('{"type":"turn.called","type":"case.withdrawn"}')
    return play.call(L, 'd-1')
  }, 'null@null malformed'),
  'not-json': scene(() => {
    const play = morning()
    play.texts.push('turn called, trust me')
    return play.call(L, 'd-1')
  }, 'null@null malformed'),
}
