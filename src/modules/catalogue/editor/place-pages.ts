/** The pages of places: what a state or town fixes, the ten questions by which it joins, and towns that approve for one another. */
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { button, input, notificationBanner, type SummaryError, summaryList, tag } from '#look'
import { type Request, signedIn, type Web } from '#web'
import { type Fault, faultWords } from '../faults.ts'
import type { PlaceContent } from './content.ts'
import { type Change, differences } from './difference.ts'
import type { OpenDraft } from './drafts.ts'
import type { EditorFrame } from './pages.ts'
import { type Field, type Form, flat, liesAt, placeOfFault, readFields } from './parts.ts'
import { adoptionWords, joinFields, officeFields, officeWords, type PlaceEdit, serviceFields } from './place-parts.ts'
import { mayWrite } from './rights.ts'
import { type Key, text } from './text.ts'
import * as v from './views.ts'

const access = { roles: ['analyst'] } as const
const AnyForm = Type.Record(Type.String({ maxLength: 150 }), Type.Unknown())
const Lang = { lang: Type.Optional(Type.String({ maxLength: 10 })) }

type PlaceDraft = OpenDraft & { kind: 'place' }

/** Adds the routes of places. Gives what the page of a draft shows of one. */
export function registerPlaces(web: Pick<Web, 'route'>, frame: EditorFrame) {
  const { catalogue, drafts, page, urlOf, hidden, one, whole } = frame
  const level = (place: string) => (place.length === 2 ? 'state' : 'municipal')

  const editOf = (l: Language, place: string, content: PlaceContent): PlaceEdit => ({
    l,
    content,
    bases: catalogue.bases().flatMap((id) => {
      const s = catalogue.get(id)!
      return s.definition.level === level(place) ? [{ id, name: s.text(l, 'name'), definition: s.definition }] : []
    }),
    others: catalogue.bases().map((id) => ({ value: id, text: catalogue.get(id)!.text(l, 'name') })),
  })
  const fieldsFor = (edit: PlaceEdit, place: string, item: string): Field[] | null =>
    item === 'office' ? officeFields(edit) : item === 'join' ? joinFields(edit) : serviceFields(edit, `${level(place)}/${item}`)

  const itemOfFault = (f: Fault) => /^\/services\/[a-z]+~1([^/]+)/.exec(f.pointer)?.[1] ?? 'office'

  async function draftOf(request: Request, id: string): Promise<PlaceDraft> {
    const draft = await drafts.open(signedIn(request), id)
    if (draft.kind !== 'place') throw new Problem('not-found', 'This draft is of a service.')
    return draft as PlaceDraft
  }

  function itemPage(
    request: Request,
    reply: Parameters<typeof hidden>[1],
    d: PlaceDraft,
    item: string,
    more: { content?: PlaceContent; typed?: Form; wrong?: ReadonlyMap<string, Key>; error?: SummaryError[]; saved?: boolean } = {},
  ): Html {
    const l = request.visitor.language
    const edit = editOf(l, d.place, structuredClone(more.content ?? d.content))
    const all = fieldsFor(edit, d.place, item)
    if (!all) throw new Problem('not-found', 'There is no such page of the draft.')
    const fields = all.filter((f) => f.as !== 'choice' || f.name !== 'end')
    const place = catalogue.places.nameOf(d.place)
    const [title, lead] =
      item === 'office'
        ? [text(l, 'place.window'), text(l, 'place.window-lead')]
        : item === 'join'
          ? [text(l, 'join.title', { place }), text(l, 'join.lead')]
          : [edit.bases.find((b) => b.id.endsWith(`/${item}`))!.name, text(l, 'place.service-lead')]
    const drawing: v.Drawing = {
      l,
      faults: d.faults,
      typed: more.typed ?? {},
      wrong: more.wrong ?? new Map(),
      conditionUrl: () => '',
      conditionWords: (when) => when,
      words: () => '',
    }
    const shown = flat(fields).flatMap((f) => (f.as === 'note' ? [] : f.at))
    const rest = d.faults.filter((f) => (item === 'join' || itemOfFault(f) === item) && !liesAt(placeOfFault(f), shown))
    return page(request, {
      title,
      back: urlOf(d),
      error: more.error ?? (more.wrong?.size ? v.summaryOfFields(fields, drawing) : undefined),
      body: html`${more.saved && notificationBanner({ language: l, success: true, text: text(l, 'saved') })}<h1 class="govuk-heading-xl">${title}</h1><p class="govuk-body">${lead}</p>${
        rest.length > 0 && html`<div class="govuk-inset-text">${rest.map((f) => html`<p class="govuk-body">${faultWords(l, f)}</p>`)}</div>`
      }<form action="${urlOf(d, 'places', item)}" method="post">${hidden(request, reply, d)}${v.fieldsHtml(fields, drawing)}${
        d.state === 'open' && d.mayWrite && button({ text: text(l, 'save') })
      }</form>`,
    })
  }

  const params = Type.Object({ draft: Type.String({ maxLength: 40 }), item: Type.String({ maxLength: 60 }) })
  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/places/:item',
    access,
    schema: { params, querystring: Type.Object({ saved: Type.Optional(Type.String({ maxLength: 5 })), ...Lang }) },
    handler: async (request, reply) =>
      itemPage(request, reply, await draftOf(request, request.params.draft), request.params.item, {
        saved: request.query.saved !== undefined,
      }),
  })
  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/places/:item',
    access,
    schema: { params, body: AnyForm },
    async handler(request, reply) {
      const l = request.visitor.language
      const { draft, item } = request.params
      const d = await draftOf(request, draft)
      const form = { ...(request.body as Form), end: '' }
      const tried = editOf(l, d.place, structuredClone(d.content))
      const fields = fieldsFor(tried, d.place, item)
      if (!fields) throw new Problem('not-found', 'There is no such page of the draft.')
      const wrong = readFields(fields, form)
      if (wrong.size > 0) {
        reply.code(422)
        return itemPage(request, reply, d, item, { content: tried.content, typed: form, wrong })
      }
      const saved = await drafts.save<PlaceContent>(signedIn(request), draft, whole(form, 'n'), `services/${item}`, (content) => {
        readFields(fieldsFor(editOf(l, d.place, content), d.place, item)!, form)
        return content
      })
      if ('since' in saved) {
        reply.code(409)
        const names = await frame.namesFor(
          saved.since.map((s) => s.person),
          l,
        )
        const who = [...new Set(saved.since.map((s) => names(s.person)))].join(', ')
        return itemPage(request, reply, d, item, { content: tried.content, typed: form, error: [{ text: text(l, 'stale', { who }) }] })
      }
      return reply.redirect(item === 'join' ? urlOf(d) : `${urlOf(d, 'places', item)}?saved=1`, 303)
    },
  })

  // ——— A place, before there is a draft ———

  web.route({
    method: 'GET',
    url: '/editor/places',
    access,
    schema: { querystring: Type.Object({ place: Type.Optional(Type.String({ maxLength: 120 })), ...Lang }) },
    handler(request, reply) {
      const typed = (request.query.place ?? '').trim()
      const found = codeOf(typed)
      if (found) return reply.redirect(`/editor/places/${found}`, 303)
      const l = request.visitor.language
      reply.code(422)
      return page(request, {
        title: text(l, 'home.places'),
        back: '/editor',
        error: [{ href: '#place', text: text(l, 'error.place') }],
        body: html`<h1 class="govuk-heading-xl">${text(l, 'home.places')}</h1><form action="/editor/places" method="get">${input({ name: 'place', label: text(l, 'home.place'), value: typed, error: text(l, 'error.place'), classes: 'govuk-input--width-20' })}${button({ text: text(l, 'home.open') })}</form>`,
      })
    },
  })

  /** The one place somebody wrote; null where there is none, or several. */
  function codeOf(typed: string): string | null {
    if (/^\d{2}(\d{3})?$/.test(typed)) return catalogue.places.state(typed)?.code ?? catalogue.places.municipality(typed)?.code ?? null
    const towns = catalogue.places.findMunicipalities(typed)
    const state = typed.includes(',') ? null : catalogue.places.findState(typed)
    return state?.code ?? (towns.length === 1 ? towns[0]!.code : null)
  }

  const OnePlace = Type.Object({ place: Type.String({ pattern: '^\\d{2}(\\d{3})?$' }) })
  web.route({
    method: 'GET',
    url: '/editor/places/:place',
    access,
    schema: { params: OnePlace, querystring: Type.Object(Lang) },
    async handler(request, reply) {
      const l = request.visitor.language
      const { place } = request.params
      if (!catalogue.places.state(place) && !catalogue.places.municipality(place)) throw new Problem('not-found', 'There is no such place.')
      const name = catalogue.places.nameOf(place)
      const own = mayWrite(signedIn(request), { base: '', place })
      const begin = (join: boolean) =>
        html`<form action="/editor/drafts" method="post">${frame.csrf(request, reply)}<input type="hidden" name="how" value="place"><input type="hidden" name="place" value="${place}">${join && html`<input type="hidden" name="join" value="1">`}${button({ text: text(l, join ? 'place.join' : 'place.begin'), kind: join ? 'primary' : 'secondary' })}</form>`
      const edit = editOf(l, place, { file: { format: 1, place, services: {} } })
      const said = place.length === 5 ? await drafts.pairings(place) : []
      const act = (what: string, partner: string, words: string) =>
        html`<button class="v-act" type="submit" name="${what}" value="${partner}">${words}<span class="govuk-visually-hidden">: ${catalogue.places.nameOf(partner)}</span></button>`
      const partners = [...new Set(said.flatMap((p) => [p.place, p.partner]).filter((p) => p !== place))]
      return page(request, {
        title: name,
        back: '/editor',
        body: html`<h1 class="govuk-heading-xl">${text(l, 'place.title', { place: name })}</h1><p class="govuk-body">${text(l, 'place.lead')}</p>${own && html`<p class="govuk-body">${text(l, 'place.join-lead')}</p>${begin(true)}${begin(false)}`}${summaryList(
          {
            rows: edit.bases.map((b) => ({
              key: html`<a class="govuk-link" href="/services/${b.id}@${place}">${b.name}</a>`,
              value: adoptionWords(
                l,
                catalogue.get(`${b.id}@${place}`)?.adoption ?? undefined,
                (id) => catalogue.get(id)?.text(l, 'name') ?? id,
              ),
            })),
          },
        )}${
          place.length === 5 &&
          html`<h2 class="govuk-heading-m" id="pairing">${text(l, 'pair.title')}</h2><p class="govuk-body">${text(l, 'pair.lead')}</p>${
            own
              ? html`<form action="/editor/places/${place}/pairing" method="post">${frame.csrf(request, reply)}<ul class="govuk-list">${partners.map(
                  (p) => {
                    const mine = said.some((s) => s.place === place && s.partner === p)
                    const theirs = said.some((s) => s.place === p && s.partner === place)
                    const theirName = catalogue.places.nameOf(p)
                    return html`<li>${mine && theirs ? text(l, 'pair.with', { place: theirName }) : theirs ? text(l, 'pair.asked', { place: theirName }) : text(l, 'pair.waiting', { place: theirName })} ${!mine && act('accept', p, text(l, 'pair.accept'))} ${act('end', p, text(l, 'pair.end'))}</li>`
                  },
                )}</ul>${input({ name: 'partner', label: text(l, 'pair.name'), classes: 'govuk-input--width-20' })}${button({ text: text(l, 'pair.propose'), kind: 'secondary' })}</form>`
              : html`<p class="govuk-body">${text(l, 'pair.own')}</p>`
          }`
        }`,
      })
    },
  })

  web.route({
    method: 'POST',
    url: '/editor/places/:place/pairing',
    access,
    schema: { params: OnePlace, body: AnyForm },
    async handler(request, reply) {
      const { place } = request.params
      const form = request.body as Form
      const end = one(form, 'end')
      const partner = end || one(form, 'accept') || codeOf(one(form, 'partner')) || ''
      await drafts.pair(signedIn(request), place, partner, end === '')
      return reply.redirect(`/editor/places/${place}#pairing`, 303)
    },
  })

  return {
    /** The rows of a place's draft. */
    rows(d: PlaceDraft, l: Language): Html {
      const edit = editOf(l, d.place, d.content)
      const wrong = (item: string) => d.faults.filter((f) => itemOfFault(f) === item).length
      const row = (item: string, name: string, value: string) => ({
        key: name,
        value: html`${value}${wrong(item) > 0 && html` ${tag({ text: text(l, 'faults.count', { count: wrong(item) }), kind: 'wrong' })}`}`,
        actions: [
          { href: urlOf(d, 'places', item), text: text(l, d.state === 'open' && d.mayWrite ? 'act.change' : 'act.look'), about: name },
        ],
      })
      const o = d.content.file.office
      return html`<p class="govuk-body">${v.link(urlOf(d, 'places', 'join'), text(l, 'place.join'))}</p>${summaryList({
        rows: [
          row(
            'office',
            text(l, 'place.window'),
            [o?.address, o?.telephone, o?.oneLine && text(l, 'office.one-line-yes')].filter(Boolean).join(' · '),
          ),
          ...edit.bases.map((b) =>
            row(
              b.id.split('/')[1]!,
              b.name,
              adoptionWords(l, d.content.file.services[b.id], (id) => catalogue.get(id)?.text(l, 'name') ?? id),
            ),
          ),
        ],
      })}`
    },
    /** Where a fault of a place is mended. */
    pageOf: (d: PlaceDraft, l: Language) => (f: Fault) => ({
      href: urlOf(d, 'places', itemOfFault(f)),
      name: frameName(l, itemOfFault(f), d.place),
    }),
    /** What the draft changes of each service, in words. */
    changes(d: PlaceDraft, l: Language) {
      const before = d.before?.file.services ?? {}
      const [was, is] = [d.before?.file.office, d.content.file.office].map((o) => officeWords(l, o)) as [
        Record<string, string>,
        Record<string, string>,
      ]
      const window = Object.keys({ ...was, ...is }).flatMap((key): Change[] =>
        was[key] === is[key]
          ? []
          : [{ what: `${text(l, 'place.window')}: ${key}`, before: was[key] ?? '', after: is[key] ?? '', effect: 'other' }],
      )
      const services = editOf(l, d.place, d.content).bases.flatMap((b) => {
        const [was, is] = [before[b.id] ?? null, d.content.file.services[b.id] ?? null]
        const base = {
          definition: b.definition,
          es: { ...catalogue.get(b.id)!.texts('es') },
          en: { ...catalogue.get(b.id)!.texts('en') },
          examples: [],
        }
        return differences(base, base, l, was, is).map((c) => ({ ...c, what: `${b.name}: ${c.what}` }))
      })
      return [...services, ...window]
    },
  }

  function frameName(l: Language, item: string, place: string): string {
    return item === 'office' ? text(l, 'place.window') : (catalogue.get(`${level(place)}/${item}`)?.text(l, 'name') ?? item)
  }
}
