import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type TSchema, Type } from 'typebox'
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId, PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import type { Clock } from '#kernel/time'
import { type Alternate, button, fieldError, layout, places, type SummaryError, tiles } from '#look'
import { csrfField, keepAnswer, type Reply, type Request, takesGzip, type Web } from '#web'
import { definitionSchema } from './check.ts'
import { channels, type LifeEvent, lifeEvents } from './definition.ts'
import type { Catalogue, Listed } from './index.ts'
import { askedFor, formatOf, inFormats } from './linked/routes.ts'
import { label } from './linked/text.ts'
import { type Format, mediaTypes } from './linked/write.ts'
import { nearForm, placeOf, registerNear } from './near-pages.ts'
import { registerNeeds } from './needs-pages.ts'
import type { Jurisdiction } from './places.ts'
import { catalogueDay } from './publish.ts'
import type { Service } from './service.ts'
import { words } from './text.ts'
import { homeBody, homeHero, officesBody, placeForm, resultsBody, serviceBody, serviceUrl } from './views.ts'

/** What the pages need beside the catalogue. What stands above it in the map is handed in. */
export type PageOptions = {
  /** `https://…` without a slash at the end. */
  readonly publicUrl: string
  readonly demo: boolean
  readonly clock: Clock
  /** The wait measured today for this service, in words; null where there is not enough data, which the page then says. */
  readonly waitOf?: (service: Service, language: Language) => Promise<Child> | Child
  /** Names of people, for the editor: who wrote what. */
  readonly names?: (ids: readonly PersonId[]) => Promise<ReadonlyMap<PersonId, string | null>>
  /** Where an office has a page of its own. */
  readonly officeUrl?: (office: string) => string
  /** What goes on at an office now, in words; null where nothing is known. */
  readonly nowAt?: (office: OfficeId, language: Language) => Promise<string | null>
  /** Sends a service's record for other systems. */
  readonly record: (request: Request, reply: Reply, id: string, format: Format) => Reply
  /** What most people ask for, in a place or anywhere, by published figures; ids, the first the most. */
  readonly mostUsed?: (place: string | null) => Promise<readonly string[]>
  /** Where a thing's figures stand. */
  readonly numbersUrl?: (service: string) => string
  /** Where somebody is asked to do a service for one. */
  readonly mandateUrl?: (service: string) => string
  /** Further ways in on the front page beside my place in line and checking a paper: what the government buys. Only what exists. */
  readonly more?: (language: Language) => readonly { href: string; title: string; text?: string }[]
}

/** A rendered page as it is sent: the bytes, compressed once, and their name. */
export type CachedPage = { readonly plain: Buffer; readonly gzip: Buffer; readonly etag: string; readonly at: number }

/** A place that somebody named: its key, or why there is none, and what else the name may mean. */
export type PlaceFound = { readonly code: string | null; readonly problem?: 'none' | 'many'; readonly matches: readonly string[] }

/** Shows a page of the catalogue: to who is signed out from the cache, where it is not the browser's own. */
export type ShowPage = (
  request: Request,
  reply: Reply,
  title: string,
  body: () => Promise<Html> | Html,
  more?: {
    wide?: boolean
    description?: string
    robots?: string
    alternates?: readonly Alternate[]
    error?: readonly SummaryError[]
    hero?: () => Html
    /** This browser's own, by what it remembers: for no cache. */
    own?: boolean
  },
) => Promise<unknown>

/** How long rendered bytes are sent again, milliseconds: the wait on them is measured. */
const freshMs = 1000
/** Pages kept; the oldest goes first. */
const keptPages = 2000
const perPage = 20
/** So many places are offered where a name may mean several. */
const mostMatches = 12

const Words = Type.String({ maxLength: 200 })
const Count = (least: number, most: number, usual: number) => Type.Integer({ minimum: least, maximum: most, default: usual })
const Place = Type.String({ maxLength: 120 })
const PlaceKey = Type.String({ maxLength: 120, description: 'INEGI key: two digits for a state, five for a municipality' })
const JurisdictionBody = Type.Object({ level: Type.String(), code: Type.String(), name: Type.String() })
const ItemBody = Type.Object({
  id: Type.String(),
  base: Type.String(),
  name: Type.String(),
  agency: Type.String(),
  jurisdiction: JurisdictionBody,
  adoptions: Type.Integer(),
  url: Type.String(),
})

const maybe = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
const AnyObject = Type.Object({}, { additionalProperties: true })
const TextsBody = Type.Record(Type.String(), Type.String())
const ServiceBody = Type.Object({
  id: Type.String(),
  base: Type.String(),
  hash: Type.String(),
  baseHash: Type.String(),
  adoptionHash: maybe(Type.String()),
  jurisdiction: JurisdictionBody,
  /** Where it is filed; null while no place is chosen. */
  office: maybe(AnyObject),
  /** As `/api/schemas/definition` describes it. */
  definition: AnyObject,
  adoption: maybe(AnyObject),
  text: Type.Object({ es: TextsBody, en: TextsBody }),
  url: Type.String(),
})

const jurisdictionBody = (j: Jurisdiction) => ({ level: j.level, code: j.code, name: j.name })

/** Adds the catalogue's pages and its API. Returns what the bench asks: a page's bytes, with and without the cache. */
export function registerPages(
  web: Pick<Web, 'route'>,
  catalogue: Catalogue,
  options: PageOptions,
): { page(id: string, language: Language, cached?: boolean): Promise<CachedPage | null> } {
  const { publicUrl: origin, demo, clock } = options
  const kept = new Map<string, { version: string; page: CachedPage }>()

  const send = (request: Request, reply: Reply, page: CachedPage) => {
    // With `?lang=` a cookie is set: such an answer is one browser's own.
    const own = (request.query as { lang?: unknown })?.lang !== undefined
    reply.headers({
      'cache-control': own ? 'private, no-cache' : 'public, max-age=1, stale-while-revalidate=30',
      vary: 'Accept-Encoding, Accept-Language, Cookie',
      etag: page.etag,
      'content-type': 'text/html; charset=utf-8',
    })
    if (request.headers['if-none-match']?.includes(page.etag)) return reply.code(304).send()
    const gzip = takesGzip(request.headers)
    if (gzip) reply.header('content-encoding', 'gzip')
    const bytes = gzip ? page.gzip : page.plain
    if (!own) keepAnswer(request, reply, bytes, page.at + freshMs - performance.now())
    return reply.send(bytes)
  }

  /** A page that is the same for all who are signed out, kept for a second. */
  async function kind(key: string, render: () => Promise<Html> | Html): Promise<CachedPage> {
    const known = kept.get(key)
    const { version } = catalogue
    if (known && known.version === version && performance.now() - known.page.at < freshMs) return known.page
    const plain = Buffer.from((await render()).text)
    const page = {
      plain,
      gzip: gzipSync(plain),
      etag: `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
      at: performance.now(),
    }
    kept.delete(key)
    if (kept.size >= keptPages) kept.delete(kept.keys().next().value!)
    kept.set(key, { version, page })
    return page
  }

  const changesLink = (l: Language): Alternate => ({
    href: `/services/changes.atom?lang=${l}`,
    type: 'application/atom+xml',
    title: label(l, 'changes.title'),
  })
  const signedOut = { person: null }
  const isOut = (request: Request) => request.visitor.person === null
  const withoutLanguage = (url: string) => {
    const [path, query = ''] = url.split('?', 2)
    const all = new URLSearchParams(query)
    all.delete('lang')
    return all.size > 0 ? `${path}?${all}` : path!
  }

  const page: ShowPage = async (request, reply, title, body, { hero, own = false, ...more } = {}) => {
    const l = request.visitor.language
    const url = withoutLanguage(request.url)
    const render = async () =>
      layout({
        title,
        language: l,
        visitor: isOut(request) ? signedOut : request.visitor,
        url,
        origin,
        demo,
        body: await body(),
        hero: hero?.(),
        ...more,
      })
    if (own) reply.headers({ 'cache-control': 'private, no-cache', vary: 'Accept-Encoding, Accept-Language, Cookie' })
    return own || !isOut(request) ? render() : send(request, reply, await kind(`${l} ${url}`, render))
  }

  /** The place somebody chose: a key, or a name that means one. */
  function placeFrom(typed: string): PlaceFound {
    const text = typed.trim()
    if (text === '') return { code: null, matches: [] }
    if (/^\d+$/.test(text)) {
      const ok = catalogue.places.state(text) ?? catalogue.places.municipality(text)
      return ok ? { code: text, matches: [] } : { code: null, problem: 'none', matches: [] }
    }
    const towns = catalogue.places.findMunicipalities(text).map((m) => m.code)
    const state = catalogue.places.findState(text)?.code
    // A state's own name means the state, except where a town of that name is asked for by level (placesFor).
    if (state !== undefined && !text.includes(',')) return { code: state, matches: towns }
    if (towns.length === 1) return { code: towns[0]!, matches: [] }
    return { code: null, problem: towns.length === 0 ? 'none' : 'many', matches: towns }
  }

  const mostUsed = async (place: string | null) => ((await options.mostUsed?.(place)) ?? []).flatMap((id) => catalogue.get(id) ?? [])
  registerNear(web, {
    catalogue,
    page,
    placeFrom,
    mostUsed,
    officeUrl: (office) => options.officeUrl?.(office) ?? null,
    nowAt: async (office, language) => (await options.nowAt?.(office, language)) ?? null,
  })
  registerNeeds(web, catalogue, page, placeFrom)

  const waysIn = (l: Language) => [
    { href: '/needs', title: words(l, 'needs.title'), text: words(l, 'needs.text') },
    { href: places.line, title: words(l, 'home.line'), text: words(l, 'home.line.text') },
    { href: places.check, title: words(l, 'home.check'), text: words(l, 'home.check.text') },
  ]

  // ——— The API ———

  const listed = (l: Language) => (i: Listed) => ({
    id: i.id as string,
    base: i.base,
    name: i.text(l, 'name'),
    agency: i.agency(l),
    jurisdiction: jurisdictionBody(i.jurisdiction),
    adoptions: i.adoptions,
    url: `${origin}${serviceUrl(i.id)}`,
  })

  web.route({
    method: 'GET',
    url: '/api/services',
    access: 'public',
    schema: {
      querystring: Type.Object({
        q: Type.Optional(Words),
        place: Type.Optional(PlaceKey),
        limit: Type.Optional(Count(0, 1000, 20)),
        offset: Type.Optional(Count(0, 100_000, 0)),
        lang: Type.Optional(Type.String({ maxLength: 10 })),
      }),
      api: {
        summary: 'Services by what people type and where they are',
        response: { 200: Type.Object({ total: Type.Integer(), items: Type.Array(ItemBody) }) },
      },
    },
    handler(request, reply) {
      const { q, place, limit, offset } = request.query
      const found = catalogue.search({ q, place, limit: limit ?? 20, offset: offset ?? 0 })
      reply.header('cache-control', 'public, max-age=10').header('vary', 'Accept-Encoding, Accept-Language, Cookie')
      return { total: found.total, items: found.items.map(listed(request.visitor.language)) }
    },
  })

  web.route({
    method: 'GET',
    url: '/api/catalogue',
    access: 'public',
    schema: {
      api: {
        summary: 'How many services there are. With an RDF format in the header accept, where they all are',
        response: { 200: Type.Object({ bases: Type.Integer(), services: Type.Integer() }) },
      },
    },
    handler(request, reply) {
      reply.header('cache-control', 'public, max-age=10').header('vary', 'Accept, Accept-Encoding')
      const format = formatOf(request.headers.accept)
      if (format) return reply.redirect(`/api/catalogue.${format}`, 303)
      return catalogue.counts()
    },
  })

  web.route({
    method: 'GET',
    url: '/api/services/*',
    access: 'public',
    schema: {
      params: Type.Object({ '*': Type.String({ maxLength: 150 }) }),
      api: {
        summary:
          'One service in full: its definition with the place laid over, and its words. With .jsonld, .ttl or .nt at the end of the id, or by the header accept: its record in CPSV-AP 3.2',
        response: { 200: inFormats('The service', { 'application/json': ServiceBody }) },
      },
    },
    handler(request, reply) {
      const { id, format } = askedFor(request.params['*'], request.headers.accept)
      if (format) return options.record(request, reply, id, format)
      const service = catalogue.get(id)
      if (!service) throw new Problem('not-found', 'There is no such service.')
      const office = service.office === null ? null : catalogue.office(service.office)!
      reply.header('cache-control', 'public, max-age=10').header('vary', 'Accept, Accept-Encoding')
      return {
        id: service.id,
        base: service.base,
        hash: service.hash,
        baseHash: service.baseHash,
        adoptionHash: service.adoptionHash,
        jurisdiction: jurisdictionBody(service.jurisdiction),
        office: office && {
          id: office.id,
          name: office.name('es'),
          zone: office.zone,
          address: office.address,
          town: office.town,
          hours: service.adoption?.hours ?? office.hours,
          confirmed: office.confirmed,
        },
        definition: service.definition,
        adoption: service.adoption,
        text: { es: service.texts('es'), en: service.texts('en') },
        url: `${origin}${serviceUrl(service.id)}`,
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/api/schemas/definition',
    access: 'public',
    schema: {
      api: {
        summary: 'JSON Schema of a definition',
        response: {
          200: { description: 'JSON Schema', content: { 'application/schema+json': { schema: AnyObject } } } as unknown as TSchema,
        },
      },
    },
    handler(_request, reply) {
      reply.header('cache-control', 'public, max-age=3600').type('application/schema+json')
      return JSON.stringify(definitionSchema)
    },
  })

  // ——— Pages ———

  web.route({
    method: 'GET',
    url: '/',
    access: 'public',
    schema: {},
    handler: (request, reply) => {
      const l = request.visitor.language
      const here = placeOf(request, catalogue)
      return page(
        request,
        reply,
        words(l, 'home.title'),
        async () =>
          homeBody(l, catalogue, {
            near:
              here === null
                ? nearForm(l)
                : tiles([{ href: `/near/${here}`, title: catalogue.places.nameOf(here), text: words(l, 'near.text') }]),
            used: await mostUsed(here),
            more: [...waysIn(l), ...(options.more?.(l) ?? [])],
          }),
        { wide: true, hero: () => homeHero(l), own: here !== null },
      )
    },
  })

  const listQuery = Type.Object({
    q: Type.Optional(Words),
    place: Type.Optional(Place),
    offset: Type.Optional(Count(0, 100_000, 0)),
    lang: Type.Optional(Type.String({ maxLength: 10 })),
  })
  const nextUrl = (path: string, fields: Record<string, string | undefined>) => (offset: number) => {
    const all = new URLSearchParams()
    for (const [k, v] of Object.entries(fields)) if (v) all.set(k, v)
    if (offset > 0) all.set('offset', String(offset))
    return all.size > 0 ? `${path}?${all}` : path
  }

  web.route({
    method: 'GET',
    url: '/services',
    access: 'public',
    schema: { querystring: listQuery },
    handler(request, reply) {
      const l = request.visitor.language
      const q = (request.query.q ?? '').trim()
      const typed = request.query.place ?? ''
      const offset = request.query.offset ?? 0
      const place = placeFrom(typed)
      const problem = place.problem && words(l, place.problem === 'many' ? 'place.many' : 'place.none')
      return page(
        request,
        reply,
        q === '' ? words(l, 'results.heading') : words(l, 'results.title', { q }),
        () => {
          const results = catalogue.search({ q, place: place.code ?? undefined, limit: perPage, offset })
          return resultsBody({
            l,
            results,
            catalogue,
            q,
            placeField: place.code === null ? typed : catalogue.places.nameOf(place.code),
            placeProblem: problem,
            matches:
              place.problem === 'many'
                ? place.matches.slice(0, mostMatches).map((code) => ({
                    href: nextUrl('/services', { q, place: code })(0),
                    name: catalogue.places.nameOf(code),
                  }))
                : [],
            url: nextUrl('/services', { q, place: typed }),
            offset,
            limit: perPage,
          })
        },
        {
          ...(q === '' ? { alternates: [changesLink(l)] } : { robots: 'noindex' }),
          ...(problem === undefined ? {} : { error: [fieldError('place', problem)] }),
        },
      )
    },
  })

  for (const [url, of] of [
    ['/life-events/:event', 'event'],
    ['/agencies/:agency', 'agency'],
  ] as const) {
    web.route({
      method: 'GET',
      url,
      access: 'public',
      schema: { params: Type.Object({ [of]: Type.String({ maxLength: 40 }) }), querystring: listQuery },
      handler(request, reply) {
        const l = request.visitor.language
        const id = (request.params as Record<string, string>)[of]!
        const known = of === 'event' ? (lifeEvents as readonly string[]).includes(id) : Object.hasOwn(catalogue.agencies, id)
        if (!known) throw new Problem('not-found', 'There is no such page.')
        const heading = of === 'event' ? words(l, `event.${id as LifeEvent}`) : catalogue.agencyName(id, l)
        const offset = request.query.offset ?? 0
        const place = placeFrom(request.query.place ?? '')
        return page(request, reply, heading, () =>
          resultsBody({
            l,
            heading,
            ...(of === 'event'
              ? {
                  lead: words(l, `event.${id as LifeEvent}.text`),
                  more: { href: `/needs?event=${id}${place.code === null ? '' : `&place=${place.code}`}`, text: words(l, 'needs.link') },
                }
              : {}),
            results: catalogue.search({ [of]: id, place: place.code ?? undefined, limit: perPage, offset }),
            catalogue,
            q: '',
            placeField: '',
            url: nextUrl(url.replace(`:${of}`, id), { place: request.query.place }),
            offset,
            limit: perPage,
          }),
        )
      },
    })
  }

  async function servicePage(
    service: Service,
    l: Language,
    request: Request | null,
    reply: Reply | null,
    choice: { value: string; problem?: string | undefined; matches: readonly string[] },
  ): Promise<Html> {
    const out = request === null || isOut(request)
    const url = serviceUrl(service.id)
    const d = service.definition
    const wait = service.placed && options.waitOf ? ((await options.waitOf(service, l)) ?? words(l, 'service.wait-unknown')) : null
    const start = !service.placed
      ? html`<h2 class="govuk-heading-m">${words(l, 'choose.heading')}</h2>${placeForm({
          l,
          catalogue,
          level: d.level as 'state' | 'municipal',
          action: url,
          value: choice.value,
          problem: choice.problem,
          matches: choice.matches.map((code) => ({ href: serviceUrl(`${service.base}@${code}`), name: catalogue.places.nameOf(code) })),
        })}`
      : !d.channels.includes(channels[0])
        ? html`<p class="govuk-body"><strong>${words(l, 'service.not-online')}</strong></p>`
        : out
          ? // Without a form the page is the same for all and may be kept; the form with its token comes after signing in.
            button({ text: words(l, 'service.start'), href: `/sign-in?next=${encodeURIComponent(`${url}#start`)}`, kind: 'start' })
          : html`<form action="/cases" method="post">${csrfField(request, reply!)}<input type="hidden" name="service" value="${service.id}">${button({ text: words(l, 'service.start'), kind: 'start', preventDoubleClick: true })}</form>`
    const byAnother =
      service.placed && options.mandateUrl
        ? html`<p class="govuk-body"><a class="govuk-link" href="${options.mandateUrl(service.id)}">${words(l, 'service.by-another')}</a></p>`
        : null
    return layout({
      title: service.text(l, 'name'),
      language: l,
      visitor: out ? signedOut : request.visitor,
      url,
      origin,
      demo,
      description: service.text(l, 'summary'),
      error: choice.problem === undefined ? null : [fieldError('place', choice.problem)],
      alternates: [
        { href: `/api/services/${service.id}.jsonld`, type: mediaTypes.jsonld },
        { href: `/api/services/${service.id}.ttl`, type: mediaTypes.ttl },
        changesLink(l),
      ],
      breadcrumbs: [
        { text: words(l, 'home.title'), href: '/' },
        { text: words(l, 'results.heading'), href: '/services' },
        ...(service.placed && d.level !== 'federal' ? [{ text: words(l, 'service.other-places'), href: serviceUrl(service.base) }] : []),
      ],
      body: serviceBody({
        l,
        service,
        catalogue,
        wait,
        start: html`${start}${byAnother}`,
        today: catalogueDay(clock),
        numbersLink: options.numbersUrl?.(service.id) ?? null,
        officeLink: service.office === null ? null : (options.officeUrl?.(service.office) ?? null),
      }),
    })
  }

  const cachedService = (service: Service, l: Language) =>
    kind(`${l} ${service.id}`, () => servicePage(service, l, null, null, { value: '', matches: [] }))

  web.route({
    method: 'GET',
    url: '/services/*',
    access: 'public',
    schema: {
      params: Type.Object({ '*': Type.String({ maxLength: 150 }) }),
      querystring: Type.Object({ place: Type.Optional(Place), lang: Type.Optional(Type.String({ maxLength: 10 })) }),
    },
    async handler(request, reply) {
      const l = request.visitor.language
      const id = request.params['*']
      const service = catalogue.get(id)
      if (!service) throw new Problem('not-found', 'There is no such service.')
      const typed = request.query.place
      if (typed !== undefined && !service.placed) {
        const length = service.definition.level === 'state' ? 2 : 5
        const place = placeFrom(typed)
        const found = [place.code, ...place.matches].filter((c): c is string => c !== null && c.length === length)
        if (found.length === 1) return reply.redirect(serviceUrl(`${service.base}@${found[0]}`), 303)
        // A state is chosen from a list; only a town is written.
        const problem = words(l, length === 2 || typed.trim() === '' ? 'place.empty' : found.length > 1 ? 'place.many' : 'place.none')
        reply.code(422)
        return servicePage(service, l, request, reply, { value: typed, problem, matches: found.slice(0, mostMatches) })
      }
      if (isOut(request)) return send(request, reply, await cachedService(service, l))
      return servicePage(service, l, request, reply, { value: '', matches: [] })
    },
  })

  web.route({
    method: 'GET',
    url: '/offices',
    access: 'public',
    schema: { querystring: Type.Object({ q: Type.Optional(Words), lang: Type.Optional(Type.String({ maxLength: 10 })) }) },
    handler(request, reply) {
      const l = request.visitor.language
      const q = (request.query.q ?? '').trim()
      return page(request, reply, words(l, 'offices.heading'), () => {
        const found = placeFrom(q)
        const codes = [...new Set([...(found.code === null ? [] : [found.code]), ...found.matches])].slice(0, 10)
        const ids = codes.flatMap((c) => (c.length === 2 ? [`state-${c}`] : [`mun-${c}`, `state-${c.slice(0, 2)}`]))
        const agencies =
          q === ''
            ? []
            : Object.entries(catalogue.agencies).flatMap(([id, a]) =>
                a.level === 'federal' && (a.short?.toLowerCase() === q.toLowerCase() || a.name.es.toLowerCase().includes(q.toLowerCase()))
                  ? [id]
                  : [],
              )
        const offices = [...new Set([...ids, ...agencies])].flatMap((id) => catalogue.office(id) ?? [])
        const states = catalogue.places.states.map((s) => ({ href: `/offices?q=${s.code}`, name: s.name }))
        return officesBody({ l, q, offices, states, link: (id) => options.officeUrl?.(id) ?? null })
      })
    },
  })

  return {
    async page(id, language, cached = true) {
      const service = catalogue.get(id)
      if (!service) return null
      if (cached) return cachedService(service, language)
      const plain = Buffer.from((await servicePage(service, language, null, null, { value: '', matches: [] })).text)
      return { plain, gzip: gzipSync(plain), etag: '', at: performance.now() }
    },
  }
}
