/** The page of a person's data: all of it to take along, and its erasure. */
import { Type } from 'typebox'
import { html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { formatDate, type Language, texts } from '#kernel/text'
import { button, details, insetText, layout, notificationBanner, warningText } from '#look'
import { csrfField, isDemo, type Reply, type Request, signedIn, type Web } from '#web'
import { erasureDays, type PersonalData } from './personal-data.ts'
import en from './text.data.en.json' with { type: 'json' }
import es from './text.data.es.json' with { type: 'json' }

const text = texts({ es, en })
const url = '/me/data'

/** The words of the link to the page. */
export const dataWords = (l: Language): string => text(l, 'title')

/** Adds the pages. */
export function personalDataPages(web: Web, data: PersonalData): void {
  async function page(request: Request, reply: Reply, done: string | null) {
    const l = request.visitor.language
    const { holds, dueAt } = await data.state(signedIn(request))
    const form = (action: string, inside: ReturnType<typeof button>) =>
      html`<form method="post" action="${action}" novalidate>${csrfField(request, reply)}${inside}</form>`
    const title = text(l, 'title')
    const cases = holds.filter((h) => h.what === 'case')
    const erase =
      dueAt !== null
        ? html`${warningText({ language: l, text: text(l, 'erase.due', { date: formatDate(l, dueAt) }) })}${form(`${url}/keep`, button({ text: text(l, 'keep.do') }))}`
        : holds.length > 0
          ? html`${insetText({ text: text(l, 'erase.held') })}<ul class="govuk-list govuk-list--bullet">${cases.map((h) => html`<li><a class="govuk-link" href="/cases/${h.reference}">${text(l, 'erase.case', { reference: h.reference ?? '' })}</a></li>`)}${holds.some((h) => h.what === 'duty') && html`<li>${text(l, 'erase.duty')}</li>`}</ul>`
          : details({
              summary: text(l, 'erase.open'),
              body: html`<p>${text(l, 'erase.sure', { days: erasureDays })}</p>${form(`${url}/erase`, button({ text: text(l, 'erase.do'), kind: 'warning' }))}`,
            })
    return layout({
      title,
      url,
      language: l,
      visitor: request.visitor,
      demo: isDemo(request),
      robots: 'noindex',
      backLink: '/me',
      body: html`${done && notificationBanner({ language: l, success: true, text: done })}<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, 'lead')}</p><h2 class="govuk-heading-m">${text(l, 'take')}</h2><p class="govuk-body">${text(l, 'take.lead')}</p><p class="govuk-body"><a class="govuk-button govuk-button--secondary" href="${url}.json" download role="button" draggable="false">${text(l, 'take.do')}</a></p><h2 class="govuk-heading-m">${text(l, 'mend')}</h2><p class="govuk-body">${text(l, 'mend.lead')} <a class="govuk-link" href="/me">${text(l, 'mend.go')}</a></p><h2 class="govuk-heading-m">${text(l, 'erase')}</h2><p class="govuk-body">${text(l, 'erase.lead')}</p><ul class="govuk-list govuk-list--bullet"><li>${text(l, 'erase.goes')}</li><li>${text(l, 'erase.stays')}</li><li>${text(l, 'erase.log')}</li></ul>${erase}<p class="govuk-body v-soft">${text(l, 'law')}</p>`,
    })
  }

  web.route({
    method: 'GET',
    url,
    access: 'signed-in',
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 10 })) }) },
    handler: (request, reply) => {
      const { done } = request.query
      return page(request, reply, done === 'kept' || done === 'asked' ? text(request.visitor.language, `done.${done}`) : null)
    },
  })
  web.route({
    method: 'GET',
    url: `${url}.json`,
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      const all = await data.take(signedIn(request))
      reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', 'attachment; filename="mis-datos.json"')
        .header('cache-control', 'private, no-store')
      return `${JSON.stringify(all, null, 2)}\n`
    },
  })
  web.route({
    method: 'POST',
    url: `${url}/erase`,
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      try {
        await data.ask(signedIn(request))
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'people/erasure-held') throw error
        reply.code(error.status)
        return page(request, reply, null)
      }
      return reply.redirect(`${url}?done=asked`, 303)
    },
  })
  web.route({
    method: 'POST',
    url: `${url}/keep`,
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      await data.keep(signedIn(request))
      return reply.redirect(`${url}?done=kept`, 303)
    },
  })
}
