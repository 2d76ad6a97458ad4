/** *Near me*: what a town and its state do, where their offices are, and what most people ask for there. The place is remembered in the browser alone, and forgotten on request. */
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { button, cardList, fieldError, input, searchBox, tiles } from '#look'
import { type Request, remember, remembered, type Web } from '#web'
import type { Catalogue } from './index.ts'
import type { PlaceFound, ShowPage } from './pages.ts'
import type { Service } from './service.ts'
import { words } from './text.ts'
import { eventTiles, matchList, serviceCardOf } from './views.ts'

const cookie = 'place'

export type NearDeps = {
  readonly catalogue: Catalogue
  readonly page: ShowPage
  readonly placeFrom: (typed: string) => PlaceFound
  readonly mostUsed: (place: string | null) => Promise<readonly Service[]>
  readonly officeUrl: (office: string) => string | null
  /** What goes on at an office now, in words; null where nothing is known. */
  readonly nowAt: (office: OfficeId, language: Language) => Promise<string | null>
}

/** Adds `/near` and `/near/<INEGI key>`. */
export function registerNear(web: Pick<Web, 'route'>, { catalogue, page, placeFrom, mostUsed, officeUrl, nowAt }: NearDeps): void {
  web.route({
    method: 'GET',
    url: '/near',
    access: 'public',
    schema: {
      querystring: Type.Object({
        place: Type.Optional(Type.String({ maxLength: 120 })),
        forget: Type.Optional(Type.Literal('1')),
        lang: Type.Optional(Type.String({ maxLength: 10 })),
      }),
    },
    handler(request, reply) {
      const l = request.visitor.language
      if (request.query.forget) {
        remember(request, reply, cookie, null)
        return reply.redirect('/', 303)
      }
      const typed = request.query.place
      const found = placeFrom(typed ?? '')
      if (found.code !== null) return reply.redirect(`/near/${found.code}`, 303)
      const problem =
        typed === undefined
          ? undefined
          : words(l, typed.trim() === '' ? 'place.empty' : found.problem === 'many' ? 'place.many' : 'place.none')
      if (problem) reply.code(422)
      return page(
        request,
        reply,
        words(l, 'near.title'),
        () =>
          html`<h1 class="govuk-heading-l">${words(l, 'near.title')}</h1><p class="govuk-body-l">${words(l, 'near.lead')}</p>${nearForm(l, typed ?? '', problem)}${matchList(
            found.matches.slice(0, 12).map((code) => ({ href: `/near/${code}`, name: catalogue.places.nameOf(code) })),
          )}<h2 class="govuk-heading-m">${words(l, 'near.states')}</h2><ul class="govuk-list v-columns">${catalogue.places.states.map((s) => html`<li><a class="govuk-link" href="/near/${s.code}">${s.name}</a></li>`)}</ul>`,
        problem ? { error: [fieldError('place', problem)] } : {},
      )
    },
  })

  web.route({
    method: 'GET',
    url: '/near/:code',
    access: 'public',
    schema: {
      params: Type.Object({ code: Type.String({ pattern: '^\\d{2}(\\d{3})?$' }) }),
      querystring: Type.Object({ lang: Type.Optional(Type.String({ maxLength: 10 })) }),
    },
    async handler(request, reply) {
      const l = request.visitor.language
      const { code } = request.params
      const { places } = catalogue
      if (!places.state(code) && !places.municipality(code)) throw new Problem('not-found', 'There is no such place.')
      remember(request, reply, cookie, code)
      const name = places.nameOf(code)
      const title = words(l, 'near.in', { place: name })
      const offices = (code.length === 5 ? [`mun-${code}`, `state-${code.slice(0, 2)}`] : [`state-${code}`]).flatMap(
        (id) => catalogue.office(id) ?? [],
      )
      const [used, now] = await Promise.all([mostUsed(code), Promise.all(offices.map((o) => nowAt(o.id, l)))])
      return page(
        request,
        reply,
        title,
        () => {
          return html`<h1 class="govuk-heading-xl">${title}</h1>${searchBox({ language: l, action: '/services', hidden: { place: code } })}${
            used.length > 0 &&
            html`<h2 class="govuk-heading-m" id="used">${words(l, 'near.used')}</h2>${cardList(used.map((s) => serviceCardOf(s, l, catalogue, 3)))}`
          }<h2 class="govuk-heading-m" id="offices">${words(l, 'near.offices')}</h2>${tiles(
            offices.map((o, i) => ({
              href: officeUrl(o.id) ?? `/offices?q=${code}`,
              title: o.name(l),
              text: now[i] ?? words(l, 'near.office'),
            })),
          )}<h2 class="govuk-heading-m" id="events">${words(l, 'home.events')}</h2>${eventTiles(l, catalogue, (e) => `/life-events/${e}?place=${code}`, code)}<p class="govuk-body v-soft">${words(l, 'near.kept')} <a class="govuk-link" href="/near?forget=1">${words(l, 'near.forget')}</a> · <a class="govuk-link" href="/near">${words(l, 'near.other')}</a> · <a class="govuk-link" href="/numbers/places/${code}">${words(l, 'near.numbers')}</a></p>`
        },
        { wide: true, own: true },
      )
    },
  })
}

/** Where somebody is, in their own words. */
export function nearForm(l: Language, value = '', problem?: string): Html {
  return html`<form action="/near" method="get" class="v-place">${input({
    id: 'place',
    name: 'place',
    label: { text: words(l, 'near.where') },
    hint: { text: words(l, 'choose.municipality-hint') },
    value,
    classes: 'govuk-input--width-20',
    ...(problem === undefined ? {} : { error: { text: problem } }),
  })}${button({ text: words(l, 'near.go'), kind: 'secondary' })}</form>`
}

/** The place this browser remembers, while it exists. */
export function placeOf(request: Request, { places }: Pick<Catalogue, 'places'>): string | null {
  const kept = remembered(request, cookie)
  if (kept === undefined || !/^\d{2}(\d{3})?$/.test(kept)) return null
  return places.state(kept) || places.municipality(kept) ? kept : null
}
