/** The routes of the editor. Every one is for analysts; which draft is whose is decided again in each operation. */
import { type TSchema, Type } from 'typebox'
import { type Child, type Html, html } from '#kernel/html'
import type { PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { formatDate, type Language } from '#kernel/text'
import type { Clock } from '#kernel/time'
import { button, insetText, layout, notificationBanner, pagination, processPicture, type SummaryError, tag, textarea } from '#look'
import { csrfField, type Reply, type Request, signedIn, type Web } from '#web'
import type { Definition } from '../definition.ts'
import { type Fault, faultWords } from '../faults.ts'
import type { Catalogue } from '../index.ts'
import type { FormFields } from '../journey.ts'
import { promptFields, summaryOf } from '../prompts.ts'
import { catalogueDay } from '../publish.ts'
import type { World } from '../questions/index.ts'
import type { SaveRow } from '../store.ts'
import { words } from '../text.ts'
import { shownFee, shownTerm, stagesOf } from '../views.ts'
import { acceptDraft, askDraft, exampleOf, pathOf, readAnswers, unconditional } from './asking.ts'
import { comparison, isSound, joined, needsValue, type Operator, operatorsFor, placeOf, subjects, valuesFor } from './conditions.ts'
import type { Content } from './content.ts'
import { differences } from './difference.ts'
import type { Drafts, OpenDraft, Stale } from './drafts.ts'
import { packed } from './files.ts'
import { registerImport } from './import-pages.ts'
import {
  applyForm,
  type Edit,
  type Form,
  fieldsOf,
  flat,
  liesAt,
  type PartId,
  pageOfFault,
  partIds,
  parts,
  placeOfFault,
  wordsOfCondition,
} from './parts.ts'
import { registerPlaces } from './place-pages.ts'
import { ownAgencies, ownPlaces } from './rights.ts'
import { spoken } from './spoken.ts'
import { type Key, text } from './text.ts'
import * as v from './views.ts'

/** What the pages need. */
export type EditorPages = {
  readonly catalogue: Catalogue
  readonly drafts: Drafts
  readonly clock: Clock
  readonly demo: boolean
  /** Names of people, for who wrote what. */
  readonly names: (ids: readonly PersonId[]) => Promise<ReadonlyMap<PersonId, string | null>>
}

const access = { roles: ['analyst'] } as const
const AnyForm = Type.Record(Type.String({ maxLength: 150 }), Type.Unknown())
const Id = Type.String({ maxLength: 40 })
const Item = Type.String({ maxLength: 90 })
const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 }))
const Lang = { lang: Type.Optional(Type.String({ maxLength: 10 })) }
/** Forms of a draft carry the whole of a page's words. */
const bodyLimit = 256 * 1024

type ServiceDraft = OpenDraft & { kind: 'service' }

const one = (form: Form, name: string, most = 300): string => {
  const value = form[name]
  const first = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first.normalize('NFC').trim().slice(0, most) : ''
}
const whole = (form: Form, name: string): number => (/^\d{1,7}$/.test(one(form, name)) ? Number(one(form, name)) : 0)

/** What the pages of places share with those of services. */
export type EditorFrame = Pick<EditorPages, 'catalogue' | 'drafts' | 'clock'> & {
  page(
    request: Request,
    o: { title: string; body: Child; back?: string; error?: readonly SummaryError[] | undefined; wide?: boolean },
  ): Html
  urlOf(d: { id: string }, ...rest: string[]): string
  hidden(request: Request, reply: Reply, d: { n: number }): Html
  csrf(request: Request, reply: Reply): Html
  one(form: Form, name: string, most?: number): string
  whole(form: Form, name: string): number
  namesFor(ids: Iterable<PersonId>, l: Language): Promise<(id: PersonId) => string>
}

/** Adds the editor's routes. */
export function registerEditor(web: Pick<Web, 'route'>, deps: EditorPages): void {
  const { catalogue, drafts, clock } = deps

  const page = (
    request: Request,
    o: { title: string; body: Child; back?: string; error?: readonly SummaryError[] | undefined; wide?: boolean },
  ): Html =>
    layout({
      title: o.title,
      language: request.visitor.language,
      visitor: request.visitor,
      url: request.url,
      demo: deps.demo,
      robots: 'noindex',
      body: o.body,
      ...(o.back === undefined ? {} : { backLink: o.back }),
      ...(o.error === undefined ? {} : { error: o.error }),
      ...(o.wide ? { wide: true } : {}),
    })

  const urlOf = (d: { id: string }, ...rest: string[]) => ['/editor/drafts', d.id, ...rest.map(encodeURIComponent)].join('/')
  const hidden = (request: Request, reply: Reply, d: { n: number }) =>
    html`${csrfField(request, reply)}<input type="hidden" name="n" value="${d.n}">`

  async function service(request: Request, id: string): Promise<ServiceDraft> {
    const draft = await drafts.open(signedIn(request), id)
    if (draft.kind !== 'service') throw new Problem('not-found', 'This draft is of a place.')
    return draft as ServiceDraft
  }

  const editOf = (l: Language, content: Content, item = ''): Edit => ({
    l,
    content,
    item,
    agencies: catalogue.agencies,
    bases: catalogue.bases().map((id) => ({ value: id, text: `${catalogue.get(id)!.text(l, 'name')} (${id})` })),
  })

  const world = (l: Language): World => ({ language: l, today: catalogueDay(clock), places: catalogue.places })
  const nameOf = (c: Content, l: Language) => c[l].name || c.es.name || c.definition.id

  const faultPage = (d: ServiceDraft, l: Language) => (f: Fault) => {
    const { part, item } = pageOfFault(editOf(l, d.content), placeOfFault(f))
    return {
      href: part === 'examples' ? urlOf(d, 'examples') : urlOf(d, 'parts', part, ...(item ? [item] : [])),
      name: text(l, `part.${part}`),
    }
  }

  const formDrawing = (
    d: ServiceDraft,
    l: Language,
    content: Content,
    faults: readonly Fault[],
    typed: Form,
    wrong: ReadonlyMap<string, Key>,
  ): v.Drawing => ({
    l,
    faults,
    typed,
    wrong,
    conditionUrl: (pointer) => `${urlOf(d, 'condition')}?at=${encodeURIComponent(pointer)}`,
    conditionWords: (when) => wordsOfCondition(content, when, l),
    words: (language, key) => (Object.hasOwn(content[language], key) ? content[language][key]! : ''),
  })

  const savedBanner = (l: Language, saved: unknown) =>
    saved !== undefined && notificationBanner({ language: l, success: true, text: text(l, 'saved') })

  const picture = (content: Content, l: Language) => {
    const d = content.definition
    return processPicture({
      language: l,
      steps: stagesOf(
        d,
        pathOf(d, catalogueDay(clock)),
        (key) => content[l][key] ?? content.es[key] ?? key,
        (unit) => catalogue.agencyName(unit, l),
      ),
      here: null,
    })
  }

  // ——— The list ———

  web.route({
    method: 'GET',
    url: '/editor',
    access,
    schema: { querystring: Type.Object({ q: Type.Optional(Type.String({ maxLength: 200 })), offset: Count, ...Lang }) },
    async handler(request) {
      const l = request.visitor.language
      const visitor = signedIn(request)
      const { q = '', offset = 0 } = request.query
      const all = await drafts.list(visitor)
      const names = new Map(await Promise.all(all.map(async (d) => [d.id, await drafts.nameOf(d)] as const)))
      const waiting = all.filter((d) => d.state === 'sent' && d.mayApprove)
      const others = all.filter((d) => !waiting.includes(d))
      const list = (some: typeof all) =>
        html`<ul class="govuk-list">${some.map(
          (d) =>
            html`<li>${v.link(urlOf(d), names.get(d.id)!)} ${tag({ text: text(l, `state.${d.state}` as Key), kind: d.state === 'sent' ? 'waiting' : 'quiet' })}<br><span class="v-soft">${d.base || text(l, 'place.adoptions')} · ${formatDate(l, d.changedAt, { time: true, short: true })}</span></li>`,
        )}</ul>`
      const agencies = ownAgencies(visitor)
      const own = ownPlaces(visitor)
      const found = catalogue.search({ q, limit: 20, offset })
      const mine = found.items.filter((i) => agencies === null || agencies.some((a) => i.base.startsWith(`federal/${a}/`)))
      const seeds = new Set(await drafts.withSeeds())
      const next = (to: number) => `/editor?${new URLSearchParams({ ...(q ? { q } : {}), offset: String(to) })}#services`
      return page(request, {
        title: text(l, 'home.title'),
        body: html`<h1 class="govuk-heading-xl">${text(l, 'home.title')}</h1><p class="govuk-body-l">${text(l, 'home.lead')}</p>${
          waiting.length > 0 && html`<h2 class="govuk-heading-m">${text(l, 'home.waiting')}</h2>${list(waiting)}`
        }<h2 class="govuk-heading-m">${text(l, 'home.drafts')}</h2>${others.length > 0 ? list(others) : html`<p class="govuk-body">${text(l, 'home.no-drafts')}</p>`}<div class="govuk-button-group">${
          (agencies === null || agencies.length > 0) && [
            button({ text: text(l, 'home.new'), href: '/editor/new' }),
            button({ text: text(l, 'home.import'), href: '/editor/import', kind: 'secondary' }),
          ]
        }</div>${
          (agencies === null || agencies.length > 0) &&
          html`<h2 class="govuk-heading-m" id="services">${text(l, 'home.services')}</h2><form action="/editor" method="get" >${v.searchField(l, q)}${button({ text: text(l, 'home.search'), kind: 'secondary' })}</form><ul class="govuk-list">${mine.map(
            (i) =>
              html`<li>${v.link(`/editor/services/${i.base}`, i.text(l, 'name'))}${seeds.has(i.base) && html` ${tag({ text: text(l, 'home.seed'), kind: 'waiting' })}`}<br><span class="v-soft">${i.agency(l)} · ${i.base}</span></li>`,
          )}</ul>${
            found.total > 20 &&
            pagination({
              language: l,
              ...(offset > 0 ? { previous: { href: next(Math.max(0, offset - 20)) } } : {}),
              ...(offset + 20 < found.total ? { next: { href: next(offset + 20) } } : {}),
            })
          }`
        }${v.placesOf(l, own?.map((code) => ({ code, name: catalogue.places.nameOf(code) })) ?? null)}`,
      })
    },
  })

  const newForm = (request: Request, reply: Reply, form: Form, error: SummaryError[] = []) => {
    const l = request.visitor.language
    const own = ownAgencies(signedIn(request))
    const of = one(form, 'of')
    const levels = own === null ? (['federal', 'state', 'municipal'] as const) : (['federal'] as const)
    return page(request, {
      title: text(l, 'new.title'),
      back: '/editor',
      error,
      body: html`<h1 class="govuk-heading-xl">${of ? text(l, 'new.copy', { name: catalogue.get(of)?.text(l, 'name') ?? of }) : text(l, 'new.title')}</h1><p class="govuk-body">${text(l, 'new.lead')}</p><form action="/editor/drafts" method="post">${csrfField(request, reply)}<input type="hidden" name="how" value="${of ? 'copy' : 'new'}"><input type="hidden" name="of" value="${of}">${v.newFields(
        l,
        form,
        error,
        Object.entries(catalogue.agencies)
          .filter(([id, a]) => (own === null || own.includes(id)) && (levels as readonly string[]).includes(a.level))
          .map(([id, a]) => ({ value: id, text: `${a.name[l]} (${text(l, `level.${a.level}`)})` })),
      )}${button({ text: text(l, 'new.begin') })}</form>`,
    })
  }

  web.route({
    method: 'GET',
    url: '/editor/new',
    access,
    schema: { querystring: Type.Object({ of: Type.Optional(Type.String({ maxLength: 120 })), ...Lang }) },
    handler: (request, reply) => newForm(request, reply, request.query as Form),
  })

  web.route({
    method: 'POST',
    url: '/editor/drafts',
    access,
    schema: { body: AnyForm },
    async handler(request, reply) {
      const l = request.visitor.language
      const visitor = signedIn(request)
      const form = request.body as Form
      const how = one(form, 'how')
      if (how === 'change' || how === 'seed') {
        const base = one(form, 'base')
        const id = await drafts.begin(visitor, { how, base })
        return reply.redirect(`/editor/drafts/${id}`, 303)
      }
      if (how === 'place') {
        const id = await drafts.begin(visitor, { how, place: one(form, 'place') })
        return reply.redirect(`/editor/drafts/${id}${form.join === undefined ? '' : '/places/join'}`, 303)
      }
      const name = { es: one(form, 'es'), en: one(form, 'en') }
      const agency = one(form, 'agency')
      const level = Object.hasOwn(catalogue.agencies, agency) ? catalogue.agencies[agency]!.level : null
      const errors: SummaryError[] = []
      for (const language of ['es', 'en'] as const)
        if (name[language] === '')
          errors.push({ href: `#${language}`, text: text(l, 'error.name', { language: text(l, `language.${language}`) }) })
      if (level === null) errors.push({ href: '#agency', text: text(l, 'error.agency') })
      if (errors.length > 0 || level === null) {
        reply.code(422)
        return newForm(request, reply, form, errors)
      }
      try {
        const id = await drafts.begin(
          visitor,
          how === 'copy' ? { how, of: one(form, 'of'), level, agency, name } : { how: 'new', level, agency, name },
        )
        return reply.redirect(`/editor/drafts/${id}`, 303)
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'invalid') throw error
        reply.code(422)
        return newForm(request, reply, form, [{ href: '#es', text: text(l, 'error.taken') }])
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/editor/services/*',
    access,
    schema: { params: Type.Object({ '*': Type.String({ maxLength: 120 }) }), querystring: Type.Object(Lang) },
    async handler(request, reply) {
      const l = request.visitor.language
      const found = catalogue.get(request.params['*'])
      if (!found || found.id !== found.base) throw new Problem('not-found', 'There is no such service.')
      const begin = (how: string, words: string, kind: 'primary' | 'secondary') =>
        html`<form action="/editor/drafts" method="post">${csrfField(request, reply)}<input type="hidden" name="how" value="${how}"><input type="hidden" name="base" value="${found.base}">${button({ text: words, kind })}</form>`
      const seeded = (await drafts.withSeeds()).includes(found.base)
      return page(request, {
        title: found.text(l, 'name'),
        back: '/editor',
        body: html`<h1 class="govuk-heading-xl">${found.text(l, 'name')}</h1><p class="govuk-body-l">${found.text(l, 'summary')}</p><p class="govuk-body">${catalogue.agencyName(found.definition.agency, l)} · ${found.base}</p>${
          seeded && html`${insetText({ text: text(l, 'seed.lead') })}${begin('seed', text(l, 'seed.begin'), 'secondary')}`
        }${begin('change', text(l, 'service.change'), 'primary')}<p class="govuk-body">${v.link(`/editor/new?of=${encodeURIComponent(found.base)}`, text(l, 'service.copy'))}</p><p class="govuk-body">${v.link(`/services/${found.base}`, text(l, 'service.public'))}</p><p class="govuk-body">${v.link(`/editor/files/${found.base}`, text(l, 'service.files'))}</p>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/editor/files/*',
    access,
    schema: { params: Type.Object({ '*': Type.String({ maxLength: 120 }) }) },
    async handler(request, reply) {
      const base = request.params['*']
      const all = await drafts.newestFiles(base)
      if (!all) throw new Problem('not-found', 'There is no such service.')
      return zip(reply, base, packed(base, all))
    },
  })

  const zip = (reply: Reply, folder: string, bytes: Buffer) =>
    reply
      .type('application/zip')
      .header('content-disposition', `attachment; filename="${folder.replaceAll('/', '-')}.zip"`)
      .send(bytes)

  // ——— One draft ———

  const Draft = Type.Object({ draft: Id })

  /** Who did what, in words. */
  const namesFor = async (ids: Iterable<PersonId>, l: Language) => {
    const known = await deps.names([...new Set(ids)])
    return (id: PersonId) => known.get(id) ?? text(l, 'somebody')
  }

  const frame: EditorFrame = { catalogue, drafts, clock, page, urlOf, hidden, csrf: csrfField, one, whole, namesFor }
  const places = registerPlaces(web, frame)
  registerImport(web, frame)

  function summaryRows(d: ServiceDraft, l: Language) {
    const c = d.content
    const { definition: def } = c
    const edit = editOf(l, c)
    const values: Partial<Record<PartId, string>> = {
      general: `${nameOf(c, l)} · ${catalogue.agencyName(def.agency, l)}`,
      texts: c[l].summary ?? '',
      law: text(l, 'count.laws', { count: def.legalBasis.length }),
      questions: text(l, 'count.questions', { count: def.questions.length }),
      pages: text(l, 'count.pages', { count: def.pages.length }),
      papers: text(l, 'count.papers', { count: def.papers.length }),
      fee: shownFeeSafe(def, l),
      term: shownTerm(def.term, l),
      silence: words(l, `silence.${def.silence.means}`),
      answer: words(l, 'term.working-days', { count: def.answerWithin.workingDays }),
      validity: words(l, `validity.${def.validity.unit}`, { count: def.validity.count ?? 0 }),
      channels: def.channels.map((x) => words(l, `channel.${x}`)).join(', '),
      steps: text(l, 'count.steps', { count: def.steps.length }),
      reasons: text(l, 'count.reasons', { count: def.reasons.length }),
      document: c[l].document ?? '',
      matter: (def.matter ?? []).map((m) => c[l][`questions.${m}`] ?? m).join(', '),
    }
    const faultsOf = (part: PartId | 'examples') => d.faults.filter((f) => pageOfFault(edit, placeOfFault(f)).part === part).length
    const row = (part: PartId | 'examples', href: string, value: string) => {
      const wrong = faultsOf(part)
      return {
        key: text(l, `part.${part}`),
        value: html`${value}${wrong > 0 && html` ${tag({ text: text(l, 'faults.count', { count: wrong }), kind: 'wrong' })}`}`,
        actions: [{ href, text: text(l, d.state === 'open' && d.mayWrite ? 'act.change' : 'act.look'), about: text(l, `part.${part}`) }],
      }
    }
    return [
      ...partIds.filter((p) => parts[p].has?.(def) ?? true).map((p) => row(p, urlOf(d, 'parts', p), values[p] ?? '')),
      row('examples', urlOf(d, 'examples'), text(l, 'count.examples', { count: c.examples.length })),
    ]
  }

  /** What may be done with it next: send, take back, approve, send back. */
  function nextActs(request: Request, reply: Reply, d: OpenDraft, missing?: string): Html {
    const l = request.visitor.language
    const form = (act: string, inside: Child) =>
      html`<form action="${urlOf(d, act)}" method="post">${hidden(request, reply, d)}${inside}</form>`
    if (d.state === 'sent')
      return html`${insetText({ text: text(l, 'sent.lead') })}${
        d.mayApprove &&
        html`<h2 class="govuk-heading-m">${text(l, 'approve.title')}</h2><p class="govuk-body">${text(l, 'approve.lead')}</p><p class="govuk-body">${v.link(urlOf(d, 'difference'), text(l, 'act.difference'))}</p>${form('approve', button({ text: text(l, 'approve.button'), preventDoubleClick: true }))}${form(
          'send-back',
          html`${textarea({ name: 'note', label: text(l, 'return.note'), rows: 3, error: missing, attributes: { maxlength: 1000 } })}${button({ text: text(l, 'return.button'), kind: 'secondary' })}`,
        )}`
      }${d.mayWrite && form('take-back', button({ text: text(l, 'act.take-back'), kind: 'secondary' }))}`
    if (d.state !== 'open' || !d.mayWrite) return html``
    const moved = d.newest !== d.begunFrom
    return html`<h2 class="govuk-heading-m" id="send">${text(l, 'send.title')}</h2>${
      d.faults.length > 0
        ? html`<p class="govuk-body">${text(l, 'send.faults', { count: d.faults.length })}</p>`
        : form(
            'send',
            html`<p class="govuk-body">${text(l, 'send.lead')}</p>${moved && html`${insetText({ text: text(l, 'send.moved') })}<input type="hidden" name="seen" value="${d.newest ?? ''}">`}${button({ text: text(l, moved ? 'send.anyway' : 'send.button') })}`,
          )
    }${form('drop', html`<button class="v-act" type="submit">${text(l, 'act.drop')}</button>`)}`
  }

  /** A draft: what it holds, what is wrong with it, and what may be done with it next. */
  async function draftPage(
    request: Request,
    reply: Reply,
    id: string,
    asked: { done?: string | undefined; error?: SummaryError[] } = {},
  ): Promise<Html> {
    const l = request.visitor.language
    const d = await drafts.open(signedIn(request), id)
    const nameFor = await namesFor([...d.authors, ...d.acts.map((a) => a.person)], l)
    const returned = d.state === 'open' && d.acts[0]?.what === 'returned' ? d.acts[0] : null
    const title = d.kind === 'service' ? nameOf(d.content, l) : catalogue.places.nameOf(d.place)
    const done = (['sent', 'published', 'returned'] as const).find((x) => x === asked.done)
    return page(request, {
      title,
      back: '/editor',
      error: asked.error,
      body: html`${done && notificationBanner({ language: l, success: true, text: text(l, `done.${done}`) })}<h1 class="govuk-heading-xl">${title}</h1><p class="govuk-body">${tag({ text: text(l, `state.${d.state}`), kind: d.state === 'published' ? 'done' : d.state === 'sent' ? 'waiting' : 'quiet' })} <span class="v-soft">${d.base || text(l, 'place.adoptions')} · ${text(l, 'authors', { names: [...d.authors].map(nameFor).join(', ') })}</span></p>${
        returned && insetText({ text: text(l, 'returned', { name: nameFor(returned.person), note: returned.note }) })
      }<ul class="govuk-list">${(d.kind === 'service' ? (['try', 'prompts', 'difference', 'history', 'files'] as const) : (['difference', 'history', 'files'] as const)).map((x) => html`<li>${v.link(urlOf(d, x), text(l, `act.${x}`))}</li>`)}</ul>${
        d.faults.length > 0 &&
        html`<h2 class="govuk-heading-m">${text(l, 'faults.title', { count: d.faults.length })}</h2>${v.faultList(l, d.faults, d.kind === 'service' ? faultPage(d as ServiceDraft, l) : places.pageOf(d as OpenDraft & { kind: 'place' }, l))}`
      }${d.kind === 'service' ? v.summaryList({ rows: summaryRows(d as ServiceDraft, l) }) : places.rows(d as OpenDraft & { kind: 'place' }, l)}${nextActs(request, reply, d, asked.error ? String(asked.error[0]?.text) : undefined)}`,
    })
  }

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft',
    access,
    schema: { params: Draft, querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })), ...Lang }) },
    handler: (request, reply) => draftPage(request, reply, request.params.draft, { done: request.query.done }),
  })

  /** A part's page, a list or a form; with what was typed where it could not be saved. */
  function partPage(
    request: Request,
    reply: Reply,
    d: ServiceDraft,
    partId: PartId,
    item: string,
    more: {
      content?: Content
      faults?: readonly Fault[]
      typed?: Form
      wrong?: ReadonlyMap<string, Key>
      error?: SummaryError[]
      saved?: unknown
    } = {},
  ): Html {
    const l = request.visitor.language
    const part = parts[partId]
    const content = more.content ?? d.content
    const faults = more.faults ?? d.faults
    const edit = editOf(l, structuredClone(content), item)
    const drawing = formDrawing(d, l, edit.content, faults, more.typed ?? {}, more.wrong ?? new Map())
    const writable = d.state === 'open' && d.mayWrite
    const title = item === '' ? text(l, `part.${partId}`) : (part.items?.(edit).find((i) => i.id === item)?.name ?? item)
    if (item === '' && part.items) {
      const lists = hidden(request, reply, d)
      const add =
        part.add &&
        writable &&
        v.addForm(l, urlOf(d, 'lists', partId), lists, text(l, `add.${partId as 'papers'}`), v.addMore(l, partId, edit))
      return page(request, {
        title,
        back: urlOf(d),
        error: more.error,
        body: html`${savedBanner(l, more.saved)}<h1 class="govuk-heading-xl">${title}</h1><p class="govuk-body">${text(l, `lead.${partId as 'papers'}`)}</p>${partId === 'steps' && picture(content, l)}${v.itemList(l, part.items(edit), (id) => urlOf(d, 'parts', partId, id), faults, lists, urlOf(d, 'lists', partId), part.remove !== undefined)}${add}`,
      })
    }
    const fields = fieldsOf(part, edit)
    if (!fields || !(part.has?.(content.definition) ?? true)) throw new Problem('not-found', 'There is no such page of the draft.')
    const own = faults.filter((f) => {
      const at = pageOfFault(edit, placeOfFault(f))
      return at.part === partId && at.item === item
    })
    const shown = flat(fields).flatMap((f) => (f.as === 'note' ? [] : f.at))
    const rest = own.filter((f) => !liesAt(placeOfFault(f), shown))
    return page(request, {
      title,
      back: item === '' ? urlOf(d) : urlOf(d, 'parts', partId),
      error: more.error ?? (more.wrong?.size ? v.summaryOfFields(fields, drawing) : undefined),
      body: html`${savedBanner(l, more.saved)}<h1 class="govuk-heading-xl">${title}</h1>${item === '' && html`<p class="govuk-body">${text(l, `lead.${partId as 'papers'}`)}</p>`}${
        rest.length > 0 && html`<div class="govuk-inset-text">${rest.map((f) => html`<p class="govuk-body">${faultWords(l, f)}</p>`)}</div>`
      }${partId === 'steps' && picture(content, l)}<form action="${urlOf(d, 'parts', partId, ...(item ? [item] : []))}" method="post">${hidden(request, reply, d)}${v.fieldsHtml(fields, drawing)}${writable && button({ text: text(l, 'save') })}</form>`,
    })
  }

  const partOf = (id: string): PartId => {
    const known = partIds.find((p) => p === id)
    if (!known) throw new Problem('not-found', 'There is no such page of the draft.')
    return known
  }

  const getPart = (url: string, params: TSchema) =>
    web.route({
      method: 'GET',
      url,
      access,
      schema: { params, querystring: Type.Object({ saved: Type.Optional(Type.String({ maxLength: 5 })), ...Lang }) },
      async handler(request, reply) {
        const { draft, part, item = '' } = request.params as { draft: string; part: string; item?: string }
        return partPage(request, reply, await service(request, draft), partOf(part), item, {
          saved: (request.query as { saved?: string }).saved,
        })
      },
    })
  getPart('/editor/drafts/:draft/parts/:part', Type.Object({ draft: Id, part: Id }))
  getPart('/editor/drafts/:draft/parts/:part/:item', Type.Object({ draft: Id, part: Id, item: Item }))

  /** What others saved in between, as the summary above the page. */
  async function staleError(l: Language, d: ServiceDraft, stale: Stale<Content>): Promise<SummaryError[]> {
    const nameFor = await namesFor(
      stale.since.map((s: SaveRow) => s.person),
      l,
    )
    const who = [...new Set(stale.since.map((s) => nameFor(s.person)))].join(', ')
    return [
      { text: text(l, 'stale', { who }) },
      ...differences(stale.was, stale.is, l)
        .slice(0, 8)
        .map((c) => ({
          href: urlOf(d, 'difference'),
          text: text(l, 'stale.change', { what: c.what, before: c.before || '—', after: c.after || '—' }),
        })),
    ]
  }

  const postPart = (url: string, params: TSchema) =>
    web.route({
      method: 'POST',
      url,
      access,
      bodyLimit,
      schema: { params, body: AnyForm },
      async handler(request, reply) {
        const l = request.visitor.language
        const { draft, part: partId, item = '' } = request.params as { draft: string; part: string; item?: string }
        const part = parts[partOf(partId)]
        const d = await service(request, draft)
        const form = request.body as Form
        if (item === '' ? part.items !== undefined : fieldsOf(part, editOf(l, structuredClone(d.content), item)) === null)
          throw new Problem('not-found', 'There is no such page of the draft.')
        // What cannot be read at all is not kept; what can be read and is wrong is, with its faults.
        const tried = editOf(l, structuredClone(d.content), item)
        const wrong = applyForm(part, tried, form)
        if (wrong.size > 0) {
          reply.code(422)
          return partPage(request, reply, d, partOf(partId), item, { content: tried.content, typed: form, wrong })
        }
        const saved = await drafts.save<Content>(
          signedIn(request),
          draft,
          whole(form, 'n'),
          item === '' ? partId : `${partId}/${item}`,
          (content) => {
            const edit = editOf(l, content, item)
            applyForm(part, edit, form)
            return edit.content
          },
        )
        if ('since' in saved) {
          reply.code(409)
          return partPage(request, reply, d, partOf(partId), item, {
            content: tried.content,
            typed: form,
            error: await staleError(l, d, saved),
          })
        }
        return reply.redirect(`${urlOf(d, 'parts', partId, ...(item ? [item] : []))}?saved=1`, 303)
      },
    })
  postPart('/editor/drafts/:draft/parts/:part', Type.Object({ draft: Id, part: Id }))
  postPart('/editor/drafts/:draft/parts/:part/:item', Type.Object({ draft: Id, part: Id, item: Item }))

  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/lists/:part',
    access,
    schema: { params: Type.Object({ draft: Id, part: Id }), body: AnyForm },
    async handler(request, reply) {
      const l = request.visitor.language
      const { draft, part: id } = request.params
      const part = parts[partOf(id)]
      const form = request.body as Form
      const d = await service(request, draft)
      const [act, item = ''] = one(form, 'act').split(' ', 2) as [string, string?]
      const name = { es: one(form, 'es'), en: one(form, 'en') }
      let added: string | null = null
      if (act === 'add' && name.es === '') {
        reply.code(422)
        return partPage(request, reply, d, partOf(id), '', {
          error: [{ href: '#es', text: text(l, 'error.name', { language: text(l, 'language.es') }) }],
        })
      }
      const saved = await drafts.save<Content>(signedIn(request), draft, whole(form, 'n'), id, (content) => {
        const edit = editOf(l, content, item)
        if (act === 'add') added = part.add?.(edit, name, form) ?? null
        else if (act === 'remove') part.remove?.(edit)
        else if (act === 'up' || act === 'down') part.move?.(edit, act === 'up' ? -1 : 1)
        return edit.content
      })
      if ('since' in saved) {
        reply.code(409)
        return partPage(request, reply, d, partOf(id), '', { error: await staleError(l, d, saved) })
      }
      return reply.redirect(added === null ? urlOf(d, 'parts', id) : urlOf(d, 'parts', id, added), 303)
    },
  })

  // ——— A condition ———

  const conditionPage = (request: Request, reply: Reply, d: ServiceDraft, at: string, chosen: string, error: SummaryError[] = []): Html => {
    const l = request.visitor.language
    const place = placeOf(d.content.definition, at)
    if (!place) throw new Problem('not-found', 'There is no such condition.')
    const names = place.names
    const subject = Object.hasOwn(names, chosen) ? chosen : ''
    const all = subjects(d.content, place, l)
    const when = place.holder.when
    const about = parts[place.part].items?.(editOf(l, d.content)).find((i) => i.id === place.item)?.name ?? text(l, `part.${place.part}`)
    const back = urlOf(d, 'parts', place.part, ...(place.item ? [place.item] : []))
    return page(request, {
      title: text(l, 'condition.title'),
      back,
      error,
      body: html`<h1 class="govuk-heading-xl">${text(l, 'condition.title')}</h1><p class="govuk-body">${about}</p>${insetText({ text: text(l, 'condition.now', { when: when ? wordsOfCondition(d.content, when, l) : text(l, 'condition.none') }) })}${
        all.length === 0
          ? html`<p class="govuk-body">${text(l, 'condition.no-questions')}</p>`
          : subject === ''
            ? html`<form action="${urlOf(d, 'condition')}" method="get"><input type="hidden" name="at" value="${at}">${v.choiceOf('name', text(l, 'condition.choose'), all)}${button({ text: text(l, 'condition.next') })}</form>`
            : html`<form action="${urlOf(d, 'condition')}" method="post">${hidden(request, reply, d)}<input type="hidden" name="at" value="${at}"><input type="hidden" name="name" value="${subject}">${v.comparisonFields(
                l,
                all.find((s) => s.value === subject)?.text ?? subject,
                operatorsFor(names, subject),
                valuesFor(d.content, place, subject, l),
                when !== undefined && when !== 'true',
              )}${button({ text: text(l, 'condition.add') })}</form><p class="govuk-body">${v.link(`${urlOf(d, 'condition')}?at=${encodeURIComponent(at)}`, text(l, 'condition.other'))}</p>`
      }${when !== undefined && html`<form action="${urlOf(d, 'condition')}" method="post">${hidden(request, reply, d)}<input type="hidden" name="at" value="${at}"><input type="hidden" name="clear" value="1">${button({ text: text(l, 'condition.clear'), kind: 'secondary' })}</form><p class="govuk-body v-soft">FEEL: <code>${when}</code></p>`}`,
    })
  }

  const At = Type.String({ maxLength: 80 })
  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/condition',
    access,
    schema: {
      params: Draft,
      querystring: Type.Object({ at: Type.Optional(At), name: Type.Optional(Type.String({ maxLength: 80 })), ...Lang }),
    },
    handler: async (request, reply) =>
      conditionPage(request, reply, await service(request, request.params.draft), request.query.at ?? '', request.query.name ?? ''),
  })
  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/condition',
    access,
    schema: { params: Draft, body: AnyForm },
    async handler(request, reply) {
      const l = request.visitor.language
      const form = request.body as Form
      const d = await service(request, request.params.draft)
      const at = one(form, 'at')
      const subject = one(form, 'name')
      const place = placeOf(d.content.definition, at)
      if (!place) throw new Problem('not-found', 'There is no such condition.')
      const clear = form.clear !== undefined
      const operator = one(form, 'operator') as Operator
      const made = clear ? '' : comparison(place.names, subject, operator, needsValue(operator) ? one(form, 'value') : '')
      const next = made === null ? null : clear ? '' : joined(place.holder.when, one(form, 'joint') === 'or' ? 'or' : 'and', made)
      if (next === null || (next !== '' && !isSound(next, place.names))) {
        reply.code(422)
        return conditionPage(request, reply, d, at, subject, [{ href: '#value', text: text(l, 'error.comparison') }])
      }
      const saved = await drafts.save<Content>(signedIn(request), d.id, whole(form, 'n'), `${place.part}/${place.item}`, (content) => {
        const holder = placeOf(content.definition, at)?.holder
        if (holder) {
          if (next === '') delete holder.when
          else holder.when = next
        }
        return content
      })
      if ('since' in saved) {
        reply.code(409)
        return conditionPage(request, reply, d, at, subject, await staleError(l, d, saved))
      }
      return reply.redirect(`${urlOf(d, 'parts', place.part, ...(place.item ? [place.item] : []))}?saved=1`, 303)
    },
  })

  // ——— Trying it ———

  const unreadable = (request: Request, d: ServiceDraft) => {
    const l = request.visitor.language
    return page(request, {
      title: text(l, 'act.try'),
      back: urlOf(d),
      body: html`<h1 class="govuk-heading-xl">${text(l, 'act.try')}</h1><p class="govuk-body">${text(l, 'try.faults')}</p>${v.faultList(l, d.faults, faultPage(d, l))}`,
    })
  }

  async function tryPage(request: Request, reply: Reply, d: ServiceDraft, form: Form): Promise<Html> {
    const l = request.visitor.language
    let answers = readAnswers(form.answers)
    let at = one(form, 'page')
    let problems: ReturnType<typeof summaryOf> = []
    let drawing: Parameters<typeof promptFields>[1] = { language: l, problems: [], typed: null }
    if (at !== '') {
      const taken = acceptDraft(d.content, answers, at, form as FormFields, world(l))
      if (!taken) return unreadable(request, d)
      answers = taken.answers
      const journey = askDraft(d.content, answers, world(l))!
      const here = journey.pages.find((p) => p.id === at)
      if (here && (taken.problems.length > 0 || taken.again)) {
        problems = taken.again ? [] : summaryOf(l, here.prompts, taken.problems)
        drawing = {
          language: l,
          problems: taken.again ? [] : taken.problems,
          doubts: taken.doubts,
          typed: taken.again ? null : (form as FormFields),
        }
      } else at = journey.pages[journey.pages.findIndex((p) => p.id === at) + 1]?.id ?? 'end'
    }
    const journey = askDraft(d.content, answers, world(l))
    if (!journey) return unreadable(request, d)
    const current = at === 'end' ? undefined : (journey.pages.find((p) => p.id === at) ?? journey.pages[0])
    const carried = html`${hidden(request, reply, d)}<input type="hidden" name="answers" value="${JSON.stringify(answers)}">`
    if (current)
      return page(request, {
        title: text(l, 'act.try'),
        back: urlOf(d),
        error: problems,
        body: html`<p class="govuk-body v-soft">${text(l, 'try.lead', { name: nameOf(d.content, l) })}</p><h1 class="govuk-heading-l">${current.title}</h1><form action="${urlOf(d, 'try')}" method="post" novalidate>${carried}<input type="hidden" name="page" value="${current.id}">${promptFields(current.prompts, drawing)}${button({ text: text(l, 'try.next') })}</form>${v.spokenBlock(
          l,
          current.prompts.map((p) => spoken(p, l)),
        )}`,
      })
    const expectation = exampleOf(d.content, 'x', answers, world(l))!
    const c = d.content
    const shown = expectation.expect
    return page(request, {
      title: text(l, 'try.end'),
      back: urlOf(d),
      body: html`<h1 class="govuk-heading-l">${text(l, 'try.end')}</h1>${v.summaryList({
        rows: [
          {
            key: text(l, 'part.papers'),
            value: shown.papers?.length ? shown.papers.map((p) => c[l][`papers.${p}`] ?? p).join(', ') : words(l, 'service.no-papers'),
          },
          {
            key: words(l, 'service.cost'),
            value: shown.fee === null ? words(l, 'fee.local') : shown.fee !== undefined ? `$${shown.fee}` : text(l, 'try.refused'),
          },
          { key: text(l, 'part.steps'), value: (shown.steps ?? []).map((s) => c[l][`steps.${s}`] ?? s).join(' → ') },
        ],
      })}${
        d.state === 'open' &&
        d.mayWrite &&
        html`<h2 class="govuk-heading-m">${text(l, 'try.keep')}</h2><form action="${urlOf(d, 'examples')}" method="post">${carried}<input type="hidden" name="act" value="add">${v.nameField(l, text(l, 'try.keep-name'))}${button({ text: text(l, 'try.keep-button') })}</form>`
      }<p class="govuk-body">${v.link(urlOf(d, 'try'), text(l, 'try.again'))}</p>`,
    })
  }

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/try',
    access,
    schema: { params: Draft, querystring: Type.Object(Lang) },
    handler: async (request, reply) => tryPage(request, reply, await service(request, request.params.draft), {}),
  })
  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/try',
    access,
    bodyLimit,
    schema: { params: Draft, body: AnyForm },
    handler: async (request, reply) => tryPage(request, reply, await service(request, request.params.draft), request.body as Form),
  })

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/prompts',
    access,
    schema: { params: Draft, querystring: Type.Object(Lang) },
    async handler(request) {
      const l = request.visitor.language
      const d = await service(request, request.params.draft)
      const bare = { ...d.content, definition: unconditional(d.content.definition) }
      const journey = askDraft(bare, {}, world(l))
      if (!journey) return unreadable(request, d)
      return page(request, {
        title: text(l, 'act.prompts'),
        back: urlOf(d),
        body: html`<h1 class="govuk-heading-xl">${text(l, 'act.prompts')}</h1><p class="govuk-body">${text(l, 'prompts.lead')}</p>${journey.pages.map(
          (p) =>
            html`<section><h2 class="govuk-heading-l">${p.title}</h2><fieldset class="govuk-fieldset "><legend class="govuk-visually-hidden">${text(l, 'prompts.web')}</legend>${promptFields(p.prompts, { language: l, problems: [], typed: null })}</fieldset>${v.spokenBlock(
              l,
              p.prompts.map((x) => spoken(x, l)),
              true,
            )}</section>`,
        )}`,
      })
    },
  })

  // ——— Examples ———

  const examplesPage = (request: Request, reply: Reply, d: ServiceDraft, error: SummaryError[] = []): Html => {
    const l = request.visitor.language
    const writable = d.state === 'open' && d.mayWrite
    return page(request, {
      title: text(l, 'part.examples'),
      back: urlOf(d),
      error,
      body: html`<h1 class="govuk-heading-xl">${text(l, 'part.examples')}</h1><p class="govuk-body">${text(l, 'lead.examples')}</p>${d.content.examples.map(
        (e, i) => {
          const wrong = d.faults.filter((f) => liesAt(placeOfFault(f), [`x:/${i}`]))
          return v.exampleCard(
            l,
            e,
            wrong,
            writable ? { action: urlOf(d, 'examples'), tryAction: urlOf(d, 'try'), hidden: hidden(request, reply, d), i } : null,
          )
        },
      )}<p class="govuk-body">${v.link(urlOf(d, 'try'), text(l, 'examples.new'))}</p>`,
    })
  }
  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/examples',
    access,
    schema: { params: Draft, querystring: Type.Object(Lang) },
    handler: async (request, reply) => examplesPage(request, reply, await service(request, request.params.draft)),
  })
  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/examples',
    access,
    bodyLimit,
    schema: { params: Draft, body: AnyForm },
    async handler(request, reply) {
      const l = request.visitor.language
      const form = request.body as Form
      const d = await service(request, request.params.draft)
      const i = whole(form, 'i')
      const act = one(form, 'act')
      const name = one(form, 'name', 200)
      if (act === 'add' && name.length < 3) {
        reply.code(422)
        return examplesPage(request, reply, d, [{ text: text(l, 'error.example-name') }])
      }
      const saved = await drafts.save<Content>(signedIn(request), d.id, whole(form, 'n'), 'examples', (content) => {
        if (act === 'add') {
          const made = exampleOf(content, name, readAnswers(form.answers), world(l))
          if (made && content.examples.length < 50) content.examples.push(made)
        } else if (act === 'remove' && content.examples.length > 1) content.examples.splice(i, 1)
        else if (act === 'accept') {
          const e = content.examples[i]
          const made =
            e && exampleOf(content, e.name, readAnswers(JSON.stringify(e.answers)), { ...world(l), today: e.today ?? catalogueDay(clock) })
          if (made) content.examples[i] = made
        }
        return content
      })
      if ('since' in saved) {
        reply.code(409)
        return examplesPage(request, reply, d, await staleError(l, d, saved))
      }
      return reply.redirect(urlOf(d, 'examples'), 303)
    },
  })

  // ——— Difference, history, files ———

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/difference',
    access,
    schema: { params: Draft, querystring: Type.Object({ since: Count, ...Lang }) },
    async handler(request) {
      const l = request.visitor.language
      const d = await drafts.open(signedIn(request), request.params.draft)
      const { since } = request.query
      const dates = drafts.dates()
      const before =
        d.kind === 'place' || since === undefined ? d.before : ((await drafts.stateOf(signedIn(request), d.id, since)) as Content)
      const changes =
        d.kind === 'place'
          ? places.changes(d as OpenDraft & { kind: 'place' }, l)
          : before === null
            ? null
            : differences(before as Content, d.content, l)
      return page(request, {
        title: text(l, 'act.difference'),
        back: urlOf(d),
        wide: true,
        body: html`<h1 class="govuk-heading-xl">${text(l, 'act.difference')}</h1>${
          changes === null
            ? html`<p class="govuk-body">${text(l, 'difference.new')}</p>`
            : v.changeTable(l, changes, {
                burden: text(l, 'difference.burden-lead', { date: formatDate(l, dates.later) }),
                relief: text(l, 'difference.relief-lead'),
              })
        }`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/history',
    access,
    schema: { params: Draft, querystring: Type.Object(Lang) },
    async handler(request, reply) {
      const l = request.visitor.language
      const { draft: d, saves } = await drafts.history(signedIn(request), request.params.draft)
      const nameFor = await namesFor([...saves.map((s) => s.person), ...d.acts.map((a) => a.person)], l)
      const writable = d.state === 'open' && d.mayWrite
      const partName = (part: string) => {
        const [first] = part.split('/')
        return (partIds as readonly string[]).includes(first!) || first === 'examples'
          ? text(l, `part.${first as PartId}`)
          : text(l, `begun.${first}` as Key)
      }
      return page(request, {
        title: text(l, 'act.history'),
        back: urlOf(d),
        body: html`<h1 class="govuk-heading-xl">${text(l, 'act.history')}</h1>${
          d.acts.length > 0 &&
          html`<ul class="govuk-list govuk-list--bullet">${d.acts.map((a) => html`<li>${text(l, `acted.${a.what}`)} (${text(l, 'state.number', { n: a.n })}). ${v.byWhom(l, a.at, nameFor(a.person))}${a.note && html`<br>«${a.note}»`}</li>`)}</ul>`
        }<form action="${urlOf(d, 'undo')}" method="post">${hidden(request, reply, d)}<ol class="v-items" reversed>${saves
          .slice(0, 100)
          .map(
            (s) =>
              html`<li class="v-items__item"><div class="v-items__words">${text(l, 'state.number', { n: s.n })}: ${s.backTo === null ? partName(s.part) : text(l, 'begun.undo-to', { n: s.backTo })}<br><span class="v-soft">${v.byWhom(l, s.at, nameFor(s.person))}</span></div><div class="v-items__acts">${d.kind === 'service' && s.n < d.n && v.link(`${urlOf(d, 'difference')}?since=${s.n}`, html`${text(l, 'act.since')}<span class="govuk-visually-hidden"> ${text(l, 'state.number', { n: s.n })}</span>`)}${
                writable &&
                s.n < d.n &&
                html`<button class="v-act" type="submit" name="to" value="${s.n}">${text(l, 'act.back-to')}<span class="govuk-visually-hidden"> ${text(l, 'state.number', { n: s.n })}</span></button>`
              }</div></li>`,
          )}</ol></form>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/editor/drafts/:draft/files',
    access,
    schema: { params: Draft, querystring: Type.Object({ file: Type.Optional(Type.String({ maxLength: 40 })), ...Lang }) },
    async handler(request, reply) {
      const { folder, files: all } = await drafts.files(signedIn(request), request.params.draft)
      const { file } = request.query
      if (file === undefined) return zip(reply, folder, packed(folder, all))
      if (!Object.hasOwn(all, file)) throw new Problem('not-found', 'There is no such file.')
      return reply.type('application/json; charset=utf-8').header('content-disposition', `attachment; filename="${file}"`).send(all[file])
    },
  })

  // ——— What is decided about a draft ———

  const act = (name: string, run: (request: Request, id: string, form: Form) => Promise<string>) =>
    web.route({
      method: 'POST',
      url: `/editor/drafts/:draft/${name}`,
      access,
      schema: { params: Draft, body: AnyForm },
      handler: async (request, reply) => reply.redirect(await run(request, request.params.draft, request.body as Form), 303),
    })
  act('undo', async (request, id, form) => {
    await drafts.goBack(signedIn(request), id, whole(form, 'n'), whole(form, 'to'))
    return `/editor/drafts/${id}/history`
  })
  act('send', async (request, id, form) => {
    await drafts.send(signedIn(request), id, whole(form, 'n'), one(form, 'seen') || null)
    return `/editor/drafts/${id}?done=sent`
  })
  act('take-back', async (request, id) => {
    await drafts.takeBack(signedIn(request), id)
    return `/editor/drafts/${id}`
  })
  act('drop', async (request, id, form) => {
    await drafts.drop(signedIn(request), id, whole(form, 'n'))
    return '/editor'
  })
  web.route({
    method: 'POST',
    url: '/editor/drafts/:draft/send-back',
    access,
    schema: { params: Draft, body: AnyForm },
    async handler(request, reply) {
      const form = request.body as Form
      const { draft: id } = request.params
      const note = one(form, 'note', 1000)
      if (note === '') {
        reply.code(422)
        return draftPage(request, reply, id, { error: [{ href: '#note', text: text(request.visitor.language, 'error.note') }] })
      }
      await drafts.sendBack(signedIn(request), id, whole(form, 'n'), note)
      return reply.redirect(`/editor/drafts/${id}?done=returned`, 303)
    },
  })
  act('approve', async (request, id, form) => {
    await drafts.approve(signedIn(request), id, whole(form, 'n'))
    return `/editor/drafts/${id}?done=published`
  })
}

/** The fee in a few words, also where a sum is not yet well formed. */
function shownFeeSafe(d: Definition, l: Language): string {
  const sound = /^\d{1,9}(\.\d{2})?$/
  const amounts = d.fee.kind === 'fixed' ? [d.fee.amount] : d.fee.kind === 'table' ? d.fee.rows.map((r) => r.amount) : []
  return amounts.every((a) => sound.test(a)) ? shownFee(d.fee, l) : amounts.join(', ')
}
