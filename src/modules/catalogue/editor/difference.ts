/** Two versions of a service compared in words: what burdens people, what relieves them, what only reads differently. */
import { isDeepStrictEqual } from 'node:util'
import { pesos } from '#kernel/money'
import type { Language } from '#kernel/text'
import type { Adoption, Definition, Source } from '../definition.ts'
import { burdens, layOver } from '../service.ts'
import { words } from '../text.ts'
import { hoursWords, shownFee, shownMoney, shownTerm } from '../views.ts'
import type { Content } from './content.ts'
import { wordsOfCondition } from './parts.ts'
import { type Key, text } from './text.ts'

/** One difference. `effect` as the checker decides it: what cannot be ordered burdens. */
export type Change = {
  readonly what: string
  readonly before: string
  readonly after: string
  readonly effect: 'burden' | 'relief' | 'words' | 'other'
}

type Side = { readonly content: Content; readonly laid: Definition }

const shownSource = (s: Source | undefined, l: Language) =>
  s === undefined
    ? ''
    : s === 'unverified'
      ? words(l, 'unverified')
      : [s.law, s.article && words(l, 'article', { article: s.article }), s.url, s.read].filter(Boolean).join(', ')

/** What changed from one content to another, the burdens first. `was`, `is`: what a place lays over. */
export function differences(
  before: Content,
  after: Content,
  l: Language,
  was: Adoption | null = null,
  is: Adoption | null = null,
): Change[] {
  const old: Side = { content: before, laid: layOver(before.definition, was) }
  const now: Side = { content: after, laid: layOver(after.definition, is) }
  const heavier = new Set(burdens(before.definition, after.definition, was, is))
  const lighter = new Set(burdens(after.definition, before.definition, is, was))
  const effect = (key: string, otherwise: Change['effect'] = 'other') =>
    heavier.has(key) ? 'burden' : lighter.has(key) ? 'relief' : otherwise
  const changes: Change[] = []
  const add = (what: string, b: string, a: string, e: Change['effect']) => {
    if (b !== a || e === 'burden') changes.push({ what, before: b, after: a, effect: e })
  }
  const t = (s: Side, key: string) => s.content[l][key] ?? s.content.es[key] ?? ''

  add(words(l, 'service.cost'), shownFeeOf(old, l), shownFeeOf(now, l), effect('fee'))
  add(words(l, 'service.term'), shownTerm(old.laid.term, l), shownTerm(now.laid.term, l), effect('term'))
  add(
    words(l, 'service.silence'),
    words(l, `silence.${old.laid.silence.means}`),
    words(l, `silence.${now.laid.silence.means}`),
    effect('silence'),
  )
  const days = (s: Side) => words(l, 'term.working-days', { count: s.laid.answerWithin.workingDays })
  add(words(l, 'service.answer'), days(old), days(now), effect('time to answer'))
  const valid = (s: Side) => words(l, `validity.${s.laid.validity.unit}`, { count: s.laid.validity.count ?? 0 })
  add(words(l, 'service.validity'), valid(old), valid(now), effect('validity'))

  lists(
    old.laid.questions,
    now.laid.questions,
    (q, s) =>
      [t(s, `questions.${q.id}`) || q.id, q.optional && text(l, 'optional'), q.when && wordsOfCondition(s.content, q.when, l)]
        .filter(Boolean)
        .join(' · '),
    (id) => effect(`question ${id}`),
    'question',
  )
  lists(
    old.laid.papers,
    now.laid.papers,
    (p, s) =>
      [
        t(s, `papers.${p.id}`) || p.from || p.id,
        words(l, p.how === 'file' ? 'paper.file' : 'paper.shown'),
        p.optional && words(l, 'paper.optional'),
        p.when && wordsOfCondition(s.content, p.when, l),
      ]
        .filter(Boolean)
        .join(' · '),
    (id) => effect(`paper ${id}`),
    'paper',
  )
  lists(
    old.laid.reasons,
    now.laid.reasons,
    (r, s) => t(s, `reasons.${r.id}`) || r.id,
    (id) => effect(`reason ${id}`),
    'reason',
  )
  lists(
    old.laid.steps,
    now.laid.steps,
    (st, s) => [t(s, `steps.${st.id}`) || st.id, text(l, `step.${st.kind}`)].join(' · '),
    (id) => effect(`signature ${id}`),
    'step',
  )
  for (const c of new Set([...old.laid.channels, ...now.laid.channels])) {
    const [b, a] = [old, now].map((s) => (s.laid.channels.includes(c) ? words(l, `channel.${c}`) : text(l, 'difference.none'))) as [
      string,
      string,
    ]
    add(text(l, 'field.channels'), b, a, effect(`channel ${c}`, 'relief'))
  }
  for (const p of new Set([...old.laid.applicants, ...now.laid.applicants])) {
    const [b, a] = [old, now].map((s) => (s.laid.applicants.includes(p) ? text(l, `applicant.${p}`) : text(l, 'difference.none'))) as [
      string,
      string,
    ]
    add(text(l, 'field.applicants'), b, a, effect(`applicant ${p}`, 'relief'))
  }
  if (was?.hours || is?.hours)
    add(text(l, 'place.hours'), was?.hours ? hoursWords(was.hours, l) : '', is?.hours ? hoursWords(is.hours, l) : '', effect('hours'))
  const laws = (s: Side) => s.laid.legalBasis.map((x) => shownSource(x, l)).join('; ')
  add(text(l, 'part.law'), laws(old), laws(now), 'other')
  for (const key of ['fee', 'term', 'silence', 'answerWithin', 'validity'] as const)
    add(
      text(l, 'difference.source', { of: text(l, `part.${key === 'answerWithin' ? 'answer' : key}`) }),
      shownSource(old.laid[key].source, l),
      shownSource(now.laid[key].source, l),
      'other',
    )
  if (!isDeepStrictEqual(old.content.definition.adoption, now.content.definition.adoption))
    add(text(l, 'part.adoption'), boundsWords(old.content.definition, l), boundsWords(now.content.definition, l), 'other')
  for (const language of ['es', 'en'] as const)
    for (const key of new Set([...Object.keys(before[language]), ...Object.keys(after[language])])) {
      const [b, a] = [before[language][key] ?? '', after[language][key] ?? '']
      if (b !== a)
        changes.push({
          what: text(l, language === 'es' ? 'difference.es' : 'difference.en', { key: words_(key, l) }),
          before: b,
          after: a,
          effect: 'words',
        })
    }
  if (!isDeepStrictEqual(before.examples, after.examples))
    add(text(l, 'part.examples'), String(before.examples.length), String(after.examples.length), 'other')
  // Whatever has no words of its own above (the order of pages, ways of steps) is still a change.
  if (changes.length === 0 && !isDeepStrictEqual(before, after))
    changes.push({ what: text(l, 'difference.rest'), before: '', after: '', effect: heavier.size > 0 ? 'burden' : 'other' })
  const rank = { burden: 0, relief: 1, other: 2, words: 3 }
  return changes.sort((a, b) => rank[a.effect] - rank[b.effect])

  function lists<T extends { readonly id: string }>(
    olds: readonly T[],
    nows: readonly T[],
    shown: (item: T, side: Side) => string,
    effectOf: (id: string) => Change['effect'],
    kind: 'question' | 'paper' | 'reason' | 'step',
  ): void {
    const ids = new Set([...olds.map((o) => o.id), ...nows.map((o) => o.id)])
    for (const id of ids) {
      const b = olds.find((o) => o.id === id)
      const a = nows.find((o) => o.id === id)
      if (isDeepStrictEqual(a, b)) continue
      const what = text(l, b === undefined ? `difference.${kind}-more` : a === undefined ? `difference.${kind}-less` : `difference.${kind}`)
      const [bw, aw] = [b === undefined ? '' : shown(b, old), a === undefined ? '' : shown(a, now)]
      changes.push({ what, before: bw, after: bw === aw ? `${aw} (${text(l, 'difference.inside')})` : aw, effect: effectOf(id) })
    }
  }
}

const words_ = (key: string, l: Language): string => {
  const [first] = key.split('.')
  const known: Record<string, Key> = {
    questions: 'part.questions',
    pages: 'part.pages',
    papers: 'part.papers',
    steps: 'part.steps',
    reasons: 'part.reasons',
    fee: 'part.fee',
    document: 'part.document',
    units: 'part.steps',
  }
  const part = known[first!]
  return part ? text(l, part) : text(l, `field.${first}` as Key)
}

function shownFeeOf(s: Side, l: Language): string {
  const { fee } = s.laid
  if (fee.kind !== 'table') return shownFee(fee, l)
  return fee.rows
    .map(
      (r) =>
        `${s.content[l][`fee.${r.id}`] ?? r.id}: ${/^\d/.test(r.amount) ? shownMoney(pesos(r.amount), l) : r.amount}${r.when ? ` (${wordsOfCondition(s.content, r.when, l)})` : ''}`,
    )
    .join('; ')
}

/** What places may change, in words. */
function boundsWords(d: Definition, l: Language): string {
  const b = d.adoption
  if (!b) return text(l, 'bounds.none')
  return [
    b.fee && `${text(l, 'bounds.fee')}: ${b.fee.min} – ${b.fee.max}`,
    b.hours && `${text(l, 'bounds.hours')}: ${b.hours.atLeastPerWeek}`,
    b.term && `${text(l, 'bounds.term')}: ${b.term.atLeast}`,
    b.localPaper && text(l, 'bounds.paper'),
  ]
    .filter(Boolean)
    .join('; ')
}
