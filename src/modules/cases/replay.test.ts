import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { canonical } from '#kernel/canonical'
import { honestDays, Play } from './line-play.ts'
import { scenes } from './line-thefts.ts'
import { type Replay, replayTurns, TurnReplay } from './replay.ts'

const brief = (replay: Replay) => replay.findings.map((f) => `${f.line}@${f.n} ${f.kind}`)

function replayTexts(texts: readonly string[]): Replay {
  const replay = new TurnReplay()
  for (const [index, text] of texts.entries()) replay.read(index, Buffer.from(text))
  return replay.finish()
}

for (const [name, { play, findings }] of Object.entries(scenes))
  test(findings.length === 0 ? `${name}: replays without a finding` : `${name}: is named, and nothing else`, async () => {
    const replay = await replayTurns(play().entries())
    assert.deepEqual(brief(replay), findings, JSON.stringify(replay.findings, null, 1))
    assert.equal(replay.ok, findings.length === 0)
  })

test('the vectors in test/vectors/turns are these scenes', () => {
  const folder = new URL('../../../test/vectors/turns/', import.meta.url)
  const files = readdirSync(folder).filter((f) => f.endsWith('.jsonl'))
  assert.deepEqual(
    files.sort(),
    Object.keys(scenes)
      .map((name) => `${name}.jsonl`)
      .sort(),
  )
  for (const file of files) {
    const name = file.slice(0, -'.jsonl'.length)
    const text = readFileSync(new URL(file, folder), 'utf8')
    assert.equal(
      text,
      scenes[name]!.play()
        .texts.map((t) => `${t}\n`)
        .join(''),
      file,
    )
    const { findings, ...rest } = replayTexts(text.split('\n').slice(0, -1))
    const expected = JSON.parse(readFileSync(new URL(`${name}.expected.json`, folder), 'utf8'))
    const { ok, size, lines, acts } = rest
    assert.deepEqual({ ok, size, lines, acts, findings: findings.map(({ detail: _, ...f }) => f) }, expected, file)
  }
})

test('honest days replay without a finding, whatever the seed', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const replay = replayTexts(honestDays(seed, 600).texts)
    assert.deepEqual(replay.findings, [], `seed ${seed}`)
    assert.ok(replay.acts > 300)
  }
})

test('honest days have every act and every listed word in them', () => {
  const words = new Set<string>()
  for (let seed = 1; seed <= 20; seed++)
    for (const text of honestDays(seed, 1_500).texts) {
      const { type, reason, outcome } = JSON.parse(text)
      words.add([type, reason ?? outcome].filter(Boolean).join(' '))
    }
  for (const word of 'line.opened,line.changed,line.desk,turn.taken,turn.called,turn.passed conflict,turn.held papers,turn.held agency,turn.resumed,turn.left'.split(
    ',',
  ))
    assert.ok(words.has(word), word)
  for (const reason of ['idle', 'off', 'outage', 'absent']) assert.ok(words.has(`turn.returned ${reason}`), reason)
  for (const outcome of ['done', 'absent', 'lapsed', 'silence']) assert.ok(words.has(`turn.finished ${outcome}`), outcome)
})

/** One mutation of an honest log: what was done, and the log after it. */
function mutate(play: Play, texts: readonly string[]): { what: string; texts: string[] } {
  const out = [...texts]
  const i = play.random(out.length)
  const entry = JSON.parse(out[i]!)
  const kind = play.random(4)
  if (kind === 0) {
    out.splice(i, 1)
    return { what: `drop ${texts[i]}`, texts: out }
  }
  if (kind === 1) {
    out.splice(play.random(out.length - i) + i + 1, 0, out[i]!)
    return { what: `repeat ${texts[i]}`, texts: out }
  }
  if (kind === 2) {
    const j = texts.findIndex((text, at) => at > i && JSON.parse(text).line === entry.line)
    if (j < 0) return mutate(play, texts)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
    return { what: `swap ${texts[i]} and ${texts[j]}`, texts: out }
  }
  const fields = Object.keys(entry).filter((f) => f !== 'v')
  const field = fields[play.random(fields.length)]!
  const other = texts.map((t) => JSON.parse(t)).filter((e) => field in e && canonical(e[field]) !== canonical(entry[field]))
  if (other.length === 0) return mutate(play, texts)
  out[i] = canonical({ ...entry, [field]: other[play.random(other.length)][field] })
  return { what: `${field} of ${texts[i]} becomes that of another: ${out[i]}`, texts: out }
}

/**
 * What an honest line could as well have done: such a log tells of another day, and no checker can know that it was not that one. Its bytes differ, so the tree head does.
 */
function mayBeHonest(what: string, before: readonly string[], texts: readonly string[]): boolean {
  // The last act of a line may be missing: the line just has not gone on. The log's size and root say otherwise.
  if (what.startsWith('drop')) {
    const { line, n } = JSON.parse(what.slice(5))
    return !before.some((t) => JSON.parse(t).line === line && JSON.parse(t).n > n)
  }
  if (what.startsWith('repeat') || what.startsWith('swap')) return false
  const i = texts.findIndex((t, at) => t !== before[at])
  const [was, is] = [JSON.parse(before[i]!), JSON.parse(texts[i]!)]
  const field = Object.keys(was).find((f) => canonical(was[f]) !== canonical(is[f]))!
  // Commitments are opened by who holds the receipt; a reason within its list, a time between its neighbours, a term in time, a class or a desk may fit as well.
  return [
    'holder',
    'paper',
    'reason',
    'at',
    'until',
    'from',
    'class',
    'desk',
    'turn',
    'outcome',
    'covers',
    'rule',
    'quiet',
    'presence',
    'office',
  ].includes(field)
}

test('a single drop, repetition, swap or altered field is found, or makes a log that could be honest', () => {
  const play = new Play(7)
  let found = 0
  let harmless = 0
  for (let seed = 1; seed <= 12; seed++) {
    const { texts } = honestDays(100 + seed, 300)
    for (let round = 0; round < 60; round++) {
      const after = mutate(play, texts)
      const { findings } = replayTexts(after.texts)
      if (findings.length > 0) found++
      else {
        assert.ok(mayBeHonest(after.what, texts, after.texts), after.what)
        harmless++
      }
      assert.ok(findings.length <= texts.length, after.what)
    }
  }
  assert.ok(found > 4 * harmless, `${found} found, ${harmless} harmless`)
})

test('an omitted act is one finding, whatever was omitted', () => {
  let more = 0
  let all = 0
  for (let seed = 1; seed <= 6; seed++) {
    const { texts } = honestDays(200 + seed, 250)
    for (let i = 0; i < texts.length; i++) {
      const findings = replayTexts(texts.filter((_, at) => at !== i)).findings
      const { line, n } = JSON.parse(texts[i]!)
      const last = !texts.slice(i + 1).some((t) => JSON.parse(t).line === line)
      all++
      if (last) assert.deepEqual(findings, [], texts[i])
      else {
        assert.equal(findings[0]?.kind, 'gap', `${texts[i]}`)
        assert.ok(findings.some((f) => f.line === line && f.n === n + 1))
        if (findings.length > 1) more++
      }
    }
  }
  assert.ok(more * 50 < all, `${more} of ${all} omissions gave more than one finding`)
})

test('no bytes stop the replay', () => {
  const play = new Play(3)
  const { texts } = honestDays(1, 200)
  const deep = '['.repeat(30_000) + ']'.repeat(30_000)
  const hostile = [
    '',
    'null',
    '[]',
    '{}',
    '{"type":7}',
    '"x"',
    '\u0000',
    `{"type":"line.desk","desk":${deep}}`,
    '{"__proto__":1,"type":"turn.left"}',
    '{"type":"turn.constructor"}',
  ]
  for (let i = 0; i < 3_000; i++) {
    const bytes = Buffer.from(texts[play.random(texts.length)]!)
    bytes[play.random(bytes.length)] = play.random(256)
    hostile.push(bytes.toString('latin1'))
  }
  const replay = new TurnReplay({ mostFindings: 50 })
  for (const [index, text] of hostile.entries()) replay.read(index, Buffer.from(text, 'latin1'))
  const { ok, findings, findingsLeftOut, size } = replay.finish()
  assert.equal(ok, false)
  assert.equal(size, hostile.length)
  assert.equal(findings.length, 50)
  assert.ok(findingsLeftOut > 1_000)
})

test('with the calendar of the offices five working days are counted exactly', async () => {
  const calendar = { holidays: new Set(['2026-11-24']) }
  const undone = (days: number) =>
    new Play()
      .open('a')
      .take('a', 't')
      .plant('a', 'turn.left', { turn: new Play().id('t') })
      .days(days)
      .plant('a', 'turn.resumed', { turn: new Play().id('t') })
  // Monday the 23rd; the 24th is a holiday: the fifth working day is Tuesday 1 December, whose local end is the 2nd by UTC.
  assert.equal((await replayTurns(undone(9).entries(), { calendar })).ok, true)
  assert.deepEqual(brief(await replayTurns(undone(10).entries(), { calendar })), ['a@4 clock'])
})

test('an act dated long before its place in the log is a warning and no finding', () => {
  const play = new Play().open('a').days(9).open('b').days(-9).take('a', 't')
  const { ok, warnings } = replayTexts(play.texts)
  assert.equal(ok, true)
  assert.deepEqual(
    warnings.map(({ line, n, index }) => ({ line, n, index })),
    [{ line: 'a', n: 2, index: 2 }],
  )
})

test('turns that come back and leave in any order keep the order of places', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const play = new Play(seed).open('a')
    const names = Array.from({ length: 30 }, (_, i) => `t${i}`)
    for (const name of names) play.on('a', `d-${name}`).take('a', name)
    for (const name of names) play.next('a', `d-${name}`)
    for (const name of names) play.hold(name)
    const shuffled = names
      .map((name) => ({ name, by: play.random(1_000) }))
      .sort((a, b) => a.by - b.by)
      .map(({ name }) => name)
    for (const name of shuffled) play.resume(name)
    for (const name of shuffled.slice(7, 19)) play.leave(name)
    for (const name of names) play.next('a', `d-${name}`)
    assert.deepEqual(brief(replayTexts(play.texts)), [], `seed ${seed}`)
  }
})

test('a turn taken again is found however many were taken and finished between', () => {
  const play = new Play().open('a').on('a', 'd-1')
  for (let i = 0; i < 3_000; i++) {
    play.take('a', `t${i}`).next('a', 'd-1')
    play.done(`t${i}`)
    play.turns.delete(`t${i - 1}`)
  }
  assert.deepEqual(brief(replayTexts(play.texts)), [])
  for (const i of [0, 1_500, 2_999])
    play.plant('a', 'turn.taken', { turn: play.id(`t${i}`), class: 'general', holder: play.commitment('x') })
  assert.deepEqual(brief(replayTexts(play.texts)), ['a@9003 duplicate', 'a@9004 duplicate', 'a@9005 duplicate'])
})

test('passes, holds, returns and minutes are counted per desk beside the median of the line', async () => {
  const play = new Play().open('a').on('a', 'd-1', 'd-2')
  for (const name of ['r', 's', 't', 'u']) play.take('a', name)
  play.next('a', 'd-1', (turn) => turn.turn === play.id('r'))
  play.wait(10).done('s').call('a', 'd-1').wait(30).done('t').call('a', 'd-2').wait(4).hold('r').call('a', 'd-2').giveBack('u', 'idle')
  const { desks } = await replayTurns(play.entries())
  const none = { idle: 0, off: 0, outage: 0, absent: 0 }
  assert.deepEqual(desks, [
    {
      line: 'a',
      desk: 'd-1',
      calls: 2,
      done: 2,
      passes: 1,
      holds: { papers: 0, agency: 0 },
      returns: none,
      medianMinutes: 20,
      lineMedianMinutes: 20,
    },
    {
      line: 'a',
      desk: 'd-2',
      calls: 2,
      done: 0,
      passes: 0,
      holds: { papers: 1, agency: 0 },
      returns: { ...none, idle: 1 },
      medianMinutes: null,
      lineMedianMinutes: 20,
    },
  ])
})
