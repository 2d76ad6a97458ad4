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

export async function publish(tx: Tx, row: PublishedRow, entry: bigint | null): Promise<void> {
  await queryIn(
    tx,
    'insert into catalogue_published (base, place, from_date, definition_hash, adoption_hash, entry) values ($1, $2, $3, $4, $5, $6)',
    [row.base, row.place, row.from, row.definition, row.adoption, entry === null ? null : String(entry)],
  )
}
