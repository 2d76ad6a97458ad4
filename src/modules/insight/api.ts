/** The numbers as other programs get them: the very bytes that were released, and the running month as it is now. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Type } from 'typebox'
import type { Db } from '#db'
import { Problem } from '#kernel/problem'
import type { Web } from '#web'
import { servicesSet } from './follow.ts'
import * as store from './store.ts'

const unpack = promisify(gunzip)

const Period = Type.String({ pattern: '^\\d{4}-\\d{2}$', description: 'A month of UTC, such as 2026-11; the newest where none is given' })
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
const NumbersBody = Type.Object({
  v: Type.Integer(),
  set: Type.String(),
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
})

/** Adds `/api/numbers` and `/api/numbers/periods`. */
export function registerApi(web: Pick<Web, 'route'>, { db, publicUrl }: { readonly db: Db; readonly publicUrl: string }): void {
  web.route({
    method: 'GET',
    url: '/api/numbers',
    access: 'public',
    schema: {
      querystring: Type.Object({ period: Type.Optional(Period) }),
      api: { summary: 'How services performed in a month, counted from the public log', response: { 200: NumbersBody } },
    },
    async handler(request, reply) {
      const table = await store.tableOf(db, servicesSet, request.query.period ?? null)
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
      if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(await unpack(table.content))
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
          released: t.releasedAt !== null,
          url: `${publicUrl}/api/numbers?period=${t.period}`,
        })),
      }
    },
  })
}
