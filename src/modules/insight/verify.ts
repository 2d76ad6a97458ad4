/** Whether published numbers are those of the public log: counted again by somebody who trusts nobody. Uses no database. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonical } from '#kernel/canonical'
import { type Finding as LogFinding, openSource, parseEntry, SourceError, type Verified, verifyLog } from '#publiclog'
import { type Numbers, numbersOf, type OfficeRow, type Row } from './numbers.ts'
import { Tally } from './tally.ts'

/** `log`: the log does not verify. `hash`: a release is not what the log says. `missing`: a release of the log is not shown. `ahead`: a table counts more than is published. `figure`: one is not what the log gives. */
export type NumbersFinding = {
  readonly kind: 'log' | 'hash' | 'missing' | 'ahead' | 'figure' | 'malformed'
  readonly period: string | null
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
  readonly findings: readonly NumbersFinding[]
  readonly notes: readonly string[]
  readonly keyCompared: boolean
}

/** A table as it is published: its bytes, and whether a release is claimed. */
type Published = { readonly name: string; readonly bytes: Buffer; readonly released: boolean | null }

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

/** The tables at a portal's `/api/numbers`, or the files `<period>.json` of a folder. */
async function publishedAt(where: string, folder: string | undefined): Promise<Published[]> {
  if (folder === undefined && /^https?:\/\//i.test(where)) {
    const base = where.replace(/(\/log)?\/*$/, '')
    const listed = JSON.parse((await fetched(`${base}/api/numbers/periods`)).toString()) as {
      tables: { set: string; period: string; released: boolean }[]
    }
    const own = listed.tables.filter((t) => t.set === 'services')
    return Promise.all(
      own.map(async ({ period, released }) => ({
        name: period,
        bytes: await fetched(`${base}/api/numbers?period=${encodeURIComponent(period)}`),
        released,
      })),
    )
  }
  const at = folder ?? join(where, 'numbers')
  const files = await readdir(at).catch(() => {
    throw new SourceError(
      `${at} holds no numbers: save ‹portal›/api/numbers?period=‹month› there as ‹month›.json, or name a folder with --numbers.`,
    )
  })
  return Promise.all(
    files
      .filter((f) => f.endsWith('.json'))
      .sort()
      .map(async (f) => ({ name: f.slice(0, -5), bytes: await readFile(join(at, f)), released: null })),
  )
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
  const find = (kind: NumbersFinding['kind'], period: string | null, detail: string, row: string | null = null) => {
    if (findings.length < mostFindings) findings.push({ kind, period, row, detail })
  }
  const published = await publishedAt(where, options.numbers)
  if (published.length === 0) throw new SourceError(`${where} shows no numbers.`)
  const claims: (Published & { numbers: Numbers; sha256: string })[] = []
  for (const p of published) {
    let value: unknown = null
    try {
      value = JSON.parse(p.bytes.toString())
    } catch {
      // Told below.
    }
    if (isNumbers(value)) claims.push({ ...p, numbers: value, sha256: createHash('sha256').update(p.bytes).digest('hex') })
    else find('malformed', p.name, 'This is no table of numbers.')
  }

  const tally = new Tally()
  const releases = new Map<string, string>()
  let rows = 0
  const compare = (size: number) => {
    for (const { numbers } of claims) {
      if (numbers.size !== size) continue
      const { period, agencies } = numbers
      const counts = [...tally.counts].filter(([key]) => key.startsWith(`${period} `))
      const ours = numbersOf(period, size, counts, tally.lines, (base) =>
        Object.hasOwn(agencies, base) ? String(agencies[base]) : 'unknown',
      )
      rows += ours.rows.length + ours.offices.length
      differences(ours, numbers, (row, detail) => find('figure', period, detail, row))
    }
  }
  compare(0)
  const log: Verified = await verifyLog(await openSource(where), {
    key: options.key,
    policy: options.policy,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    onEntry: ({ index, bytes }) => {
      const entry = parseEntry(bytes)
      if (!('fault' in entry)) {
        tally.read(entry)
        if (entry.type === 'numbers.released' && entry.set === 'services') releases.set(entry.period, entry.sha256)
      }
      if (claims.some((c) => c.numbers.size === index + 1)) compare(index + 1)
    },
  })
  for (const f of log.findings) find('log', null, `The log does not verify (${(f satisfies LogFinding).kind}): ${f.detail}`)
  for (const { numbers, sha256, released } of claims) {
    const { period } = numbers
    if (numbers.size > log.size) find('ahead', period, `The table counts ${numbers.size} entries; the log has ${log.size}.`)
    const said = releases.get(period)
    if (said !== undefined && said !== sha256)
      find('hash', period, `The log has the hash ${said} for this release, the table has ${sha256}.`)
    // Just released: its entry may not be published yet.
    if (said === undefined && released === true && numbers.size + 1 < log.size)
      find('hash', period, 'It is called a release, and the log has no entry of it.')
  }
  for (const period of releases.keys())
    if (!claims.some((c) => c.numbers.period === period))
      find('missing', period, 'The log has a release of this month, and its table is not shown.')
  return {
    ok: findings.length === 0,
    origin: log.origin,
    size: log.size,
    tables: claims.length,
    rows,
    findings,
    notes: [...log.notes, 'Which agency a service belongs to is taken from the tables: no entry of the log tells it.'],
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
