/** The numbers as other programs get them: the very bytes that were released, and the running month as it is now. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Type } from 'typebox'
import type { Db } from '#db'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import { takesGzip, type Web } from '#web'
import { draftsSet, peopleSet, servicesSet } from './follow.ts'
import * as store from './store.ts'
import type { Tables } from './tables.ts'

/** A release is called one when its entry stands in the published log: within a second, if all is well. */
const settledMs = 5_000

const unpack = promisify(gunzip)

const Period = Type.String({ pattern: '^\\d{4}-\\d{2}$', description: 'A month of UTC, such as 2026-11; the newest where none is given' })
const SetName = Type.Union([Type.Literal(servicesSet), Type.Literal(peopleSet), Type.Literal(draftsSet)], {
  description:
    'services: counted from the public log; people: what people answered when their case was over; drafts: how many came to the end of the form, and where the others left',
})
const Minutes = Type.Integer({ minimum: 0, description: 'Minutes, to two significant digits' })
const Waited = Type.Object({ n: Type.Integer(), p50: Minutes, p90: Minutes })
const Tallied = Type.Record(Type.String(), Type.Integer())
const RowBody = Type.Object({
  scope: Type.String(),
  id: Type.String(),
  filed: Type.Optional(Type.Object({ n: Type.Integer(), channels: Tallied })),
  decided: Type.Optional(
    Type.Object({
      n: Type.Integer(),
      inTerm: Type.Integer(),
      late: Type.Integer(),
      silence: Type.Integer(),
      p50: Minutes,
      p90: Minutes,
    }),
  ),
  waited: Type.Optional(Waited),
})
const OfficeBody = Type.Object({
  office: Type.String(),
  waited: Type.Optional(Waited),
  finished: Tallied,
  dutyMinutes: Type.Integer(),
  desks: Type.Array(
    Type.Object({
      desk: Type.String(),
      called: Type.Integer(),
      done: Type.Integer(),
      passed: Type.Integer(),
      held: Tallied,
      returned: Tallied,
      dutyMinutes: Type.Integer(),
    }),
  ),
})
const PeopleBody = Type.Object({
  v: Type.Integer(),
  set: Type.Literal(peopleSet),
  period: Type.String(),
  answers: Type.Array(Type.Array(Type.String(), { minItems: 3, maxItems: 3 })),
  rows: Type.Array(
    Type.Object({ id: Type.String(), n: Type.Integer(), visits: Type.Integer(), asked: Type.Integer(), askedPesos: Type.Integer() }),
  ),
})
const DraftsBody = Type.Object({
  v: Type.Integer(),
  set: Type.Literal(draftsSet),
  period: Type.String(),
  size: Type.Integer({ description: 'What was sent is counted from so many first entries of the public log' }),
  agencies: Type.Record(Type.String(), Type.String()),
  rows: Type.Array(
    Type.Object({
      scope: Type.String(),
      id: Type.String(),
      left: Type.Optional(Type.Integer({ description: 'Given up' })),
      stops: Type.Optional(Tallied),
      submitted: Type.Optional(Type.Integer()),
    }),
  ),
})
const NumbersBody = Type.Object({
  v: Type.Integer(),
  set: Type.Literal(servicesSet),
  period: Type.String(),
  size: Type.Integer({ description: 'Computed from so many first entries of the public log' }),
  agencies: Type.Record(Type.String(), Type.String()),
  rows: Type.Array(RowBody),
  offices: Type.Array(OfficeBody),
})
const PeriodsBody = Type.Object({
  tables: Type.Array(
    Type.Object({
      set: Type.String(),
      period: Type.String(),
      size: Type.Integer(),
      sha256: Type.String(),
      released: Type.Boolean({ description: 'Whether the month is over and the public log has this hash' }),
      url: Type.String(),
    }),
  ),
  costs: Type.Array(Type.String(), { description: 'Months for which offices declared what they cost' }),
})

const CostsBody = Type.Object({
  costs: Type.Array(
    Type.Object({
      office: Type.String(),
      period: Type.String(),
      turns: Type.Integer({ description: 'Turns finished as done at its desks in that month, by the public log' }),
      declarations: Type.Array(
        Type.Object({
          pesos: Type.Integer(),
          basis: Type.String({ description: 'salaries, salaries-premises or all' }),
          at: Type.String(),
        }),
        { description: 'In the order they were made; the last one counts' },
      ),
    }),
  ),
})
const LevelsBody = Type.Object({
  months: Type.Array(
    Type.Object({
      month: Type.String(),
      services: Type.Integer(),
      levels: Type.Array(Type.Integer(), { description: 'Services by digital level, 0 to 4, at the end of the month' }),
      eServices: Type.Integer({ description: 'Those of level 3 or 4: nobody has to go anywhere' }),
    }),
  ),
})

/** Adds `/api/numbers`, and below it `periods`, `costs` and `levels`. */
export function registerApi(
  web: Pick<Web, 'route'>,
  { db, clock, publicUrl, tables }: { readonly db: Db; readonly clock: Clock; readonly publicUrl: string; readonly tables: Tables },
): void {
  web.route({
    method: 'GET',
    url: '/api/numbers',
    access: 'public',
    schema: {
      querystring: Type.Object({ period: Type.Optional(Period), set: Type.Optional(SetName) }),
      api: {
        summary:
          'How services performed in a month, counted from the public log; what people said of them; who came to the end of the form',
        response: { 200: Type.Union([NumbersBody, PeopleBody, DraftsBody]) },
      },
    },
    async handler(request, reply) {
      const table = await store.tableOf(db, request.query.set ?? servicesSet, request.query.period ?? null)
      if (!table) throw new Problem('not-found', 'There are no numbers of this month.')
      const etag = `"${table.sha256}"`
      reply.headers({
        'content-type': 'application/json; charset=utf-8',
        // What is released never changes.
        'cache-control': `public, max-age=${table.releasedAt && request.query.period ? 86_400 : 10}`,
        etag,
        vary: 'Accept-Encoding',
      })
      if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send()
      if (!takesGzip(request.headers)) return reply.send(await unpack(table.content))
      return reply.header('content-encoding', 'gzip').send(table.content)
    },
  })

  web.route({
    method: 'GET',
    url: '/api/numbers/periods',
    access: 'public',
    schema: { api: { summary: 'Which months there are numbers of, the newest first', response: { 200: PeriodsBody } } },
    async handler(_request, reply) {
      reply.header('cache-control', 'public, max-age=10')
      return {
        tables: (await store.tables(db)).map((t) => ({
          set: t.set,
          period: t.period,
          size: t.size,
          sha256: t.sha256,
          released: t.releasedAt !== null && clock.now().getTime() - t.releasedAt.getTime() >= settledMs,
          url: `${publicUrl}/api/numbers?set=${t.set}&period=${t.period}`,
        })),
        costs: await store.costMonths(db),
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/api/numbers/costs',
    access: 'public',
    schema: {
      querystring: Type.Object({ period: Type.Optional(Period) }),
      api: {
        summary: 'What offices said they cost in a month, and the turns they finished for it',
        response: { 200: CostsBody },
      },
    },
    async handler(request, reply) {
      reply.header('cache-control', 'public, max-age=10')
      const period = request.query.period ?? (await store.costMonths(db))[0]
      return { costs: period === undefined ? [] : await store.costsIn(db, period) }
    },
  })

  web.route({
    method: 'GET',
    url: '/api/numbers/levels',
    access: 'public',
    schema: { api: { summary: 'How many services are done without going anywhere, month by month', response: { 200: LevelsBody } } },
    async handler(_request, reply) {
      reply.header('cache-control', 'public, max-age=60')
      return { months: (await tables.levels()).months }
    },
  })
}
