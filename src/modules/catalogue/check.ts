import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { pesos } from '#kernel/money'
import { languages } from '#kernel/text'
import { isPlainDate } from '#kernel/time'
import { straightPath, wayNames } from './advance.ts'
import { compileCondition, type Names } from './condition.ts'
import {
  Adoption,
  AdoptionFile,
  Definition,
  type DefinitionTexts,
  Example,
  type OfficeFacts,
  type Question,
  type Step,
} from './definition.ts'
import { ConditionError, type Fault, type FaultCode, type FaultValues, faultAt } from './faults.ts'
import { accept, ask, asked, fee } from './journey.ts'
import { answerNames, nameOf } from './names.ts'
import type { Places } from './places.ts'
import type { Answers, World } from './questions/index.ts'

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
/** A check against a schema, compiled when it is first asked for: a process that only serves what was checked before never asks. */
function against(schema: object): ValidateFunction {
  let compiled: ValidateFunction | null = null
  const check = ((data: unknown) => {
    compiled ??= ajv.compile(schema)
    const good = compiled(data)
    check.errors = compiled.errors
    return good
  }) as ValidateFunction
  return check
}
const plainSchema = (schema: object): object => JSON.parse(JSON.stringify(schema)) as object

/** The JSON Schema of `definition.json`, as it is published. */
export const definitionSchema: object = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Ventanilla: a service definition',
  ...plainSchema(Definition),
}
const validDefinition = against(plainSchema(Definition))
const validExamples = against({ type: 'array', minItems: 1, maxItems: 50, items: plainSchema(Example) })
const validAdoptionFile = against({
  ...plainSchema(AdoptionFile),
  properties: { ...(plainSchema(AdoptionFile) as { properties: object }).properties, services: { type: 'object' } },
})
const validAdoption = against(plainSchema(Adoption))
const validTexts = against({
  type: 'object',
  additionalProperties: { type: 'string', minLength: 1, maxLength: 2000 },
  maxProperties: 1000,
})

function codeOf(e: ErrorObject): [code: FaultCode, values: FaultValues] {
  const p = e.params as Record<string, unknown>
  const limit = { limit: String(p.limit) }
  switch (e.keyword) {
    case 'required':
      return [p.missingProperty === 'source' ? 'source' : 'required', { name: String(p.missingProperty) }]
    case 'additionalProperties':
      return ['unknown', { name: String(p.additionalProperty) }]
    case 'enum':
      return ['enum', { allowed: (p.allowedValues as unknown[]).join(', ') }]
    case 'const':
      return ['const', { allowed: JSON.stringify(p.allowedValue) }]
    case 'pattern':
      return ['pattern', { pattern: String(p.pattern) }]
    case 'anyOf':
      return ['any-of', {}]
    case 'minItems':
    case 'minProperties':
      return ['too-few', limit]
    case 'maxItems':
    case 'maxProperties':
      return ['too-many', limit]
    case 'minLength':
      return ['too-short', limit]
    case 'maxLength':
      return ['too-long', limit]
    case 'minimum':
      return ['too-small', limit]
    case 'maximum':
      return ['too-large', limit]
    case 'uniqueItems':
      return ['twice-in-list', {}]
    default:
      return ['schema', { message: e.message ?? 'is not valid', keyword: e.keyword }]
  }
}

/** Faults from Ajv's errors, without those of the forms of a union that were not meant. */
function schemaFaults(file: string, errors: readonly ErrorObject[] | null | undefined, prefix = ''): Fault[] {
  const all = [...(errors ?? [])]
  // A form whose `kind` (or unit of several literals) does not fit is not the one the author meant: at that place, nothing it says counts.
  const unmeant: { readonly at: string; readonly branch: string }[] = []
  for (const e of all) {
    const kind = /^(.*)\/(kind|unit)$/.exec(e.instancePath)
    if (!kind || (e.keyword !== 'const' && e.keyword !== 'enum')) continue
    const at = e.schemaPath.lastIndexOf(`/properties/${kind[2]}`)
    const form = e.schemaPath.slice(0, at)
    if (/\/anyOf\/\d+$/.test(form)) unmeant.push({ at: kind[1]!, branch: form })
    const literal = /^\/properties\/\w+(\/anyOf\/\d+)/.exec(e.schemaPath.slice(at))
    if (literal) unmeant.push({ at: e.instancePath, branch: form + literal[0] })
  }
  const within = (path: string, of: string) => path === of || path.startsWith(`${of}/`)
  const isMeant = (e: ErrorObject) => !unmeant.some((u) => within(e.instancePath, u.at) && within(e.schemaPath, u.branch))
  const meant = all.filter((e) => e.keyword !== 'anyOf' && isMeant(e))
  // A union of which no form was meant says so itself.
  const silent = all.filter((e) => e.keyword === 'anyOf' && isMeant(e) && !meant.some((m) => within(m.instancePath, e.instancePath)))
  const top = silent.filter(
    (e) => !silent.some((o) => o !== e && o.instancePath !== e.instancePath && within(o.instancePath, e.instancePath)),
  )
  const rest = [...meant, ...top]
  // A value of a list of parts is no `"unverified"`, and what is wrong inside it says more.
  const deep = rest.filter((e) => {
    if (e.keyword === 'type') return !rest.some((o) => o.instancePath.startsWith(`${e.instancePath}/`))
    return e.keyword !== 'const' || !rest.some((o) => o !== e && o.instancePath.startsWith(e.instancePath) && o.keyword !== 'const')
  })
  const seen = new Set<string>()
  return deep.slice(0, 30).flatMap((e) => {
    const fault = faultAt(file, prefix + e.instancePath, ...codeOf(e))
    const key = `${e.instancePath} ${fault.what}`
    if (seen.has(key)) return []
    seen.add(key)
    return [fault]
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
  'result results today date time duration and or not in if then else true false null between for return some every satisfies function papers hint options constructor'.split(
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
        faults: [faultAt(`${id}/${name}`, '', 'deep', { most: maxDepth })],
        checked: null,
      }
    }
  }
  const faults: Fault[] = []
  const fault: Report = (pointer, code, values) => {
    faults.push(faultAt(file, pointer, code, values))
  }
  if (!validDefinition(files.definition)) return { faults: schemaFaults(file, validDefinition.errors), checked: null }
  const d = files.definition as Definition

  if (d.id !== id) fault('/id', 'id', { id: d.id, folder: id })
  if (!d.id.startsWith(`${d.level}/`)) fault('/level', 'level', { level: d.level, id: d.id })
  const agencyIs = (agency: string, pointer: string) => {
    const known = around.agencies[agency]
    if (!known) fault(pointer, 'agency-unknown', { agency })
    else if (known.level !== d.level) fault(pointer, 'agency-level', { agency, is: known.level, level: d.level })
  }
  agencyIs(d.agency, '/agency')
  if (d.level === 'federal' && d.id.split('/')[1] !== d.agency) fault('/agency', 'agency-folder', { agency: d.id.split('/')[1]! })

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

type Report = (pointer: string, code: FaultCode, values?: FaultValues) => void

function unique(ids: readonly string[], pointer: string, kind: string, fault: Report): void {
  ids.forEach((id, i) => {
    if (ids.indexOf(id) !== i) fault(`${pointer}/${i}/id`, 'twice', { kind, id })
  })
}

function checkFigures(d: Definition, fault: Report): void {
  if ((d.term.unit === 'immediate') !== (d.term.count === 0)) {
    fault('/term/count', 'term-count', { count: d.term.count, unit: d.term.unit })
  }
  const counted = d.validity.unit === 'years' || d.validity.unit === 'months' || d.validity.unit === 'days'
  if (counted !== (d.validity.count !== undefined)) {
    fault('/validity/count', counted ? 'count-missing' : 'count-none', { unit: d.validity.unit })
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
        fault(`/fee/rows/${i}/when`, i === last ? 'last-row' : 'open-row')
      }
    })
  }
  const bounds = d.adoption
  if (d.level === 'federal') {
    if (bounds) fault('/adoption', 'federal-adoption')
    if (d.fee.kind === 'local') fault('/fee/kind', 'federal-fee')
    return
  }
  if (d.fee.kind === 'local' && !bounds?.fee) fault('/adoption/fee', 'local-bounds')
  if (bounds?.fee && pesos(bounds.fee.min).minor > pesos(bounds.fee.max).minor) fault('/adoption/fee', 'min-max')
  if (bounds?.fee && d.fee.kind === 'free') fault('/adoption/fee', 'free-bounds')
  if (bounds?.term && bounds.term.atLeast > d.term.count) fault('/adoption/term/atLeast', 'term-bounds', { most: d.term.count })
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
    if (reserved.has(q.id)) fault(`${pointer}/id`, 'reserved', { id: q.id })
    if ('min' in q && 'max' in q && q.min !== undefined && q.max !== undefined && q.min > q.max) fault(`${pointer}/min`, 'min-max')
    if (q.kind === 'confirm' && q.optional) fault(`${pointer}/optional`, 'confirm-optional')
    // No channel takes a file in the middle of a page: papers have their own, with sizes, types and what is asked for again.
    if (q.kind === 'file') fault(`${pointer}/kind`, 'file-question')
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
      if (!known.has(q)) fault(`/pages/${p}/questions/${i}`, 'no-question', { id: q })
      else if (order.has(q)) fault(`/pages/${p}/questions/${i}`, 'asked-twice', { id: q })
      else order.set(q, [p, i])
    })
  })
  for (const [i, id] of (d.matter ?? []).entries()) {
    if (!known.has(id)) fault(`/matter/${i}`, 'matter', { id })
  }
  d.questions.forEach((q, i) => {
    if (!order.has(q.id)) fault(`/questions/${i}/id`, 'on-no-page', { id: q.id })
  })
  return order
}

function condition(text: string, names: Names, pointer: string, fault: Report): void {
  try {
    compileCondition(text, names)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    fault(pointer, error.code, error.values)
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
    if (p.id === localPaperId) fault(`/papers/${i}/id`, 'local-paper-id', { id: localPaperId })
    if (p.from === undefined) return
    if (p.from === d.id) fault(`/papers/${i}/from`, 'own-paper')
    else if (!around.bases.has(p.from)) fault(`/papers/${i}/from`, 'no-service', { id: p.from })
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
  if (d.steps[0]!.kind !== 'data') fault('/steps/0/kind', 'first-step')
  d.steps.forEach((s, i) => {
    if ('unit' in s && s.unit !== undefined) unitIs(s.unit, `/steps/${i}/unit`)
    if (s.kind === 'sign') {
      const group = d.questions.find((q) => q.id === s.signers)
      const kinds = group?.kind === 'group' ? group.questions.filter((q) => !q.optional).map((q) => q.kind) : []
      if (s.signers !== undefined && !(kinds.includes('email') && (kinds.includes('curp') || kinds.includes('rfc'))))
        fault(`/steps/${i}/signers`, 'signers', { id: s.signers })
      if (s.order !== undefined && s.signers === undefined) fault(`/steps/${i}/order`, 'sign-order')
    }
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
      if (!steps.has(w.to)) fault(`${pointer}/to`, 'no-step', { id: w.to, steps: [...steps.keys()].join(', ') })
      if (w.to === d.steps[0]!.id) fault(`${pointer}/to`, 'back-to-filing')
      const open = w.when === undefined && w.atMost === undefined
      const last = j === s.next.length - 1
      if (last && !open) fault(pointer, 'stuck')
      if (!last && open) fault(`/steps/${i}/next/${j + 1}`, 'shadowed')
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
    if (!reached.has(s.id)) fault(pointer, 'unreached', { id: s.id })
    else if (![...reach(s.id)].some((id) => steps.get(id)!.kind === 'issue')) {
      fault(pointer, 'no-end', { id: s.id })
    }
    // A circle of ways that each may be taken any number of times never has to end.
    const seen = new Set<string>()
    const todo = next(s.id, true)
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (id === s.id) {
        fault(pointer, 'loop', { id: s.id })
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
      fault(`/steps/${at.get(s.id)}`, 'timer-last', { id: s.id })
  }
  const undecided = reach(first, (id) => steps.get(id)!.kind !== 'decide')
  for (const id of undecided) {
    if (steps.get(id)!.kind === 'issue') fault(`/steps/${at.get(id)}`, 'undecided', { id })
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
    const fault = (key: string, code: FaultCode, values: FaultValues) => {
      faults.push(faultAt(file, `/${key}`, code, values))
    }
    for (const key of needed) if (!Object.hasOwn(all, key)) fault(key, 'text-missing', { key })
    for (const [key, text] of Object.entries(all)) {
      if (!allowed.has(key)) fault(key, 'text-unasked', { key })
      const long = key === 'search' ? null : longSentence(text)
      if (long !== null) fault(key, 'long-sentence', { most: maxWords, sentence: long.slice(0, 80) })
    }
  }
  for (const [language, other] of [
    ['es', 'en'],
    ['en', 'es'],
  ] as const) {
    for (const key of Object.keys(texts[language])) {
      if (allowed.has(key) && !needed.has(key) && !Object.hasOwn(texts[other], key)) {
        faults.push(faultAt(`${id}/text.${other}.json`, `/${key}`, 'one-language', { language }))
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
  const fault: Report = (pointer, code, values) => {
    faults.push(faultAt(file, `/${i}${pointer}`, code, { example: example.name, ...values }))
  }
  const service = { definition: d, text: (language: 'es' | 'en', key: string) => texts[language][key] ?? '' }
  const world: World = { language: 'en', today: example.today ?? exampleDay, places: around.places }
  const known = new Set(d.questions.map((q) => q.id))
  for (const key of Object.keys(example.answers)) if (!known.has(key)) fault(`/answers/${key}`, 'example-question', { id: key })
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
      fault(pointer, 'example-expect', { what, expected: JSON.stringify(expected), got: JSON.stringify(actual) })
    }
  }
  const wanted = example.expect.refused ?? []
  const pointers = [...new Set(refused.map((r) => r.pointer))]
  for (const r of refused) if (!wanted.includes(r.pointer)) fault(`/answers`, 'example-refused', { pointer: r.pointer, why: r.detail })
  for (const p of wanted) if (!pointers.includes(p)) fault('/expect/refused', 'example-not-refused', { pointer: p })
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
      fault('/expect/fee', 'example-expect', {
        what: 'the fee',
        expected: String(example.expect.fee),
        got: cost ? `${cost.minor / 100n}.${String(cost.minor % 100n).padStart(2, '0')}` : 'null',
      })
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

/** Whether the last of 18 digits is the one the others make (Banco de México: weights 3, 7, 1). */
function isClabe(account: string): boolean {
  const sum = [...account.slice(0, 17)].reduce((all, digit, i) => all + ((Number(digit) * [3, 7, 1][i % 3]!) % 10), 0)
  return Number(account[17]) === (10 - (sum % 10)) % 10
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
  const fault: Report = (at, code, values) => {
    faults.push(faultAt(file, pointer + at, code, values))
  }
  const bounds = base.adoption ?? {}
  const may = (field: 'fee' | 'hours' | 'localPaper' | 'term') => {
    if (a[field] !== undefined && !bounds[field]) {
      fault(`/${field}`, 'may-not', { id: base.id, field })
      return false
    }
    return a[field] !== undefined
  }
  if (may('fee')) {
    const amount = pesos(a.fee!.amount).minor
    const { min, max } = bounds.fee!
    if (amount < pesos(min).minor || amount > pesos(max).minor)
      fault('/fee/amount', 'fee-outside', { amount: a.fee!.amount, least: min, most: max })
  }
  if (may('hours')) {
    const total = weeklyHours(a.hours!)
    if (total === null) fault('/hours', 'hours')
    else if (total < bounds.hours!.atLeastPerWeek) fault('/hours', 'few-hours', { hours: total, least: bounds.hours!.atLeastPerWeek })
  }
  if (may('localPaper')) {
    if (!around.bases.has(a.localPaper!.from)) fault('/localPaper/from', 'local-service', { id: a.localPaper!.from })
    else if (a.localPaper!.from === base.id) fault('/localPaper/from', 'own-local')
  }
  if (may('term')) {
    const { count } = a.term!
    if (count < bounds.term!.atLeast || count > base.term.count) {
      fault('/term/count', 'term-outside', { count, least: bounds.term!.atLeast, most: base.term.count })
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
      faults: [faultAt(path, '', 'deep', { most: maxDepth })],
      adoptions,
      broken: ['*'],
    }
  if (!validAdoptionFile(content)) return { faults: schemaFaults(path, validAdoptionFile.errors), adoptions, broken: ['*'] }
  const f = content as { place: string; office?: OfficeFacts; services: Record<string, unknown> }
  const level = place.length === 2 ? 'state' : 'municipal'
  const faults: Fault[] = []
  if (f.place !== place || !(place.length === 2 ? around.places.state(place) : around.places.municipality(place))) {
    return {
      faults: [faultAt(path, '/place', 'wrong-place', { said: f.place, place })],
      adoptions,
      broken: ['*'],
    }
  }
  if (f.office?.hours && weeklyHours(f.office.hours) === null) faults.push(faultAt(path, '/office/hours', 'hours'))
  if (f.office?.account !== undefined && !isClabe(f.office.account)) faults.push(faultAt(path, '/office/account', 'clabe'))
  for (const [i, day] of (f.office?.holidays ?? []).entries())
    if (!isPlainDate(day)) faults.push(faultAt(path, `/office/holidays/${i}`, 'holiday', { day }))
  for (const [id, adoption] of Object.entries(f.services)) {
    const pointer = `/services/${id.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const base = bases.get(id)
    if (!base) {
      faults.push(faultAt(path, pointer, 'no-base', { id }))
    } else if (base.level !== level) {
      faults.push(faultAt(path, pointer, 'base-level', { id, is: base.level, level }))
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
