import { Ajv, type ErrorObject } from 'ajv'
import { pesos } from '#kernel/money'
import { languages } from '#kernel/text'
import { straightPath, wayNames } from './advance.ts'
import { ConditionError, compileCondition, type Names } from './condition.ts'
import { Adoption, AdoptionFile, Definition, type DefinitionTexts, Example, type Question, type Step } from './definition.ts'
import { accept, ask, asked, fee } from './journey.ts'
import { answerNames, nameOf } from './names.ts'
import type { Places } from './places.ts'
import type { Answers, World } from './questions/index.ts'

/** What keeps a definition from being published: which file, where in it (RFC 6901 pointer), what is wrong and what to do. */
export type Fault = { readonly file: string; readonly pointer: string; readonly what: string; readonly remedy: string }

/** The files of one definition's folder, as JSON. */
export type DefinitionFiles = { readonly definition: unknown; readonly es: unknown; readonly en: unknown; readonly examples: unknown }

/** What the checker must know of the rest: which base ids there are, the agencies by id, and the places. */
export type Surroundings = {
  readonly bases: ReadonlySet<string>
  readonly agencies: Readonly<Record<string, { readonly level: string }>>
  readonly places: Places
}

/** A definition that passed. */
export type Checked = { readonly definition: Definition; readonly texts: DefinitionTexts; readonly examples: readonly Example[] }

const ajv = new Ajv({ allErrors: true, strict: false })
const plainSchema = (schema: object): object => JSON.parse(JSON.stringify(schema)) as object

/** The JSON Schema of `definition.json`, as it is published. */
export const definitionSchema: object = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Ventanilla: a service definition',
  ...plainSchema(Definition),
}
const validDefinition = ajv.compile(plainSchema(Definition))
const validExamples = ajv.compile({ type: 'array', minItems: 1, maxItems: 50, items: plainSchema(Example) })
const validAdoptionFile = ajv.compile({
  ...plainSchema(AdoptionFile),
  properties: { ...(plainSchema(AdoptionFile) as { properties: object }).properties, services: { type: 'object' } },
})
const validAdoption = ajv.compile(plainSchema(Adoption))
const validTexts = ajv.compile({
  type: 'object',
  additionalProperties: { type: 'string', minLength: 1, maxLength: 2000 },
  maxProperties: 1000,
})

function remedyOf(e: ErrorObject): [what: string, remedy: string] {
  const p = e.params as Record<string, unknown>
  switch (e.keyword) {
    case 'required':
      return [
        `"${p.missingProperty}" is missing`,
        p.missingProperty === 'source' ? 'Say where it comes from: {"law": …} or "unverified".' : `Add "${p.missingProperty}".`,
      ]
    case 'additionalProperties':
      return [`"${p.additionalProperty}" is not known here`, `Take "${p.additionalProperty}" out, or mend its spelling.`]
    case 'enum':
      return ['the value is none of those allowed', `Write one of: ${(p.allowedValues as unknown[]).join(', ')}.`]
    case 'const':
      return ['the value is not the one allowed', `Write ${JSON.stringify(p.allowedValue)}.`]
    case 'pattern':
      return ['the value is not well formed', `Write it as the pattern ${p.pattern} says.`]
    case 'anyOf':
      return ['the value fits none of the forms allowed', 'See the table of this field in src/modules/catalogue/definition.ts.']
    default:
      return [e.message ?? 'is not valid', `See the limits of this field in src/modules/catalogue/definition.ts (${e.keyword}).`]
  }
}

/** Faults from Ajv's errors, without those of the forms of a union that were not meant. */
function schemaFaults(file: string, errors: readonly ErrorObject[] | null | undefined, prefix = ''): Fault[] {
  let all = [...(errors ?? [])]
  const branch = (e: ErrorObject) => [...e.schemaPath.matchAll(/\/anyOf\/\d+/g)].map((m) => e.schemaPath.slice(0, m.index + m[0].length))
  // A form whose `kind` (or unit of several literals) does not fit is not the one the author meant.
  const unmeant = new Set(
    all
      .filter((e) => (e.keyword === 'const' || e.keyword === 'enum') && /\/(kind|unit)$/.test(e.instancePath))
      .flatMap((e) => branch(e).slice(-1).concat(branch(e).slice(-2, -1))),
  )
  const meant = all.filter((e) => !branch(e).some((b) => unmeant.has(b)) && e.keyword !== 'anyOf')
  if (meant.length > 0) all = meant
  else all = all.filter((e) => e.keyword === 'anyOf')
  const deep = all.filter(
    (e) => e.keyword !== 'const' || !all.some((o) => o !== e && o.instancePath.startsWith(e.instancePath) && o.keyword !== 'const'),
  )
  const seen = new Set<string>()
  return deep.slice(0, 30).flatMap((e) => {
    const [what, remedy] = remedyOf(e)
    const key = `${e.instancePath} ${what}`
    if (seen.has(key)) return []
    seen.add(key)
    return [{ file, pointer: prefix + e.instancePath, what, remedy }]
  })
}

const maxDepth = 20
function depthOf(value: unknown): number {
  let deepest = 0
  const todo: [unknown, number][] = [[value, 1]]
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [v, d] = next
    if (v === null || typeof v !== 'object') continue
    deepest = Math.max(deepest, d)
    if (deepest > maxDepth) return deepest
    for (const inner of Object.values(v)) todo.push([inner, d + 1])
  }
  return deepest
}

/** Names that FEEL or this catalogue keeps for itself. */
const reserved = new Set(
  'result results today date time duration and or not in if then else true false null between for return some every satisfies function papers hint options'.split(
    ' ',
  ),
)

/**
 * Checks one definition with its words and examples. `id` is the folder under `services/`. Never throws on hostile input; a definition that comes
 * back has no fault.
 */
export function checkDefinition(
  id: string,
  files: DefinitionFiles,
  around: Surroundings,
): { readonly faults: readonly Fault[]; readonly checked: Checked | null } {
  const file = `${id}/definition.json`
  for (const [name, value] of [
    ['definition.json', files.definition],
    ['text.es.json', files.es],
    ['text.en.json', files.en],
    ['examples.json', files.examples],
  ] as const) {
    if (depthOf(value) > maxDepth) {
      return {
        faults: [{ file: `${id}/${name}`, pointer: '', what: `it is nested deeper than ${maxDepth}`, remedy: 'Make it flatter.' }],
        checked: null,
      }
    }
  }
  const faults: Fault[] = []
  const fault = (pointer: string, what: string, remedy: string, at = file) => {
    faults.push({ file: at, pointer, what, remedy })
  }
  if (!validDefinition(files.definition)) return { faults: schemaFaults(file, validDefinition.errors), checked: null }
  const d = files.definition as Definition

  if (d.id !== id) fault('/id', `the id is "${d.id}" but the folder is "${id}"`, `Write "id": "${id}".`)
  if (!d.id.startsWith(`${d.level}/`))
    fault('/level', `a "${d.level}" service cannot have the id "${d.id}"`, 'Let the level be the first part of the id.')
  const agencyIs = (agency: string, pointer: string) => {
    const known = around.agencies[agency]
    if (!known)
      fault(pointer, `the agency "${agency}" is not in reference/agencies.json`, 'Use an agency listed there, or add it with its source.')
    else if (known.level !== d.level)
      fault(pointer, `the agency "${agency}" is ${known.level}, the service ${d.level}`, 'Name an agency of the same level.')
  }
  agencyIs(d.agency, '/agency')
  if (d.level === 'federal' && d.id.split('/')[1] !== d.agency)
    fault('/agency', `the folder says "${d.id.split('/')[1]}"`, 'Use the same agency in both.')

  checkFigures(d, fault)
  const order = checkQuestions(d, fault)
  checkConditions(d, order, fault)
  checkPapers(d, around, fault)
  checkSteps(d, fault, (unit, pointer) => agencyIs(unit, pointer))
  unique(
    d.reasons.map((r) => r.id),
    '/reasons',
    'reason',
    fault,
  )

  const texts = checkTexts(id, d, files, faults)
  let examples: readonly Example[] = []
  if (!validExamples(files.examples)) faults.push(...schemaFaults(`${id}/examples.json`, validExamples.errors))
  else {
    examples = files.examples as Example[]
    // Examples run the definition: with a fault in it they would only repeat what is said already.
    if (faults.length === 0) for (const [i, e] of examples.entries()) runExample(id, d, texts, e, i, around, faults)
  }
  return { faults, checked: faults.length === 0 ? { definition: d, texts, examples } : null }
}

type Report = (pointer: string, what: string, remedy: string, at?: string) => void

function unique(ids: readonly string[], pointer: string, kind: string, fault: Report): void {
  ids.forEach((id, i) => {
    if (ids.indexOf(id) !== i) fault(`${pointer}/${i}/id`, `the ${kind} "${id}" is there twice`, 'Give each its own id.')
  })
}

function checkFigures(d: Definition, fault: Report): void {
  if ((d.term.unit === 'immediate') !== (d.term.count === 0)) {
    fault('/term/count', `${d.term.count} does not go with "${d.term.unit}"`, 'Write 0 with "immediate", at least 1 with any other unit.')
  }
  const counted = d.validity.unit === 'years' || d.validity.unit === 'months' || d.validity.unit === 'days'
  if (counted !== (d.validity.count !== undefined)) {
    fault('/validity/count', counted ? 'it is missing' : `"${d.validity.unit}" has no count`, counted ? 'Say how many.' : 'Take it out.')
  }
  if (d.fee.kind === 'table') {
    const last = d.fee.rows.length - 1
    unique(
      d.fee.rows.map((r) => r.id),
      '/fee/rows',
      'row',
      fault,
    )
    d.fee.rows.forEach((row, i) => {
      if ((row.when === undefined) !== (i === last)) {
        fault(
          `/fee/rows/${i}/when`,
          i === last ? 'the last row has a condition' : 'a row before the last has none',
          'The last row, and only it, stands for everybody else.',
        )
      }
    })
  }
  const bounds = d.adoption
  if (d.level === 'federal') {
    if (bounds) fault('/adoption', 'a federal service is not adopted', 'Take "adoption" out.')
    if (d.fee.kind === 'local') fault('/fee/kind', 'a federal fee cannot be local', 'Write free, fixed or table.')
    return
  }
  if (d.fee.kind === 'local' && !bounds?.fee)
    fault('/adoption/fee', 'the fee is local but has no bounds', 'Add "adoption": {"fee": {"min": …, "max": …}}.')
  if (bounds?.fee && pesos(bounds.fee.min).minor > pesos(bounds.fee.max).minor)
    fault('/adoption/fee', 'min is more than max', 'Exchange them.')
  if (bounds?.fee && d.fee.kind === 'free') fault('/adoption/fee', 'a free service cannot get a fee', 'Take the bounds out.')
  if (bounds?.term && bounds.term.atLeast > d.term.count)
    fault('/adoption/term/atLeast', 'an adoption may only shorten the term', `Write at most ${d.term.count}.`)
}

/** Returns the place of each question in the order of asking. */
function checkQuestions(d: Definition, fault: Report): ReadonlyMap<string, readonly [page: number, at: number]> {
  unique(
    d.questions.map((q) => q.id),
    '/questions',
    'question',
    fault,
  )
  const one = (q: Question, pointer: string) => {
    if (reserved.has(q.id)) fault(`${pointer}/id`, `"${q.id}" is a word of the conditions`, 'Choose another id.')
    if ('min' in q && 'max' in q && q.min !== undefined && q.max !== undefined && q.min > q.max)
      fault(`${pointer}/min`, 'min is more than max', 'Exchange them.')
    if (q.kind === 'confirm' && q.optional) fault(`${pointer}/optional`, 'a declaration cannot be optional', 'Make it a yes-no question.')
    // No channel takes a file in the middle of a page: papers have their own, with sizes, types and what is asked for again.
    if (q.kind === 'file')
      fault(
        `${pointer}/kind`,
        'a question cannot take a file',
        'List it under "papers" with "how": "file"; with "when" it is asked of some.',
      )
  }
  d.questions.forEach((q, i) => {
    one(q, `/questions/${i}`)
    if (q.kind !== 'group') return
    unique(
      q.questions.map((s) => s.id),
      `/questions/${i}/questions`,
      'question',
      fault,
    )
    q.questions.forEach((s, j) => {
      one(s, `/questions/${i}/questions/${j}`)
    })
  })
  unique(
    d.pages.map((p) => p.id),
    '/pages',
    'page',
    fault,
  )
  const order = new Map<string, readonly [number, number]>()
  const known = new Set(d.questions.map((q) => q.id))
  d.pages.forEach((page, p) => {
    page.questions.forEach((q, i) => {
      if (!known.has(q))
        fault(`/pages/${p}/questions/${i}`, `there is no question "${q}"`, `Add it to "questions" or take it off the page.`)
      else if (order.has(q)) fault(`/pages/${p}/questions/${i}`, `"${q}" stands on another page already`, 'Ask everything once.')
      else order.set(q, [p, i])
    })
  })
  for (const [i, id] of (d.matter ?? []).entries()) {
    if (!known.has(id)) fault(`/matter/${i}`, `there is no question "${id}"`, 'Name questions that say what the case is about.')
  }
  d.questions.forEach((q, i) => {
    if (!order.has(q.id)) fault(`/questions/${i}/id`, `"${q.id}" stands on no page`, 'Put it on a page, or take it out.')
  })
  return order
}

function condition(text: string, names: Names, pointer: string, fault: Report): void {
  try {
    compileCondition(text, names)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    fault(pointer, error.message, 'Mend the condition; README.md of the catalogue lists what it may say.')
  }
}

function checkConditions(d: Definition, order: ReadonlyMap<string, readonly [number, number]>, fault: Report): void {
  const before = (page: number, at: number) =>
    new Set([...order].filter(([, [p, i]]) => p < page || (p === page && i < at)).map(([q]) => q))
  d.pages.forEach((page, p) => {
    if (page.when) condition(page.when, answerNames(d, before(p, 0)), `/pages/${p}/when`, fault)
  })
  d.questions.forEach((q, i) => {
    const place = order.get(q.id)
    if (!place) return
    const names = answerNames(d, before(place[0], place[1]))
    if (q.when) condition(q.when, names, `/questions/${i}/when`, fault)
    if (q.kind !== 'group') return
    q.questions.forEach((s, j) => {
      const siblings = Object.fromEntries(q.questions.slice(0, j).map((b) => [b.id, nameOf(b)]))
      if (s.when) condition(s.when, { ...names, ...siblings }, `/questions/${i}/questions/${j}/when`, fault)
    })
  })
  d.papers.forEach((p, i) => {
    if (p.when) condition(p.when, answerNames(d), `/papers/${i}/when`, fault)
  })
  if (d.fee.kind === 'table') {
    d.fee.rows.forEach((r, i) => {
      if (r.when) condition(r.when, answerNames(d), `/fee/rows/${i}/when`, fault)
    })
  }
}

function checkPapers(d: Definition, around: Surroundings, fault: Report): void {
  unique(
    d.papers.map((p) => p.id),
    '/papers',
    'paper',
    fault,
  )
  d.papers.forEach((p, i) => {
    if (p.id === localPaperId) fault(`/papers/${i}/id`, `"${localPaperId}" is kept for adoptions`, 'Choose another id.')
    if (p.from === undefined) return
    if (p.from === d.id) fault(`/papers/${i}/from`, 'a service cannot ask for its own paper', 'Take "from" out.')
    else if (!around.bases.has(p.from))
      fault(`/papers/${i}/from`, `there is no service "${p.from}"`, 'Name a base under services/, or take "from" out.')
  })
}

/** The id of the one paper an adoption may add. */
export const localPaperId = 'local-paper'

function checkSteps(d: Definition, fault: Report, unitIs: (unit: string, pointer: string) => void): void {
  const steps = new Map<string, Step>(d.steps.map((s) => [s.id, s]))
  const at = new Map(d.steps.map((s, i) => [s.id, i]))
  unique(
    d.steps.map((s) => s.id),
    '/steps',
    'step',
    fault,
  )
  if (d.steps[0]!.kind !== 'data') fault('/steps/0/kind', 'the first step is not "data"', 'Begin with the filing: {"kind": "data"}.')
  d.steps.forEach((s, i) => {
    if ('unit' in s && s.unit !== undefined) unitIs(s.unit, `/steps/${i}/unit`)
    if (s.kind === 'parallel') {
      unique(
        s.branches.map((b) => b.id),
        `/steps/${i}/branches`,
        'branch',
        fault,
      )
      s.branches.forEach((b, j) => {
        if (b.unit !== undefined) unitIs(b.unit, `/steps/${i}/branches/${j}/unit`)
      })
    }
    if (!('next' in s)) return
    s.next.forEach((w, j) => {
      const pointer = `/steps/${i}/next/${j}`
      if (!steps.has(w.to)) fault(`${pointer}/to`, `there is no step "${w.to}"`, `Name one of: ${[...steps.keys()].join(', ')}.`)
      if (w.to === d.steps[0]!.id) fault(`${pointer}/to`, 'a way leads back to the filing', 'Add another step of kind "data".')
      const open = w.when === undefined && w.atMost === undefined
      const last = j === s.next.length - 1
      if (last && !open)
        fault(
          pointer,
          'deadlock: when this last way does not hold, the case stands still',
          'Let the last way have neither "when" nor "atMost".',
        )
      if (!last && open)
        fault(
          `/steps/${i}/next/${j + 1}`,
          'unreachable: the way before it always holds',
          'Take it out, or give the way before it a condition.',
        )
      if (w.when !== undefined) condition(w.when, wayNames(d, s), `${pointer}/when`, fault)
    })
  })
  const next = (id: string, unbounded = false) => {
    const s = steps.get(id)
    return s && 'next' in s ? s.next.filter((w) => !unbounded || w.atMost === undefined).map((w) => w.to) : []
  }
  const reach = (from: string, past: (id: string) => boolean = () => true): Set<string> => {
    const seen = new Set([from])
    for (const id of seen) if (past(id)) for (const to of next(id)) if (steps.has(to)) seen.add(to)
    return seen
  }
  const first = d.steps[0]!.id
  const reached = reach(first)
  for (const s of d.steps) {
    const pointer = `/steps/${at.get(s.id)}`
    if (!reached.has(s.id)) fault(pointer, `the step "${s.id}" is never reached`, 'Lead a way to it, or take it out.')
    else if (![...reach(s.id)].some((id) => steps.get(id)!.kind === 'issue')) {
      fault(pointer, `deadlock: no way from "${s.id}" ends in an "issue" step`, 'Lead it to the step that makes the document.')
    }
    // A circle of ways that each may be taken any number of times never has to end.
    const seen = new Set<string>()
    const todo = next(s.id, true)
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (id === s.id) {
        fault(pointer, `a loop through "${s.id}" has no bound`, 'Give the way that leads back "atMost": 1 to 5.')
        break
      }
      if (!seen.has(id)) {
        seen.add(id)
        todo.push(...next(id, true))
      }
    }
  }
  for (const s of d.steps) {
    // A paper is committed to by the turn that ends with it, and waiting ends no turn.
    if (s.kind === 'timer' && next(s.id).some((id) => steps.get(id)?.kind === 'issue'))
      fault(
        `/steps/${at.get(s.id)}`,
        `"${s.id}" leads to the document and is done at no desk`,
        'Let a review or a decision be the last step before it.',
      )
  }
  const undecided = reach(first, (id) => steps.get(id)!.kind !== 'decide')
  for (const id of undecided) {
    if (steps.get(id)!.kind === 'issue')
      fault(`/steps/${at.get(id)}`, `"${id}" can be reached without a decision`, 'Let every way to it pass a "decide" step.')
  }
}

/** The keys a definition's texts must have, and those they may have beside. */
export function textKeys(d: Definition): { readonly needed: ReadonlySet<string>; readonly allowed: ReadonlySet<string> } {
  const needed = new Set(['name', 'summary', 'who', 'when', 'result', 'criteria', 'document', 'document.body'])
  const allowed = new Set(['search', 'note'])
  const question = (key: string, q: Question) => {
    needed.add(key)
    allowed.add(`${key}.hint`)
    if ('options' in q) for (const o of q.options) needed.add(`${key}.options.${o}`)
    if (q.kind === 'group') for (const s of q.questions) question(`${key}.${s.id}`, s)
  }
  for (const p of d.pages) needed.add(`pages.${p.id}`)
  for (const q of d.questions) question(`questions.${q.id}`, q)
  for (const p of d.papers) {
    needed.add(`papers.${p.id}`)
    allowed.add(`papers.${p.id}.hint`)
  }
  for (const s of d.steps) {
    needed.add(`steps.${s.id}`)
    if ('unit' in s && s.unit !== undefined) needed.add(`units.${s.unit}`)
    if (s.kind !== 'parallel') continue
    for (const b of s.branches) {
      needed.add(`steps.${s.id}.${b.id}`)
      if (b.unit !== undefined) needed.add(`units.${b.unit}`)
    }
  }
  for (const r of d.reasons) needed.add(`reasons.${r.id}`)
  if (d.fee.kind === 'table') for (const r of d.fee.rows) needed.add(`fee.${r.id}`)
  for (const k of needed) allowed.add(k)
  return { needed, allowed }
}

/** Plain language: nobody must hold more than this in the head at once. */
const maxWords = 20

/** The first sentence with more words than one can read in a breath, or null. */
export function longSentence(text: string): string | null {
  for (const sentence of text.split(/(?<=[.!?…:;])\s+|\n+/)) {
    if (sentence.split(/\s+/).filter((w) => /[\p{L}\p{N}]/u.test(w)).length > maxWords) return sentence
  }
  return null
}

function checkTexts(id: string, d: Definition, files: DefinitionFiles, faults: Fault[]): DefinitionTexts {
  const { needed, allowed } = textKeys(d)
  const texts = { es: {}, en: {} } as Record<'es' | 'en', Record<string, string>>
  for (const language of languages) {
    const file = `${id}/text.${language}.json`
    const given = files[language]
    if (!validTexts(given)) {
      faults.push(...schemaFaults(file, validTexts.errors))
      continue
    }
    const all = given as Record<string, string>
    texts[language] = all
    const fault = (key: string, what: string, remedy: string) => {
      faults.push({ file, pointer: `/${key}`, what, remedy })
    }
    for (const key of needed) if (!Object.hasOwn(all, key)) fault(key, 'the text is missing', `Add "${key}".`)
    for (const [key, text] of Object.entries(all)) {
      if (!allowed.has(key)) fault(key, 'nothing asks for this text', 'Take it out, or mend the key.')
      const long = key === 'search' ? null : longSentence(text)
      if (long !== null) fault(key, `a sentence has more than ${maxWords} words: "${long.slice(0, 80)}…"`, 'Say it in two sentences.')
    }
  }
  for (const [language, other] of [
    ['es', 'en'],
    ['en', 'es'],
  ] as const) {
    for (const key of Object.keys(texts[language])) {
      if (allowed.has(key) && !needed.has(key) && !Object.hasOwn(texts[other], key)) {
        faults.push({
          file: `${id}/text.${other}.json`,
          pointer: `/${key}`,
          what: `the text is there only in ${language}`,
          remedy: 'Say the same in every language.',
        })
      }
    }
  }
  return texts
}

/** The day on which examples are tried where they name none: examples must not change with the calendar. */
const exampleDay = '2026-11-24'

function runExample(
  id: string,
  d: Definition,
  texts: DefinitionTexts,
  example: Example,
  i: number,
  around: Surroundings,
  faults: Fault[],
): void {
  const file = `${id}/examples.json`
  const fault = (pointer: string, what: string, remedy: string) => {
    faults.push({ file, pointer: `/${i}${pointer}`, what: `"${example.name}": ${what}`, remedy })
  }
  const service = { definition: d, text: (language: 'es' | 'en', key: string) => texts[language][key] ?? '' }
  const world: World = { language: 'en', today: example.today ?? exampleDay, places: around.places }
  const known = new Set(d.questions.map((q) => q.id))
  for (const key of Object.keys(example.answers))
    if (!known.has(key)) fault(`/answers/${key}`, `there is no question "${key}"`, 'Mend the id.')
  const form = Object.fromEntries(
    Object.entries(example.answers).map(([k, v]) => [
      k,
      asFiles(
        d.questions.find((q) => q.id === k),
        v,
      ),
    ]),
  )
  let answers: Answers = {}
  const refused: { pointer: string; detail: string }[] = []
  for (const page of d.pages) {
    if (!asked(d, answers, world.today).pages.some((p) => p.id === page.id)) continue
    const accepted = accept(service, answers, page.id, form, world)
    answers = accepted.answers
    refused.push(...accepted.problems)
  }
  const same = (what: string, expected: readonly string[] | undefined, actual: readonly string[], pointer: string) => {
    if (expected && JSON.stringify(expected) !== JSON.stringify(actual)) {
      fault(pointer, `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`, 'Mend the example or the definition.')
    }
  }
  const wanted = example.expect.refused ?? []
  const pointers = [...new Set(refused.map((r) => r.pointer))]
  for (const r of refused)
    if (!wanted.includes(r.pointer))
      fault(`/answers`, `${r.pointer} is refused: ${r.detail}`, 'Mend the answer, or expect it in "refused".')
  for (const p of wanted) if (!pointers.includes(p)) fault('/expect/refused', `${p} is not refused`, 'Mend the example or the definition.')
  const journey = ask(service, answers, world)
  same(
    'asked',
    example.expect.asked,
    asked(d, answers, world.today).pages.flatMap((p) => p.questions.map((q) => q.id)),
    '/expect/asked',
  )
  same(
    'papers',
    example.expect.papers,
    journey.papers.map((p) => p.id),
    '/expect/papers',
  )
  if (example.expect.fee !== undefined) {
    const cost = fee(d, answers, world.today)
    const expected = example.expect.fee === null ? null : pesos(example.expect.fee).minor
    if ((cost?.minor ?? null) !== expected) {
      fault(
        '/expect/fee',
        `the fee: expected ${example.expect.fee}, got ${cost ? `${cost.minor / 100n}.${String(cost.minor % 100n).padStart(2, '0')}` : null}`,
        'Mend the example or the definition.',
      )
    }
  }
  if (example.expect.steps)
    same(
      'steps',
      example.expect.steps,
      straightPath(d, { answers: asked(d, answers, world.today).answers, today: world.today }),
      '/expect/steps',
    )
}

/** In examples a file is written as its name. */
function asFiles(question: Question | undefined, value: unknown): unknown {
  if (question?.kind === 'file' && typeof value === 'string') return { file: 'example', name: value, size: 1, type: 'application/pdf' }
  if (question?.kind === 'group' && Array.isArray(value)) {
    return value.map((item: unknown) =>
      item !== null && typeof item === 'object'
        ? Object.fromEntries(
            Object.entries(item).map(([k, v]) => [
              k,
              asFiles(
                question.questions.find((q) => q.id === k),
                v,
              ),
            ]),
          )
        : item,
    )
  }
  return value
}

const time = /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/
const minutes = (t: string) => Number(t.slice(0, 2)) * 60 + Number(t.slice(3))

/** Hours a week of a sign on a door; null where a time is none or spans overlap. */
function weeklyHours(hours: NonNullable<Adoption['hours']>): number | null {
  let total = 0
  for (const spans of Object.values(hours)) {
    let end = -1
    for (const [from, to] of spans) {
      if (!time.test(from) || !time.test(to) || minutes(from) >= minutes(to) || minutes(from) < end) return null
      end = minutes(to)
      total += minutes(to) - minutes(from)
    }
  }
  return total / 60
}

/** Faults of one adoption against its base's bounds. */
export function checkAdoption(
  file: string,
  pointer: string,
  adoption: unknown,
  base: Definition,
  around: Pick<Surroundings, 'bases'>,
): Fault[] {
  if (!validAdoption(adoption)) return schemaFaults(file, validAdoption.errors, pointer)
  const a = adoption as Adoption
  const faults: Fault[] = []
  const fault = (at: string, what: string, remedy: string) => {
    faults.push({ file, pointer: pointer + at, what, remedy })
  }
  const bounds = base.adoption ?? {}
  const may = (field: 'fee' | 'hours' | 'localPaper' | 'term') => {
    if (a[field] !== undefined && !bounds[field]) {
      fault(`/${field}`, `"${base.id}" does not let an adoption change ${field}`, 'Take it out.')
      return false
    }
    return a[field] !== undefined
  }
  if (may('fee')) {
    const amount = pesos(a.fee!.amount).minor
    const { min, max } = bounds.fee!
    if (amount < pesos(min).minor || amount > pesos(max).minor)
      fault('/fee/amount', `${a.fee!.amount} lies outside ${min} to ${max}`, 'Keep the fee within the bounds.')
  }
  if (may('hours')) {
    const total = weeklyHours(a.hours!)
    if (total === null) fault('/hours', 'a time is not well formed, or two spans overlap', 'Write [["09:00","14:00"],["16:00","18:00"]].')
    else if (total < bounds.hours!.atLeastPerWeek)
      fault('/hours', `${total} hours a week are fewer than ${bounds.hours!.atLeastPerWeek}`, 'Open longer.')
  }
  if (may('localPaper')) {
    if (!around.bases.has(a.localPaper!.from))
      fault('/localPaper/from', `there is no service "${a.localPaper!.from}"`, 'A local paper must itself be a service of the catalogue.')
    else if (a.localPaper!.from === base.id) fault('/localPaper/from', 'a service cannot ask for its own paper', 'Name another service.')
  }
  if (may('term')) {
    const { count } = a.term!
    if (count < bounds.term!.atLeast || count > base.term.count) {
      fault(
        '/term/count',
        `${count} lies outside ${bounds.term!.atLeast} to ${base.term.count}`,
        'An adoption may only shorten the term, within the bounds.',
      )
    }
  }
  return faults
}

/**
 * Checks a file of adoptions. `place` is the key its path says. What comes back are the adoptions without a fault: a bad one takes no other down.
 * `broken` names the bases whose adoption has one, `*` where the file as a whole cannot be used.
 */
export function checkAdoptions(
  path: string,
  place: string,
  content: unknown,
  bases: ReadonlyMap<string, Definition>,
  around: Pick<Surroundings, 'bases' | 'places'>,
): { readonly faults: readonly Fault[]; readonly adoptions: ReadonlyMap<string, Adoption>; readonly broken: readonly string[] } {
  const adoptions = new Map<string, Adoption>()
  const broken: string[] = []
  if (depthOf(content) > maxDepth)
    return {
      faults: [{ file: path, pointer: '', what: `it is nested deeper than ${maxDepth}`, remedy: 'Make it flatter.' }],
      adoptions,
      broken: ['*'],
    }
  if (!validAdoptionFile(content)) return { faults: schemaFaults(path, validAdoptionFile.errors), adoptions, broken: ['*'] }
  const f = content as { place: string; services: Record<string, unknown> }
  const level = place.length === 2 ? 'state' : 'municipal'
  const faults: Fault[] = []
  if (f.place !== place || !(place.length === 2 ? around.places.state(place) : around.places.municipality(place))) {
    return {
      faults: [
        {
          file: path,
          pointer: '/place',
          what: `"${f.place}" is not the place "${place}" of the path`,
          remedy: 'Name the file by the INEGI key it holds.',
        },
      ],
      adoptions,
      broken: ['*'],
    }
  }
  for (const [id, adoption] of Object.entries(f.services)) {
    const pointer = `/services/${id.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const base = bases.get(id)
    if (!base) {
      faults.push({
        file: path,
        pointer,
        what: `there is no sound base "${id}"`,
        remedy: 'Name a base under services/, or mend that base.',
      })
    } else if (base.level !== level) {
      faults.push({
        file: path,
        pointer,
        what: `"${id}" is ${base.level}; this is a file of a ${level} place`,
        remedy: 'Move it to the right file.',
      })
    } else {
      const found = checkAdoption(path, pointer, adoption, base, around)
      if (found.length > 0) {
        faults.push(...found)
        broken.push(id)
      } else adoptions.set(id, adoption as Adoption)
    }
  }
  return { faults, adoptions, broken }
}
