/** The addresses of what goes out to other systems. */
import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { type TSchema, Type } from 'typebox'
import type { Db } from '#db'
import { html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { layout, table } from '#look'
import type { Reply, Request, Web } from '#web'
import type { Catalogue } from '../index.ts'
import { changesFeed } from './changes.ts'
import { datasetNodes, vocabularyNodes } from './datasets.ts'
import { openRecords } from './records.ts'
import { robots, sitemapFile, sitemapFiles, sitemapIndex } from './sitemap.ts'
import { label } from './text.ts'
import { classes, concepts, contextOf, type Node, ownProperties } from './vocabulary.ts'
import { type Format, formats, mediaTypes, write } from './write.ts'

/** Streams under way in one process, and one for each address: each takes a core for seconds. Whoever comes later is told when to come again. */
const mostStreams = 8
/** When that is, seconds. */
const comeAgain = 20
/** How long a stream may take, milliseconds: who reads more slowly holds a place that others wait for. */
const longestStream = 600_000

/** What an answer in a format is, for the OpenAPI document: JSON-LD is an object, the others are text. */
const bodyOf = (format: Format): TSchema => (format === 'jsonld' ? Type.Object({}, { additionalProperties: true }) : Type.String())
const answerIn = (format: Format, description: string) =>
  ({ description, content: { [mediaTypes[format]]: { schema: bodyOf(format) } } }) as unknown as TSchema

/** An answer in any of these formats, for the OpenAPI document. */
export function inFormats(description: string, more: Readonly<Record<string, TSchema>> = {}): TSchema {
  const rdf = Object.fromEntries(formats.map((f) => [mediaTypes[f], { schema: bodyOf(f) }]))
  const others = Object.fromEntries(Object.entries(more).map(([type, schema]) => [type, { schema }]))
  return { description, content: { ...others, ...rdf } } as unknown as TSchema
}

/** The format that an `Accept` header likes best; null where it names none of ours before JSON, HTML or anything. */
export function formatOf(accept: string | undefined): Format | null {
  const wanted = (accept ?? '')
    .slice(0, 500)
    .split(',')
    .map((range, i) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const q = Number(parameters.find((p) => p.startsWith('q='))?.slice(2) ?? 1)
      return { type, q: Number.isFinite(q) ? q : 0, i }
    })
    .filter((range) => range.q > 0)
    .sort((a, b) => b.q - a.q || a.i - b.i)
  return formats.find((f) => mediaTypes[f] === wanted[0]?.type) ?? null
}

/** `id.ttl` as an id and a format; an id alone with the format that the header asks for. */
export function askedFor(id: string, accept: string | undefined): { readonly id: string; readonly format: Format | null } {
  const ending = formats.find((f) => id.endsWith(`.${f}`))
  return ending ? { id: id.slice(0, -ending.length - 1), format: ending } : { id, format: formatOf(accept) }
}

/** Pieces one at a time, as fast as they are taken; others are served between two of them. */
async function* paced(pieces: Iterable<string>): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece
    await turn()
  }
}

/** Adds them. What comes back answers for one service. */
export function registerLinked(
  web: Pick<Web, 'route'>,
  o: {
    readonly catalogue: Catalogue
    readonly db: Db
    readonly origin: string
    readonly demo: boolean
    readonly officeUrl?: ((office: string) => string) | undefined
  },
) {
  const { catalogue, origin } = o
  const records = openRecords(catalogue, origin, o.officeUrl)
  // The same catalogue is written otherwise by a release with other words.
  const words = createHash('sha256')
    .update(JSON.stringify(contextOf(origin)))
    .digest('base64url')
    .slice(0, 8)

  /** Whether the asker has this version already; then the answer is sent. */
  function known(request: Request, reply: Reply, type: string, name: string): boolean {
    const etag = `W/"${catalogue.version}-${words}-${name}"`
    reply.headers({
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'public, max-age=60',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Accept, Accept-Encoding',
      etag,
    })
    return request.headers['if-none-match']?.includes(etag) ?? false
  }

  function graph(request: Request, reply: Reply, format: Format, name: string, nodes: () => Iterable<Node>): Reply {
    if (known(request, reply, mediaTypes[format], `${name}.${format}`)) return reply.code(304).send()
    return reply.send([...write(format, nodes(), origin)].join(''))
  }

  /** Addresses that are being sent a stream. */
  const reading = new Set<string>()

  function stream(request: Request, reply: Reply, type: string, name: string, pieces: () => Iterable<string>): Reply {
    if (known(request, reply, type, name)) return reply.code(304).send()
    if (request.method === 'HEAD') return reply.send(Readable.from([]))
    const { ip } = request
    if (reading.has(ip) || reading.size >= mostStreams) {
      reply.removeHeader('etag').header('retry-after', comeAgain)
      throw new Problem('too-many', 'This is being sent already, to this address or to many others. Ask again in a moment.')
    }
    reading.add(ip)
    const sent = Readable.from(paced(pieces()), { objectMode: false }).once('close', () => reading.delete(ip))
    return reply.send(addAbortSignal(AbortSignal.timeout(longestStream), sent))
  }

  for (const format of formats) {
    web.route({
      method: 'GET',
      url: `/api/catalogue.${format}`,
      access: 'public',
      schema: {
        api: {
          summary: `All services, each base before the places that offer it, in CPSV-AP 3.2 (${mediaTypes[format]})`,
          response: { 200: answerIn(format, 'A stream') },
        },
      },
      handler: (request, reply) =>
        stream(request, reply, mediaTypes[format], `whole.${format}`, () => write(format, records.all(), origin)),
    })
    web.route({
      method: 'GET',
      url: `/api/dcat.${format}`,
      access: 'public',
      schema: {
        api: {
          summary: `What is published as data, in DCAT 3 (${mediaTypes[format]})`,
          response: { 200: answerIn(format, 'A catalogue') },
        },
      },
      handler: (request, reply) => graph(request, reply, format, 'dcat', () => datasetNodes(origin)),
    })
    web.route({
      method: 'GET',
      url: `/ns.${format}`,
      access: 'public',
      schema: {},
      handler: (request, reply) => graph(request, reply, format, 'ns', () => vocabularyNodes(origin)),
    })
  }

  // Where the names of places, offices and datasets lead.
  web.route({
    method: 'GET',
    url: '/api/dcat',
    access: 'public',
    schema: { api: { summary: 'What is published as data, in DCAT 3', response: { 200: inFormats('A catalogue') } } },
    handler: (request, reply) => graph(request, reply, formatOf(request.headers.accept) ?? 'jsonld', 'dcat', () => datasetNodes(origin)),
  })

  web.route({
    method: 'GET',
    url: '/ns',
    access: 'public',
    schema: {},
    handler(request, reply) {
      const format = formatOf(request.headers.accept)
      if (format) return graph(request, reply, format, 'ns', () => vocabularyNodes(origin))
      const l = request.visitor.language
      const title = label(l, 'ns.title')
      const described = (all: readonly string[]) =>
        table({
          head: [label(l, 'ns.term'), label(l, 'ns.meaning')],
          rows: all.map((name) => [
            html`<code id="${name}">${name}</code>`,
            html`<strong>${label(l, `term.${name}` as 'term.Base')}</strong>. ${label(l, `term.${name}.text` as 'term.Base.text')}`,
          ]),
        })
      reply.header('vary', 'Accept')
      return layout({
        title,
        language: l,
        visitor: request.visitor,
        url: '/ns',
        origin,
        demo: o.demo,
        alternates: [{ href: '/ns.ttl', type: mediaTypes.ttl }],
        body: html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${label(l, 'ns.lead')}</p><p class="govuk-body">${label(l, 'ns.address', { address: `${origin}/ns#` })}</p><h2 class="govuk-heading-m">${label(l, 'ns.classes')}</h2>${described(classes)}<h2 class="govuk-heading-m">${label(l, 'ns.properties')}</h2>${described(ownProperties)}<h2 class="govuk-heading-m">${label(l, 'ns.concepts')}</h2>${table(
          {
            head: [label(l, 'ns.term'), label(l, 'ns.meaning')],
            rows: concepts.map((name) => [
              html`<code id="${name}">${name}</code>`,
              html`${label(l, `concept.${name}`)}${name === 'in-turn' && html`. ${label(l, 'in-turn.text')}`}`,
            ]),
          },
        )}<ul class="govuk-list govuk-list--bullet"><li><a class="govuk-link" href="/ns.ttl">${label(l, 'ns.as-turtle')}</a></li><li><a class="govuk-link" href="/api/catalogue.nt">${label(l, 'ns.catalogue')}</a></li><li><a class="govuk-link" href="/api/dcat.ttl">${label(l, 'ns.datasets')}</a></li></ul>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/services/changes.atom',
    access: 'public',
    schema: {
      querystring: Type.Object({
        before: Type.Optional(Type.String({ pattern: '^\\d{1,18}$' })),
        lang: Type.Optional(Type.String({ maxLength: 10 })),
      }),
    },
    async handler(request, reply) {
      const l = request.visitor.language
      const before = request.query.before ?? null
      if (known(request, reply, 'application/atom+xml', `changes-${l}-${before ?? ''}`)) return reply.code(304).send()
      reply.header('vary', 'Accept-Encoding, Accept-Language, Cookie')
      return reply.send(await changesFeed(o, l, before))
    },
  })

  web.route({
    method: 'GET',
    url: '/sitemap.xml',
    access: 'public',
    schema: {},
    handler(request, reply) {
      if (known(request, reply, 'application/xml', 'sitemap')) return reply.code(304).send()
      return reply.send(sitemapIndex(catalogue, records, origin))
    },
  })
  web.route({
    method: 'GET',
    url: '/sitemaps/:file',
    access: 'public',
    schema: { params: Type.Object({ file: Type.String({ pattern: '^[1-9]\\d{0,3}\\.xml$' }) }) },
    handler(request, reply) {
      const file = Number.parseInt(request.params.file, 10)
      if (file > sitemapFiles(catalogue, records)) throw new Problem('not-found', 'There is no such file.')
      return stream(request, reply, 'application/xml', `sitemap-${file}`, () => sitemapFile(catalogue, records, origin, file))
    },
  })
  web.route({
    method: 'GET',
    url: '/robots.txt',
    access: 'public',
    schema: {},
    handler: (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type('text/plain; charset=utf-8').send(robots(origin)),
  })

  return {
    /** One service's record, sent. */
    record(request: Request, reply: Reply, id: string, format: Format): Reply {
      const service = catalogue.get(id)
      if (!service) throw new Problem('not-found', 'There is no such service.')
      return graph(request, reply, format, service.id, () => records.one(service))
    },
  }
}
