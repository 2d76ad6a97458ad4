/** Every SQL statement of this module. Decides nothing. */
import { type Db, queryIn, type Tx } from '#db'

type On = Db | Tx

/** Notes that this case has given its rating; false when it had. */
export async function markGiven(tx: Tx, place: string, caseId: string): Promise<boolean> {
  const rows = await queryIn(tx, 'insert into voice_given (place, case_id) values ($1, $2) on conflict do nothing returning 1', [
    place,
    caseId,
  ])
  return rows.length > 0
}

/** Whether this case has given its rating. */
export async function wasGiven(on: On, place: string, caseId: string): Promise<boolean> {
  return (await queryIn(on, 'select 1 from voice_given where place = $1 and case_id = $2', [place, caseId])).length > 0
}

export async function addRating(tx: Tx, r: { readonly id: string; readonly month: string; readonly box: Buffer }): Promise<void> {
  await queryIn(tx, 'insert into voice_rating (id, month, box) values ($1, $2, $3)', [r.id, r.month, r.box])
}

/** The boxes of a month, in the order of their random ids. */
export async function boxesOf(on: On, month: string): Promise<Buffer[]> {
  return (await queryIn<{ box: Buffer }>(on, 'select box from voice_rating where month = $1 order by id', [month])).map((r) => r.box)
}

/** The months of which there are boxes, earliest first. */
export async function months(on: On): Promise<string[]> {
  return (await queryIn<{ month: string }>(on, 'select distinct month from voice_rating order by month', [])).map((r) => r.month)
}

/** Forgets a month's boxes. */
export async function forget(tx: Tx, month: string): Promise<void> {
  await queryIn(tx, 'delete from voice_rating where month = $1', [month])
}
