/** The pages of signing in between systems. */
import { type Child, type Html, html, trustedHtml } from '#kernel/html'
import { formatDate, texts } from '#kernel/text'
import { button, details, insetText, layout, notificationBanner, summaryList } from '#look'
import type { Person } from '#people'
import { csrfField, isDemo, type Reply, type Request } from '#web'
import { isPersonal, type PersonalScope, toldOf } from './scopes.ts'
import type { ClientRow, ConsentRow } from './store.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const text = texts({ es, en })

const words = (request: Request) => {
  const { language } = request.visitor
  return (key: Parameters<typeof text>[1], parameters?: Record<string, string | number>) => text(language, key, parameters)
}

function page(request: Request, title: string, body: Child, more: { back?: string; url?: string } = {}): Html {
  const { visitor } = request
  return layout({
    title,
    language: visitor.language,
    visitor,
    // The protocol's addresses hold what is the client's: a link to the other language does not repeat it.
    url: more.url ?? request.url.split('?')[0]!,
    backLink: more.back,
    demo: isDemo(request),
    robots: 'noindex',
    body: html`<h1 class="govuk-heading-l">${title}</h1>${body}`,
  })
}

type Named = Pick<ClientRow, 'name' | 'agency'>

/** What a system wants to know, in words, with what it would be told. */
export function consentPage(
  request: Request,
  reply: Reply,
  o: { uid: string; client: Named & Pick<ClientRow, 'redirect_uris'>; person: Person; scopes: readonly string[] },
): Html {
  const t = words(request)
  const personal = o.scopes.filter(isPersonal)
  const { name, agency } = o.client
  return page(
    request,
    t('consent.title', { name }),
    html`<p class="govuk-body-l">${t('consent.lead', { name, agency })}</p>
    ${
      personal.length === 0
        ? html`<p class="govuk-body">${t('consent.nothing')}</p>`
        : html`<h2 class="govuk-heading-m">${t('consent.what')}</h2>${summaryList({
            rows: personal.map((scope) => ({ key: t(`scope.${scope}`), value: toldOf(o.person, scope) ?? t('consent.missing') })),
          })}`
    }
    <p class="govuk-body">${t('consent.number')}</p>
    ${o.scopes.includes('offline_access') && insetText({ text: t('consent.offline', { name }) })}
    <p class="govuk-body">${t('consent.never', { name })}</p>
    <form action="/oidc/interaction/${o.uid}" method="post">${csrfField(request, reply)}
    <div class="govuk-button-group">${button({ text: t('consent.agree'), name: 'answer', value: 'agree', preventDoubleClick: true })}${button(
      {
        text: t('consent.refuse'),
        name: 'answer',
        value: 'refuse',
        kind: 'secondary',
      },
    )}</div></form>
    ${details({ summary: t('consent.who'), body: html`<p class="govuk-body">${t('consent.host', { name, host: new URL(o.client.redirect_uris[0]!).host })}</p><p class="govuk-body">${t('consent.later')}</p>` })}`,
  )
}

/** The step from our sign-in form back to the system that asked. */
export function onwardPage(request: Request, to: string, client: Named): Html {
  const t = words(request)
  return page(
    request,
    t('onward.title'),
    html`<p class="govuk-body">${t('onward.lead', { name: client.name })}</p><p class="govuk-body"><a class="govuk-link" href="${to}">${t('onward.go')}</a></p>`,
  )
}

/** What the person agreed to, and how to take it back. */
export function connectedPage(
  request: Request,
  reply: Reply,
  o: { consents: readonly ConsentRow[]; joined: { name: string; since: Date } | null; done: boolean },
): Html {
  const t = words(request)
  const { language } = request.visitor
  return page(
    request,
    t('connected.title'),
    html`${o.done && notificationBanner({ language, success: true, text: t('connected.done') })}<p class="govuk-body-l">${t('connected.lead')}</p>${
      o.consents.length === 0
        ? html`<p class="govuk-body">${t('connected.none')}</p>`
        : o.consents.map(
            (c) =>
              html`${summaryList({
                card: { title: c.name },
                rows: [
                  { key: t('connected.agency'), value: c.agency },
                  {
                    key: t('connected.knows'),
                    value: c.scopes.some(isPersonal)
                      ? c.scopes
                          .filter(isPersonal)
                          .map((s: PersonalScope) => t(`scope.${s}`))
                          .join(', ')
                      : t('connected.number'),
                  },
                  ...(c.scopes.includes('offline_access') ? [{ key: t('connected.away'), value: t('connected.away-yes') }] : []),
                  { key: t('connected.since'), value: formatDate(language, c.given_at, { time: true }) },
                ],
              })}<form action="/me/connected" method="post">${csrfField(request, reply)}<input type="hidden" name="client" value="${c.client}">${button(
                {
                  text: html`${t('connected.end')}<span class="govuk-visually-hidden"> ${c.name}</span>`,
                  kind: 'secondary',
                },
              )}</form>`,
          )
    }${
      o.joined &&
      html`<h2 class="govuk-heading-m">${t('joined.title', { name: o.joined.name })}</h2><p class="govuk-body">${t('joined.lead', {
        name: o.joined.name,
        date: formatDate(language, o.joined.since),
      })}</p><form action="/me/connected/outside" method="post">${csrfField(request, reply)}${button({ text: t('joined.end'), kind: 'secondary' })}</form>`
    }`,
    { back: '/me', url: '/me/connected' },
  )
}

/** Whose account it is that an outside provider vouches for: the first time, the person says so and proves it. */
export function linkPage(
  request: Request,
  reply: Reply,
  o: { name: string; address: string | null; known: boolean; theirs: boolean; linkUrl: string; newUrl: string },
): Html {
  const t = words(request)
  const { name } = o
  const said = o.address ? t('link.said-address', { name, address: o.address }) : t('link.said', { name })
  const send = (action: string, words: string, kind: 'primary' | 'secondary') =>
    html`<form action="${action}" method="post">${csrfField(request, reply)}${button({ text: words, kind, preventDoubleClick: true })}</form>`
  if (o.theirs)
    return page(
      request,
      t('link.join', { name }),
      html`<p class="govuk-body-l">${said}</p><p class="govuk-body">${t('link.join-lead', { name })}</p>${send(o.linkUrl, t('link.join-go'), 'primary')}`,
    )
  return page(
    request,
    t('link.first', { name }),
    html`<p class="govuk-body-l">${said}</p><p class="govuk-body">${o.known ? t('link.known') : t('link.choose')}</p>${button({
      text: t('link.have'),
      href: `/sign-in?again=1&next=${encodeURIComponent(o.linkUrl)}`,
    })}${!o.known && send(o.newUrl, t('link.new'), 'secondary')}`,
  )
}

/** Leaving by another system's page. `form` is the library's, for its buttons to belong to. */
export function leavePage(request: Request, form: string, client: string | undefined): Html {
  const t = words(request)
  const act = (kind: 'primary' | 'secondary', words: string, more: { name?: string; value?: string }) =>
    button({ text: words, kind, attributes: { form: 'op.logoutForm' }, ...more })
  return page(
    request,
    t('leave.title'),
    html`<p class="govuk-body-l">${client ? t('leave.lead', { name: client }) : t('leave.lead-none')}</p>${trustedHtml(form)}
    <div class="govuk-button-group">${act('primary', t('leave.yes'), { name: 'logout', value: 'yes' })}${act('secondary', t('leave.no'), {})}</div>`,
  )
}

/** A form of the library's, with its address and hidden fields as it escaped them, and a button of ours. */
export function submitPage(request: Request, action: string, fields: string): Html {
  const t = words(request)
  return page(
    request,
    t('submit.title'),
    html`<p class="govuk-body">${t('submit.lead')}</p>${trustedHtml(`<form method="post" action="${action}">${fields}`)}${button({ text: t('submit.go') })}${trustedHtml('</form>')}`,
  )
}

export function leftPage(request: Request): Html {
  const t = words(request)
  return page(request, t('left.title'), html`<p class="govuk-body">${t('left.lead')}</p>`)
}

/** A request of another system that cannot be answered, and whose sender cannot be told by redirect. */
export function errorPage(request: Request, code: string, description: string | undefined): Html {
  const t = words(request)
  return page(
    request,
    t('error.title'),
    html`<p class="govuk-body-l">${t('error.lead')}</p><p class="govuk-body">${t('error.do')}</p>${details({
      summary: t('error.technical'),
      body: html`<p class="govuk-body"><code>${code}</code>${description && html`: <span lang="en">${description}</span>`}</p>`,
    })}`,
  )
}
