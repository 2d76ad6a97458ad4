/**
 * Lists of services in the official field list of a trámite (LFPA 69-M), as CSV or JSON, and records of municipalities as they publish them: each row
 * becomes a draft as far as it goes, and a line of a report that says what was taken, what is missing and why.
 */
import { normalize } from 'node:path'
import type { Language } from '#kernel/text'
import type { Definition } from '../definition.ts'
import { fold } from '../fold.ts'
import { maxBytes } from '../folder.ts'
import { type Content, dropTexts, idFrom, setText, skeleton } from './content.ts'
import { text } from './text.ts'

/** One row's outcome. `draft` null: there is not even a name. The words are keys of the editor's texts. */
export type RecordReport = {
  readonly row: number
  readonly name: string
  readonly taken: readonly RecordField[]
  readonly missing: readonly { readonly field: RecordField; readonly why: Why }[]
  readonly draft: Content | null
}

/** Why something was not taken as it stands. */
export type Why =
  | 'absent'
  | 'no-source'
  | 'not-a-sum'
  | 'several-sums'
  | 'formula'
  | 'not-a-term'
  | 'not-said'
  | 'own-words'
  | 'too-many'
  | 'long'
  | 'same-name'
  | 'english'

/** The official fields, by the names they are found under. */
const fields = {
  name: ['name', 'nombre', 'tramite', 'nombre del tramite', 'servicio'],
  homoclave: ['homoclave', 'clave', 'key'],
  agency: ['agency', 'dependencia', 'secretaria', 'unidad administrativa', 'area'],
  law: ['legal basis', 'law', 'fundamento', 'fundamento juridico', 'fundamento legal'],
  summary: ['summary', 'description', 'descripcion', 'objetivo'],
  when: ['when', 'cuando', 'casos', 'casos en que debe o puede realizarse'],
  who: ['who', 'quien', 'quien puede solicitarlo', 'dirigido a'],
  papers: ['papers', 'requirements', 'requisitos', 'documentos', 'datos y documentos'],
  term: ['term', 'plazo', 'plazo maximo', 'tardanza', 'tiempo de respuesta'],
  silence: ['silence', 'ficta', 'afirmativa o negativa ficta', 'silencio'],
  fee: ['fee', 'cost', 'costo', 'monto', 'derechos'],
  validity: ['validity', 'vigencia'],
  criteria: ['criteria', 'criterios', 'criterios de resolucion', 'resolucion'],
  result: ['result', 'resultado', 'tramite o servicio'],
  channels: ['channels', 'modalidad', 'canal', 'canales'],
  steps: ['steps', 'proceso', 'pasos'],
} as const
export type RecordField = keyof typeof fields

/** The most rows that are taken at once: their report is one page, and no page has more than 10 kB. */
export const mostRows = 150

type Row = Readonly<Record<string, unknown>>

/** Splits CSV (RFC 4180): quotes, doubled quotes, line breaks in quotes; commas or semicolons, by what the first line has more of. */
export function readCsv(given: string): Row[] {
  const body = given.replace(/^\uFEFF/, '')
  const first = body.slice(0, body.search(/\r?\n|$/))
  const mark = first.split(';').length > first.split(',').length ? ';' : ','
  const rows: string[][] = []
  let cell = ''
  let row: string[] = []
  let quoted = false
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!
    if (quoted) {
      if (c !== '"') cell += c
      else if (body[i + 1] === '"') {
        cell += '"'
        i++
      } else quoted = false
    } else if (c === '"' && cell === '') quoted = true
    else if (c === mark || c === '\n') {
      row.push(cell.replace(/\r$/, ''))
      cell = ''
      if (c === '\n') {
        rows.push(row)
        row = []
        if (rows.length > mostRows + 1) break
      }
    } else cell += c
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell])
  const head = rows.shift() ?? []
  return rows.filter((r) => r.some((x) => x.trim() !== '')).map((r) => Object.fromEntries(head.map((h, i) => [h.trim(), r[i] ?? ''])))
}

/** The rows of a file: JSON (a list, or an object that holds one) or CSV. Null where it is neither, or too large. */
export function readRecords(name: string, given: string): Row[] | null {
  if (Buffer.byteLength(given) > 20 * maxBytes) return null
  if (/\.csv$/i.test(normalize(name))) return readCsv(given)
  try {
    const value: unknown = JSON.parse(given)
    const list = Array.isArray(value)
      ? value
      : value !== null && typeof value === 'object'
        ? Object.values(value).find(Array.isArray)
        : null
    if (!Array.isArray(list)) return null
    return list.filter((x): x is Row => x !== null && typeof x === 'object' && !Array.isArray(x)).slice(0, mostRows + 1)
  } catch {
    return null
  }
}

// Control characters, and those that turn the direction of what follows, are nobody's words.
const words = (value: unknown): string =>
  typeof value === 'string'
    ? value.replace(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
    : typeof value === 'number'
      ? String(value)
      : ''
const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value.map(words) : words(value).split(/\s*(?:;|\||•|\n)\s*/))
    .map((x) => x.replace(/^\W*\d*[.)-]?\s*/, ''))
    .filter((x) => x !== '')

function find(row: Row, field: RecordField): unknown {
  const wanted: readonly string[] = fields[field]
  for (const want of wanted)
    for (const [key, value] of Object.entries(row))
      if (fold(key) === want && (Array.isArray(value) ? value.length > 0 : words(value) !== '')) return value
  return undefined
}

/** Sentences of at most 20 words, as people read them; the rest is cut off and said. */
function plain(said: string): { text: string; cut: boolean } {
  const one = said.slice(0, 600)
  const short = one
    .split(/(?<=[.!?…:;])\s+/)
    .flatMap((sentence) => {
      const all = sentence.split(/\s+/)
      const parts: string[] = []
      for (let i = 0; i < all.length; i += 18) parts.push(all.slice(i, i + 18).join(' '))
      return parts.map((p, i) => (i < parts.length - 1 && !/[.!?…:;]$/.test(p) ? `${p}…` : p))
    })
    .join(' ')
  return { text: short, cut: one.length < said.length || short !== one }
}

/** A fee as it is written: nothing, one sum, or why it is neither. */
export function readFee(said: string): { kind: 'free' } | { kind: 'fixed'; amount: string } | { why: Why } {
  const folded = fold(said)
  if (/^(gratuito|gratis|sin costo|no tiene costo|ninguno|0)\b/.test(folded)) return { kind: 'free' }
  const sums = [...said.matchAll(/\$\s?(\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.(\d{1,2}))?/g)].map(
    (m) => `${m[1]!.replaceAll(',', '')}.${(m[2] ?? '00').padEnd(2, '0')}`,
  )
  if (sums.length === 1) return { kind: 'fixed', amount: sums[0]! }
  if (sums.length > 1) return { why: 'several-sums' }
  if (/\b(uma|cuotas|salario|por ciento|avaluo|m2|metro)\b/.test(folded) || said.includes('%')) return { why: 'formula' }
  const bare = /^(\d{1,7})(?:\.(\d{2}))?$/.exec(said.trim())
  return bare ? { kind: 'fixed', amount: `${bare[1]}.${bare[2] ?? '00'}` } : { why: 'not-a-sum' }
}

/** A term as it is written: the longest that is named, in its unit; null where none is. */
export function readTerm(said: string): Pick<Definition['term'], 'unit' | 'count'> | null {
  const folded = fold(said)
  if (/\b(inmediat\w*|al momento|en el momento|mismo dia|minutos?|horas?)\b/.test(folded)) return { unit: 'immediate', count: 0 }
  const numbers = [...said.matchAll(/\d{1,3}/g)].map((m) => Number(m[0])).filter((n) => n > 0 && n <= 400)
  if (numbers.length === 0) return null
  const count = Math.max(...numbers)
  if (/\bmes(es)?\b/.test(folded)) return { unit: 'months', count }
  if (/\bsemanas?\b/.test(folded)) return { unit: 'days', count: Math.min(400, count * 7) }
  if (/\bhabil(es)?\b/.test(folded)) return { unit: 'working-days', count }
  return /\bdias?\b/.test(folded) ? { unit: 'days', count } : null
}

function readValidity(said: string): Pick<Definition['validity'], 'unit' | 'count'> | null {
  const folded = fold(said)
  if (/\b(permanente|indefinid\w*|no vence)\b/.test(folded)) return { unit: 'indefinite' }
  if (/\b(unica|una vez|un solo)\b/.test(folded)) return { unit: 'once' }
  const n = Number(/\d{1,3}/.exec(said)?.[0] ?? (/\bun(a|o)?\b/.test(folded) ? 1 : Number.NaN))
  if (!(n >= 1 && n <= 100)) return null
  if (/\banos?\b/.test(folded)) return { unit: 'years', count: n }
  if (/\bmes(es)?\b/.test(folded)) return { unit: 'months', count: n }
  return /\bdias?\b/.test(folded) ? { unit: 'days', count: n } : null
}

/** One row as a draft. Every figure is without a source unless the row names its law; English is the Spanish until somebody translates it, and the report says so. */
function takeRecord(row: Row, n: number, level: Definition['level'], agency: string, names: Set<string>): RecordReport {
  const taken: RecordField[] = []
  const missing: { field: RecordField; why: Why }[] = []
  const name = words(find(row, 'name')).slice(0, 200)
  if (name === '') return { row: n, name: '', taken, missing: [{ field: 'name', why: 'absent' }], draft: null }
  const shortName = plain(name.replace(/\.$/, ''))
  const c = skeleton(level, agency, { es: shortName.text, en: shortName.text })
  const d = c.definition
  // Two rows of one name are two services until somebody joins them.
  const last = d.id.split('/').at(-1)!
  const own = idFrom(last, names, 'tramite')
  names.add(own)
  if (own !== last) missing.push({ field: 'name', why: 'same-name' })
  d.id = `${d.id.slice(0, -last.length)}${own}`
  taken.push('name')
  missing.push({ field: 'name', why: 'english' })
  const say = (field: RecordField, key: string) => {
    const said = words(find(row, field))
    if (said === '') {
      // Not the skeleton's words either: the draft cannot be sent before somebody has written them.
      dropTexts(c, key)
      return void missing.push({ field, why: 'absent' })
    }
    const { text: short, cut } = plain(said)
    for (const l of ['es', 'en'] as const) setText(c, l, key, short)
    taken.push(field)
    if (cut) missing.push({ field, why: 'long' })
  }
  say('summary', 'summary')
  say('who', 'who')
  say('when', 'when')
  say('result', 'result')
  say('criteria', 'criteria')

  const law = words(find(row, 'law')).slice(0, 200)
  const source = law.length >= 3 ? { law } : ('unverified' as const)
  if (law.length >= 3) {
    d.legalBasis = [source]
    for (const r of d.reasons) r.rule = source
    taken.push('law')
  } else missing.push({ field: 'law', why: 'absent' })

  const key = words(find(row, 'homoclave'))
  if (key !== '' && key.length <= 30) {
    d.homoclave = key
    taken.push('homoclave')
  } else missing.push({ field: 'homoclave', why: 'absent' })

  const cost = words(find(row, 'fee'))
  const fee = cost === '' ? { why: 'absent' as const } : readFee(cost)
  if ('why' in fee) {
    missing.push({ field: 'fee', why: fee.why })
    // Nobody is told a sum that nobody wrote: it stays open for each place to fix, or free of a source for a federal service.
    if (level !== 'federal') {
      d.fee = { kind: 'local', source: 'unverified' }
      d.adoption = { ...d.adoption, fee: { min: '0.00', max: '999999.00' } }
    }
  } else {
    d.fee = { ...fee, source: 'unverified' }
    taken.push('fee')
    missing.push({ field: 'fee', why: 'no-source' })
  }

  const term = readTerm(words(find(row, 'term')))
  if (term) {
    d.term = { ...term, source: 'unverified' }
    taken.push('term')
    missing.push({ field: 'term', why: 'no-source' })
  } else missing.push({ field: 'term', why: find(row, 'term') === undefined ? 'absent' : 'not-a-term' })

  const ficta = fold(words(find(row, 'silence')))
  if (/afirmativ|positiv|affirmative/.test(ficta)) d.silence = { means: 'affirmative', source: 'unverified' }
  if (/afirmativ|positiv|affirmative|negativ/.test(ficta)) taken.push('silence')
  else missing.push({ field: 'silence', why: 'not-said' })

  const valid = readValidity(words(find(row, 'validity')))
  if (valid) {
    d.validity = { ...valid, source: 'unverified' } as Definition['validity']
    taken.push('validity')
  } else missing.push({ field: 'validity', why: find(row, 'validity') === undefined ? 'absent' : 'not-a-term' })

  const papers = list(find(row, 'papers'))
  if (papers.length === 0) missing.push({ field: 'papers', why: 'absent' })
  else taken.push('papers')
  if (papers.length > 20) missing.push({ field: 'papers', why: 'too-many' })
  let cutPaper = false
  for (const paper of papers.slice(0, 20)) {
    const id = idFrom(paper, [...d.papers.map((p) => p.id), 'local-paper'], 'papel')
    d.papers.push({ id, how: /\boriginal\b/.test(fold(paper)) && !/\bcopia/.test(fold(paper)) ? 'shown' : 'file', source })
    const { text: short, cut } = plain(paper)
    cutPaper ||= cut
    for (const l of ['es', 'en'] as const) setText(c, l, `papers.${id}`, short)
  }
  if (cutPaper) missing.push({ field: 'papers', why: 'long' })

  const ways = fold(words(find(row, 'channels')))
  if (ways !== '') {
    const found = [
      /linea|internet|digital|web/.test(ways) && 'web',
      /presencial|ventanilla|counter/.test(ways) && 'counter',
      /telefon|phone/.test(ways) && 'phone',
    ].filter(Boolean)
    if (found.length > 0) {
      d.channels = found as Definition['channels']
      taken.push('channels')
    } else missing.push({ field: 'channels', why: 'own-words' })
  } else missing.push({ field: 'channels', why: 'absent' })
  // Steps are written as a story of who walks where; the skeleton's stay until an analyst draws them.
  missing.push({ field: 'steps', why: list(find(row, 'steps')).length > 0 ? 'own-words' : 'absent' })
  missing.push({ field: 'agency', why: find(row, 'agency') === undefined ? 'absent' : 'own-words' })
  c.examples[0]!.expect.papers = d.papers.map((p) => p.id)
  return { row: n, name, taken, missing, draft: c }
}

/** All rows of a list. */
export function takeRecords(rows: readonly Row[], level: Definition['level'], agency: string): RecordReport[] {
  const names = new Set<string>()
  return rows.slice(0, mostRows).map((row, i) => takeRecord(row, i + 1, level, agency, names))
}

/** What is missing of a row, in words. */
export function missingWords(l: Language, report: Pick<RecordReport, 'missing'>): string[] {
  return report.missing.map((m) => `${text(l, `record.${m.field}`)}: ${text(l, `why.${m.why}`)}`)
}

/** What was taken of a row, in words. */
export const takenWords = (l: Language, report: Pick<RecordReport, 'taken'>): string[] => report.taken.map((f) => text(l, `record.${f}`))
