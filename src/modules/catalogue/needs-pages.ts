/** *What do I need for…*: the page where one chooses services and gets one list for all of them, and the same for programs. */
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import { moneyText } from '#kernel/money'
import type { Language } from '#kernel/text'
import { button, cardList, checkboxes, details, figures, table } from '#look'
import type { Web } from '#web'
import { type LifeEvent, lifeEvents } from './definition.ts'
import type { Catalogue } from './index.ts'
import { type Needs, needsOf } from './needs.ts'
import type { ShowPage } from './pages.ts'
import type { Service } from './service.ts'
import { words } from './text.ts'
import { eventTiles, issuerIn, serviceCardOf, serviceUrl, shownMoney, shownTerm } from './views.ts'

/** So many services are put together at once. */
const mostTogether = 12

const Id = Type.String({ maxLength: 150 })
const Event = Type.Optional(Type.Union(lifeEvents.map((e) => Type.Literal(e))))
const Query = Type.Object({
  event: Event,
  place: Type.Optional(Type.String({ maxLength: 120 })),
  for: Type.Optional(Type.Array(Id, { maxItems: mostTogether })),
  lang: Type.Optional(Type.String({ maxLength: 10 })),
})

const NeedsBody = Type.Object({
  order: Type.Array(Type.String(), { description: 'The services, in the order to do them in' }),
  papers: Type.Array(
    Type.Object({
      name: Type.String(),
      how: Type.Array(Type.String()),
      always: Type.Boolean({ description: 'False: only in some cases' }),
      by: Type.Array(Type.String()),
      from: Type.Union([Type.String(), Type.Null()], { description: 'The service that issues it' }),
    }),
  ),
  cost: Type.Object({
    least: Type.String({ description: 'As 1234.50 MXN, of the services whose price is known' }),
    most: Type.String(),
    unpriced: Type.Array(Type.String()),
  }),
  longest: Type.Union([Type.String(), Type.Null()]),
})

/** Adds `/needs` and `/api/needs`. */
export function registerNeeds(
  web: Pick<Web, 'route'>,
  catalogue: Catalogue,
  page: ShowPage,
  placeFrom: (typed: string) => { readonly code: string | null },
): void {
  const chosen = (given: readonly string[] = []): Service[] => [...new Set(given)].flatMap((id) => catalogue.get(id) ?? [])
  const needs = (services: readonly Service[], l: Language) => needsOf(services, l, issuerIn(catalogue))

  web.route({
    method: 'GET',
    url: '/api/needs',
    access: 'public',
    schema: {
      querystring: Type.Object({ for: Type.Array(Id, { minItems: 1, maxItems: mostTogether }), lang: Query.properties.lang }),
      api: { summary: 'What several services need together: papers, cost, and the order to do them in', response: { 200: NeedsBody } },
    },
    handler(request, reply) {
      const found = needs(chosen(request.query.for), request.visitor.language)
      reply.header('cache-control', 'public, max-age=10').header('vary', 'Accept-Encoding, Accept-Language, Cookie')
      return {
        order: found.order.map((s) => s.id as string),
        papers: found.papers.map((p) => ({
          name: p.name,
          how: [...p.how],
          always: p.always,
          by: p.by.map((s) => s.id as string),
          from: p.from?.id ?? null,
        })),
        cost: { least: moneyText(found.least), most: moneyText(found.most), unpriced: found.unpriced.map((s) => s.id as string) },
        longest: found.longest?.id ?? null,
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/needs',
    access: 'public',
    schema: { querystring: Query },
    handler(request, reply) {
      const l = request.visitor.language
      const { event } = request.query
      const services = chosen(request.query.for)
      const place = placeFrom(request.query.place ?? '').code
      const title = event ? words(l, 'needs.for', { event: words(l, `event.${event}`) }) : words(l, 'needs.title')
      return page(
        request,
        reply,
        title,
        () =>
          html`<h1 class="govuk-heading-l">${title}</h1>${
            services.length > 0
              ? needsBody(l, needs(services, l), catalogue)
              : event === undefined
                ? html`<p class="govuk-body-l">${words(l, 'needs.lead')}</p>${eventTiles(l, catalogue, (e) => `/needs?event=${e}`)}`
                : html`<p class="govuk-body-l">${words(l, 'needs.choose.lead')}</p>`
          }${event !== undefined && chooseForm(l, catalogue, event, place, services)}`,
        services.length > 0 ? { robots: 'noindex' } : {},
      )
    },
  })
}

/** The services of a life event, in a place where one is chosen, to tick. */
function chooseForm(l: Language, catalogue: Catalogue, event: LifeEvent, place: string | null, ticked: readonly Service[]): Html {
  const offered = catalogue.search({ event, place: place ?? undefined, limit: 40 }).items
  const more = ticked.filter((s) => !offered.some((i) => i.id === s.id))
  const chosen = ticked.length > 0
  const form = html`<form action="/needs" method="get"><input type="hidden" name="event" value="${event}">${
    place !== null && html`<input type="hidden" name="place" value="${place}">`
  }${checkboxes({
    idPrefix: 'for',
    name: 'for',
    fieldset: { legend: { text: words(l, 'needs.choose'), classes: chosen ? 'govuk-fieldset__legend--s' : 'govuk-fieldset__legend--m' } },
    items: [
      ...more.map((s) => ({ value: s.id as string, text: s.text(l, 'name'), checked: true })),
      ...offered.map((i) => ({
        value: i.id as string,
        text: i.text(l, 'name'),
        hint: { text: i.text(l, 'summary') },
        checked: ticked.some((s) => s.id === i.id),
      })),
    ],
  })}${button({ text: words(l, 'needs.go') })}</form>`
  // Once there is a list, it is what one came for.
  return chosen ? details({ summary: words(l, 'needs.change'), body: form }) : form
}

function needsBody(l: Language, needs: Needs, catalogue: Catalogue): Html {
  const { order, papers, unpriced, longest } = needs
  const free = needs.most.minor === 0n
  const cost =
    free && unpriced.length === order.length
      ? words(l, 'fee.local')
      : free
        ? words(l, 'fee.free')
        : needs.least.minor === needs.most.minor
          ? shownMoney(needs.most, l)
          : words(l, 'fee.range', { least: shownMoney(needs.least, l), most: shownMoney(needs.most, l) })
  return html`${figures(l, [
    {
      label: words(l, 'needs.cost'),
      value: cost,
      ...(unpriced.length > 0 ? { note: words(l, 'needs.unpriced', { count: unpriced.length }) } : {}),
    },
    {
      label: words(l, 'needs.longest'),
      value: longest ? shownTerm(longest.definition.term, l) : words(l, 'term.immediate'),
      ...(longest ? { note: longest.text(l, 'name') } : {}),
    },
  ])}<h2 class="govuk-heading-m" id="papers">${words(l, 'needs.papers', { count: papers.length })}</h2>${
    papers.length === 0
      ? html`<p class="govuk-body">${words(l, 'needs.no-papers')}</p>`
      : table({
          head: [words(l, 'needs.paper'), words(l, 'needs.used-in')],
          firstCellIsHeader: true,
          rows: papers.map((p) => [
            html`${p.name}<span class="v-under">${p.hint !== '' && html`${p.hint} `}<span class="v-soft">(${[...(p.always ? [] : [words(l, 'paper.sometimes')]), ...p.how.map((how) => words(l, `paper.${how}`))].join('; ')})</span></span>${
              p.from &&
              html`<span class="v-under"><a class="govuk-link" href="${serviceUrl(p.from.id)}">${words(l, 'paper.from')}<span class="govuk-visually-hidden">: ${p.from.text(l, 'name')}</span></a></span>`
            }`,
            html`${p.by.map((s, i) => html`${i > 0 && html`<br>`}${s.text(l, 'name')}`)}`,
          ]),
        })
  }<p class="govuk-body"><strong>${words(l, 'service.closed-list')}</strong></p><h2 class="govuk-heading-m" id="order">${words(l, 'needs.order')}</h2>${cardList(order.map((s) => serviceCardOf(s, l, catalogue)))}<p class="govuk-body v-soft">${words(l, 'needs.print')}</p>`
}
