/** What anyone may know of an office: its number now, its waits, how its desks work; and the supervisor's page, which says no more than loads. */
import { Type } from 'typebox'
import type { Office } from '#catalogue'
import { addWorkingDays } from '#kernel/calendar'
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { keptFor } from '#kernel/kept'
import { Problem } from '#kernel/problem'
import { formatDate, type Language } from '#kernel/text'
import { addDays, dateIn, dayMs, type PlainDate, startOfDay } from '#kernel/time'
import { details, figures, layout, officeNow, places, summaryList, tag } from '#look'
import { administers } from '#people'
import { holds, signedIn, type Web } from '#web'
import type { Deps } from '../deps.ts'
import { deskName } from '../desk.ts'
import { upcoming } from '../line.ts'
import { medianMinutes, type WaitRange, waitRange } from '../line-statistics.ts'
import type { Staffing } from '../staffing.ts'
import * as store from '../store.ts'
import { OneOffice, officeOf } from './desk.ts'
import { reportForm } from './report.ts'
import { text } from './staff-text.ts'
import * as views from './staff-views.ts'
import { durationWords, waitNow } from './wait.ts'

/** A wall display asks again after so many seconds. */
const wallSeconds = 15
/** Statistics of desks look back this far. */
const statisticsDays = 30
/** More services than this stand behind their number. */
const mostListed = 12
/** Reports are counted over a year. */
const reportDays = 365

type LineNow = {
  readonly line: string
  readonly quiet: boolean
  readonly acts: number
  readonly serving: readonly { readonly desk: string; readonly number: number | null }[]
  readonly next: readonly number[]
  readonly waiting: number
  readonly held: number
}

type LineStatistics = {
  readonly wait: WaitRange
  /** Waits of the turns that ended today. */
  readonly today: { readonly median: number | null; readonly turns: number }
  readonly tallies: Awaited<ReturnType<typeof store.deskTallies>>
}

/** Adds the public pages of offices, the supervisor's, and what an administrator sees of them. `freshMs`: how long what they show may be old. */
export function registerOffice(
  web: Web,
  deps: Deps,
  { staffing }: { readonly staffing: Staffing },
  { freshMs = 3000 }: { readonly freshMs?: number } = {},
): void {
  const { db, catalogue, clock } = deps

  async function linesNow(office: OfficeId): Promise<LineNow[]> {
    const desks = await store.desksOf(db, office)
    const lines = await store.linesOf(db, office)
    return Promise.all(
      lines.map(async ({ place, state }) => {
        const load = await store.lineLoad(db, place, state.line)
        const at = new Map(load.serving.map((s) => [s.desk, s.place]))
        return {
          line: state.line,
          quiet: state.quiet,
          acts: state.n,
          serving: desks
            .filter((d) => d.state.line === state.line)
            .map((d) => ({ desk: deskName(d.state.desk), number: at.get(d.state.desk) ?? null })),
          next: upcoming(state, load.next, 5),
          waiting: load.waiting,
          held: load.held,
        }
      }),
    )
  }

  async function statistics(office: OfficeId): Promise<LineStatistics[]> {
    const desks = await store.desksOf(db, office)
    const lines = await store.linesOf(db, office)
    const now = clock.now()
    const { zone } = catalogue.calendarOf(office)
    return Promise.all(
      lines.map(async ({ place, state }) => {
        const waits = await store.waitMinutes(db, place, state.line, startOfDay(dateIn(now, zone), zone))
        const waiting = await store.waitingCount(db, place, state.line)
        const own = desks.filter((d) => (d.state.line ?? d.state.lastLine) === state.line).map((d) => d.state.desk)
        return {
          wait: waitRange(waiting, state.desks, await store.serviceMinutes(db, place, state.line, 200)),
          today: { median: medianMinutes(waits), turns: waits.length },
          tallies: await store.deskTallies(db, place, own, new Date(now.getTime() - statisticsDays * dayMs)),
        }
      }),
    )
  }

  const nowOf = keptFor(freshMs, (office) => linesNow(office as OfficeId))
  // Statistics of a month do not move in seconds.
  const statisticsOf = keptFor(freshMs * 10, (office) => statistics(office as OfficeId))
  const reportsOf = keptFor(freshMs, (office) =>
    store.countReports(db, office as OfficeId, addDays(dateIn(clock.now(), catalogue.calendarOf(office as OfficeId).zone), -reportDays)),
  )

  web.route({
    method: 'GET',
    url: '/offices/:office',
    access: 'public',
    schema: { params: OneOffice },
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      const [lines, stats, reports] = await Promise.all([nowOf(office), statisticsOf(office), reportsOf(office)])
      return officePage({ request, reply }, deps, catalogue.office(office)!, {
        lines,
        stats,
        reports,
        today: dateIn(clock.now(), catalogue.calendarOf(office).zone),
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/offices/:office/now',
    access: 'public',
    schema: { params: OneOffice, querystring: Type.Object({ line: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })) }) },
    handler: async (request, reply) => {
      const office = catalogue.office(officeOf(deps, request.params))!
      const lines = await nowOf(office.id)
      const { line: nth = 1 } = request.query
      const line = lines[nth - 1]
      if (!line && nth > 1) throw new Problem('not-found', 'There is no such line.')
      const l = request.visitor.language
      reply
        .header('cache-control', `public, max-age=${Math.min(5, Math.max(1, Math.round(freshMs / 1000)))}`)
        .header('vary', 'accept-language, cookie')
      const at = new Intl.DateTimeFormat(l === 'es' ? 'es-MX' : 'en', { timeZone: office.zone, hour: '2-digit', minute: '2-digit' }).format(
        clock.now(),
      )
      return layout({
        title: text(l, 'now.title', { office: office.name(l) }),
        language: l,
        // The same page for everybody, whoever is signed in.
        visitor: null,
        url: request.url,
        wall: true,
        wide: true,
        refreshSeconds: wallSeconds,
        demo: deps.demo,
        body: officeNow({
          language: l,
          office: office.name(l),
          ...(lines.length > 1 ? { line: text(l, 'now.line', { n: nth, of: lines.length }) } : {}),
          serving: (line?.serving ?? []).map((s) => ({ desk: s.desk, number: s.number === null ? null : String(s.number) })),
          next: (line?.next ?? []).map(String),
          waiting: line?.waiting ?? 0,
          updated: at,
        }),
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/supervise/:office',
    access: { roles: ['supervisor'] },
    schema: { params: OneOffice },
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      if (!holds(signedIn(request), ['supervisor'], office)) throw new Problem('forbidden', 'This is another office.')
      const calendar = catalogue.calendarOf(office)
      const until = addWorkingDays(dateIn(clock.now(), calendar.zone), 5, calendar)
      const [now, stats, lines, stranded] = await Promise.all([
        nowOf(office),
        statisticsOf(office),
        store.linesOf(db, office),
        staffing.stranded(office),
      ])
      const all = await Promise.all(
        lines.map(async ({ place, state }, i): Promise<views.LineView> => {
          const line = now.find((n) => n.line === state.line)
          return {
            line: state.line,
            quiet: state.quiet,
            onDuty: (line?.serving ?? []).map((s) => ({ desk: s.desk, serving: s.number !== null })),
            waiting: line?.waiting ?? 0,
            held: line?.held ?? 0,
            stranded: stranded.filter((s) => s.line === state.line),
            since: await store.waitingSince(db, place, state.line),
            dues: await store.duesNear(db, place, state.line, until),
            tallies: stats[i]?.tallies ?? { desks: [], medianMinutes: null },
          }
        }),
      )
      return views.supervisePage({ request, reply }, deps, office, all)
    },
  })

  web.route({
    method: 'GET',
    url: '/admin/turns',
    access: { roles: ['admin'] },
    schema: {},
    handler: async (request, reply) => {
      if (!administers(signedIn(request))) throw new Problem('forbidden', 'Only an administrator of the portal.')
      return views.strandedPage({ request, reply }, deps, await staffing.offices())
    },
  })
}

const weekdays = ['1', '2', '3', '4', '5', '6', '7'] as const

/** The opening hours; days that follow each other with the same hours are one line. */
function hoursRows(l: Language, office: Office): Child {
  const monday = Date.UTC(2026, 10, 23)
  const dayName = (d: number) =>
    new Intl.DateTimeFormat(l === 'es' ? 'es-MX' : 'en', { weekday: 'long', timeZone: 'UTC' }).format(new Date(monday + (d - 1) * dayMs))
  const runs: { from: number; to: number; hours: string }[] = []
  for (const d of weekdays) {
    const spans = (office.hours as Record<string, readonly (readonly [string, string])[]>)[d]
    if (!spans?.length) continue
    const hours = spans.map(([from, to]) => `${from}–${to}`).join(', ')
    const last = runs.at(-1)
    if (last && last.to === Number(d) - 1 && last.hours === hours) last.to = Number(d)
    else runs.push({ from: Number(d), to: Number(d), hours })
  }
  const days = (r: (typeof runs)[number]) =>
    r.from === r.to ? dayName(r.from) : text(l, 'office.days', { from: dayName(r.from), to: dayName(r.to) })
  return html`<ul class="govuk-list">${runs.map((r) => html`<li>${days(r)}: ${r.hours}</li>`)}</ul>`
}

/** A zone's name as people say it: *hora de Tijuana*. */
function zoneWords(l: Language, zone: string): string {
  const parts = new Intl.DateTimeFormat(l === 'es' ? 'es-MX' : 'en', {
    timeZone: zone,
    timeZoneName: l === 'es' ? 'shortGeneric' : 'longGeneric',
  }).formatToParts(0)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone
}

function officePage(
  s: views.Seen,
  deps: Deps,
  office: Office,
  given: { lines: readonly LineNow[]; stats: readonly LineStatistics[]; reports: number; today: PlainDate },
): Html {
  const t = views.wordsOf(s.request)
  const l = s.request.visitor.language
  const name = office.name(l)
  const services = deps.catalogue.servedAt(office.id)
  const unconfirmed = !office.confirmed && html` ${tag({ text: t('unverified'), kind: 'waiting' })}`
  const byName = services.toSorted((a, b) => a.text(l, 'name').localeCompare(b.text(l, 'name'), l))
  const served = html`<ul class="govuk-list">${byName.map(
    (x) => html`<li><a class="govuk-link" href="/services/${x.id}">${x.text(l, 'name')}</a></li>`,
  )}</ul>`
  const lineBlock = (line: LineNow, i: number): Html => {
    const serving = line.serving.filter((d) => d.number !== null)
    const stats = given.stats[i]
    return html`<section class="v-ticket v-ticket--called"><div class="v-ticket__stub"><h2 class="v-ticket__heading"><span class="v-ticket__label">${serving.length === 0 ? t('office.now-none') : t('office.now', { count: serving.length })}</span> ${
      serving.length === 0
        ? html`<span class="v-ticket__ahead">${t('office.nobody')}</span>`
        : html`<span class="${`v-ticket__number${serving.length > 1 ? ' v-ticket__numbers' : ''}`}">${serving.length > 1 ? serving.map((d) => html`<span>${d.number}</span> `) : serving[0]!.number}</span>`
    }</h2>${tag({ text: line.serving.length === 0 ? t('office.none-open') : t('office.on-duty', { count: line.serving.length }), kind: line.serving.length > 0 ? 'done' : 'quiet' })}</div><div class="v-ticket__body"><p class="v-ticket__ahead">${t('office.waiting', { count: line.waiting })}</p><p class="v-ticket__wait"><span>${t('office.wait-now')}</span> <strong>${waitNow(l, stats?.wait, line.serving.length) ?? t('wait.unknown')}</strong></p><p class="v-ticket__where"><a class="govuk-link" href="/offices/${office.id}/now${i > 0 ? `?line=${i + 1}` : ''}">${t('office.wall')}</a></p></div></section>${
      stats &&
      figures(l, [
        {
          value: stats.today.median === null ? '—' : durationWords(l, stats.today.median),
          label: t('office.wait-today'),
          note: t('office.wait-turns', { count: stats.today.turns }),
        },
        { value: String(line.held), label: t('office.held') },
      ])
    }`
  }
  const numbers = html`<p class="govuk-body"><a class="govuk-link" href="${places.numbers}/offices/${office.id}">${t('office.numbers')}</a></p>`
  const body = html`<h1 class="govuk-heading-xl">${name}</h1><p class="govuk-body-l">${t('office.no-number')}</p>${
    given.lines.length === 0 ? html`<p class="govuk-body">${t('office.no-line')}</p>` : given.lines.map(lineBlock)
  }${numbers}<h2 class="govuk-heading-m">${t('office.serves')}</h2>${services.length > mostListed ? details({ summary: t('office.serves-count', { count: services.length }), body: served }) : served}<h2 class="govuk-heading-m">${t('office.where')}</h2>${summaryList(
    {
      rows: [
        { key: t('office.address'), value: html`${office.address ? `${office.address}, ${office.town}` : office.town}${unconfirmed}` },
        { key: t('office.hours'), value: html`${hoursRows(l, office)}${unconfirmed}` },
        { key: t('office.zone'), value: zoneWords(l, office.zone) },
      ],
    },
  )}<h2 class="govuk-heading-m" id="fair">${t('office.fair')}</h2>${given.lines.map(
    (line, i) =>
      html`<p class="govuk-body">${t('office.line-name', { line: line.line, count: line.acts })}</p>${
        given.stats[i] && given.stats[i].tallies.desks.length > 0 && views.deskTable(l, given.stats[i].tallies, line.quiet)
      }`,
  )}<p class="govuk-body">${t('office.stats-note', { count: statisticsDays })} <a class="govuk-link" href="${places.fair}">${t('office.how-to-check')}</a></p><h2 class="govuk-heading-m" id="report">${t('report.title')}</h2><p class="govuk-body">${t('report.count', { count: given.reports, from: formatDate(l, addDays(given.today, -reportDays)) })}</p>${reportForm(s, { office: office.id, step: null, reference: null, day: given.today })}`
  return layout({
    title: name,
    language: l,
    visitor: s.request.visitor,
    url: s.request.url,
    origin: deps.publicUrl,
    demo: deps.demo,
    wide: true,
    body,
  })
}
