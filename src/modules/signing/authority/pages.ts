/** Where people ask for certificates, see theirs and revoke them; and where a clerk issues to who stands before them. */
import { Type } from 'typebox'
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { formatDate, type Language, texts } from '#kernel/text'
import {
  button,
  checkboxes,
  details,
  fieldError,
  input,
  insetText,
  layout,
  notificationBanner,
  panel,
  radios,
  type SummaryError,
  summaryList,
  tag,
  warningText,
} from '#look'
import { csrfField, isDemo, type Reply, type Request, signedIn, type Web } from '#web'
import { readSignedForm, refusal, signedFormLimit } from '../signed-form.ts'
import type { CertificateRow } from '../store.ts'
import { type ReasonCode, reasonSentence, reasons } from '../verdict.ts'
import { requestFields, requestPanel, signPanel } from '../views.ts'
import type { Named } from './authority.ts'
import { type Enrolment, type HolderReason, holderReasons, type Pending } from './enrolment.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const text = texts({ es, en })

/** Where a person's certificates are. */
export const certificatesPage = '/me/certificates'

/** The words of the link to them. */
export const certificatesWords = (language: Language): string => text(language, 'mine.title')

const OneCertificate = Type.Object({ serial: Type.String({ pattern: '^[0-9a-f]{2,40}$' }) })
const OneOffice = Type.Object({ office: Type.String({ maxLength: 60 }) })

/** Why a request was refused, as a sentence. */
const requestWords = (l: Language, code: string) =>
  code in reasons && code !== 'broken' && code !== 'bad-signature'
    ? reasonSentence(l, { code: code as ReasonCode, whose: null })
    : text(l, code === 'bad-signature' ? 'request.not-yours' : 'request.broken')

/** A long digest in groups that can be read aloud and compared. */
const groups = (hex: string) => hex.replace(/.{8}(?=.)/g, '$& ')

/** Adds the pages. */
export function registerEnrolment(web: Web, enrolment: Enrolment, now: () => Date): void {
  const page = (request: Request, o: { title: string; url: string; back?: string; error?: readonly SummaryError[]; body: Child }): Html =>
    layout({
      title: o.title,
      language: request.visitor.language,
      visitor: request.visitor,
      url: o.url,
      backLink: o.back,
      demo: isDemo(request),
      robots: 'noindex',
      error: o.error ?? [],
      body: o.body,
    })
  const post = (request: Request, reply: Reply, action: string, inside: Child) =>
    html`<form method="post" action="${action}" novalidate>${csrfField(request, reply)}${inside}</form>`
  const heading = (words: string) => html`<h1 class="govuk-heading-l">${words}</h1>`
  const lead = (words: string) => html`<p class="govuk-body-l">${words}</p>`
  const h2 = (words: string) => html`<h2 class="govuk-heading-m">${words}</h2>`
  const p = (words: Child) => html`<p class="govuk-body">${words}</p>`

  function oneCertificate(request: Request, reply: Reply, c: CertificateRow): Html {
    const l = request.visitor.language
    const ended = c.notAfter <= now()
    const state = c.revokedAt ? 'revoked' : ended ? 'ended' : 'valid'
    const day = (at: Date) => formatDate(l, at)
    return html`${summaryList({
      card: {
        title: html`${text(l, 'mine.one', { date: day(c.issuedAt) })}`,
        headingLevel: 3,
      },
      rows: [
        {
          key: text(l, 'mine.state'),
          value: html`${tag({ text: text(l, `mine.state.${state}`), classes: state === 'valid' ? 'govuk-tag--green' : 'govuk-tag--grey' })}${c.revokedAt && html` ${text(l, 'mine.since', { date: formatDate(l, c.revokedAt, { time: true }) })}`}`,
        },
        { key: text(l, 'mine.until'), value: day(c.notAfter) },
        { key: text(l, 'mine.how'), value: text(l, `mine.how.${c.how}`) },
        { key: text(l, 'mine.serial'), value: groups(c.serial) },
        {
          key: text(l, 'mine.file'),
          value: html`<a class="govuk-link" href="${certificatesPage}/${c.serial}" download>${text(l, 'mine.download')}<span class="govuk-visually-hidden"> ${day(c.issuedAt)}</span></a>`,
        },
      ],
    })}${
      state === 'valid' &&
      details({
        summary: html`${text(l, 'revoke.open')}<span class="govuk-visually-hidden"> ${text(l, 'mine.one', { date: day(c.issuedAt) })}</span>`,
        body: html`<p>${text(l, 'revoke.lead')}</p>${post(request, reply, `${certificatesPage}/${c.serial}/revoke`, [
          radios({
            name: 'reason',
            idPrefix: `reason-${c.serial}`,
            fieldset: { legend: text(l, 'revoke.why') },
            value: holderReasons[0],
            items: holderReasons.map((value) => ({ value, text: text(l, `revoke.${value}`) })),
          }),
          button({ text: text(l, 'revoke.do'), kind: 'warning' }),
        ])}`,
      })
    }`
  }

  function waits(request: Request, reply: Reply, pending: Pending): Html {
    const l = request.visitor.language
    return html`${panel({ title: pending.code, headingLevel: 2, body: text(l, 'pending.code') })}${p(
      text(l, 'pending.until', { date: formatDate(l, pending.expiresAt) }),
    )}${h2(text(l, 'pending.counter'))}${p(text(l, 'pending.counter-text'))}${h2(text(l, 'pending.sign'))}${p(text(l, 'pending.sign-text'))}${signPanel(
      {
        language: l,
        csrf: csrfField(request, reply),
        action: `${certificatesPage}/sign`,
        uploadAction: `${certificatesPage}/sign`,
        statement: Buffer.from(pending.statement, 'utf8'),
        statementHref: `${certificatesPage}/statement`,
        now: now(),
      },
    )}${details({
      summary: text(l, 'pending.key'),
      body: html`<p>${text(l, 'pending.key-text')}</p><p>${groups(pending.key)}</p>`,
    })}${post(request, reply, `${certificatesPage}/cancel`, button({ text: text(l, 'pending.cancel'), kind: 'secondary' }))}`
  }

  /** The person as a certificate would name them; null where they have not said it. */
  const namedOr = async (request: Request): Promise<Named | null> => {
    try {
      return await enrolment.namedOf(signedIn(request))
    } catch (error) {
      if (error instanceof Problem && error.code === 'signing/no-identity') return null
      throw error
    }
  }

  async function minePage(
    request: Request,
    reply: Reply,
    o: { error?: readonly SummaryError[]; uploadError?: string; done?: string | undefined } = {},
  ): Promise<Html> {
    const l = request.visitor.language
    const [{ certificates, pending }, named] = await Promise.all([enrolment.of(signedIn(request)), namedOr(request)])
    const told = o.done === 'issued' || o.done === 'revoked' || o.done === 'cancelled' ? o.done : null
    const ask = () =>
      named
        ? requestPanel({
            language: l,
            csrf: csrfField(request, reply),
            action: certificatesPage,
            uploadAction: certificatesPage,
            subject: { name: named.name, id: named.curp ?? named.rfc ?? undefined },
            uploadError: o.uploadError,
          })
        : insetText({ text: html`${text(l, 'mine.unknown')} <a class="govuk-link" href="/me">${text(l, 'mine.unknown-go')}</a>` })
    return page(request, {
      title: text(l, 'mine.title'),
      url: certificatesPage,
      back: '/me',
      error: o.error ?? [],
      body: html`${told && notificationBanner({ language: l, success: true, text: text(l, `done.${told}`) })}${heading(text(l, 'mine.title'))}${lead(
        text(l, 'mine.lead'),
      )}${pending && waits(request, reply, pending)}${certificates.length > 0 && h2(text(l, 'mine.list'))}${certificates.map((c) => oneCertificate(request, reply, c))}${
        !pending && html`${certificates.length > 0 && h2(text(l, 'mine.another'))}${ask()}`
      }`,
    })
  }

  web.route({
    method: 'GET',
    url: certificatesPage,
    access: 'signed-in',
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: (request, reply) => minePage(request, reply, { done: request.query.done }),
  })

  web.route({
    method: 'POST',
    url: certificatesPage,
    access: 'signed-in',
    schema: {},
    bodyLimit: signedFormLimit,
    handler: async (request, reply) => {
      const l = request.visitor.language
      try {
        const { signature: asked } = await readSignedForm(request, 'request')
        await enrolment.ask(signedIn(request), asked)
        return reply.redirect(certificatesPage, 303)
      } catch (error) {
        if (!(error instanceof Problem) || (error.code !== 'signing/request-refused' && error.code !== 'signing/refused')) throw error
        const words = requestWords(l, error.fields[0]?.code ?? 'broken')
        reply.code(422)
        return minePage(request, reply, { error: [{ text: words, href: `#${requestFields.upload}` }], uploadError: words })
      }
    },
  })

  web.route({
    method: 'GET',
    url: `${certificatesPage}/statement`,
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      const { pending } = await enrolment.of(signedIn(request))
      if (!pending) throw new Problem('not-found', 'No request waits.')
      reply.type('text/plain; charset=utf-8').header('content-disposition', 'attachment; filename="declaracion.txt"')
      return pending.statement
    },
  })

  web.route({
    method: 'POST',
    url: `${certificatesPage}/sign`,
    access: 'signed-in',
    schema: {},
    bodyLimit: signedFormLimit,
    handler: async (request, reply) => {
      try {
        const { signature } = await readSignedForm(request)
        await enrolment.sign(signedIn(request), signature)
        return reply.redirect(`${certificatesPage}?done=issued`, 303)
      } catch (error) {
        const errors = refusal(request.visitor.language, error)
        reply.code(422)
        return minePage(request, reply, { error: errors })
      }
    },
  })

  web.route({
    method: 'POST',
    url: `${certificatesPage}/cancel`,
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      await enrolment.cancel(signedIn(request))
      return reply.redirect(`${certificatesPage}?done=cancelled`, 303)
    },
  })

  web.route({
    method: 'GET',
    url: `${certificatesPage}/:serial`,
    access: 'signed-in',
    schema: { params: OneCertificate },
    handler: async (request, reply) => {
      const { der } = await enrolment.certificate(signedIn(request), request.params.serial)
      reply.type('application/pkix-cert').header('content-disposition', 'attachment; filename="certificado.cer"')
      return der
    },
  })

  web.route({
    method: 'POST',
    url: `${certificatesPage}/:serial/revoke`,
    access: 'signed-in',
    schema: { params: OneCertificate, body: Type.Object({ reason: Type.Union(holderReasons.map((r) => Type.Literal(r))) }) },
    handler: async (request, reply) => {
      await enrolment.revoke(signedIn(request), request.params.serial, request.body.reason as HolderReason)
      return reply.redirect(`${certificatesPage}?done=revoked`, 303)
    },
  })

  const clerks = { roles: ['clerk'] } as const
  const counter = (office: string) => `/counter/${encodeURIComponent(office)}/certificates`

  function askPage(
    request: Request,
    reply: Reply,
    office: string,
    o: { typed?: string; error?: 'nobody' | 'oneself'; done?: boolean } = {},
  ): Html {
    const l = request.visitor.language
    const error = o.error && text(l, `counter.${o.error}`)
    return page(request, {
      title: text(l, 'counter.title'),
      url: counter(office),
      back: `/counter/${office}`,
      error: error ? [fieldError('code', error)] : [],
      body: html`${o.done && notificationBanner({ language: l, success: true, text: text(l, 'counter.done') })}${heading(text(l, 'counter.title'))}${lead(
        text(l, 'counter.lead'),
      )}${post(request, reply, counter(office), [
        input({
          name: 'code',
          label: text(l, 'counter.code'),
          hint: text(l, 'counter.code-hint'),
          classes: 'govuk-input--width-10',
          autocomplete: 'off',
          autocapitalize: 'characters',
          spellcheck: false,
          value: o.typed,
          error,
        }),
        button({ text: text(l, 'counter.look') }),
      ])}`,
    })
  }

  function seePage(request: Request, reply: Reply, office: string, seen: { named: Named; pending: Pending }, unticked = false): Html {
    const l = request.visitor.language
    const { named, pending } = seen
    const error = unticked ? text(l, 'counter.unticked') : undefined
    return page(request, {
      title: text(l, 'counter.see'),
      url: counter(office),
      back: counter(office),
      error: error ? [fieldError('seen', error)] : [],
      body: html`${heading(text(l, 'counter.see'))}${lead(text(l, 'counter.see-lead'))}${summaryList({
        rows: [
          { key: text(l, 'counter.name'), value: named.name },
          named.curp !== null && { key: 'CURP', value: named.curp },
          named.rfc !== null && { key: 'RFC', value: named.rfc },
          { key: text(l, 'counter.asked'), value: formatDate(l, pending.askedAt, { time: true }) },
          { key: text(l, 'pending.key'), value: groups(pending.key) },
        ],
      })}${warningText({ text: text(l, 'counter.warning'), language: l })}${post(request, reply, `${counter(office)}/issue`, [
        html`<input type="hidden" name="code" value="${pending.code}"><input type="hidden" name="key" value="${pending.key}">`,
        checkboxes({ name: 'seen', error, items: [{ value: 'yes', text: text(l, 'counter.seen') }] }),
        button({ text: text(l, 'counter.issue') }),
      ])}`,
    })
  }

  web.route({
    method: 'GET',
    url: '/counter/:office/certificates',
    access: clerks,
    schema: { params: OneOffice, querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 1 })) }) },
    handler: (request, reply) => askPage(request, reply, request.params.office, { done: request.query.done === '1' }),
  })

  web.route({
    method: 'POST',
    url: '/counter/:office/certificates',
    access: clerks,
    schema: { params: OneOffice, body: Type.Object({ code: Type.Optional(Type.String({ maxLength: 60 })) }) },
    handler: async (request, reply) => {
      const { office } = request.params
      const typed = request.body.code ?? ''
      enrolment.atCounter(signedIn(request), office as OfficeId)
      try {
        return seePage(request, reply, office, await enrolment.readAtCounter(signedIn(request), office as OfficeId, typed))
      } catch (error) {
        if (!(error instanceof Problem) || (error.code !== 'not-found' && error.code !== 'forbidden')) throw error
        reply.code(422)
        return askPage(request, reply, office, { typed, error: error.code === 'not-found' ? 'nobody' : 'oneself' })
      }
    },
  })

  web.route({
    method: 'POST',
    url: '/counter/:office/certificates/issue',
    access: clerks,
    schema: {
      params: OneOffice,
      body: Type.Object({
        code: Type.String({ maxLength: 60 }),
        key: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        seen: Type.Optional(Type.String({ maxLength: 3 })),
      }),
    },
    handler: async (request, reply) => {
      const { office } = request.params
      const { code, key, seen } = request.body
      const clerk = signedIn(request)
      if (seen !== 'yes') {
        reply.code(422)
        return seePage(request, reply, office, await enrolment.readAtCounter(clerk, office as OfficeId, code), true)
      }
      await enrolment.issueAtCounter(clerk, office as OfficeId, { code, key })
      return reply.redirect(`${counter(office)}?done=1`, 303)
    },
  })
}
