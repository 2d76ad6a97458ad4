/** Complete drafts by the thousand, for benches: each as the engine leaves one, under a key of its own. No statement for each. */
import { createHmac } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Answers, FormFields } from '#catalogue'
import { queryIn } from '#db'
import { canonicalBytes } from '#kernel/canonical'
import { commit } from '#kernel/commitment'
import { type CaseId, newReference, type PersonId, type Reference, randomId, type ServiceId, uuidv7 } from '#kernel/id'
import { dayMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { draftDays } from './clock.ts'
import type { Filing } from './filing.ts'
import type { Cases } from './index.ts'
import type { TurnClass } from './line.ts'

/** What one draft, filled in page by page through the engine, holds: its answers, and its papers' digests. */
export type Pattern = { readonly answers: Answers; readonly files: readonly { paper: string; sha256: string }[] }

/** Fills one draft in through the engine, with a small file for each paper. */
export async function makePattern(cases: Cases, visitor: SignedIn, service: ServiceId, form: FormFields): Promise<Pattern> {
  const { filings } = cases
  const reference = await filings.start(visitor, { service })
  const seen = new Set<string>()
  for (;;) {
    const page = (await filings.read(visitor, reference)).journey.pages.find((p) => !seen.has(p.id))
    if (!page) break
    seen.add(page.id)
    const { problems } = await filings.answer(visitor, reference, page.id, form)
    if (problems.length > 0) throw new Error(`The answers do not fit the page ${page.id}: ${JSON.stringify(problems)}`)
  }
  for (const paper of (await filings.read(visitor, reference)).missing)
    await filings.attach(visitor, reference, paper, {
      name: `${paper}.pdf`,
      stream: Readable.from([Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n')]),
    })
  const { filing, files, c } = await filings.read(visitor, reference)
  if (c.completeFor === null) throw new Error(`The pattern of ${service} is not complete.`)
  return {
    answers: filing.answers,
    files: files.map((f) => ({ paper: f.paper, sha256: f.sha256 })).sort((a, b) => (a.paper + a.sha256 < b.paper + b.sha256 ? -1 : 1)),
  }
}

/** Stores a complete draft for each of these people; the references in the same order. The attachments' rows are left out: submitting reads none. */
export async function prepareDrafts(
  cases: Cases,
  pattern: Pattern,
  all: readonly { person: PersonId; service: ServiceId; class?: TurnClass }[],
): Promise<Reference[]> {
  const { db, catalogue, vault, keys, clock } = cases.deps
  const now = clock.now()
  const matterKey = keys.secret('cases/matter')
  const answers = JSON.parse(JSON.stringify(pattern.answers))
  const rows = all.map(({ person, service: id, class: kind = 'general' }) => {
    const service = catalogue.get(id)!
    const caseId = uuidv7(now.getTime()) as CaseId
    const { wrapped, vault: own } = vault.fresh(caseId)
    const filing = commit({ answers, files: pattern.files })
    const kept: Filing = { answers: pattern.answers, opening: filing.opening, ground: null }
    return {
      place: service.jurisdiction.code,
      id: caseId,
      reference: newReference(),
      pseudonym: randomId(),
      service: id,
      class: kind,
      office: catalogue.officeFor(service),
      applicant: person,
      definition: service.hash,
      key: wrapped.toString('hex'),
      answers: own.seal('answers', kept).toString('hex'),
      filing: filing.commitment,
      matter: createHmac('sha256', matterKey)
        .update(canonicalBytes([person, id, []]))
        .digest('base64url'),
    }
  })
  const column = (name: keyof (typeof rows)[number]) => rows.map((r) => r[name])
  const [places, ids, references] = [column('place'), column('id'), column('reference')]
  await db.tx(async (tx) => {
    await queryIn(tx, 'insert into cases_reference (place, id, reference) select * from unnest($1::text[], $2::uuid[], $3::text[])', [
      places,
      ids,
      references,
    ])
    await queryIn(
      tx,
      `insert into cases_case (place, id, reference, pseudonym, service, office, applicant, state, channel, definition, key, answers, complete_for, filing, matter, class, created_at, saved_at)
        select place, id, reference, pseudonym, service, office, applicant, 'draft', 'web', definition, decode(key, 'hex'), decode(answers, 'hex'), definition, filing, matter, class, $13, $13
        from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $14::text[])
          as t (place, id, reference, pseudonym, service, office, applicant, definition, key, answers, filing, matter, class)`,
      [
        places,
        ids,
        references,
        column('pseudonym'),
        column('service'),
        column('office'),
        column('applicant'),
        column('definition'),
        column('key'),
        column('answers'),
        column('filing'),
        column('matter'),
        now,
        column('class'),
      ],
    )
    await queryIn(
      tx,
      `insert into cases_timer (place, case_id, kind, key, due) select place, id, 'draft', '', $3 from unnest($1::text[], $2::uuid[]) as t (place, id)`,
      [places, ids, new Date(now.getTime() + draftDays * dayMs)],
    )
  })
  return references as Reference[]
}

/** What is stored of the cases with these references: the bench's own check that each was submitted once and whole. */
export async function countSubmitted(cases: Cases, references: readonly Reference[]): Promise<{ submitted: number; whole: number }> {
  const [row] = await queryIn<{ submitted: string; whole: string }>(
    cases.deps.db,
    `select count(*) filter (where c.state <> 'draft') as submitted,
        count(*) filter (where c.state = 'open' and c.events = 1
          and (select count(*) from cases_event e where e.place = c.place and e.case_id = c.id and e.kind = 'submitted' and cardinality(e.entries) = 2) = 1
          and (select count(*) from cases_turn t where t.place = c.place and t.case_id = c.id and t.state = 'waiting') = 1
          and (select array_agg(t.kind order by t.kind) from cases_timer t where t.place = c.place and t.case_id = c.id) = '{silence}') as whole
      from unnest($1::text[]) as w (reference) join cases_reference r using (reference) join cases_case c on c.place = r.place and c.id = r.id`,
    [references],
  )
  return { submitted: Number(row!.submitted), whole: Number(row!.whole) }
}
