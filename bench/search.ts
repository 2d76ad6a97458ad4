/**
 * `bench search`: what people type, over HTTP, by one client after another's answer, in the full catalogue; against PostgreSQL's bare full-text query on
 * 25,000 documents of the same services, the same words in the same order over one connection. PostgreSQL neither mends a slip nor knows a place.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '#db'
import { projectFolder } from '../src/folder.ts'
import {
  type Bench,
  type BenchResult,
  type Extent,
  freePort,
  fullExtent,
  inFolder,
  isMeasurement,
  type Loaded,
  load,
  median,
  ratioOf,
  startSystem,
} from './bench.ts'

const documents = 25_000
const queries = 10_000
/** To see that it runs, for each second asked for. */
const fewQueries = 500
const mostP99Ms = 20
const seed = 20_261_126

type Query = { readonly q: string; readonly place?: string }
type Row = Query & { readonly expect: string }
type Town = { readonly code: string; readonly name: string }
type Base = { readonly id: string; readonly text: Readonly<Record<string, string>> }

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const port = await freePort()
    progress('Starting the system with an empty database, and a PostgreSQL with the documents.')
    const system = await startSystem(join(folder, 'system'), port, { profile: extent.profile })
    try {
      const postgres = await startPostgres(join(folder, 'documents'), { info() {}, warn() {} })
      const client = new pg.Client(postgres.url)
      try {
        await client.connect()
        return await measure({ folder, port, client, extent, progress })
      } finally {
        await client.end().catch(() => {})
        await postgres.stop()
      }
    } finally {
      await system.stop()
    }
  })

async function measure(at: {
  folder: string
  port: number
  client: pg.Client
  extent: Extent
  progress: (words: string) => void
}): Promise<BenchResult> {
  const { folder, port, client, extent, progress } = at
  const bases = await readBases()
  const towns = await readTowns()
  const table = JSON.parse(await readFile(join(projectFolder, 'test/catalogue/search-queries.json'), 'utf8')) as Row[]
  await store(client, bases, towns)
  const count = extent.seconds >= fullExtent.seconds ? queries : fewQueries * extent.seconds
  const typed = mixed(bases, towns, table, count)
  const requests = join(folder, 'requests')
  await writeFile(
    requests,
    typed.map((t) => JSON.stringify(`GET ${path(t)} HTTP/1.1\r\nhost: localhost:${port}\r\naccept: application/json\r\n\r\n`)).join('\n'),
  )
  const nameOf = new Map(towns.map((t) => [t.code, t.name]))
  // A place beside the words is, for the reference, one more word.
  const said = typed.map((t) => (t.place === undefined ? t.q : `${t.q} ${nameOf.get(t.place)}`))

  const measured = { search: [] as number[], postgres: [] as number[] }
  const p50: number[] = []
  const p99: number[] = []
  const referenceP99: number[] = []
  let nothing = 0
  // The first round warms both up and is not counted.
  for (let round = 0; round <= extent.rounds; round++) {
    const reference = await ask(client, said)
    const subject = await load({ port, connections: 1, status: 200, requests })
    if (Object.keys(subject.wrong).length > 0) throw new Error(`Answers that were not expected: ${JSON.stringify(subject.wrong)}`)
    if (round > 0) {
      measured.postgres.push(Math.round(reference.perSecond))
      measured.search.push(Math.round(subject.perSecond))
      p50.push(subject.p50)
      p99.push(subject.p99)
      referenceP99.push(reference.p99)
      nothing = reference.nothing
    }
    progress(
      `round ${round}: search ${Math.round(subject.perSecond)}/s, p99 ${subject.p99} ms; PostgreSQL ${Math.round(reference.perSecond)}/s, p99 ${reference.p99} ms${round ? '' : ' (not counted)'}`,
    )
  }
  const known = new Set(bases.map((b) => b.id))
  const counted = table.filter((row) => known.has(row.expect))
  let hits = 0
  for (const row of counted) if ((await firstThree(port, row)).includes(row.expect)) hits++
  const value = median(measured.search)
  const reference = median(measured.postgres)
  const ratio = ratioOf(value, reference)
  return {
    bench: 'search',
    value,
    unit: 'queries/s',
    better: 'higher',
    reference,
    ratio,
    reach: `p99 under ${mostP99Ms} ms, ratio >= 1, and 95 of 100 of the table's queries hit`,
    ok: median(p99) < mostP99Ms && ratio >= 1 && hits >= counted.length * 0.95,
    more: {
      measurement: isMeasurement(extent),
      services: ((await (await fetch(`http://127.0.0.1:${port}/api/catalogue`)).json()) as { services: number }).services,
      documents,
      queries: count,
      seed,
      p50Ms: median(p50),
      p99Ms: median(p99),
      table: { hits, of: counted.length },
      referenceP99Ms: median(referenceP99),
      referenceFoundNothing: nothing,
      rounds: measured,
    },
  }
}

const path = ({ q, place }: Query, limit = 10) =>
  `/api/services?${new URLSearchParams({ q, ...(place === undefined ? {} : { place }), limit: String(limit) })}`

async function firstThree(port: number, row: Query): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path(row, 3)}`)
  const { items } = (await answer.json()) as { items: { base: string }[] }
  return items.map((i) => i.base)
}

async function readBases(): Promise<Base[]> {
  const services = join(projectFolder, 'services')
  const all = (await readdir(services, { recursive: true })).filter((f) => f.endsWith('/text.es.json')).sort()
  return Promise.all(
    all.map(async (file) => ({
      id: file.slice(0, -'/text.es.json'.length),
      text: JSON.parse(await readFile(join(services, file), 'utf8')) as Record<string, string>,
    })),
  )
}

async function readTowns(): Promise<Town[]> {
  const rows = (await readFile(join(projectFolder, 'reference/municipalities.csv'), 'utf8')).trimEnd().split('\n').slice(1)
  return rows.map((row) => ({ code: row.slice(0, 5), name: row.slice(6).replace(/^"/, '').split(/[",]/)[0]! }))
}

/** One document for each service: its name, its words and where it is. Municipal services of as many towns as make up the number. */
async function store(client: pg.Client, bases: readonly Base[], towns: readonly Town[]): Promise<void> {
  await client.query(`
    create extension unaccent;
    create text search configuration bench_es (copy = spanish);
    alter text search configuration bench_es alter mapping for hword, hword_part, word with unaccent, spanish_stem;
    create table document (id text primary key, words tsvector not null)`)
  const states = [...new Map(towns.map((t) => [t.code.slice(0, 2), t.name]))]
  const rows: [id: string, words: string][] = []
  const add = ({ id, text }: Base, code: string | null, name: string) =>
    rows.push([code === null ? id : `${id}@${code}`, [text.name, text.search, text.summary, text.result, text.document, name].join(' ')])
  for (const base of bases)
    if (base.id.startsWith('federal/')) add(base, null, '')
    else if (base.id.startsWith('state/')) for (const [code, name] of states) add(base, code, name)
  const municipal = bases.filter((b) => b.id.startsWith('municipal/'))
  for (const { code, name } of towns) for (const base of municipal) if (rows.length < documents) add(base, code, name)
  if (rows.length < documents) throw new Error(`There are only ${rows.length} services.`)
  for (let i = 0; i < rows.length; i += 1000) {
    const part = rows.slice(i, i + 1000)
    await client.query(
      "insert into document select id, to_tsvector('bench_es', words) from unnest($1::text[], $2::text[]) as t (id, words)",
      [part.map(([id]) => id), part.map(([, words]) => words)],
    )
  }
  await client.query('create index on document using gin (words)')
  await client.query('vacuum analyze document')
}

/** The reference: the query as PostgreSQL's manual has it, prepared once. */
async function ask(client: pg.Client, said: readonly string[]): Promise<Pick<Loaded, 'perSecond' | 'p99'> & { nothing: number }> {
  const took = new Float64Array(said.length)
  let nothing = 0
  const start = performance.now()
  for (const [i, words] of said.entries()) {
    const from = performance.now()
    const { rowCount } = await client.query({
      name: 'search',
      text: `select id from document, websearch_to_tsquery('bench_es', $1) as query where words @@ query order by ts_rank(words, query) desc limit 10`,
      values: [words],
    })
    took[i] = performance.now() - from
    if (rowCount === 0) nothing++
  }
  const seconds = (performance.now() - start) / 1000
  return { perSecond: said.length / seconds, p99: Number(took.sort()[Math.floor(said.length * 0.99)]!.toFixed(2)), nothing }
}

/**
 * What is asked: the table, and beside it the names of services and what their authors say people type; three in ten with a place, three in ten with
 * a slip of spelling, some in words around it. The same for the same services.
 */
function mixed(bases: readonly Base[], towns: readonly Town[], table: readonly Query[], count: number): Query[] {
  const random = seeded(seed)
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const around = ['quiero ', 'como saco ', 'necesito ', 'donde tramito ', 'requisitos para ']
  const all: Query[] = [...table]
  while (all.length < count) {
    const { text } = one(bases)
    const phrases = [text.name!, ...(text.search ?? '').split(',')].map((p) => p.trim().toLowerCase()).filter((p) => p !== '')
    let q = one(phrases)
    if (random() < 0.3) q = one(around) + q
    if (random() < 0.3) q = slip(q, random)
    const where = random()
    if (where < 0.2) q += ` en ${one(towns).name.toLowerCase()}`
    all.push(where >= 0.2 && where < 0.3 ? { q, place: one(towns).code } : { q })
  }
  // Mixed, so that a part of it is like the whole.
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all.slice(0, count)
}

/** One letter left out, doubled, exchanged with the next, or another one in its place. */
function slip(words: string, random: () => number): string {
  const at = 1 + Math.floor(random() * Math.max(1, words.length - 2))
  const [before, letter, after] = [words.slice(0, at), words[at] ?? '', words.slice(at + 1)]
  const kind = Math.floor(random() * 4)
  if (kind === 0) return before + after
  if (kind === 1) return before + letter + letter + after
  if (kind === 2) return before + (after[0] ?? '') + letter + after.slice(1)
  return before + 'abcdefghijlmnopqrstuvyz'[Math.floor(random() * 23)] + after
}

/** A generator of numbers in [0, 1) that gives the same for the same seed (mulberry32). */
function seeded(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
