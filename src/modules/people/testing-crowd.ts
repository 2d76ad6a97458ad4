/** People by the thousand, for benches: identified, with a confirmed contact, and with a session begun now. No statement for each. */
import { type Db, queryIn } from '#db'
import { type PersonId, randomId, uuidv7 } from '#kernel/id'
import { hashToken } from './secrets.ts'

/** One of the crowd. */
export type Prepared = { readonly person: PersonId; readonly identity: string }
/** What a signed-in browser holds: its cookie's value, and the session's public name, to which forms are bound. */
export type PreparedSession = { readonly token: string; readonly session: string }

/** Makes `count` people. Their numbers have the shape of a CURP and belong to nobody; no two crowds with different `first` share one. */
export async function prepareCrowd(db: Db, count: number, first: number, now: Date): Promise<Prepared[]> {
  const all = Array.from({ length: count }, (_, i) => {
    const n = first + i
    return {
      person: uuidv7(now.getTime()) as PersonId,
      identity: `XXXX000101HDF${String(n).padStart(9, '0')}`,
      email: `p${n}@bench.invalid`,
    }
  })
  const ids = all.map((p) => p.person)
  await db.tx(async (tx) => {
    await queryIn(
      tx,
      `insert into people_person (id, name, language, created_at) select id, 'Persona De Prueba', 'es', $2 from unnest($1::uuid[]) as t (id)`,
      [ids, now],
    )
    await queryIn(
      tx,
      `insert into people_identity (person, kind, value, set_at, shown_at) select person, 'curp', value, $3, $3 from unnest($1::uuid[], $2::text[]) as t (person, value)`,
      [ids, all.map((p) => p.identity), now],
    )
    await queryIn(
      tx,
      `insert into people_contact (id, person, email, confirmed_at, created_at) select gen_random_uuid(), person, email, $3, $3 from unnest($1::uuid[], $2::text[]) as t (person, email)`,
      [ids, all.map((p) => p.email), now],
    )
  })
  return all
}

/** Signs people in, as by an e-mailed code a moment ago. */
export async function prepareSessions(db: Db, people: readonly PersonId[], now: Date): Promise<PreparedSession[]> {
  const all = people.map(() => ({ token: randomId(32), session: randomId() }))
  await queryIn(
    db,
    `insert into people_session (token_hash, id, person, way, device, started_at, seen_at, ends_at)
      select decode(hash, 'hex'), id, person, 'email', 'computer', $4, $4, $5 from unnest($1::text[], $2::text[], $3::uuid[]) as t (hash, id, person)`,
    [all.map((s) => hashToken(s.token).toString('hex')), all.map((s) => s.session), people, now, new Date(now.getTime() + 12 * 3_600_000)],
  )
  return all
}

/** Stores people who do nothing, and twice as many uses of somebody's data: what a portal of many years holds beside those who come. */
export async function preparePast(db: Db, count: number, now: Date): Promise<void> {
  await queryIn(
    db,
    `with made as (
        insert into people_person (id, name, language, created_at) select gen_random_uuid(), 'Persona De Antes', 'es', $2 from generate_series(1, $1::integer) returning id)
      insert into people_identity (person, kind, value, set_at) select id, 'curp', 'YYYY' || upper(left(md5(id::text), 14)), $2 from made on conflict do nothing`,
    [count, now],
  )
  await queryIn(
    db,
    `insert into people_use (subject, id, at, actor, office, case_reference, key_id, purpose)
      select gen_random_uuid(), gen_random_uuid(), $2, gen_random_uuid(), null, 'P' || n, gen_random_uuid()::text, 'file' from generate_series(1, 2 * $1::integer) n`,
    [count, now],
  )
}
