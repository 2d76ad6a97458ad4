/**
 * *They asked me for money*: one press, encrypted in the request to the control body's public key. The office never sees it; that it happened is counted
 * for everyone to see.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Type } from 'typebox'
import type { FormFields } from '#catalogue'
import { canonicalBytes } from '#kernel/canonical'
import { type Html, html } from '#kernel/html'
import { type OfficeId, parseReference, uuidv7 } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { addDays, dateIn, hourMs, isPlainDate, type PlainDate } from '#kernel/time'
import { button, details, panel, textarea } from '#look'
import type { Web } from '#web'
import type { Deps } from '../deps.ts'
import * as store from '../store.ts'
import { Form, field } from './desk.ts'
import { personPage } from './page.ts'
import * as views from './staff-views.ts'

/** What a report is about; known before anything is typed. */
export type About = {
  readonly office: OfficeId
  /** The step's id in its definition, on a case or a receipt. */
  readonly step: string | null
  /** The case's reference: goes to the control body only. */
  readonly reference: string | null
  readonly day: PlainDate
}

/** What a sealed report says. It is bound to `reportAbout(id)`: with that and the private key the control body opens it. */
export type Report = About & { readonly v: 1; readonly at: string; readonly words: string }

/** What a report's box is bound to. */
const reportAbout = (id: string): string => `cases/report/${id}`

const mostWords = 4000
/** Words can be added for so long after the press. */
const addWithinMs = hourMs
/** Reports from one network address in an hour: a shared telephone of a hall must still be able to. */
const mostAnHour = 30
const oldestDays = 365
const perPage = 500

/** The button, with step, office and day filled in. Stands on every case, receipt and office page. */
export function reportForm(s: views.Seen, about: About): Html {
  const t = views.wordsOf(s.request)
  return views.post(s, '/reports', [
    ...aboutFields(about),
    details({
      summary: t('report.add-words'),
      body: textarea({ name: 'words', label: t('report.words'), hint: t('report.words-hint'), rows: 4 }),
    }),
    button({ text: t('report.button'), kind: 'warning', preventDoubleClick: true }),
    html`<p class="govuk-hint">${t('report.hint')}</p>`,
  ])
}

const aboutFields = (about: About): Html[] =>
  (['office', 'step', 'reference', 'day'] as const).map((name) => html`<input type="hidden" name="${name}" value="${about[name] ?? ''}">`)

/** Adds the report's routes and the control body's. */
export function registerReports(web: Web, deps: Deps): void {
  const { db, catalogue, clock, keys } = deps
  const tokenKey = keys.secret('cases/report-token')
  const limit = web.app.createRateLimit({ max: mostAnHour, timeWindow: hourMs, keyGenerator: (r) => `report:${r.ip}` })

  /** What the form says it is about, as far as it can be so. */
  function aboutOf(form: FormFields): About & { place: string } {
    const office = catalogue.office(field(form, 'office', 100))
    if (!office) throw new Problem('not-found', 'There is no such office.')
    const step = field(form, 'step', 60)
    const today = dateIn(clock.now(), office.zone)
    const day = field(form, 'day', 10)
    return {
      place: office.jurisdiction.code,
      office: office.id,
      step: /^[a-z0-9-]+$/.test(step) ? step : null,
      reference: parseReference(field(form, 'reference', 20)),
      day: isPlainDate(day) && day <= today && day >= addDays(today, -oldestDays) ? day : today,
    }
  }

  const seal = (id: string, { office, step, reference, day }: About, words: string) =>
    keys.sealForControl(
      Buffer.from(canonicalBytes({ v: 1, office, step, reference, day, at: clock.now().toISOString(), words } satisfies Report)),
      reportAbout(id),
    )

  // Who may add words is who pressed: nothing else of them is kept.
  const tokenOf = (id: string, about: About, until: number) =>
    createHmac('sha256', tokenKey)
      .update(canonicalBytes([id, about.office, about.step, about.reference, about.day, until]))
      .digest()

  web.route({
    method: 'POST',
    url: '/reports',
    access: 'public',
    schema: { body: Form },
    handler: async (request, reply) => {
      const given = aboutOf(request.body)
      const tried = await limit(request)
      if (!tried.isAllowed && tried.isExceeded) {
        reply.header('retry-after', tried.ttlInSeconds)
        throw new Problem('too-many', 'Too many reports from here in an hour.')
      }
      const { place, ...about } = given
      const words = field(request.body, 'words').trim().slice(0, mostWords)
      const id = uuidv7()
      await db.tx((tx) =>
        store.insertReport(tx, { place, id, office: about.office, step: about.step, day: about.day, sealed: seal(id, about, words) }),
      )
      const until = clock.now().getTime() + addWithinMs
      return thanksPage(
        { request, reply },
        deps,
        about,
        words === '' ? { id, until, token: tokenOf(id, about, until).toString('base64url') } : null,
      )
    },
  })

  web.route({
    method: 'POST',
    url: '/reports/words',
    access: 'public',
    schema: { body: Form },
    handler: async (request, reply) => {
      const form = request.body
      const { place, ...about } = aboutOf(form)
      const id = field(form, 'id', 40)
      const until = Number(field(form, 'until', 20))
      const token = Buffer.from(field(form, 'token', 60), 'base64url')
      if (!Number.isSafeInteger(until)) throw new Problem('form-expired', 'Words are added within an hour of the report.')
      const good = tokenOf(id, about, until)
      if (token.length !== good.length || !timingSafeEqual(token, good) || until < clock.now().getTime())
        throw new Problem('form-expired', 'Words are added within an hour of the report.')
      const words = field(form, 'words').trim().slice(0, mostWords)
      if (words !== '') await db.tx((tx) => store.replaceReport(tx, place, id, seal(id, about, words)))
      return thanksPage({ request, reply }, deps, about, null)
    },
  })

  const control = { roles: ['control'] } as const

  web.route({
    method: 'GET',
    url: '/control',
    access: control,
    schema: {},
    handler: (request) => {
      const t = views.wordsOf(request)
      return personPage(request, deps, {
        title: t('control.title'),
        body: html`<h1 class="govuk-heading-l">${t('control.title')}</h1><p class="govuk-body-l">${t('control.lead')}</p><ol class="govuk-list govuk-list--number"><li><a class="govuk-link" href="/control/reports">${t('control.download')}</a></li><li>${t('control.carry')}</li><li>${t('control.open')}</li></ol><p class="govuk-body">${t('control.pages', { count: perPage })}</p>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/control/reports',
    access: control,
    schema: { querystring: Type.Object({ after: Type.Optional(Type.String({ format: 'uuid' })) }) },
    handler: async (request, reply) => {
      const rows = await store.reportsAfter(db, request.query.after ?? null, perPage)
      const last = rows.at(-1)
      if (last && rows.length === perPage) reply.header('link', `</control/reports?after=${last.id}>; rel="next"`)
      reply.type('application/x-ndjson; charset=utf-8').header('content-disposition', 'attachment; filename="reports.jsonl"')
      return rows
        .map(
          (r) =>
            `${JSON.stringify({ id: r.id, office: r.office, step: r.step, day: r.day, about: reportAbout(r.id), sealed: r.sealed.toString('base64') })}\n`,
        )
        .join('')
    },
  })
}

function thanksPage(s: views.Seen, deps: Deps, about: About, more: { id: string; until: number; token: string } | null): Html {
  const t = views.wordsOf(s.request)
  // Back to where the button was pressed.
  const from = about.reference ? `/cases/${about.reference}` : `/offices/${about.office}`
  return personPage(s.request, deps, {
    title: t('thanks.title'),
    body: html`${panel({ title: t('thanks.title'), body: t('thanks.lead') })}<p class="govuk-body">${t('thanks.next')}</p>${
      more &&
      html`<h2 class="govuk-heading-m">${t('report.add-words')}</h2>${views.post(s, '/reports/words', [
        ...aboutFields(about),
        html`<input type="hidden" name="id" value="${more.id}"><input type="hidden" name="until" value="${more.until}"><input type="hidden" name="token" value="${more.token}">`,
        textarea({ name: 'words', label: t('report.words'), hint: t('report.words-hint'), rows: 4 }),
        button({ text: t('thanks.add'), kind: 'secondary' }),
      ])}`
    }<p class="govuk-body"><a class="govuk-link" href="${from}">${t(about.reference ? 'thanks.case' : 'thanks.office')}</a></p>`,
    url: from,
  })
}
