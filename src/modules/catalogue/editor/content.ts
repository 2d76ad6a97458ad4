/** What a draft holds, and where a new one begins. */
import type { Language } from '#kernel/text'
import type { AdoptionFile, Definition, Example, Question } from '../definition.ts'
import { fold } from '../fold.ts'
import { text } from './text.ts'

/** A service's draft: its four files as values. The order of keys is that of the files. */
export type Content = {
  definition: Definition
  es: Record<string, string>
  en: Record<string, string>
  examples: Example[]
}

/** A place's draft: its file of adoptions as a value. */
export type PlaceContent = { file: AdoptionFile }

type Level = Definition['level']

/** An id from words: `Licencia de caza` gives `licencia-de-caza`; never one of `taken`. */
export function idFrom(words: string, taken: Iterable<string>, otherwise: string): string {
  const plain = fold(words)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 36)
    .replace(/-+$/, '')
  const stem = plain === '' ? otherwise : plain
  const all = new Set(taken)
  if (!all.has(stem)) return stem
  for (let n = 2; ; n++) if (!all.has(`${stem}-${n}`)) return `${stem}-${n}`
}

/** The base id of a new service. */
function baseId(level: Level, agency: string, name: string): string {
  const last = idFrom(name, [], 'servicio')
  return level === 'federal' ? `federal/${agency}/${last}` : `${level}/${last}`
}

/** A small whole service: one page, one decision, one paper, so that an analyst changes what stands there and is never before an empty page. */
export function skeleton(level: Level, agency: string, name: { es: string; en: string }): Content {
  const id = baseId(level, agency, name.es)
  const words = (l: Language) => ({
    name: name[l],
    summary: text(l, 'new.summary'),
    who: text(l, 'new.who'),
    when: text(l, 'new.when'),
    result: text(l, 'new.result'),
    criteria: text(l, 'new.criteria'),
    'pages.applicant': text(l, 'new.page'),
    'questions.fullname': text(l, 'new.fullname'),
    'questions.curp': text(l, 'new.curp'),
    'steps.filing': text(l, 'new.filing'),
    'steps.decision': text(l, 'new.decision'),
    'steps.document': text(l, 'new.issue'),
    'reasons.requirements': text(l, 'new.reason'),
    document: name[l],
    'document.body': text(l, 'new.body'),
  })
  return {
    definition: {
      format: 1,
      id,
      level,
      agency,
      lifeEvents: ['government'],
      applicants: ['person'],
      legalBasis: ['unverified'],
      fee: { kind: 'free', source: 'unverified' },
      term: { unit: 'working-days', count: 10, source: 'unverified' },
      silence: { means: 'negative', source: 'unverified' },
      answerWithin: { workingDays: 5, source: 'unverified' },
      validity: { unit: 'indefinite', source: 'unverified' },
      channels: ['web', 'counter', 'phone', 'kiosk', 'centre'],
      questions: [
        { id: 'fullname', kind: 'person-name' },
        { id: 'curp', kind: 'curp' },
      ],
      pages: [{ id: 'applicant', questions: ['fullname', 'curp'] }],
      papers: [],
      matter: ['curp'],
      steps: [
        { id: 'filing', kind: 'data', next: [{ to: 'decision' }] },
        { id: 'decision', kind: 'decide', next: [{ to: 'document' }] },
        { id: 'document', kind: 'issue' },
      ],
      reasons: [{ id: 'requirements', rule: 'unverified' }],
      ...(level === 'federal' ? {} : { adoption: { hours: { atLeastPerWeek: 20 } } }),
    },
    es: words('es'),
    en: words('en'),
    examples: [
      {
        name: 'everything is answered',
        answers: { fullname: 'Petra Hernández Xool', curp: 'HEXP710513MYNRLT06' },
        expect: { asked: ['fullname', 'curp'], papers: [], steps: ['filing', 'decision', 'document'] },
      },
    ],
  }
}

/** Another service's content under a new name and id. */
export function copyOf(content: Content, level: Level, agency: string, name: { es: string; en: string }): Content {
  const c = structuredClone(content)
  const { adoption, homoclave: _own, ...rest } = c.definition
  const definition: Definition = { ...rest, id: baseId(level, agency, name.es), level, agency }
  if (level !== 'federal') definition.adoption = adoption ?? { hours: { atLeastPerWeek: 20 } }
  // Units are of one level: what another level's desks did, the own office does.
  if (level !== content.definition.level) {
    for (const s of definition.steps) {
      if ('unit' in s) delete s.unit
      if (s.kind === 'parallel') for (const b of s.branches) delete b.unit
    }
    for (const language of ['es', 'en'] as const)
      for (const key of Object.keys(c[language])) if (key.startsWith('units.')) delete c[language][key]
    if (level === 'federal' && definition.fee.kind === 'local') definition.fee = { kind: 'free', source: 'unverified' }
  }
  c.definition = definition
  for (const language of ['es', 'en'] as const) c[language].name = name[language]
  return c
}

/** Takes away every text under a key. */
export function dropTexts(c: Content, key: string): void {
  for (const language of ['es', 'en'] as const)
    for (const k of Object.keys(c[language])) if (k === key || k.startsWith(`${key}.`)) delete c[language][k]
}

/** Sets a text, or takes it away where it is empty. */
export function setText(c: Content, language: 'es' | 'en', key: string, text: string): void {
  if (text === '') delete c[language][key]
  else c[language][key] = text
}

/** A question by id, in a group by `<group>.<id>`; with the list it stands in and its pointer. */
export function findQuestion(d: Definition, path: string): { question: Question; list: Question[]; at: number; pointer: string } | null {
  const [outer, inner] = path.split('.', 2) as [string, string?]
  const i = d.questions.findIndex((q) => q.id === outer)
  const group = d.questions[i]
  if (!group) return null
  if (inner === undefined) return { question: group, list: d.questions, at: i, pointer: `/questions/${i}` }
  if (group.kind !== 'group') return null
  const j = group.questions.findIndex((q) => q.id === inner)
  const question = group.questions[j]
  return question ? { question, list: group.questions, at: j, pointer: `/questions/${i}/questions/${j}` } : null
}
