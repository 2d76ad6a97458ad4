/** What the pages of passkeys show. */
import { type Child, type Html, html } from '#kernel/html'
import { formatDate, type Language, texts } from '#kernel/text'
import {
  button,
  details,
  input,
  insetText,
  layout,
  notificationBanner,
  pageScript,
  type SummaryError,
  summaryList,
  warningText,
} from '#look'
import { csrfField, isDemo, type Reply, type Request } from '#web'
import type { PasskeyRow } from './passkey-store.ts'
import type { Lack } from './passkeys.ts'
import en from './text.passkeys.en.json' with { type: 'json' }
import es from './text.passkeys.es.json' with { type: 'json' }

const text = texts({ es, en })

/** The words of the link to the page. */
export const accessWords = (l: Language): string => text(l, 'access.title')

/** A form whose button asks the device; hidden until its script shows it. */
function passkeyForm(
  request: Request,
  reply: Reply,
  kind: 'add' | 'enter',
  o: { action: string; options: string; inside: Child; words: string; secondary?: boolean },
): Html {
  const l = request.visitor.language
  const words = JSON.stringify(
    Object.fromEntries((['working', 'cancelled', 'failed', 'had'] as const).map((k) => [k, text(l, `script.${k}`)])),
  )
  return html`<form method="post" action="${o.action}" data-passkey="${kind}" data-options="${o.options}" data-words="${words}" novalidate hidden>${csrfField(request, reply)}<input type="hidden" name="response" data-part="response">${o.inside}${button({ text: o.words, ...(o.secondary ? { kind: 'secondary' as const } : {}) })}<p class="govuk-body" role="status" data-part="status"></p></form>`
}

/** The way in by a passkey, for the page where one signs in. */
export const enterPanel = (request: Request, reply: Reply, next: string): Html => {
  const l = request.visitor.language
  return html`<section aria-labelledby="passkey" hidden><h2 class="govuk-heading-m" id="passkey">${text(l, 'enter.title')}</h2><p class="govuk-body">${text(l, 'enter.lead')}</p>${passkeyForm(
    request,
    reply,
    'enter',
    {
      action: '/sign-in/passkey',
      options: '/sign-in/passkey/options',
      inside: html`<input type="hidden" name="next" value="${next}">`,
      words: text(l, 'enter.do'),
      secondary: true,
    },
  )}</section><noscript><p class="govuk-body">${text(l, 'enter.no-script')}</p></noscript>${pageScript('passkey')}`
}

export type Access = {
  readonly passkeys: readonly PasskeyRow[]
  readonly codes: number
  readonly mayAdd: boolean
  readonly waits: Date | null
  readonly byPasskey: boolean
  readonly duty: boolean
}

const errorsOf = (l: Language, code: string | undefined): SummaryError[] =>
  code === undefined ? [] : [{ text: text(l, `error.${code}` as 'error.wrong'), href: code === 'recovery' ? '#code' : '#passkeys' }]

/** Why a passkey or a code was refused, as the pages word it. */
export const refusalWords = (l: Language, code: string): string => text(l, `error.${code in knownErrors ? code : 'wrong'}` as 'error.wrong')
const knownErrors = { unreadable: 1, late: 1, unknown: 1, 'not-yours': 1, taken: 1, wrong: 1, recovery: 1 }

export function accessPage(
  request: Request,
  reply: Reply,
  a: Access,
  o: { done?: string | undefined; error?: string | undefined; codes?: readonly string[] } = {},
): Html {
  const l = request.visitor.language
  const t = (key: Parameters<typeof text>[1], parameters?: Record<string, string>) => text(l, key, parameters)
  const post = (action: string, inside: Child) =>
    html`<form method="post" action="${action}" novalidate>${csrfField(request, reply)}${inside}</form>`
  const told = o.done === 'added' || o.done === 'removed' || o.done === 'renamed' || o.done === 'stopped' ? o.done : null
  const at = (date: Date) => formatDate(l, date, { time: true, short: true })
  const one = (p: PasskeyRow) => {
    const hidden = html`<span class="govuk-visually-hidden"> ${p.name}</span>`
    return html`${summaryList({
      card: { title: p.name, headingLevel: 3 },
      rows: [
        { key: t('one.kind'), value: t(p.backedUp ? 'one.backed-up' : 'one.bound') },
        { key: t('one.created'), value: at(p.createdAt) },
        { key: t('one.used'), value: p.usedAt ? at(p.usedAt) : t('one.never') },
      ],
    })}${details({
      summary: html`${t('one.change')}${hidden}`,
      body: html`${post('/me/access/rename', [
        html`<input type="hidden" name="id" value="${p.id}">`,
        input({
          id: `name-${p.id.slice(0, 12)}`,
          name: 'name',
          label: t('one.name'),
          value: p.name,
          classes: 'govuk-input--width-20',
          autocomplete: 'off',
        }),
        button({ text: html`${t('one.rename')}${hidden}`, kind: 'secondary' }),
      ])}${
        a.byPasskey
          ? post('/me/access/remove', [
              html`<input type="hidden" name="id" value="${p.id}">`,
              html`<p class="govuk-body">${t('one.remove-lead')}</p>`,
              button({ text: html`${t('one.remove')}${hidden}`, kind: 'warning' }),
            ])
          : html`<p class="govuk-body">${t('one.first')}</p>`
      }`,
    })}`
  }
  const recovery = o.codes
    ? html`${warningText({ text: t('recovery.once'), language: l })}<ul class="govuk-list v-statement" id="codes">${o.codes.map((code) => html`<li>${code}</li>`)}</ul><p class="govuk-body">${t('recovery.keep')}</p>`
    : html`<p class="govuk-body">${t('recovery.left', { n: String(a.codes) })}</p>${a.byPasskey && post('/me/access/recovery', button({ text: t('recovery.make'), kind: 'secondary' }))}`
  return layout({
    title: t('access.title'),
    language: l,
    visitor: request.visitor,
    url: '/me/access',
    backLink: '/me',
    demo: isDemo(request),
    robots: 'noindex',
    error: errorsOf(l, o.error),
    body: html`${told && notificationBanner({ language: l, success: true, text: t(`done.${told}`) })}<h1 class="govuk-heading-l">${t('access.title')}</h1><p class="govuk-body-l">${t('access.lead')}</p>${
      a.duty &&
      insetText({
        text:
          a.passkeys.length === 0
            ? t('access.duty')
            : html`${t('access.duty-enter')} <a class="govuk-link" href="/sign-in?again=1&amp;next=%2Fme">${t('add.first-go')}</a>`,
      })
    }${
      a.waits &&
      html`${insetText({ text: t('recovery.waits', { at: at(a.waits) }) })}${post('/me/access/recovery/stop', button({ text: t('recovery.stop'), kind: 'warning' }))}`
    }<section aria-labelledby="passkeys"><h2 class="govuk-heading-m" id="passkeys" tabindex="-1">${t('list.title')}</h2>${
      a.passkeys.length === 0 ? html`<p class="govuk-body">${t('list.none')}</p>` : a.passkeys.map(one)
    }${
      a.mayAdd
        ? html`${passkeyForm(request, reply, 'add', {
            action: '/me/access/add',
            options: '/me/access/options',
            inside: input({
              id: 'passkey-name',
              name: 'name',
              label: t('add.name'),
              hint: t('add.name-hint'),
              classes: 'govuk-input--width-20',
              autocomplete: 'off',
            }),
            words: t('add.do'),
          })}<noscript><p class="govuk-body">${t('add.no-script')}</p></noscript>${pageScript('passkey')}`
        : html`<p class="govuk-body">${t('add.first')} <a class="govuk-link" href="/sign-in?again=1&amp;next=%2Fme%2Faccess">${t('add.first-go')}</a></p>`
    }</section>${
      (a.passkeys.length > 0 || o.codes) &&
      html`<section aria-labelledby="recovery"><h2 class="govuk-heading-m" id="recovery">${t('recovery.title')}</h2><p class="govuk-body">${t('recovery.lead')}</p>${recovery}${
        !a.byPasskey &&
        !a.waits &&
        a.codes > 0 &&
        details({
          summary: t('recovery.lost'),
          open: o.error === 'recovery',
          body: html`<p>${t('recovery.lost-lead')}</p>${post('/me/access/recovery/use', [
            input({
              name: 'code',
              label: t('recovery.code'),
              classes: 'govuk-input--width-20',
              autocomplete: 'off',
              autocapitalize: 'characters',
              spellcheck: false,
              error: o.error === 'recovery' ? t('error.recovery') : undefined,
            }),
            button({ text: t('recovery.use'), kind: 'secondary' }),
          ])}`,
        })
      }</section>`
    }<p class="govuk-body"><a class="govuk-link" href="/me/sessions">${t('access.sessions')}</a></p>`,
  })
}

/** What is missing until a session is sure enough, one thing after the other; the way back when nothing is. */
export function stepUpPage(
  request: Request,
  reply: Reply,
  o: { missing: readonly Lack[]; hasPasskey: boolean; next: string; optional: boolean; here: string },
): Html {
  const l = request.visitor.language
  const t = (key: Parameters<typeof text>[1]) => text(l, key)
  const p = (words: Child) => html`<p class="govuk-body">${words}</p>`
  const back = encodeURIComponent(o.here)
  const what: Readonly<Record<Lack, () => Html>> = {
    passkey: () =>
      o.hasPasskey
        ? enterPanel(request, reply, o.here)
        : html`<h2 class="govuk-heading-m">${t('step-up.passkey')}</h2>${p(html`<a class="govuk-link" href="/me/access">${t('step-up.add')}</a>`)}`,
    curp: () =>
      html`<h2 class="govuk-heading-m">${t('step-up.curp')}</h2>${p(html`<a class="govuk-link" href="/me?next=${back}">${t('step-up.curp-go')}</a>`)}`,
    shown: () => html`<h2 class="govuk-heading-m">${t('step-up.shown')}</h2>${p(t('step-up.shown-lead'))}`,
    bound: () =>
      html`<h2 class="govuk-heading-m">${t('step-up.bound')}</h2>${p(html`${t('step-up.bound-lead')} <a class="govuk-link" href="/me/access">${t('access.title')}</a>`)}`,
  }
  return layout({
    title: t('step-up.title'),
    language: l,
    visitor: request.visitor,
    url: o.here,
    backLink: o.next,
    demo: isDemo(request),
    robots: 'noindex',
    body: html`<h1 class="govuk-heading-l">${t('step-up.title')}</h1><p class="govuk-body-l">${t(o.optional ? 'step-up.lead-optional' : 'step-up.lead')}</p>${o.missing.map((lack) => what[lack]())}${
      o.optional &&
      html`<h2 class="govuk-heading-m">${t('step-up.without')}</h2>${p(html`<a class="govuk-link" href="${o.next}">${t('step-up.without-go')}</a>`)}`
    }`,
  })
}
