/** Every SQL statement of this module. Decides nothing. */
import { type Db, queryIn, type Tx } from '#db'
import type { Cost, Declaration } from './costs.ts'
import { countOfKey, keyOf, type LineFacts, type NewTurn, type OpenCase, type Tally } from './tally.ts'

type On = Db | Tx

/** How many entries of the log were counted. */
export async function counted(on: On): Promise<number> {
  const [row] = await queryIn<{ next: string }>(on, 'select next from insight_state', [])
  return Number(row!.next)
}

/** The same, held until the transaction ends: one process counts at a time. */
export async function lockCounted(tx: Tx): Promise<number> {
  const [row] = await queryIn<{ next: string }>(tx, 'select next from insight_state for update', [])
  return Number(row!.next)
}

/** What the tally must remember of these cases, turns and lines. */
export async function recall(
  on: On,
  ids: { readonly cases: readonly string[]; readonly turns: readonly string[]; readonly lines: readonly string[] },
): Promise<{ cases: Map<string, OpenCase>; turns: Map<string, NewTurn>; lines: Map<string, LineFacts> }> {
  const of = <R>(text: string, all: readonly string[]) => (all.length === 0 ? [] : queryIn<R>(on, text, [all]))
  const cases = await of<OpenCase & { id: string }>('select id, service, at from insight_case where id = any($1)', ids.cases)
  const turns = await of<NewTurn & { id: string }>('select id, line, at from insight_turn where id = any($1)', ids.turns)
  const lines = await of<LineRow>('select id, office, covers, on_duty from insight_line where id = any($1)', ids.lines)
  return {
    cases: new Map(cases.map(({ id, service, at }) => [id, { service, at }])),
    turns: new Map(turns.map(({ id, line, at }) => [id, { line, at }])),
    lines: new Map(lines.map(factsOf)),
  }
}
type LineRow = { id: string; office: string; covers: string[]; on_duty: Record<string, string> }
const factsOf = (r: LineRow): [string, LineFacts] => [r.id, { office: r.office, covers: r.covers, onDuty: r.on_duty }]

/** Adds what was counted, keeps what must be remembered and forgets the rest of `before`, and notes how far the log was read. */
export async function keep(
  tx: Tx,
  tally: Tally,
  before: { readonly cases: readonly string[]; readonly turns: readonly string[] },
  next: number,
): Promise<void> {
  // In one order, so that two processes could not wait for each other.
  const counts = [...tally.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, n]) => ({ ...countOfKey(key), n }))
  if (counts.length > 0)
    await queryIn(
      tx,
      `insert into insight_count as c (id, about, month, measure, bucket, n)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
        on conflict (id, about, month, measure, bucket) do update set n = c.n + excluded.n`,
      [
        counts.map((c) => c.id),
        counts.map((c) => c.about),
        counts.map((c) => c.month),
        counts.map((c) => c.measure),
        counts.map((c) => c.bucket),
        counts.map((c) => c.n),
      ],
    )
  await queryIn(tx, 'delete from insight_case where id = any($1)', [before.cases.filter((id) => !tally.cases.has(id))])
  await queryIn(tx, 'delete from insight_turn where id = any($1)', [before.turns.filter((id) => !tally.turns.has(id))])
  await queryIn(
    tx,
    `insert into insight_case (id, service, at) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict (id) do nothing`,
    [[...tally.cases.keys()], [...tally.cases.values()].map((c) => c.service), [...tally.cases.values()].map((c) => c.at)],
  )
  await queryIn(
    tx,
    `insert into insight_turn (id, line, at) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict (id) do nothing`,
    [[...tally.turns.keys()], [...tally.turns.values()].map((t) => t.line), [...tally.turns.values()].map((t) => t.at)],
  )
  for (const [id, line] of tally.lines)
    await queryIn(
      tx,
      `insert into insight_line (id, office, covers, on_duty) values ($1, $2, $3, $4)
        on conflict (id) do update set covers = excluded.covers, on_duty = excluded.on_duty`,
      [id, line.office, line.covers, JSON.stringify(line.onDuty)],
    )
  await queryIn(tx, 'update insight_state set next = $1', [next])
}

/** All counts of a month, as `Tally` keys them. */
export async function countsOf(on: On, month: string): Promise<[key: string, n: number][]> {
  const rows = await queryIn<{ id: string; about: 'service' | 'line'; measure: string; bucket: string; n: string }>(
    on,
    'select id, about, measure, bucket, n from insight_count where month = $1',
    [month],
  )
  return rows.map((r) => [keyOf({ month, about: r.about, id: r.id, measure: r.measure as 'filed', bucket: r.bucket }), Number(r.n)])
}

/** Every line there ever was. */
export async function linesOf(on: On): Promise<Map<string, LineFacts>> {
  return new Map((await queryIn<LineRow>(on, 'select id, office, covers, on_duty from insight_line', [])).map(factsOf))
}

/** The months in which something was counted and whose table is not released, earliest first. */
export async function unreleased(on: On): Promise<string[]> {
  const rows = await queryIn<{ month: string }>(
    on,
    `select distinct month from insight_count c
      where not exists (select from insight_table t where t.set_name = 'services' and t.period = c.month and t.released_at is not null) order by month`,
    [],
  )
  return rows.map((r) => r.month)
}

/** One published table. `content` is gzip. */
export type StoredTable = {
  readonly set: string
  readonly period: string
  readonly size: number
  readonly sha256: string
  readonly content: Buffer
  readonly releasedAt: Date | null
}

/** Writes a table in the place of the one before, unless that is released: then nothing changes and it says false. */
export async function saveTable(tx: Tx, t: StoredTable): Promise<boolean> {
  const rows = await queryIn(
    tx,
    `insert into insight_table as t (set_name, period, size, sha256, content, released_at) values ($1, $2, $3, $4, $5, $6)
      on conflict (set_name, period) do update set size = excluded.size, sha256 = excluded.sha256, content = excluded.content, released_at = excluded.released_at
      where t.released_at is null returning 1`,
    [t.set, t.period, t.size, t.sha256, t.content, t.releasedAt],
  )
  return rows.length > 0
}

/** Keeps the rows of a released table one by one. */
export async function saveRows(
  tx: Tx,
  period: string,
  rows: readonly { readonly scope: string; readonly id: string; readonly data: object }[],
): Promise<void> {
  await queryIn(
    tx,
    `insert into insight_row (id, scope, period, data) select u.id, u.scope, $1, u.data::jsonb from unnest($2::text[], $3::text[], $4::text[]) as u (id, scope, data)
      on conflict do nothing`,
    [period, rows.map((r) => r.id), rows.map((r) => r.scope), rows.map((r) => JSON.stringify(r.data))],
  )
}

/** The table of a period; of the newest one where none is named. */
export async function tableOf(on: On, set: string, period: string | null): Promise<StoredTable | null> {
  const [row] = await queryIn<Omit<StoredTable, 'size'> & { size: string }>(
    on,
    `select set_name as set, period, size, sha256, content, released_at as "releasedAt" from insight_table
      where set_name = $1 and ($2::text is null or period = $2) order by period desc limit 1`,
    [set, period],
  )
  return row ? { ...row, size: Number(row.size) } : null
}

/** What tables there are, newest first. */
export async function tables(on: On): Promise<Omit<StoredTable, 'content'>[]> {
  const rows = await queryIn<Omit<StoredTable, 'size' | 'content'> & { size: string }>(
    on,
    'select set_name as set, period, size, sha256, released_at as "releasedAt" from insight_table order by period desc, set_name',
    [],
  )
  return rows.map((r) => ({ ...r, size: Number(r.size) }))
}
/** One thing's released rows, the newest first. */
export async function series(on: On, scope: string, id: string, most: number): Promise<{ period: string; data: object }[]> {
  return queryIn(on, 'select period, data from insight_row where id = $1 and scope = $2 order by period desc limit $3', [id, scope, most])
}

/** What an office declared for a month, held until commit: nothing where it is the first time. */
export async function lockCost(tx: Tx, office: string, period: string): Promise<Declaration[]> {
  await queryIn(tx, `insert into insight_cost (office, period, declarations) values ($1, $2, '[]') on conflict do nothing`, [
    office,
    period,
  ])
  const [row] = await queryIn<{ declarations: Declaration[] }>(
    tx,
    'select declarations from insight_cost where office = $1 and period = $2 for update',
    [office, period],
  )
  return row!.declarations
}

/** Writes all that an office declared for a month; `lockCost` comes first. */
export async function saveCost(tx: Tx, office: string, period: string, declarations: readonly Declaration[]): Promise<void> {
  await queryIn(tx, 'update insight_cost set declarations = $3 where office = $1 and period = $2', [
    office,
    period,
    JSON.stringify(declarations),
  ])
}

/** What was declared, beside the turns done at the office in that month. */
const costRow = `k.office, k.period, k.declarations,
    (select coalesce(sum(c.n), 0) from insight_line l join insight_count c on c.id = l.id and c.about = 'line' and c.month = k.period and c.measure = 'finished' and c.bucket = 'done'
      where l.office = k.office) as turns
  from insight_cost k`
const toCost = (r: Omit<Cost, 'turns'> & { turns: string }): Cost => ({ ...r, turns: Number(r.turns) })

/** What all offices declared for a month. */
export async function costsIn(on: On, period: string): Promise<Cost[]> {
  return (await queryIn<Parameters<typeof toCost>[0]>(on, `select ${costRow} where k.period = $1 order by k.office`, [period])).map(toCost)
}

/** What an office declared, the newest months first. */
export async function costsOf(on: On, office: string, most: number): Promise<Cost[]> {
  const text = `select ${costRow} where k.office = $1 order by k.period desc limit $2`
  return (await queryIn<Parameters<typeof toCost>[0]>(on, text, [office, most])).map(toCost)
}

/** The months for which any office declared something, the newest first. */
export async function costMonths(on: On): Promise<string[]> {
  return (await queryIn<{ period: string }>(on, 'select distinct period from insight_cost order by period desc', [])).map((r) => r.period)
}
