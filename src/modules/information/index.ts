/** Pages that explain: the public register, how to check that it is fair, privacy, accessibility. No state of its own. */
import { type Html, html } from '#kernel/html'
import { formatNumber, texts } from '#kernel/text'
import { layout } from '#look'
import type { PublicLog } from '#publiclog'
import type { Request, Web } from '#web'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const text = texts({ es, en })
type Key = Parameters<typeof text>[1]

/** What the pages tell of. */
export type InformationDeps = { readonly publiclog: Pick<PublicLog, 'head' | 'vkey'>; readonly demo: boolean; readonly publicUrl: string }

/** A page is its title and, in order, its headings with their paragraphs; `code` paragraphs are commands. */
const pages = {
  'how-to-check': ['turn', 'receipt', 'paper', 'all'],
  privacy: ['kept', 'secret', 'log', 'rights'],
  accessibility: ['everyone', 'limits', 'tell'],
} as const

/** Opens the module. */
export function openInformation(deps: InformationDeps): { register(web: Web): void } {
  const page = (request: Request, title: string, body: Html) =>
    layout({
      title,
      body,
      language: request.visitor.language,
      visitor: request.visitor,
      url: request.url,
      demo: deps.demo,
      origin: deps.publicUrl,
    })

  return {
    register(web) {
      for (const [name, parts] of Object.entries(pages)) {
        web.route({
          method: 'GET',
          url: `/${name}`,
          access: 'public',
          schema: {},
          handler: (request) => {
            const l = request.visitor.language
            const title = text(l, `${name}.title` as Key)
            return page(
              request,
              title,
              html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, `${name}.lead` as Key)}</p>${parts.map(
                (part) =>
                  html`<h2 class="govuk-heading-m">${text(l, `${name}.${part}` as Key)}</h2><p class="govuk-body">${text(l, `${name}.${part}.words` as Key)}</p>`,
              )}${
                name === 'how-to-check' &&
                html`<h2 class="govuk-heading-m">${text(l, 'commands')}</h2><pre class="v-command" tabindex="0"><code>bin/ventanilla verify-log ${deps.publicUrl}
bin/ventanilla verify-turns ${deps.publicUrl}</code></pre><p class="govuk-body"><a class="govuk-link" href="/check">${text(l, 'to-check')}</a> · <a class="govuk-link" href="/register">${text(l, 'to-register')}</a></p>`
              }`,
            )
          },
        })
      }

      web.route({
        method: 'GET',
        url: '/register',
        access: 'public',
        schema: {},
        handler: async (request) => {
          const l = request.visitor.language
          const head = await deps.publiclog.head()
          const title = text(l, 'register.title')
          return page(
            request,
            title,
            html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, 'register.lead')}</p>
            <dl class="govuk-summary-list">${(
              [
                ['register.size', formatNumber(l, Number(head.size))],
                ['register.root', head.short],
                ['register.origin', head.origin],
                ['register.key', deps.publiclog.vkey],
              ] as [Key, string][]
            ).map(
              ([k, v]) =>
                html`<div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">${text(l, k)}</dt><dd class="govuk-summary-list__value"><span class="v-fingerprint">${v}</span></dd></div>`,
            )}</dl>
            <p class="govuk-body">${text(l, 'register.holds')}</p>
            <p class="govuk-body"><a class="govuk-link" href="/log/checkpoint">${text(l, 'register.checkpoint')}</a> · <a class="govuk-link" href="/how-to-check">${text(l, 'register.how')}</a></p>`,
          )
        },
      })
    },
  }
}
