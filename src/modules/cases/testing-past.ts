/** Cases by the million, for benches: the database makes them in the likeness of one that the engine made. No statement for each. */
import { queryIn } from '#db'
import type { CaseId, LineId, OfficeId, PersonId, Reference, ServiceId } from '#kernel/id'
import type { Cases } from './index.ts'

/** A line that exists, the office behind it and the service that its cases ask for. */
export type PastLine = { readonly place: string; readonly office: OfficeId; readonly line: LineId; readonly service: ServiceId }

/** Which are made. No two calls on one database share a number. */
export type Past = {
  /** The case they are like: all its turns, events, timers, files and its decision are theirs too. What is sealed in them opens for nobody. */
  readonly model: Reference
  readonly first: number
  readonly count: number
  /** One after the other gets a case. */
  readonly lines: readonly PastLine[]
  /** They were filed evenly between these. */
  readonly from: Date
  readonly to: Date
  /** One in so many is of the priority class; 0: none. */
  readonly priorityOneIn: number
  /** Whose they are, one for each; whoever, where none are given. */
  readonly applicants: readonly PersonId[] | null
}

/** Places of made turns begin here: before them there is room for what the engine did. */
const firstPlace = 100_000
const atOnce = 50_000

/** Stores them. `said` is told how many there are. */
export async function preparePast(cases: Cases, past: Past, said: (made: number) => void = () => {}): Promise<void> {
  const { db } = cases.deps
  const [model] = await db.query<{ place: string; id: CaseId; turns: number; living: number }>(
    `select c.place, c.id, count(*)::integer as turns, count(*) filter (where t.state in ('waiting', 'called', 'held'))::integer as living
      from cases_reference r join cases_case c on c.place = r.place and c.id = r.id join cases_turn t on t.place = c.place and t.case_id = c.id
      where r.reference = $1 group by c.place, c.id`,
    [past.model],
  )
  if (!model) throw new Error(`${past.model} has taken no turn.`)
  const { lines } = past
  for (let done = 0; done < past.count; done += atOnce) {
    const count = Math.min(atOnce, past.count - done)
    const first = past.first + done
    await db.tx(async (tx) => {
      const run = (sql: string, values: readonly unknown[] = []) => queryIn(tx, sql, [...values])
      await run(
        `create temp table past (n bigint, round bigint, place text, office text, line text, service text, desk text, applicant uuid, at timestamptz, shift interval, id uuid) on commit drop`,
      )
      await run(
        `insert into past
          select n, n / $1, l.place, l.office, l.line, l.service, l.office || '-1', coalesce(($10::uuid[])[n - $2 + 1], gen_random_uuid()), at, at - c.submitted_at,
            (left(hex, 8) || '-' || right(hex, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
          from (select n, $8::timestamptz + ($9::timestamptz - $8::timestamptz) * ((n - $4::bigint)::float8 / $5) as at from generate_series($2::bigint, $2::bigint + $3 - 1) n) s
          cross join lateral lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as hex
          join unnest($6::text[], $7::text[], $11::text[], $12::text[]) with ordinality as l (place, office, line, service, th) on l.th = n % $1 + 1
          cross join cases_case c where c.place = $13 and c.id = $14`,
        [
          lines.length,
          first,
          count,
          past.first,
          past.count,
          lines.map((l) => l.place),
          lines.map((l) => l.office),
          past.from,
          past.to,
          past.applicants?.slice(done, done + count) ?? [],
          lines.map((l) => l.line),
          lines.map((l) => l.service),
          model.place,
          model.id,
        ],
      )
      const of = [model.place, model.id]
      const classOf = past.priorityOneIn > 0 ? `case when n % ${past.priorityOneIn} = 0 then 'priority' else 'general' end` : `'general'`
      const random = (about: string) => `left(translate(encode(sha256(convert_to(${about}, 'UTF8')), 'base64'), '+/', '-_'), 22)`
      // The model's turns in their order; the made one's name follows from its number and that.
      const turns = `(select *, row_number() over (order by taken_at, at_place) as k from cases_turn where place = $1 and case_id = $2)`
      const turnName = random(`'turn/' || n || '/' || k`)
      await run(`insert into cases_reference (reference, place, id) select 'P' || n, place, id from past`)
      await run(
        `insert into cases_case (place, id, reference, pseudonym, service, office, applicant, state, channel, definition, steps, key, answers, complete_for, filing, matter, class, taken_by,
            created_at, saved_at, submitted_at, filed_on, due_on, ask_by, asked_on, answer_by, already_there, receipt, ended_at, events)
          select p.place, p.id, 'P' || n, ${random(`'case/' || n`)}, p.service, p.office, p.applicant, state, channel, definition, steps, key, answers, complete_for, filing,
            ${random(`'matter/' || n`)}, ${classOf}, taken_by, created_at + shift, saved_at + shift, submitted_at + shift, (filed_on + shift)::date, (due_on + shift)::date,
            (ask_by + shift)::date, (asked_on + shift)::date, (answer_by + shift)::date, already_there, receipt, ended_at + shift, events
          from past p cross join cases_case c where c.place = $1 and c.id = $2 order by n`,
        of,
      )
      await run(
        `insert into cases_turn (place, line, turn, class, at_place, state, case_id, step, branch, applicant, matter, desk, until, held, absent, taken_at, called_at, touched_at, ended_at, outcome, opening, told_near)
          select p.place, p.line, ${turnName}, ${classOf}, ${firstPlace} + round * ${model.turns} + k, state, p.id, step, branch, p.applicant,
            case when matter is null then null else ${random(`'matter/' || n`)} end, t.desk, until, held, absent, taken_at + shift, called_at + shift, touched_at + shift, ended_at + shift, outcome, opening, told_near
          from past p cross join ${turns} t order by n, k`,
        of,
      )
      await run(
        `insert into cases_event (place, case_id, seq, at, kind, turn, desk, data, sealed, entries)
          select p.place, p.id, seq, e.at + shift, e.kind, case when e.turn is null then null else ${turnName} end, case when e.desk is null then null else p.desk end, data, sealed, entries
          from past p cross join cases_event e left join ${turns} t on t.turn = e.turn where e.place = $1 and e.case_id = $2 order by n, seq`,
        of,
      )
      await run(
        `insert into cases_decision (place, case_id, code, turn, how, sealed, valid_until, withdrawn_on, decided_at)
          select p.place, p.id, 'P' || n, ${turnName}, how, sealed, (valid_until + shift)::date, withdrawn_on, decided_at + shift
          from past p cross join cases_decision d join ${turns} t on t.turn = d.turn where d.place = $1 and d.case_id = $2`,
        of,
      )
      await run(
        `insert into cases_file (place, case_id, id, paper, size, sealed, added_at)
          select p.place, p.id, ${random(`f.id || n`)}, paper, size, sealed, added_at + shift from past p cross join cases_file f where f.place = $1 and f.case_id = $2`,
        of,
      )
      await run(
        `insert into cases_timer (place, case_id, kind, key, due)
          select p.place, p.id, kind, key, due + shift from past p cross join cases_timer t where t.place = $1 and t.case_id = $2`,
        of,
      )
      await run(
        `update cases_line l set n = greatest(l.n, ${firstPlace} + (p.round + 1) * $1), living = l.living + p.cases * $2
          from (select place, line, max(round) as round, count(*) as cases from past group by 1, 2) p where l.place = p.place and l.id = p.line`,
        [model.turns, model.living],
      )
    })
    said(done + count)
  }
}
