/** Counts by the hundred thousand, for benches: what the fold would hold of cases that somebody stored without it. */
import { type Db, queryIn } from '#db'
import type { LineId, ServiceId } from '#kernel/id'

/** Of the cases on these lines (one after the other gets one), filed evenly in these months (one after the other has one): all decided in their term, each by one act of the line's first desk. */
export async function prepareCounts(
  db: Db,
  all: {
    readonly count: number
    readonly lines: readonly { line: LineId; service: ServiceId; desk: string }[]
    readonly months: readonly string[]
  },
): Promise<void> {
  await queryIn(
    db,
    `insert into insight_count as c (id, about, month, measure, bucket, n)
      select m.id, m.about, month, m.measure, m.bucket, count(*) from generate_series(0, $1::bigint - 1) n
        join unnest($2::text[], $3::text[], $4::text[]) with ordinality l (line, service, desk, th) on l.th = n % $5 + 1
        join unnest($6::text[]) with ordinality t (month, th) on t.th = (n / $5) % $7 + 1
        cross join lateral (values (service, 'service', 'filed', 'web'), (service, 'service', 'decided', 'in-term'), (service, 'service', 'took', (1000 + 100 * (n % 9))::text),
          (line, 'line', 'waited', (10 + n % 90)::text), (line, 'line', 'finished', 'done'), (line, 'line', 'called', desk), (line, 'line', 'done', desk)) m (id, about, measure, bucket)
        group by 1, 2, 3, 4, 5
      on conflict (id, about, month, measure, bucket) do update set n = c.n + excluded.n`,
    [
      all.count,
      all.lines.map((l) => l.line),
      all.lines.map((l) => l.service),
      all.lines.map((l) => l.desk),
      all.lines.length,
      all.months,
      all.months.length,
    ],
  )
}

/** The entries before this one count nothing more: somebody counted them. */
export async function skipTo(db: Db, next: number): Promise<void> {
  await queryIn(db, 'update insight_state set next = $1', [next])
}
