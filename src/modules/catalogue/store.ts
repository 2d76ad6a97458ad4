/** Every SQL statement of the catalogue. Decides nothing. */
import { type Db, queryIn, type Tx } from '#db'
import type { PersonId } from '#kernel/id'

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

/** Everybody loads anew after this; without `folder` the one loaded last stays. */
export async function setState(tx: Tx, folder: string | null = null): Promise<void> {
  await queryIn(tx, 'update catalogue_state set version = version + 1, folder = coalesce($1, folder)', [folder])
}

/** All that is published, oldest first; `about` a base: of it and of every place's difference to it; a place: of it and of every base. */
export async function published(on: On, about: { readonly base: string; readonly place: string } | null = null): Promise<PublishedRow[]> {
  const which = about === null ? '' : about.place === '' ? 'where base = $1' : `where place in ('', $1)`
  return queryIn<PublishedRow>(
    on,
    `select base, place, from_date as "from", definition_hash as definition, adoption_hash as adoption from catalogue_published ${which} order by n`,
    about === null ? [] : [about.place === '' ? about.base : about.place],
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

// ——— The files that what is published came from ———

/** A row of `catalogue_source`; `base` or `place` is `''` for a place's file or a base of its own. */
export type SourceRow = {
  readonly base: string
  readonly place: string
  readonly files: string | null
  readonly seed: string | null
  readonly seedFiles: string | null
}

/** By `<base>@<place>`. */
export async function sources(on: On): Promise<Map<string, SourceRow>> {
  const rows = await queryIn<SourceRow>(on, 'select base, place, files, seed, seed_files as "seedFiles" from catalogue_source', [])
  return new Map(rows.map((r) => [`${r.base}@${r.place}`, r]))
}

export async function source(on: On, base: string, place: string): Promise<SourceRow | null> {
  const [row] = await queryIn<SourceRow>(
    on,
    'select base, place, files, seed, seed_files as "seedFiles" from catalogue_source where base = $1 and place = $2',
    [base, place],
  )
  return row ?? null
}

export async function setSource(tx: Tx, row: SourceRow): Promise<void> {
  await queryIn(
    tx,
    `insert into catalogue_source (base, place, files, seed, seed_files) values ($1, $2, $3, $4, $5)
     on conflict (base, place) do update set files = excluded.files, seed = excluded.seed, seed_files = excluded.seed_files`,
    [row.base, row.place, row.files, row.seed, row.seedFiles],
  )
}

/** The files of places' adoptions that are newest, by place. */
export async function placeFiles(on: On): Promise<{ place: string; files: string }[]> {
  return queryIn(on, `select place, files from catalogue_source where base = '' and files is not null`, [])
}

// ——— Drafts ———

export type DraftState = 'open' | 'sent' | 'published' | 'dropped'
export type DraftRow = {
  readonly id: string
  readonly base: string
  readonly place: string
  readonly state: DraftState
  readonly begunFrom: string | null
  readonly n: number
  readonly changedAt: Date
}
export type SaveRow = {
  readonly n: number
  readonly at: Date
  readonly person: PersonId
  readonly part: string
  readonly backTo: number | null
}
export type ActRow = {
  readonly at: Date
  readonly person: PersonId
  readonly what: 'sent' | 'returned' | 'approved' | 'taken-back' | 'dropped'
  readonly n: number
  readonly note: string
}

const draftColumns = 'id, base, place, state, begun_from as "begunFrom", n, changed_at as "changedAt"'

export async function addDraft(tx: Tx, row: DraftRow): Promise<void> {
  await queryIn(tx, 'insert into catalogue_draft (id, base, place, state, begun_from, n, changed_at) values ($1, $2, $3, $4, $5, $6, $7)', [
    row.id,
    row.base,
    row.place,
    row.state,
    row.begunFrom,
    row.n,
    row.changedAt,
  ])
}

export async function findDraft(on: On, id: string): Promise<DraftRow | null> {
  const [row] = await queryIn<DraftRow>(on, `select ${draftColumns} from catalogue_draft where id = $1`, [id])
  return row ?? null
}

/** Held until the transaction ends: two saves of one draft come one after the other. */
export async function lockDraft(tx: Tx, id: string): Promise<DraftRow | null> {
  const [row] = await queryIn<DraftRow>(tx, `select ${draftColumns} from catalogue_draft where id = $1 for update`, [id])
  return row ?? null
}

/** Drafts that are open or sent, the last changed first. */
export async function livingDrafts(on: On): Promise<DraftRow[]> {
  return queryIn<DraftRow>(
    on,
    `select ${draftColumns} from catalogue_draft where state in ('open', 'sent') order by changed_at desc, id limit 500`,
    [],
  )
}

export async function setDraft(tx: Tx, id: string, state: DraftState, n: number, begunFrom: string | null, at: Date): Promise<void> {
  await queryIn(tx, 'update catalogue_draft set state = $2, n = $3, begun_from = $4, changed_at = $5 where id = $1', [
    id,
    state,
    n,
    begunFrom,
    at,
  ])
}

export async function addSave(tx: Tx, draft: string, row: SaveRow, content: string): Promise<void> {
  await queryIn(tx, 'insert into catalogue_draft_save (draft, n, at, person, part, back_to, content) values ($1, $2, $3, $4, $5, $6, $7)', [
    draft,
    row.n,
    row.at,
    row.person,
    row.part,
    row.backTo,
    content,
  ])
}

export async function saves(on: On, draft: string): Promise<SaveRow[]> {
  return queryIn<SaveRow>(
    on,
    'select n, at, person, part, back_to as "backTo" from catalogue_draft_save where draft = $1 order by n desc',
    [draft],
  )
}

export async function savedContent(on: On, draft: string, n: number): Promise<string | null> {
  const [row] = await queryIn<{ content: string }>(on, 'select content from catalogue_draft_save where draft = $1 and n = $2', [draft, n])
  return row?.content ?? null
}

export async function addAct(tx: Tx, draft: string, act: ActRow): Promise<void> {
  await queryIn(tx, 'insert into catalogue_draft_act (draft, at, person, what, n, note) values ($1, $2, $3, $4, $5, $6)', [
    draft,
    act.at,
    act.person,
    act.what,
    act.n,
    act.note,
  ])
}

export async function acts(on: On, draft: string): Promise<ActRow[]> {
  return queryIn<ActRow>(on, 'select at, person, what, n, note from catalogue_draft_act where draft = $1 order by id desc', [draft])
}

// ——— Pairings ———

/** Whether both towns have said that they approve for one another. */
export async function paired(on: On, one: string, other: string): Promise<boolean> {
  const rows = await queryIn(on, 'select 1 from catalogue_pairing where (place = $1 and partner = $2) or (place = $2 and partner = $1)', [
    one,
    other,
  ])
  return rows.length === 2
}

/** What was said about pairings with this town, by either side. */
export async function pairings(on: On, place: string): Promise<{ place: string; partner: string }[]> {
  return queryIn(on, 'select place, partner from catalogue_pairing where place = $1 or partner = $1 order by place, partner', [place])
}

export async function addPairing(tx: Tx, place: string, partner: string, person: PersonId, at: Date): Promise<void> {
  await queryIn(tx, 'insert into catalogue_pairing (place, partner, said_by, said_at) values ($1, $2, $3, $4) on conflict do nothing', [
    place,
    partner,
    person,
    at,
  ])
}

export async function removePairing(tx: Tx, place: string, partner: string): Promise<void> {
  await queryIn(tx, 'delete from catalogue_pairing where place = $1 and partner = $2', [place, partner])
}
