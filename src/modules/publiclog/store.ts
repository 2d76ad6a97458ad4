import type { Kysely } from 'kysely'
import { type Db, queryIn, type Tables, type Tx } from '#db'

/** Every SQL statement of the public log. `bigint` columns become numbers here: sizes stay below 2^53. */
export type On = Db | Tx | Kysely<Tables>

// Held by the one sequencer on its own connection. Any number will do, always the same one.
const sequencerLock = 7_303_014_410

/** Entries that one taking moves at most. 4,096 entries of the largest size are 256 MB: below what PostgreSQL holds in one value. */
export const batchSize = 4096

/** Stores entries to be sequenced after commit and gives their ids, rising in the order of `entries`. One statement, whatever their number. */
export async function addPending(on: On, entries: readonly Buffer[]): Promise<bigint[]> {
  if (entries.length === 0) return []
  // All bytes in one binary value, cut by the server: the driver would send an array of them as escaped text.
  const ends: number[] = []
  let end = 0
  for (const entry of entries) ends.push((end += entry.length))
  const rows = await queryIn<{ id: string }>(
    on,
    `insert into publiclog_pending (bytes)
     select substring($1::bytea from (b.upto - b.length + 1) for b.length)
     from unnest($2::int[], $3::int[]) with ordinality as b(upto, length, place) order by b.place
     returning id`,
    [Buffer.concat(entries), ends, entries.map((e) => e.length)],
    'publiclog-append',
  )
  const ids = rows.map((r) => BigInt(r.id))
  // The order within a line rests on this, so it is checked and not believed.
  if (ids.length !== entries.length || ids.some((id, i) => i > 0 && id <= ids[i - 1]!))
    throw new Error('The ids of the entries do not rise.')
  return ids
}

/** The head row. */
export type Head = { origin: string | null; indexed: number; size: number; root: Buffer | null; note: string | null }

/** Reads the head; with `lock` nobody else changes it until the transaction ends. */
export async function readHead(on: On, lock = false): Promise<Head> {
  const [row] = await queryIn<{ origin: string | null; indexed: string; size: string; root: Buffer | null; note: string | null }>(
    on,
    `select origin, indexed, size, root, note from publiclog_head${lock ? ' for update' : ''}`,
  )
  if (!row) throw new Error('publiclog_head has lost its row.')
  return { ...row, indexed: Number(row.indexed), size: Number(row.size) }
}

/** Sets the origin of a log that has none. */
export async function setOrigin(on: On, origin: string): Promise<void> {
  await queryIn(on, 'update publiclog_head set origin = $1 where origin is null', [origin])
}

/**
 * Gives up to 4,096 pending entries that are committed their indexes, from `indexed` on, in the order of their ids. Returns how many. Call it with the head
 * locked. One statement, so one snapshot: what README.md says of the order within a line rests on that.
 */
export async function takePending(on: On, indexed: number): Promise<number> {
  const [row] = await queryIn<{ count: number }>(
    on,
    `with taken as (
       delete from publiclog_pending
       where id = any(array(select id from publiclog_pending order by id limit ${batchSize}))
       returning id, bytes
     ), batch as (
       insert into publiclog_batch (first, count, span, ids, entries)
       select $1::bigint, count(*), int8range(min(id), max(id), '[]'), array_agg(id),
              string_agg(substring(int4send(octet_length(bytes)) from 3) || bytes, ''::bytea)
       -- Sorted once for both aggregates, which take their rows in this order.
       from (select id, bytes from taken order by id) as sorted having count(*) > 0
       returning count
     )
     update publiclog_head set indexed = indexed + batch.count from batch where indexed = $1 returning batch.count`,
    [indexed],
    'publiclog-take',
  )
  return row?.count ?? 0
}

/** The batch that begins at `first`: its entries as a bundle. */
export async function readBatch(on: On, first: number): Promise<{ count: number; entries: Buffer } | null> {
  const [row] = await queryIn<{ count: number; entries: Buffer }>(
    on,
    'select count, entries from publiclog_batch where first = $1',
    [first],
    'publiclog-batch',
  )
  return row ?? null
}

/** Adds a batch of entries whose indexes are known already, taking those with an id out of the pending. Call it with the head locked. */
export async function addBatch(on: On, first: number, ids: readonly bigint[], entries: Buffer): Promise<void> {
  await queryIn(on, 'delete from publiclog_pending where id = any($1::bigint[])', [ids])
  await queryIn(
    on,
    `insert into publiclog_batch (first, count, span, ids, entries)
     select $1, cardinality($2::bigint[]), int8range(min(id), max(id), '[]'), $2::bigint[], $3 from unnest($2::bigint[]) as t(id)`,
    [first, ids, entries],
  )
  await queryIn(on, 'update publiclog_head set indexed = $1::bigint + $2 where indexed = $1', [first, ids.length])
}

/** New ids, for entries that were never pending here. */
export async function newIds(on: On, count: number): Promise<bigint[]> {
  const rows = await queryIn<{ id: string }>(
    on,
    `select nextval(pg_get_serial_sequence('publiclog_pending', 'id')) as id from generate_series(1, $1)`,
    [count],
  )
  return rows.map((r) => BigInt(r.id))
}

/** Every pending entry: used by recovery, when there are few. */
export async function allPending(on: On): Promise<{ id: bigint; bytes: Buffer }[]> {
  const rows = await queryIn<{ id: string; bytes: Buffer }>(on, 'select id, bytes from publiclog_pending order by id')
  return rows.map((r) => ({ id: BigInt(r.id), bytes: r.bytes }))
}

/** Stores a signed head when the one it follows is still there. False when it is not: then nothing was stored. */
export async function advanceHead(on: On, from: number, to: { size: number; root: Buffer; note: string }): Promise<boolean> {
  const rows = await queryIn(
    on,
    'update publiclog_head set size = $2, root = $3, note = $4 where size = $1 and indexed >= $2 and (note is null or $2 > $1) returning 1',
    [from, to.size, to.root, to.note],
  )
  return rows.length === 1
}

/** Sets the head to one that was published before. For recovery, with the head locked. */
export async function takeHead(on: On, head: { size: number; root: Buffer; note: string }): Promise<void> {
  await queryIn(on, 'update publiclog_head set size = $1, root = $2, note = $3', [head.size, head.root, head.note])
}

/** Adds witnesses' lines to the note of a size, when it is still the newest. */
export async function replaceNote(on: On, size: number, note: string): Promise<void> {
  await queryIn(on, 'update publiclog_head set note = $2 where size = $1', [size, note])
}

/** The index of an entry, or null while it has none. */
export async function placeOf(on: On, id: bigint): Promise<number | null> {
  const [row] = await queryIn<{ index: string }>(
    on,
    'select first + array_position(ids, $1::bigint) - 1 as index from publiclog_batch where span @> $1::bigint and $1::bigint = any(ids)',
    [id],
    'publiclog-place',
  )
  return row ? Number(row.index) : null
}

/** The bytes of a committed entry while it is pending, or of its batch once it has an index. */
export async function bytesOf(on: On, id: bigint): Promise<Buffer | { batch: Buffer; place: number } | null> {
  const [pending] = await queryIn<{ bytes: Buffer }>(on, 'select bytes from publiclog_pending where id = $1', [id])
  if (pending) return pending.bytes
  const [row] = await queryIn<{ entries: Buffer; place: number }>(
    on,
    'select entries, array_position(ids, $1::bigint) - 1 as place from publiclog_batch where span @> $1::bigint and $1::bigint = any(ids)',
    [id],
  )
  return row ? { batch: row.entries, place: row.place } : null
}

/** Whether a committed entry waits for its index. */
export async function anyPending(on: On): Promise<boolean> {
  return (await queryIn(on, 'select id from publiclog_pending order by id limit 1', [], 'publiclog-any')).length > 0
}

/** How many entries wait for an index. */
export async function countPending(on: On): Promise<number> {
  const [row] = await queryIn<{ count: number }>(on, 'select count(*)::int as count from publiclog_pending')
  return row!.count
}

/** Takes the sequencer's lock for this session, if nobody has it. */
export async function tryLock(on: On): Promise<boolean> {
  const [row] = await queryIn<{ got: boolean }>(on, 'select pg_try_advisory_lock($1) as got', [sequencerLock])
  return row!.got
}

/** Gives the lock back. */
export async function unlock(on: On): Promise<void> {
  await queryIn(on, 'select pg_advisory_unlock($1)', [sequencerLock])
}

/** What we cosigned last for a log, locked until the transaction ends; null when nothing yet. */
export async function lockWitnessed(on: On, origin: string): Promise<{ size: number; root: Buffer } | null> {
  // The first time there is no row to lock, so the name is.
  await queryIn(on, 'select pg_advisory_xact_lock(hashtextextended($1, 7303014))', [origin])
  const [row] = await queryIn<{ size: string; root: Buffer }>(on, 'select size, root from publiclog_witnessed where origin = $1', [origin])
  return row ? { size: Number(row.size), root: row.root } : null
}

/** Records what is being cosigned. */
export async function saveWitnessed(on: On, seen: { origin: string; size: number; root: Buffer; note: string; at: Date }): Promise<void> {
  await queryIn(
    on,
    `insert into publiclog_witnessed (origin, size, root, note, at) values ($1, $2, $3, $4, $5)
     on conflict (origin) do update set size = $2, root = $3, note = $4, at = $5`,
    [seen.origin, seen.size, seen.root, seen.note, seen.at],
  )
}
