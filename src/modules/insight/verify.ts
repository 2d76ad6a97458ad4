/** Whether published numbers are those of the public log: counted again by somebody who trusts nobody. Uses no database. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonical } from '#kernel/canonical'
import { type Finding as LogFinding, openSource, parseEntry, SourceError, type Verified, verifyLog } from '#publiclog'
import { type Cost, costHash, costsSet, turnsDone } from './costs.ts'
import { type DraftsNumbers, draftsFaults, filedOnWeb } from './drafts.ts'
import { type Numbers, numbersOf, type OfficeRow, type Row } from './numbers.ts'
import { type Answer, joined, type PeopleNumbers, peopleRows } from './people.ts'
import { Tally } from './tally.ts'

/** `log`: the log does not verify. `hash`: a release is not what the log says. `missing`: a release of the log is not shown. `ahead`: a table counts more than is published. `figure`: one is not what the log gives. */
export type NumbersFinding = {
  readonly kind: 'log' | 'hash' | 'missing' | 'ahead' | 'figure' | 'malformed'
  readonly period: string | null
  /** `services`, `people`, `drafts` or `costs/<office>`; null where the log is meant. */
  readonly set: string | null
  /** The row: scope and id. */
  readonly row: string | null
  readonly detail: string
}

export type VerifiedNumbers = {
  readonly ok: boolean
  readonly origin: string
  readonly size: number
  /** Tables compared, and rows in them. */
  readonly tables: number
  readonly rows: number
  /** Tables of what the log cannot tell (what people said, where they gave up): their figures follow from what is published beside them. */
  readonly fromOpenData: number
  readonly findings: readonly NumbersFinding[]
  readonly notes: readonly string[]
  readonly keyCompared: boolean
}

/** A table as it is published: its bytes, and whether a release is claimed. */
type Published = { readonly set: string; readonly period: string; readonly bytes: Buffer; readonly released: boolean | null }

// A national month is some 10 MB; a table that does not end is refused.
const largestTable = 256 * 2 ** 20
const mostFindings = 100

async function fetched(url: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch((error: unknown) => {
    throw new SourceError(`${url} cannot be read.`, { cause: error })
  })
  if (!answer.ok || !answer.body) throw new SourceError(`${url} answers ${answer.status}.`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body) {
    if ((length += part.length) > largestTable) throw new SourceError(`${url} sends more than ${largestTable} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** What is published: tables, and the months of which costs are shown. */
type Shown = { readonly tables: readonly Published[]; readonly costMonths: readonly string[] }

/** The tables at a portal's `/api/numbers`, or the files `<period>.json` (of the other sets, `people-<period>.json` and `drafts-<period>.json`) of a folder. */
async function publishedAt(where: string, folder: string | undefined): Promise<Shown> {
  if (folder === undefined && /^https?:\/\//i.test(where)) {
    const base = where.replace(/(\/log)?\/*$/, '')
    const listed: unknown = JSON.parse((await fetched(`${base}/api/numbers/periods`)).toString())
    const { tables, costs } = (listed ?? {}) as { tables?: unknown; costs?: unknown }
    if (!Array.isArray(tables)) throw new SourceError(`${base}/api/numbers/periods lists no tables.`)
    const all: Published[] = []
    for (const { set, period, released } of tables as { set: unknown; period: unknown; released: unknown }[]) {
      const query = new URLSearchParams({ set: String(set), period: String(period) })
      all.push({
        set: String(set),
        period: String(period),
        bytes: await fetched(`${base}/api/numbers?${query}`),
        released: released === true,
      })
    }
    return { tables: all, costMonths: Array.isArray(costs) ? costs.filter((m) => typeof m === 'string' && /^\d{4}-\d{2}$/.test(m)) : [] }
  }
  const at = folder ?? join(where, 'numbers')
  const files = await readdir(at).catch(() => {
    throw new SourceError(
      `${at} holds no numbers: save ‹portal›/api/numbers?period=‹month› there as ‹month›.json, or name a folder with --numbers.`,
    )
  })
  const all: Published[] = []
  for (const file of files.sort()) {
    const [, set = 'services', period] = /^(?:(people|drafts)-)?(\d{4}-\d{2})\.json$/.exec(file) ?? []
    if (period) all.push({ set, period, bytes: await readFile(join(at, file)), released: null })
  }
  return { tables: all, costMonths: files.flatMap((file) => /^costs-(\d{4}-\d{2})\.json$/.exec(file)?.[1] ?? []) }
}

/** What offices said they cost in a month: at a portal, or in the file `costs-<period>.json` of a folder. */
async function costsAt(where: string, folder: string | undefined, period: string): Promise<Cost[]> {
  const bytes =
    folder === undefined && /^https?:\/\//i.test(where)
      ? await fetched(`${where.replace(/(\/log)?\/*$/, '')}/api/numbers/costs?period=${period}`)
      : await readFile(join(folder ?? join(where, 'numbers'), `costs-${period}.json`)).catch(() => Buffer.from('{"costs":[]}'))
  try {
    const { costs } = JSON.parse(bytes.toString()) as { costs: Cost[] }
    return costs.filter((c) => typeof c.office === 'string' && c.period === period && Array.isArray(c.declarations))
  } catch {
    return []
  }
}

const isNumbers = (v: unknown): v is Numbers => {
  const n = v as Partial<Numbers> | null
  return (
    typeof n === 'object' &&
    n?.v === 1 &&
    n.set === 'services' &&
    typeof n.period === 'string' &&
    /^\d{4}-\d{2}$/.test(n.period) &&
    Number.isSafeInteger(n.size) &&
    Array.isArray(n.rows) &&
    Array.isArray(n.offices) &&
    typeof n.agencies === 'object' &&
    n.agencies !== null
  )
}

const isPeople = (v: unknown): v is PeopleNumbers => {
  const n = v as Partial<PeopleNumbers> | null
  return (
    typeof n === 'object' &&
    n?.v === 1 &&
    n.set === 'people' &&
    typeof n.period === 'string' &&
    Array.isArray(n.rows) &&
    Array.isArray(n.answers) &&
    n.answers.every(
      (a: unknown) => Array.isArray(a) && a.length === 3 && a.every((x) => typeof x === 'string') && /^[0-5]$/.test(String(a[1])),
    )
  )
}

const isDrafts = (v: unknown): v is DraftsNumbers => {
  const n = v as Partial<DraftsNumbers> | null
  return (
    typeof n === 'object' &&
    n?.v === 1 &&
    n.set === 'drafts' &&
    typeof n.period === 'string' &&
    Number.isSafeInteger(n.size) &&
    Array.isArray(n.rows) &&
    typeof n.agencies === 'object' &&
    n.agencies !== null &&
    n.rows.every((r: unknown) => typeof r === 'object' && r !== null && 'scope' in r && 'id' in r)
  )
}

/**
 * Verifies the log, counts it again and compares every figure with what is published: at a portal, or in a folder (a copy of `/log/`, the tables beside it under `numbers/` or in
 * `numbers`). Which agency a base belongs to is taken from the table itself, since no entry tells it. Throws `SourceError` when there is nothing to compare.
 */
export async function verifyNumbers(
  where: string,
  options: {
    readonly key?: string | undefined
    readonly policy?: string | undefined
    readonly numbers?: string | undefined
    readonly onProgress?: (done: number, size: number) => void
  } = {},
): Promise<VerifiedNumbers> {
  const findings: NumbersFinding[] = []
  const find = (kind: NumbersFinding['kind'], of: Pick<Published, 'set' | 'period'> | null, detail: string, row: string | null = null) => {
    if (findings.length < mostFindings) findings.push({ kind, set: of?.set ?? null, period: of?.period ?? null, row, detail })
  }
  const { tables: published, costMonths } = await publishedAt(where, options.numbers)
  if (published.length === 0) throw new SourceError(`${where} shows no numbers.`)
  const claims: (Published & { numbers: Numbers; sha256: string })[] = []
  const voices: (Published & { numbers: PeopleNumbers; sha256: string })[] = []
  const drafts: (Published & { numbers: DraftsNumbers; sha256: string })[] = []
  for (const p of published) {
    let value: unknown = null
    try {
      value = JSON.parse(p.bytes.toString())
    } catch {
      // Told below.
    }
    const sha256 = createHash('sha256').update(p.bytes).digest('hex')
    if (p.set === 'services' && isNumbers(value) && value.period === p.period) claims.push({ ...p, numbers: value, sha256 })
    else if (p.set === 'people' && isPeople(value) && value.period === p.period) voices.push({ ...p, numbers: value, sha256 })
    else if (p.set === 'drafts' && isDrafts(value) && value.period === p.period) drafts.push({ ...p, numbers: value, sha256 })
    else find('malformed', p, 'This is no table of numbers.')
  }

  const tally = new Tally()
  const releases = new Map<string, string>()
  let rows = 0
  const compare = (size: number) => {
    for (const claim of claims) {
      const { numbers } = claim
      if (numbers.size !== size) continue
      const { period, agencies } = numbers
      const counts = [...tally.counts].filter(([key]) => key.startsWith(`${period} `))
      const ours = numbersOf(period, size, counts, tally.lines, (base) =>
        Object.hasOwn(agencies, base) ? String(agencies[base]) : 'unknown',
      )
      rows += ours.rows.length + ours.offices.length
      differences(ours, numbers, (row, detail) => find('figure', claim, detail, row))
    }
    for (const claim of drafts) {
      const { numbers } = claim
      if (numbers.size !== size) continue
      rows += numbers.rows.length
      for (const { cell, detail } of draftsFaults(numbers, filedOnWeb(numbers.period, tally.counts))) find('figure', claim, detail, cell)
    }
  }
  const sizes = new Set([...claims, ...drafts].map((c) => c.numbers.size))
  compare(0)
  const log: Verified = await verifyLog(await openSource(where), {
    key: options.key,
    policy: options.policy,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    onEntry: ({ index, bytes }) => {
      const entry = parseEntry(bytes)
      if (!('fault' in entry)) {
        tally.read(entry)
        if (entry.type === 'numbers.released') releases.set(`${entry.set} ${entry.period}`, entry.sha256)
      }
      if (sizes.has(index + 1)) compare(index + 1)
    },
  })
  for (const f of log.findings) find('log', null, `The log does not verify (${(f satisfies LogFinding).kind}): ${f.detail}`)
  for (const claim of [...claims, ...drafts])
    if (claim.numbers.size > log.size) find('ahead', claim, `The table counts ${claim.numbers.size} entries; the log has ${log.size}.`)
  for (const claim of voices) {
    const { answers } = claim.numbers
    rows += claim.numbers.rows.length
    if (canonical(peopleRows(answers)) !== canonical(claim.numbers.rows))
      find('figure', claim, 'The figures are not those of the answers published with them.')
    if (canonical(joined(answers as readonly Answer[])) !== canonical(answers))
      find('figure', claim, 'Answers about what fewer than ten spoke of stand by themselves.')
  }
  for (const claim of [...claims, ...voices, ...drafts]) {
    const said = releases.get(`${claim.set} ${claim.period}`)
    if (said !== undefined && said !== claim.sha256)
      find('hash', claim, `The log has the hash ${said} for this release, the table has ${claim.sha256}.`)
    if (said === undefined && claim.released === true) find('hash', claim, 'It is called a release, and the log has no entry of it.')
  }
  const costs = [...releases.keys()].filter((key) => key.startsWith(costsSet('')))
  // What is shown and what the log knows: a month may be in one of them alone.
  const months = new Set([...costMonths, ...costs.map((key) => key.split(' ')[1]!)])
  const done = months.size > 0 ? turnsDone(tally.counts, tally.lines) : new Map<string, number>()
  for (const period of months) {
    const shown = await costsAt(where, options.numbers, period)
    for (const c of shown) {
      const of = { set: costsSet(c.office), period }
      rows++
      if (releases.get(`${of.set} ${period}`) !== costHash(c.office, period, c.declarations))
        find('hash', of, 'What the office is said to have declared is not what the log has the hash of.')
      const turns = done.get(`${c.office} ${period}`) ?? 0
      if (turns !== c.turns) find('figure', of, `The log gives ${turns} turns done, the table ${String(c.turns)}.`)
    }
    for (const key of costs)
      if (key.endsWith(` ${period}`) && !shown.some((c) => `${costsSet(c.office)} ${period}` === key))
        find('missing', { set: key.split(' ')[0]!, period }, 'The log has a declaration of costs, and it is not shown.')
  }
  for (const key of releases.keys()) {
    const [set, period] = key.split(' ') as [string, string]
    // Digests of programs stand in the log beside those of tables.
    if (set.startsWith(costsSet('')) || set.startsWith('signer/')) continue
    if (!published.some((p) => p.set === set && p.period === period))
      find('missing', { set, period }, 'The log has a release of this month, and its table is not shown.')
  }
  return {
    ok: findings.length === 0,
    origin: log.origin,
    size: log.size,
    tables: claims.length + voices.length + drafts.length,
    rows,
    fromOpenData: voices.length + drafts.length,
    findings,
    notes: [
      ...log.notes,
      'Which agency a service belongs to is taken from the tables: no entry of the log tells it.',
      ...(voices.length > 0
        ? ['What people said is recomputed from the answers published with it: the log has only the hash of both.']
        : []),
      ...(months.size > 0
        ? ['What offices cost is what they declared: the log has the hash of it, and the turns beside it are counted from the log.']
        : []),
      ...(drafts.length > 0
        ? ['Where drafts were given up no entry tells: it is open data. What was sent beside it is counted from the log.']
        : []),
    ],
    keyCompared: log.keyCompared,
  }
}

/** Names each row of which the table says something else than the log gives. */
function differences(ours: Numbers, theirs: Numbers, found: (row: string | null, detail: string) => void): void {
  const index = (n: Numbers) => {
    const all = new Map<string, Row | OfficeRow>()
    for (const r of n.rows) all.set(`${r.scope} ${r.id}`, r)
    for (const o of n.offices) all.set(`office ${o.office}`, o)
    return all
  }
  if (canonical(ours) === canonical(theirs)) return
  const [a, b] = [index(ours), index(theirs)]
  let told = 0
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [is, said] = [a.get(name), b.get(name)]
    if (is && said && canonical(is) === canonical(said)) continue
    told++
    if (!said) found(name, `It is left out; the log gives ${canonical(is)}.`)
    else if (!is) found(name, `The table says ${canonical(said)}; the log gives nothing that may be shown.`)
    else found(name, `The table says ${canonical(said)}; the log gives ${canonical(is)}.`)
  }
  if (told === 0) found(null, 'The table has other fields, another order or rows twice.')
}
