/** The inbox, and where there is no mail server or no gateway what would have gone out. */
import { Type } from 'typebox'
import { type Child, type Html, html } from '#kernel/html'
import { formatDate } from '#kernel/text'
import { layout, table } from '#look'
import { isDemo, type Request, signedIn, type Web } from '#web'
import type { Messages } from './index.ts'
import { text, toHtml } from './templates.ts'

const perPage = 50

function page(request: Request, title: string, body: Child, back?: string): Html {
  const { visitor, url } = request
  return layout({ title, language: visitor.language, visitor, url, body, backLink: back, demo: isDemo(request), robots: 'noindex' })
}

/** Adds the pages of messages; `/dev/mail` only where mail is shown instead of sent. */
export function pages(web: Web, messages: Messages, { shows }: { shows: boolean }): void {
  web.route({
    method: 'GET',
    url: '/inbox',
    access: 'signed-in',
    schema: { querystring: Type.Object({ before: Type.Optional(Type.String({ format: 'uuid' })) }) },
    handler: async (request) => {
      const { person, language } = signedIn(request)
      const { before } = request.query
      const found = await messages.inbox(person, { language, before: before ?? null, limit: perPage + 1 })
      const shown = found.slice(0, perPage)
      const title = text(language, 'inbox.title')
      return page(
        request,
        title,
        html`<h1 class="govuk-heading-l">${title}</h1>${
          shown.length === 0
            ? html`<p class="govuk-body">${text(language, 'inbox.none')}</p>`
            : table({
                head: [text(language, 'inbox.subject'), text(language, 'inbox.when')],
                rows: shown.map((m) => [
                  html`<a class="govuk-link" href="/inbox/${m.id}">${m.rendered?.subject ?? text(language, 'inbox.gone')}</a>${!m.read && html` <strong class="govuk-tag">${text(language, 'inbox.unread')}</strong>`}`,
                  formatDate(language, m.at, { time: true, short: true }),
                ]),
              })
        }${
          found.length > perPage &&
          html`<p class="govuk-body"><a class="govuk-link" href="/inbox?before=${shown.at(-1)!.id}">${text(language, 'inbox.older')}</a></p>`
        }`,
        '/me',
      )
    },
  })

  web.route({
    method: 'GET',
    url: '/inbox/:id',
    access: 'signed-in',
    schema: { params: Type.Object({ id: Type.String({ format: 'uuid' }) }) },
    handler: async (request) => {
      const { person, language } = signedIn(request)
      const m = await messages.read(person, request.params.id, language)
      // The message that was just opened is not unread any more, on its own page neither.
      if (request.visitor.unread) request.visitor = { ...request.visitor, unread: await messages.unread(person) }
      const title = m.rendered?.subject ?? text(language, 'inbox.title')
      return page(
        request,
        title,
        html`<h1 class="govuk-heading-l">${title}</h1>
        <p class="govuk-hint">${formatDate(language, m.at, { time: true })}</p>
        ${m.rendered ? toHtml(m.rendered) : html`<p class="govuk-body">${text(language, 'inbox.gone')}</p>`}
        <p class="govuk-hint">${m.mail && text(language, `mail.${m.mail.state}`)}</p>`,
        '/inbox',
      )
    },
  })

  if (!shows) return

  const to = Type.Object({ to: Type.Optional(Type.String({ maxLength: 300 })) })
  web.route({
    method: 'GET',
    url: '/dev/mail.json',
    access: 'public',
    schema: { querystring: to },
    handler: (request) => messages.shown(request.query.to),
  })

  web.route({
    method: 'GET',
    url: '/dev/mail',
    access: 'public',
    schema: { querystring: to },
    handler: async (request) => {
      const { language } = request.visitor
      const all = (await messages.shown(request.query.to)) ?? []
      const title = text(language, 'dev.title')
      return page(
        request,
        title,
        html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(language, 'dev.lead')}</p>
        ${all.length === 0 && html`<p class="govuk-body">${text(language, 'dev.none')}</p>`}
        ${all.slice(0, 50).map(
          (m) => html`<article><h2 class="govuk-heading-s">${m.subject}</h2>
          <p class="govuk-hint">${text(language, 'dev.to')}: ${m.to}, ${m.at}</p>
          ${m.text.split('\n\n').map((p) => html`<p class="govuk-body">${p.split(/(https?:\/\/\S+)/).map((w, i) => (i % 2 ? html`<a class="govuk-link" href="${w}">${w}</a>` : w))}</p>`)}</article>`,
        )}`,
      )
    },
  })
}
