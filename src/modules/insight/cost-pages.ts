/** Where the supervisor of an office says what it cost, once a month is over. */
import { Type } from 'typebox'
import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import { html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { formatNumber } from '#kernel/text'
import { type Clock, minuteStamp } from '#kernel/time'
import { button, fieldError, input, layout, notificationBanner, radios, type SummaryError, scrolling, select, table } from '#look'
import type { PublicLog } from '#publiclog'
import { csrfField, holds, type Reply, type Request, signedIn, type Web } from '#web'
import { type Basis, bases, costHash, costsSet, type Declaration, declarable, mostDeclarations, pesosTyped } from './costs.ts'
import * as store from './store.ts'
import { formatPesos, monthName, text } from './views.ts'

export type CostDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly publiclog: Pick<PublicLog, 'append'>
  readonly catalogue: Pick<Catalogue, 'office'>
  readonly publicUrl: string
  readonly demo: boolean
}

/**
 * Declares what an office cost in a month that is over, and puts the hash of all its declarations of that month into the log in the same transaction. The same again changes nothing.
 * Refuses `invalid` (`/month`, `/pesos`, `/basis`) and `conflict` after twenty corrections.
 */
async function declareCost(
  { db, clock, publiclog }: Pick<CostDeps, 'db' | 'clock' | 'publiclog'>,
  office: string,
  typed: { readonly month: string; readonly pesos: string; readonly basis: string },
): Promise<void> {
  const pesos = pesosTyped(typed.pesos)
  const fields = [
    ...(declarable(clock.now()).includes(typed.month)
      ? []
      : [{ pointer: '/month', code: 'month', detail: 'Choose a month that is over.' }]),
    ...(pesos === null ? [{ pointer: '/pesos', code: 'pesos', detail: 'Write whole pesos.' }] : []),
    ...(bases.includes(typed.basis as Basis) ? [] : [{ pointer: '/basis', code: 'basis', detail: 'Say what the sum holds.' }]),
  ]
  if (fields.length > 0) throw new Problem('invalid', 'This cannot be declared so.', { fields })
  const period = typed.month
  await db.tx(async (tx) => {
    const before = await store.lockCost(tx, office, period)
    const last = before.at(-1)
    if (last && last.pesos === pesos && last.basis === typed.basis) return
    if (before.length >= mostDeclarations) throw new Problem('conflict', `A month is corrected ${mostDeclarations} times at most.`)
    const at = minuteStamp(clock.now())
    const declarations: Declaration[] = [...before, { pesos: pesos!, basis: typed.basis as Basis, at }]
    await store.saveCost(tx, office, period, declarations)
    await publiclog.append(tx, [
      { v: 1, type: 'numbers.released', at, set: costsSet(office), period, sha256: costHash(office, period, declarations) },
    ])
  })
}

const Office = Type.Object({ office: Type.String({ pattern: '^[a-z0-9-]{1,100}$' }) })

/** Adds `/numbers/offices/<office>/costs`. */
export function registerCosts(web: Pick<Web, 'route'>, deps: CostDeps): void {
  const { db, clock, catalogue, publicUrl, demo } = deps
  const url = '/numbers/offices/:office/costs'

  function officeOf(request: Request & { params: { office: string } }) {
    const office = catalogue.office(request.params.office)
    // Another office reads as absent, as one that does not exist.
    if (!office || !holds(signedIn(request), ['supervisor'], office.id)) throw new Problem('not-found', 'There is no such office of yours.')
    return office
  }

  async function page(
    request: Request & { params: { office: string } },
    reply: Reply,
    typed: { month?: string; pesos?: string; basis?: string } = {},
    wrong: readonly string[] = [],
    saved = false,
  ) {
    const l = request.visitor.language
    const office = officeOf(request)
    const declared = await store.costsOf(db, office.id, 24)
    const months = declarable(clock.now())
    const open = months.filter((m) => !declared.some((d) => d.period === m))
    const errorOf = (field: string) => (wrong.includes(field) ? { error: { text: text(l, `cost.error.${field as 'pesos'}`) } } : {})
    const error: SummaryError[] = wrong.map((field) => fieldError(field, text(l, `cost.error.${field as 'pesos'}`)))
    const title = text(l, 'cost.title')
    const action = `/numbers/offices/${office.id}/costs`
    return layout({
      title,
      language: l,
      visitor: request.visitor,
      url: action,
      origin: publicUrl,
      demo,
      robots: 'noindex',
      error: error.length > 0 ? error : null,
      breadcrumbs: [{ text: office.name(l), href: `/supervise/${office.id}` }],
      body: html`${saved && notificationBanner({ language: l, success: true, text: text(l, 'cost.saved') })}<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, 'cost.lead')}</p><form action="${action}" method="post" novalidate>${csrfField(request, reply)}${select(
        {
          id: 'month',
          name: 'month',
          label: { text: text(l, 'month') },
          value: typed.month ?? open[0] ?? months[0]!,
          items: months.map((m) => ({ value: m, text: monthName(l, m) })),
          ...errorOf('month'),
        },
      )}${input({
        id: 'pesos',
        name: 'pesos',
        label: { text: text(l, 'cost.pesos') },
        hint: { text: text(l, 'cost.pesos.hint') },
        value: typed.pesos ?? '',
        inputmode: 'numeric',
        classes: 'govuk-input--width-10',
        ...errorOf('pesos'),
      })}${radios({
        idPrefix: 'basis',
        name: 'basis',
        fieldset: { legend: { text: text(l, 'cost.basis'), classes: 'govuk-fieldset__legend--s' } },
        value: typed.basis ?? declared[0]?.declarations.at(-1)?.basis ?? '',
        items: bases.map((b) => ({ value: b, text: text(l, `cost.basis.${b}`) })),
        ...errorOf('basis'),
      })}${button({ text: text(l, 'cost.declare'), preventDoubleClick: true })}</form>${
        declared.length > 0 &&
        html`<h2 class="govuk-heading-m">${text(l, 'cost.declared')}</h2>${scrolling(
          text(l, 'cost.declared'),
          table({
            head: [
              text(l, 'month'),
              { text: text(l, 'cost.sum'), numeric: true },
              { text: text(l, 'cost.turns'), numeric: true },
              { text: text(l, 'cost.each'), numeric: true },
            ],
            firstCellIsHeader: true,
            rows: declared.map((d) => {
              const { pesos } = d.declarations.at(-1)!
              return [
                monthName(l, d.period),
                { text: formatPesos(l, pesos), numeric: true },
                { text: formatNumber(l, d.turns), numeric: true },
                { text: d.turns > 0 ? formatPesos(l, pesos / d.turns) : '—', numeric: true },
              ]
            }),
          }),
        )}`
      }<p class="govuk-body v-soft">${text(l, 'cost.public')}</p>`,
    })
  }

  web.route({
    method: 'GET',
    url,
    access: { roles: ['supervisor'] },
    schema: { params: Office, querystring: Type.Object({ saved: Type.Optional(Type.Literal('1')) }) },
    handler: (request, reply) => page(request, reply, {}, [], request.query.saved === '1'),
  })

  web.route({
    method: 'POST',
    url,
    access: { roles: ['supervisor'] },
    schema: {
      params: Office,
      body: Type.Object({
        month: Type.String({ maxLength: 10 }),
        pesos: Type.String({ maxLength: 40 }),
        basis: Type.Optional(Type.String({ maxLength: 40 })),
      }),
    },
    async handler(request, reply) {
      const office = officeOf(request)
      const { month, pesos, basis = '' } = request.body
      try {
        await declareCost(deps, office.id, { month, pesos, basis })
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'invalid') throw error
        reply.code(422)
        return page(
          request,
          reply,
          { month, pesos, basis },
          error.fields.map((f) => f.pointer.slice(1)),
        )
      }
      return reply.redirect(`/numbers/offices/${office.id}/costs?saved=1`, 303)
    },
  })
}
