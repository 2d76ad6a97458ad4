/** The pages of numbers: the nation, a place, an agency, a service, an office; and the table for spreadsheets. The same for everybody, and good for a minute. */
import { Type } from 'typebox'
import type { Catalogue, Office } from '#catalogue'
import type { Html } from '#kernel/html'
import { html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { layout, type MapShapes } from '#look'
import type { Reply, Request, Web } from '#web'
import { csvOf } from './csv.ts'
import type { Row } from './numbers.ts'
import type { OpenTable, Tables } from './tables.ts'
import * as views from './views.ts'

export type PagesDeps = {
  readonly catalogue: Pick<Catalogue, 'places' | 'get' | 'agencyName' | 'agencies' | 'office' | 'servedAt'>
  readonly tables: Tables
  readonly shapes: MapShapes
  readonly publicUrl: string
  readonly demo: boolean
}

const Month = Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}$' }))
const Query = Type.Object({ month: Month, lang: Type.Optional(Type.String({ maxLength: 10 })) })

/** Adds them. */
export function registerPages(web: Pick<Web, 'route'>, deps: PagesDeps): void {
  const { catalogue, tables, shapes, publicUrl, demo } = deps

  async function tableFor(month: string | undefined): Promise<OpenTable> {
    const table = await tables.table(month ?? null)
    if (!table) throw new Problem('not-found', 'There are no numbers of this month.')
    return table
  }

  async function seen(request: Request, month: string | undefined): Promise<views.Seen> {
    const table = await tableFor(month)
    const nation = await tables.monthsOf('nation', 'mx')
    return { l: request.visitor.language, table, months: nation.map((m) => m.period), catalogue, shapes, origin: publicUrl }
  }

  /** What a turn cost at these offices together, up to the month shown. */
  async function costsOf(s: views.Seen, fits: (office: Office) => boolean = () => true): Promise<Html | null> {
    const costs = await tables.costsUpTo(s.table.numbers.period, (id) => {
      const office = catalogue.office(id)
      return office !== null && fits(office)
    })
    return costs && views.costBody(s.l, costs)
  }

  function page(request: Request, reply: Reply, title: string, body: Html): Html {
    const l = request.visitor.language
    reply.headers({ 'cache-control': 'private, max-age=10', vary: 'Accept-Encoding, Accept-Language, Cookie' })
    return layout({
      title,
      language: l,
      visitor: request.visitor,
      url: request.url,
      origin: publicUrl,
      demo,
      wide: true,
      ...(request.url.split('?')[0] === '/numbers' ? {} : { breadcrumbs: [{ text: views.text(l, 'title'), href: '/numbers' }] }),
      description: views.text(l, 'lead'),
      body,
    })
  }

  web.route({
    method: 'GET',
    url: '/numbers',
    access: 'public',
    schema: { querystring: Query },
    async handler(request, reply) {
      const l = request.visitor.language
      const title = views.text(l, 'title')
      // A portal whose workers have not started yet.
      if (!request.query.month && !(await tables.table(null))) return page(request, reply, title, views.emptyBody(l))
      const s = await seen(request, request.query.month)
      return page(
        request,
        reply,
        title,
        views.nationBody(s, await tables.said('mx'), await tables.drafts('nation', 'mx'), await costsOf(s), (await tables.levels()).months),
      )
    },
  })

  /** One page for each kind of row: its months, and what it is made of in the month shown. */
  async function rowPage(
    request: Request,
    reply: Reply,
    month: string | undefined,
    {
      scope,
      id,
      name,
      url,
      parts,
      link,
      lines = false,
      level,
      offices,
    }: {
      scope: Row['scope']
      id: string
      name: string
      url: string
      parts: (s: views.Seen) => readonly (Html | null)[]
      link?: Html
      lines?: boolean
      /** Whose offices' costs are added up. */
      offices?: (office: Office) => boolean
      /** Whose digital level is told. */
      level?: { readonly base: string; readonly place: string | null }
    },
  ): Promise<Html> {
    const s = await seen(request, month)
    const months = await tables.monthsOf(scope, id)
    const row = s.table.rows.get(`${scope} ${id}`) ?? null
    const said = lines ? views.saidBody(s.l, await tables.said(id)) : null
    const drafts = views.draftsBody(s.l, await tables.drafts(scope, id), lines ? catalogue.get(id) : null)
    const costs = offices ? await costsOf(s, offices) : null
    const levels = level ? views.levelBody(s.l, (await tables.levels()).of(level.base, level.place)) : null
    return page(
      request,
      reply,
      views.text(s.l, 'of', { name }),
      views.rowBody(s, { name, months, row, parts: [said, drafts, costs, levels, ...parts(s)], link, url, lines }),
    )
  }

  const rowsWhere = (s: views.Seen, scope: Row['scope'], fits: (id: string) => boolean) =>
    s.table.numbers.rows.filter((r) => r.scope === scope && fits(r.id))

  web.route({
    method: 'GET',
    url: '/numbers/places/:code',
    access: 'public',
    schema: { params: Type.Object({ code: Type.String({ pattern: '^\\d{2}(\\d{3})?$' }) }), querystring: Query },
    handler(request, reply) {
      const { code } = request.params
      const { places } = catalogue
      if (!places.state(code) && !places.municipality(code)) throw new Problem('not-found', 'There is no such place.')
      return rowPage(request, reply, request.query.month, {
        scope: 'place',
        id: code,
        name: places.nameOf(code),
        url: `/numbers/places/${code}`,
        offices: (o) => o.jurisdiction.code.startsWith(code),
        parts: (s) => [
          views.servicesTable(
            s,
            rowsWhere(s, 'service', (id) => id.endsWith(`@${code}`)),
          ),
          code.length === 2
            ? views.placesTable(
                s,
                'towns',
                rowsWhere(s, 'place', (id) => id.length > 2 && id.startsWith(code)).map((row) => ({
                  code: row.id,
                  href: `/numbers/places/${row.id}`,
                  row,
                })),
              )
            : null,
        ],
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/numbers/agencies/:agency',
    access: 'public',
    schema: { params: Type.Object({ agency: Type.String({ pattern: '^[a-z0-9-]{1,100}$' }) }), querystring: Query },
    handler(request, reply) {
      const { agency } = request.params
      if (!Object.hasOwn(catalogue.agencies, agency)) throw new Problem('not-found', 'There is no such agency.')
      return rowPage(request, reply, request.query.month, {
        scope: 'agency',
        id: agency,
        name: catalogue.agencyName(agency, request.visitor.language),
        url: `/numbers/agencies/${agency}`,
        offices: (o) => o.agency === agency,
        parts: (s) => [
          views.servicesTable(
            s,
            rowsWhere(s, 'base', (id) => s.table.numbers.agencies[id] === agency),
          ),
        ],
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/numbers/services/*',
    access: 'public',
    schema: { params: Type.Object({ '*': Type.String({ maxLength: 150 }) }), querystring: Query },
    handler(request, reply) {
      const l = request.visitor.language
      const service = catalogue.get(request.params['*'])
      if (!service) throw new Problem('not-found', 'There is no such service.')
      const { id, base } = service
      const placed = id !== base
      return rowPage(request, reply, request.query.month, {
        scope: placed ? 'service' : 'base',
        id,
        name: placed ? `${service.text(l, 'name')}, ${service.jurisdiction.name}` : service.text(l, 'name'),
        url: `/numbers/services/${id}`,
        lines: true,
        level: placed || service.placed ? { base, place: placed ? id.slice(base.length + 1) : null } : undefined,
        link: html`<p class="govuk-body"><a class="govuk-link" href="/services/${id}">${views.text(l, 'go-service')}</a></p>`,
        parts: (s) => [
          placed
            ? null
            : views.placesTable(
                s,
                'places',
                rowsWhere(s, 'service', (of) => of.startsWith(`${base}@`)).map((row) => ({
                  code: row.id.slice(base.length + 1),
                  href: `/numbers/services/${row.id}`,
                  row,
                })),
              ),
        ],
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/numbers/offices/:office',
    access: 'public',
    schema: { params: Type.Object({ office: Type.String({ pattern: '^[a-z0-9-]{1,100}$' }) }), querystring: Query },
    async handler(request, reply) {
      const office = catalogue.office(request.params.office)
      if (!office) throw new Problem('not-found', 'There is no such office.')
      const s = await seen(request, request.query.month)
      const name = office.name(s.l)
      const months = await tables.officeMonths(office.id)
      const row = s.table.offices.get(office.id) ?? null
      return page(
        request,
        reply,
        views.text(s.l, 'of', { name }),
        views.officeBody(s, {
          name,
          office: office.id,
          months,
          row,
          costs: await costsOf(s, (o) => o.id === office.id),
          served: catalogue.servedAt(office.id).flatMap((x) => s.table.rows.get(`${x.id === x.base ? 'base' : 'service'} ${x.id}`) ?? []),
        }),
      )
    },
  })

  web.route({
    method: 'GET',
    url: '/numbers/:file',
    access: 'public',
    schema: { params: Type.Object({ file: Type.String({ pattern: '^\\d{4}-\\d{2}\\.csv$' }) }) },
    async handler(request, reply) {
      const month = request.params.file.slice(0, 7)
      const { numbers } = await tableFor(month)
      reply.headers({
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': `attachment; filename="ventanilla-${month}.csv"`,
        'cache-control': 'public, max-age=10',
      })
      return csvOf(numbers)
    },
  })
}
