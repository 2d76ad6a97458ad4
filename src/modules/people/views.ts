/** What the pages of people show. No decisions here. */
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import { formatDate, type Language, texts } from '#kernel/text'
import {
  button,
  details,
  fieldError,
  input,
  insetText,
  layout,
  notificationBanner,
  radios,
  type SummaryError,
  scrolling,
  select,
  summaryList,
  table,
  timeline,
} from '#look'
import { csrfField, type Grant, isDemo, type Reply, type Request, type Role, roles } from '#web'
import { administers, type Person, released } from './accounts.ts'
import { formatPhone, isPhone } from './address.ts'
import { accessWords, enterPanel } from './passkey-views.ts'
import { dataWords } from './personal-data-pages.ts'
import type { EventKind, Way } from './store.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const text = texts({ es, en })

/** What is wrong with each field, by its name: the end of a key `error.…`. */
export type FormErrors = Partial<
  Record<'email' | 'phone' | 'who' | 'code' | 'reference' | 'name' | 'identity' | 'role' | 'office' | 'staff', ErrorWord>
>
type ErrorWord = keyof typeof es extends infer K ? (K extends `error.${infer W}` ? W : never) : never

export type Typed = { name?: string; identity?: string; email?: string; phone?: string; role?: string; office?: string }

/** Lines of the account's page that lead to other parts. */
export type AccountLines = (language: Language) => readonly { readonly href: string; readonly words: string }[]

const words = (request: Request) => {
  const { language } = request.visitor
  return (key: Parameters<typeof text>[1], parameters?: Record<string, string | number>) => text(language, key, parameters)
}

function page(
  request: Request,
  options: {
    title: string
    body: Child
    url?: string
    back?: string
    errors?: FormErrors | undefined
    error?: readonly SummaryError[]
    wide?: boolean
  },
): Html {
  const { visitor } = request
  const t = words(request)
  const error: SummaryError[] = [
    ...(options.error ?? []),
    ...Object.entries(options.errors ?? {}).map(([field, word]) => fieldError(field, t(`error.${word as ErrorWord}`))),
  ]
  return layout({
    title: options.title,
    language: visitor.language,
    visitor,
    url: options.url ?? request.url,
    body: options.body,
    backLink: options.back,
    error,
    wide: options.wide,
    demo: isDemo(request),
    robots: 'noindex',
  })
}

function form(request: Request, reply: Reply, action: string, inside: Child): Html {
  return html`<form method="post" action="${action}" novalidate>${csrfField(request, reply)}${inside}</form>`
}

const hidden = (name: string, value: string | undefined) =>
  value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`
const heading = (words: string) => html`<h1 class="govuk-heading-l">${words}</h1>`
const lead = (words: string) => html`<p class="govuk-body-l">${words}</p>`
const link = (href: string, words: string) => html`<a class="govuk-link" href="${href}">${words}</a>`
const withNext = (path: string, next: string) => (next === '/me' ? path : `${path}?next=${encodeURIComponent(next)}`)

/** `again`: somebody signed in comes back to show another way in. `passkeyError`: why a passkey was refused, in words. */
export function signInPage(
  request: Request,
  reply: Reply,
  o: {
    next: string
    again?: boolean
    email?: string
    errors?: FormErrors
    outside: { name: string; url: string } | null
    phones: boolean
    passkeyError?: string
  },
): Html {
  const t = words(request)
  return page(request, {
    title: t('sign-in.title'),
    errors: o.errors,
    ...(o.passkeyError ? { error: [{ text: o.passkeyError, href: '#passkey' }] } : {}),
    body: html`${heading(t('sign-in.title'))}${lead(t(o.phones ? 'sign-in.lead-phones' : 'sign-in.lead'))}${o.next !== '/me' && html`<p class="govuk-body">${t('sign-in.then')}</p>`}${form(
      request,
      reply,
      '/sign-in',
      [
        hidden('next', o.next),
        input({
          name: 'email',
          ...(o.phones
            ? { label: t('sign-in.address'), autocomplete: 'username', autocapitalize: 'none' }
            : { type: 'email', label: t('sign-in.email'), autocomplete: 'email', inputmode: 'email' }),
          hint: t('sign-in.email-hint'),
          value: o.email,
          spellcheck: false,
          error: o.errors?.email && t(`error.${o.errors.email}`),
        }),
        button({ text: t('sign-in.send') }),
      ],
    )}
    ${o.outside && button({ text: t('sign-in.outside', { name: o.outside.name }), href: `${o.outside.url}?${new URLSearchParams({ next: o.next, ...(o.again ? { again: '1' } : {}) })}`, kind: 'secondary' })}
    ${enterPanel(request, reply, o.next)}
    <h2 class="govuk-heading-m">${t(o.phones ? 'sign-in.other-phones' : 'sign-in.other')}</h2>
    <p class="govuk-body">${link(withNext('/sign-in/receipt', o.next), t('sign-in.by-receipt'))}</p>`,
  })
}

export function codePage(
  request: Request,
  reply: Reply,
  o: {
    title: 'code.title' | 'me.contact-confirm'
    action: string
    again: string
    next: string
    minutes: number
    devMail: boolean
    phones: boolean
    errors?: FormErrors | undefined
  },
): Html {
  const t = words(request)
  return page(request, {
    title: t(o.title),
    back: o.again,
    errors: o.errors,
    body: html`${heading(t(o.title))}${lead(t('code.lead', { minutes: o.minutes }))}${form(request, reply, o.action, [
      hidden('next', o.next),
      input({
        name: 'code',
        label: t('code.label'),
        classes: 'govuk-input--width-10',
        inputmode: 'numeric',
        autocomplete: 'one-time-code',
        spellcheck: false,
        error: o.errors?.code && t(`error.${o.errors.code}`),
      }),
      button({ text: t('go') }),
    ])}
    <p class="govuk-body">${t(o.phones ? 'code.not-there-phones' : 'code.not-there')}</p>
    <p class="govuk-body">${link(o.again, t('code.again'))}</p>
    ${o.devMail && insetText({ text: link('/dev/mail', t('code.dev')) })}`,
  })
}

/** Who of those that share a number signs in. Each is named by their contact's id, which says nothing about them. */
export function choosePage(
  request: Request,
  reply: Reply,
  o: {
    people: readonly { id: string; name: string | null; openedAt: Date }[]
    next: string
    errors?: FormErrors | undefined
  },
): Html {
  const t = words(request)
  const { language } = request.visitor
  return page(request, {
    title: t('choose.title'),
    url: '/sign-in/choose',
    back: withNext('/sign-in', o.next),
    errors: o.errors,
    body: form(request, reply, '/sign-in/choose', [
      hidden('next', o.next),
      radios({
        name: 'who',
        fieldset: { legend: { text: t('choose.title'), classes: 'govuk-fieldset__legend--l', pageHeading: true } },
        hint: t('choose.lead'),
        items: o.people.map((p) => ({ value: p.id, text: p.name ?? t('choose.nameless', { date: formatDate(language, p.openedAt) }) })),
        error: o.errors?.who && t(`error.${o.errors.who}`),
      }),
      button({ text: t('choose.go') }),
    ]),
  })
}

export function receiptPage(request: Request, reply: Reply, o: { next: string; reference?: string; errors?: FormErrors }): Html {
  const t = words(request)
  return page(request, {
    title: t('receipt.title'),
    back: withNext('/sign-in', o.next),
    errors: o.errors,
    body: html`${heading(t('receipt.title'))}${lead(t('receipt.lead'))}${form(request, reply, '/sign-in/receipt', [
      hidden('next', o.next),
      input({
        name: 'reference',
        label: t('receipt.reference'),
        hint: t('receipt.reference-hint'),
        value: o.reference,
        classes: 'govuk-input--width-10',
        autocomplete: 'off',
        autocapitalize: 'characters',
        spellcheck: false,
        error: o.errors?.reference && t(`error.${o.errors.reference}`),
      }),
      input({
        name: 'secret',
        label: t('receipt.secret'),
        hint: t('receipt.secret-hint'),
        classes: 'govuk-input--width-20',
        autocomplete: 'off',
        autocapitalize: 'characters',
        spellcheck: false,
      }),
      button({ text: t('go') }),
    ])}`,
  })
}

export function mePage(
  request: Request,
  reply: Reply,
  o: {
    person: Person
    contacts: readonly { id: string; address: string; confirmed_at: Date | null }[]
    events: readonly { at: Date; what: EventKind; role: Role | null; office: OfficeId | null }[]
    way: Way
    officeName: (office: string) => string
    lines: AccountLines
    phones: boolean
    saved?: boolean
    next?: string
    errors?: FormErrors
    typed?: Typed
  },
): Html {
  const t = words(request)
  const { language } = request.visitor
  const { person, errors, typed } = o
  const first = person.identities[0]
  const proved = o.contacts.filter((c) => c.confirmed_at !== null)
  // Who said who they are sees it above; the fields to change it are there when asked for, and stay open over an error.
  const inWords = (address: string) => (isPhone(address) ? formatPhone(address) : address)
  // As accounts.ts refuses them.
  const weak = o.way === 'receipt' ? 'me.contact-receipt' : o.way === 'phone' && person.email ? 'me.contact-phone' : null
  const settled = Boolean(person.name && first && !errors?.name && !errors?.identity)
  const asked = (fields: Html) => (settled ? details({ summary: t('me.change'), body: fields }) : fields)
  return page(request, {
    title: t('me.title'),
    // Several forms are sent from here, to addresses that are no pages.
    url: '/me',
    errors,
    body: html`${o.saved && notificationBanner({ language, success: true, text: t('me.saved') })}${heading(t('me.title'))}
    <ul class="govuk-list">
      <li>${link('/inbox', t('me.inbox'))}</li>
      <li>${link('/me/uses', t('me.uses'))}</li>
      <li>${link('/me/access', accessWords(language))}</li>
      <li>${link('/me/sessions', t('me.sessions'))}</li>
      <li>${link('/me/data', dataWords(language))}</li>
      ${o.lines(language).map((line) => html`<li>${link(line.href, line.words)}</li>`)}
      <li>${link('/me/connected', t('me.connected'))}</li>
      ${administers(request.visitor) && html`<li>${link('/admin/people', t('me.admin'))}</li>`}
    </ul>
    <h2 class="govuk-heading-m">${t('me.known')}</h2>
    ${summaryList({
      rows: [
        { key: t('me.name'), value: person.name ?? t('me.none') },
        ...(person.identities.length === 0 ? [{ key: t('me.identity'), value: t('me.none') }] : []),
        ...person.identities.map((i) => ({
          key: t(`me.${i.kind}`),
          value: i.shownAt ? t('me.shown', { value: i.value, date: formatDate(language, i.shownAt) }) : i.value,
        })),
        { key: t('me.contacts'), value: proved.length === 0 ? t('me.none') : proved.map((c) => inWords(c.address)).join(', ') },
      ],
    })}
    ${!settled && html`<h2 class="govuk-heading-m">${t('me.who')}</h2>`}
    ${
      o.way === 'receipt' && first
        ? html`<p class="govuk-body">${t('me.identity-receipt')}</p>`
        : asked(
            html`<p class="govuk-body">${t('me.who-lead')}</p>${form(request, reply, '/me/identity', [
              hidden('next', o.next),
              input({
                name: 'name',
                label: t('me.name'),
                hint: t('me.name-hint'),
                value: typed?.name ?? person.name,
                autocomplete: 'name',
                spellcheck: false,
                error: errors?.name && t(`error.${errors.name}`),
              }),
              input({
                name: 'identity',
                label: t('me.identity'),
                hint: t('me.identity-hint'),
                value: typed?.identity ?? first?.value,
                classes: 'govuk-input--width-20',
                autocomplete: 'off',
                autocapitalize: 'characters',
                spellcheck: false,
                error: errors?.identity && t(`error.${errors.identity}`),
              }),
              button({ text: t('me.save') }),
            ])}`,
          )
    }
    <h2 class="govuk-heading-m">${t(o.phones ? 'me.address-add' : 'me.contact-add')}</h2>
    ${
      weak
        ? html`<p class="govuk-body">${t(weak)}</p>`
        : form(request, reply, '/me/contacts', [
            input({
              name: 'email',
              type: 'email',
              label: t('me.contact-new'),
              value: typed?.email,
              autocomplete: 'email',
              inputmode: 'email',
              spellcheck: false,
              error: errors?.email && t(`error.${errors.email}`),
            }),
            button({ text: t('sign-in.send'), kind: 'secondary' }),
          ])
    }
    ${
      !weak &&
      o.phones &&
      form(request, reply, '/me/contacts', [
        input({
          name: 'phone',
          type: 'tel',
          label: t('me.phone-new'),
          hint: t('me.phone-hint'),
          value: typed?.phone,
          classes: 'govuk-input--width-20',
          autocomplete: 'tel',
          spellcheck: false,
          error: errors?.phone && t(`error.${errors.phone}`),
        }),
        button({ text: t('me.phone-send'), kind: 'secondary' }),
      ])
    }
    ${
      !weak &&
      proved.length > 1 &&
      proved.map((c) =>
        form(request, reply, '/me/contacts/end', [
          hidden('id', c.id),
          button({ text: t('me.contact-end', { email: inWords(c.address) }), kind: 'secondary' }),
        ]),
      )
    }
    ${
      o.events.length > 0 &&
      html`<h2 class="govuk-heading-m">${t('me.events')}</h2>
    <ul class="govuk-list">${o.events.map(
      (e) =>
        html`<li>${formatDate(language, e.at, { time: true })}: ${t(`event.${e.what}`, { role: e.role ? t(`role.${e.role}`) : '' })}${e.office && ` (${o.officeName(e.office)})`}</li>`,
    )}</ul>`
    }
    <h2 class="govuk-heading-m">${t('me.leave')}</h2>
    ${form(request, reply, '/sign-out', button({ text: t('me.sign-out'), kind: 'secondary' }))}`,
  })
}

/** A use of somebody's data as it is stored. */
export type StoredUse = {
  readonly at: Date
  readonly actor: PersonId | null
  readonly office: OfficeId | null
  readonly case_reference: Reference | null
  readonly purpose: string
  readonly represents: boolean
  /** Of who acted by a mandate. */
  readonly name: string | null
}

/** Who used a person's data and what for, in words: *the civil registry office: to serve you*. */
export function useInWords(language: Language, person: PersonId, use: StoredUse, officeName: (office: string) => string): string {
  const t = (word: Parameters<typeof text>[1], parameters?: Record<string, string>) => text(language, word, parameters)
  const key = `use.${use.purpose}` as 'use.restore'
  const who =
    use.actor === person
      ? t('uses.you')
      : use.purpose === released
        ? use.office
        : use.actor === null
          ? t('uses.system')
          : use.represents
            ? t('uses.representative', { name: use.name ?? '' })
            : use.office
              ? t('uses.office', { office: officeName(use.office) })
              : t('uses.staff')
  return `${who}: ${key in es ? t(key) : use.purpose}`
}

export function usesPage(
  request: Request,
  _reply: Reply,
  o: {
    person: PersonId
    uses: readonly StoredUse[]
    older: string | null
    officeName: (office: string) => string
  },
): Html {
  const t = words(request)
  const { language } = request.visitor
  // The same person doing the same with the same case, one after the other, is one line that says how often.
  const runs: { use: (typeof o.uses)[number]; count: number }[] = []
  for (const use of o.uses) {
    const last = runs.at(-1)
    const same = last && (['actor', 'office', 'case_reference', 'purpose'] as const).every((field) => last.use[field] === use[field])
    if (same) last.count++
    else runs.push({ use, count: 1 })
  }
  return page(request, {
    title: t('uses.title'),
    back: '/me',
    body: html`${heading(t('uses.title'))}${lead(t('uses.lead'))}${
      o.uses.length === 0
        ? html`<p class="govuk-body">${t('uses.none')}</p>`
        : timeline(
            runs.map(({ use, count }) => ({
              at: use.at.toISOString(),
              when: formatDate(language, use.at, { time: true, short: true }),
              title: html`${useInWords(language, o.person, use, o.officeName)}${count > 1 && html` <span class="v-soft">${t('uses.times', { count })}</span>`}`,
              detail: use.case_reference ? t('uses.of', { reference: use.case_reference }) : undefined,
            })),
          )
    }${o.older && html`<p class="govuk-body">${link(o.older, t('uses.older'))}</p>`}`,
  })
}

export function sessionsPage(
  request: Request,
  reply: Reply,
  o: {
    sessions: readonly { id: string; way: Way; device: string; started_at: Date; seen_at: Date }[]
    session: string
    saved: boolean
  },
): Html {
  const t = words(request)
  const { language } = request.visitor
  const at = (date: Date) => formatDate(language, date, { time: true, short: true })
  return page(request, {
    title: t('sessions.title'),
    back: '/me',
    body: html`${o.saved && notificationBanner({ language, success: true, text: t('sessions.ended') })}${heading(t('sessions.title'))}${lead(t('sessions.lead'))}
    ${timeline(
      o.sessions.map((s) => ({
        at: s.seen_at.toISOString(),
        when: t('sessions.seen', { at: at(s.seen_at) }),
        title: s.id === o.session ? t('sessions.this') : t(s.device === 'phone' ? 'device.phone' : 'device.computer'),
        detail: html`${t('sessions.started', { way: t(`way.${s.way}`), at: at(s.started_at) })}${
          s.id === o.session
            ? ''
            : form(request, reply, '/me/sessions', [
                hidden('which', s.id),
                button({
                  text: html`${t('sessions.end-one')}<span class="govuk-visually-hidden"> ${at(s.started_at)}</span>`,
                  kind: 'secondary',
                }),
              ])
        }`,
      })),
    )}${
      o.sessions.length > 1
        ? html`<div class="govuk-button-group">${form(request, reply, '/me/sessions', [hidden('which', 'others'), button({ text: t('sessions.end'), kind: 'secondary' })])}${form(request, reply, '/me/sessions', [hidden('which', 'all'), button({ text: t('sessions.end-all'), kind: 'warning' })])}</div>`
        : html`<p class="govuk-body">${t('sessions.alone')}</p>`
    }`,
  })
}

export function invitePage(
  request: Request,
  reply: Reply,
  o: {
    token: string
    invite: { email: string; grant: Grant; person: PersonId | null }
    officeName: (office: string) => string
    errors?: FormErrors
    name?: string
  },
): Html {
  const t = words(request)
  const { grant, person, email } = o.invite
  const take = button({ text: t('invite.take') })
  return page(request, {
    title: t('invite.title'),
    errors: o.errors,
    body: html`${heading(t('invite.title'))}${lead(t('invite.lead', { role: t(`role.${grant.role}`) }))}
    ${grant.office && html`<p class="govuk-body">${t('invite.at', { office: o.officeName(grant.office) })}</p>`}
    ${
      person === null
        ? form(request, reply, `/invites/${o.token}`, [
            input({
              name: 'name',
              label: t('invite.name'),
              value: o.name,
              autocomplete: 'name',
              error: o.errors?.name && t(`error.${o.errors.name}`),
            }),
            take,
          ])
        : person === request.visitor.person
          ? form(request, reply, `/invites/${o.token}`, take)
          : html`<p class="govuk-body">${t('invite.sign-in', { email })}</p>
            <p class="govuk-body">${link(`/sign-in?next=/invites/${o.token}`, t('sign-in.by-email'))}</p>`
    }`,
  })
}

/** What the administrator's page shows beside its list. */
export type AdminMore = { done?: 'given' | 'withdrawn' | null; link?: string; errors?: FormErrors; typed?: Typed }

export function adminPage(
  request: Request,
  reply: Reply,
  o: AdminMore & {
    staff: readonly { id: PersonId; name: string | null; email: string | null; role: Role; office: OfficeId | '' }[]
    officeName: (office: string) => string
  },
): Html {
  const t = words(request)
  const { language } = request.visitor
  const { errors, typed } = o
  return page(request, {
    title: t('admin.title'),
    back: '/me',
    wide: true,
    errors,
    body: html`${o.done && notificationBanner({ language, success: true, text: t(`admin.${o.done}`) })}${
      o.link && notificationBanner({ language, success: true, text: html`<p>${t('admin.invited')}</p><p><code>${o.link}</code></p>` })
    }${heading(t('admin.title'))}${lead(t('admin.lead'))}
    <div id="staff">${scrolling(
      t('admin.title'),
      table({
        head: [t('admin.person'), t('admin.role'), t('admin.office'), t('admin.withdraw')],
        rows: o.staff.map((s) => [
          `${s.name ?? t('admin.nobody')}${s.email ? ` (${s.email})` : ''}`,
          t(`role.${s.role}`),
          s.office ? o.officeName(s.office) : t('admin.everywhere'),
          form(request, reply, '/admin/people/withdraw', [
            hidden('person', s.id),
            hidden('role', s.role),
            hidden('office', s.office),
            html`<button class="govuk-button govuk-button--secondary" type="submit">${t('admin.withdraw')}<span class="govuk-visually-hidden"> ${t(`role.${s.role}`)}: ${s.name ?? s.email ?? ''}</span></button>`,
          ]),
        ]),
      }),
    )}</div>
    <h2 class="govuk-heading-m" id="give">${t('admin.give')}</h2>
    ${form(request, reply, '/admin/people/give', [
      input({
        name: 'email',
        type: 'email',
        label: t('sign-in.email'),
        value: typed?.email,
        autocomplete: 'off',
        error: errors?.email && t(`error.${errors.email}`),
      }),
      select({
        name: 'role',
        label: t('admin.role'),
        items: roles.map((r) => ({ value: r, text: t(`role.${r}`) })),
        value: typed?.role,
        error: errors?.role && t(`error.${errors.role}`),
      }),
      input({
        name: 'office',
        label: t('admin.office'),
        hint: t('admin.office-hint'),
        value: typed?.office,
        error: errors?.office && t(`error.${errors.office}`),
      }),
      button({ text: t('admin.give-button') }),
    ])}`,
  })
}
