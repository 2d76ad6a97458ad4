/** Every SQL statement of the catalogue. Decides nothing. */
import { type Db, queryIn, type Tx } from '#db'

type On = Db | Tx

/** One line of what is published from when; `place` is `''` for the base itself. */
export type PublishedRow = {
  readonly base: string
  readonly place: string
  readonly from: string
  readonly definition: string | null
  readonly adoption: string | null
}

/** The version that processes compare, and the folder last loaded. */
export async function readState(on: On): Promise<{ version: number; folder: string | null }> {
  const [row] = await queryIn<{ version: string; folder: string | null }>(
    on,
    'select version, folder from catalogue_state',
    [],
    'catalogue-state',
  )
  return { version: Number(row!.version), folder: row!.folder }
}

/** The same, held until the transaction ends: one loader at a time. */
export async function lockState(tx: Tx): Promise<{ folder: string | null }> {
  const [row] = await queryIn<{ folder: string | null }>(tx, 'select folder from catalogue_state for update', [])
  return row!
}

/** Everybody loads anew after this. */
export async function setState(tx: Tx, folder: string): Promise<void> {
  await queryIn(tx, 'update catalogue_state set version = version + 1, folder = $1', [folder])
}

/** All that is published, oldest first. */
export async function published(on: On): Promise<PublishedRow[]> {
  return queryIn<PublishedRow>(
    on,
    'select base, place, from_date as "from", definition_hash as definition, adoption_hash as adoption from catalogue_published order by n',
    [],
  )
}

export async function definitions(on: On, hashes: readonly string[]): Promise<Map<string, string>> {
  const rows = await queryIn<{ hash: string; content: string }>(on, 'select hash, content from catalogue_definition where hash = any($1)', [
    hashes,
  ])
  return new Map(rows.map((r) => [r.hash, r.content]))
}

export async function adoptions(on: On, hashes: readonly string[]): Promise<Map<string, string>> {
  const rows = await queryIn<{ hash: string; content: string }>(on, 'select hash, content from catalogue_adoption where hash = any($1)', [
    hashes,
  ])
  return new Map(rows.map((r) => [r.hash, r.content]))
}

export async function addDefinition(tx: Tx, hash: string, base: string, content: string): Promise<void> {
  await queryIn(tx, 'insert into catalogue_definition (hash, base, content) values ($1, $2, $3) on conflict do nothing', [
    hash,
    base,
    content,
  ])
}

export async function addAdoption(tx: Tx, hash: string, content: string): Promise<void> {
  await queryIn(tx, 'insert into catalogue_adoption (hash, content) values ($1, $2) on conflict do nothing', [hash, content])
}

export async function addVersion(tx: Tx, hash: string, definition: string, adoption: string | null): Promise<void> {
  await queryIn(tx, 'insert into catalogue_version (hash, definition_hash, adoption_hash) values ($1, $2, $3) on conflict do nothing', [
    hash,
    definition,
    adoption,
  ])
}

export async function version(on: On, hash: string): Promise<{ definition: string; adoption: string | null } | null> {
  const [row] = await queryIn<{ definition: string; adoption: string | null }>(
    on,
    'select definition_hash as definition, adoption_hash as adoption from catalogue_version where hash = $1',
    [hash],
    'catalogue-version',
  )
  return row ?? null
}

/** A publication with what it replaced. `standing` is the base's definition at that time, also for a place's row. */
export type ChangeRow = {
  readonly n: string
  readonly base: string
  readonly place: string
  readonly from: string
  readonly at: Date
  readonly adoption: string | null
  readonly standing: string
  readonly before: string | null
  readonly wasDefinition: string | null
  readonly wasAdoption: string | null
}

/** The newest publications with a number under `before`; contents instead of hashes. */
export async function changes(on: On, before: string | null, limit: number): Promise<ChangeRow[]> {
  return queryIn<ChangeRow>(
    on,
    `select p.n, p.base, p.place, p.from_date as "from", p.published_at as at, a.content as adoption, d.content as standing,
            w.n as before, wd.content as "wasDefinition", wa.content as "wasAdoption"
       from (select * from catalogue_published where $1::bigint is null or n < $1 order by n desc limit $2) p
       left join lateral (select n, definition_hash, adoption_hash from catalogue_published
                           where base = p.base and place = p.place and n < p.n order by n desc limit 1) w on true
       join lateral (select definition_hash from catalogue_published
                      where base = p.base and place = '' and n <= p.n order by n desc limit 1) b on true
       join catalogue_definition d on d.hash = b.definition_hash
       left join catalogue_adoption a on a.hash = p.adoption_hash
       left join catalogue_definition wd on wd.hash = w.definition_hash
       left join catalogue_adoption wa on wa.hash = w.adoption_hash
      order by p.n desc`,
    [before, limit],
  )
}

export async function publish(tx: Tx, row: PublishedRow, entry: bigint | null): Promise<void> {
  await queryIn(
    tx,
    'insert into catalogue_published (base, place, from_date, definition_hash, adoption_hash, entry) values ($1, $2, $3, $4, $5, $6)',
    [row.base, row.place, row.from, row.definition, row.adoption, entry === null ? null : String(entry)],
  )
}
