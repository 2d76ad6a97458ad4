/** The public register of helpers, and where an administrator keeps it. */
import { Type } from 'typebox'
import { html } from '#kernel/html'
import { formatDate, type Language } from '#kernel/text'
import { button, details, input, notificationBanner, summaryList } from '#look'
import { type Reply, type Request, signedIn, type Web } from '#web'
import type { Helper, HelperRegister, StandingsOf } from './helpers.ts'
import { pesosOf } from './mandates.ts'
import { centavosOf, errorsOf } from './pages.ts'
import { text } from './text.ts'
import { anchorOf, dayInput, dayParts, type Errors, h1, h2, lead, mandatesPage, p, page, post } from './views.ts'

const totalOf = (h: Helper) => Object.values(h.outcomes).reduce((a, b) => a + b, 0)

function outcomes(l: Language, h: Helper) {
  const { granted, refused, open, lapsed, withdrawn } = h.outcomes
  const parts = [
    granted > 0 && text(l, 'helpers.granted', { count: granted }),
    refused > 0 && text(l, 'helpers.refused', { count: refused }),
    open > 0 && text(l, 'helpers.open', { count: open }),
    lapsed + withdrawn > 0 && text(l, 'helpers.other', { count: lapsed + withdrawn }),
  ].filter((x) => x !== false)
  return html`${totalOf(h)}${parts.length > 0 && html`<br><span class="v-soft">${parts.join('; ')}</span>`}`
}

/** Adds the pages. */
export function registerHelpers(web: Web, register: HelperRegister, standingsOf: StandingsOf): void {
  const inForce = (list: readonly Helper[]) => list.filter((h) => h.inForce && h.name !== null)

  web.route({
    method: 'GET',
    url: '/helpers',
    access: 'public',
    schema: {},
    handler: async (request) => {
      const l = request.visitor.language
      const all = await register.list(standingsOf)
      const now = inForce(all)
      const past = all.filter((h) => !h.inForce && h.name !== null)
      return page(request, {
        title: text(l, 'helpers.title'),
        url: '/helpers',
        index: true,
        body: html`${h1(text(l, 'helpers.title'))}${lead(text(l, 'helpers.lead'))}${p(text(l, 'helpers.rule'))}${
          now.length === 0
            ? p(text(l, 'helpers.none'))
            : now.map(
                (h) =>
                  html`${summaryList({
                    card: { title: h.name!, headingLevel: 2 },
                    rows: [
                      { key: text(l, 'helpers.cap'), value: html`<strong>${pesosOf(h.cap_centavos)}</strong>` },
                      { key: text(l, 'helpers.cases'), value: outcomes(l, h) },
                      { key: text(l, 'helpers.place'), value: h.place },
                      { key: text(l, 'helpers.number'), value: h.number },
                      { key: text(l, 'helpers.until'), value: formatDate(l, h.until_on) },
                      {
                        key: text(l, 'helpers.help'),
                        value: html`<a class="govuk-link" href="${mandatesPage}/new?kind=helper&helper=${h.number}">${text(l, 'helpers.give')}<span class="govuk-visually-hidden"> ${h.name}</span></a>`,
                      },
                    ],
                  })}`,
              )
        }${
          past.length > 0 &&
          html`${h2(text(l, 'helpers.over'))}<ul class="govuk-list govuk-list--bullet">${past.map(
            (h) =>
              html`<li>${h.name} (${h.number}): ${h.ended_on ? text(l, 'helpers.ended', { date: formatDate(l, h.ended_on), why: h.ended_why ?? '' }) : text(l, 'helpers.expired', { date: formatDate(l, h.until_on) })}</li>`,
          )}</ul>`
        }<p class="govuk-body"><a class="govuk-link" href="/helpers.json">${text(l, 'helpers.data')}</a></p>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/helpers.json',
    access: 'public',
    schema: {},
    handler: async (_request, reply) => {
      const all = await register.list(standingsOf)
      reply.type('application/json; charset=utf-8').header('cache-control', 'public, max-age=300')
      return JSON.stringify({
        helpers: all
          .filter((h) => h.name !== null)
          .map((h) => ({
            number: h.number,
            name: h.name,
            place: h.place,
            priceCap: `${(h.cap_centavos / 100).toFixed(2)} MXN`,
            licensedOn: h.licensed_on,
            until: h.until_on,
            endedOn: h.ended_on,
            endedWhy: h.ended_why,
            inForce: h.inForce,
            cases: h.outcomes,
          })),
      })
    },
  })

  async function adminPage(
    request: Request,
    reply: Reply,
    o: { typed?: Record<string, unknown>; errors?: Errors; done?: string | null } = {},
  ) {
    const l = request.visitor.language
    const typed = (name: string) => (typeof o.typed?.[name] === 'string' ? (o.typed[name] as string) : '')
    const errors = o.errors ?? {}
    const wrong = (name: string) => (errors[name] ? text(l, `error.${errors[name]}` as 'error.name') : undefined)
    const line = (name: 'email' | 'place' | 'cap', more: object = {}) =>
      input({ id: name, name, label: text(l, `admin.${name}`), value: typed(name), error: wrong(name), ...more })
    const list = inForce(await register.list(standingsOf))
    return page(request, {
      title: text(l, 'admin.title'),
      url: '/admin/helpers',
      back: '/me',
      error: Object.keys(errors).map((name) => ({ text: wrong(name)!, href: anchorOf(name) })),
      body: html`${o.done && notificationBanner({ language: l, success: true, text: o.done })}${h1(text(l, 'admin.title'))}${lead(text(l, 'admin.lead'))}${post(
        { request, reply },
        '/admin/helpers',
        html`${line('email', { type: 'email', spellcheck: false, autocomplete: 'off' })}${line('place')}${line('cap', { inputmode: 'decimal', prefix: '$', classes: 'govuk-input--width-10' })}${dayInput(l, 'until', text(l, 'admin.until'), dayParts(o.typed ?? {}, 'until') ?? '', wrong('until'))}${button({ text: text(l, 'admin.give') })}`,
      )}${list.map((h) =>
        details({
          summary: html`${h.name} (${h.number}): ${text(l, 'admin.end')}`,
          body: post(
            { request, reply },
            `/admin/helpers/${h.number}/end`,
            html`${input({ id: `why-${h.number}`, name: 'why', label: text(l, 'admin.why'), value: '' })}${button({ text: text(l, 'admin.end'), kind: 'warning' })}`,
          ),
        }),
      )}<p class="govuk-body"><a class="govuk-link" href="/helpers">${text(l, 'helpers.title')}</a></p>`,
    })
  }

  const admins = { roles: ['admin'] } as const
  const Form = Type.Record(Type.String({ maxLength: 60 }), Type.Unknown())
  const field = (form: Record<string, unknown>, name: string) =>
    typeof form[name] === 'string' ? (form[name] as string).slice(0, 400) : ''

  web.route({
    method: 'GET',
    url: '/admin/helpers',
    access: admins,
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: (request, reply) => {
      const l = request.visitor.language
      const { done } = request.query
      return adminPage(request, reply, {
        done: done === 'ended' ? text(l, 'admin.ended') : done ? text(l, 'admin.done', { number: done }) : null,
      })
    },
  })
  web.route({
    method: 'POST',
    url: '/admin/helpers',
    access: admins,
    schema: { body: Form },
    handler: async (request, reply) => {
      const form = request.body
      try {
        const number = await register.license(signedIn(request), {
          email: field(form, 'email'),
          place: field(form, 'place'),
          capCentavos: centavosOf(field(form, 'cap')),
          until: dayParts(form, 'until') ?? '',
        })
        return reply.redirect(`/admin/helpers?done=${number}`, 303)
      } catch (error) {
        const errors = errorsOf(error)
        reply.code(422)
        return adminPage(request, reply, { typed: form, errors })
      }
    },
  })
  web.route({
    method: 'POST',
    url: '/admin/helpers/:number/end',
    access: admins,
    schema: { params: Type.Object({ number: Type.String({ maxLength: 20 }) }), body: Form },
    handler: async (request, reply) => {
      const { number } = request.params
      try {
        await register.end(signedIn(request), number, field(request.body, 'why'))
      } catch (error) {
        errorsOf(error)
        reply.code(422)
        return adminPage(request, reply, { errors: { [`why-${number}`]: 'why' } })
      }
      return reply.redirect('/admin/helpers?done=ended', 303)
    },
  })
}
