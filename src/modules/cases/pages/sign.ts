/** Pages of steps that people sign: the applicant's, and those of whom the filing names. */
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import { parseReference, type Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { formatDate, type Language } from '#kernel/text'
import { button, details, insetText, type SummaryError, table, tag, warningText } from '#look'
import { readSignedForm, refusal, signedFormLimit, signPanel } from '#signing'
import { atSecretAddress, csrfField, type Reply, type Request, signedIn, type Web } from '#web'
import type { Deps } from '../deps.ts'
import type { SignerState, Signing, Signings } from '../sign.ts'
import { personPage, when } from './page.ts'
import { text } from './text.ts'

const OneCase = Type.Object({ reference: Type.String({ maxLength: 20 }) })
const OneSigner = Type.Object({ reference: Type.String({ maxLength: 20 }), n: Type.Integer({ minimum: 1, maximum: 100 }) })
const Invitation = Type.Object({ token: Type.String({ maxLength: 60 }) })

function referenceOf(params: { reference: string }): Reference {
  const reference = parseReference(params.reference)
  if (!reference) throw new Problem('not-found', 'There is no such case.')
  return reference
}

/** Adds the pages. */
export function registerSign(web: Web, deps: Deps, { signings }: { readonly signings: Signings }): void {
  const signersTable = (l: Language, s: Signing, again: ((x: SignerState) => Html) | null) =>
    table({
      caption: text(l, 'sign.signers'),
      head: [text(l, 'sign.who'), text(l, 'sign.state')],
      rows: s.signers.map((x) => [
        x.signer.name || x.signer.identities.join(', '),
        html`${tag({
          text: text(l, x.n === s.mine && x.state !== 'signed' ? 'sign.state.mine' : `sign.state.${x.state}`),
          classes: x.state === 'signed' ? 'govuk-tag--green' : x.state === 'declined' ? 'govuk-tag--red' : 'govuk-tag--yellow',
        })}${x.signed && html` <span class="v-soft">${when(deps, l, x.signed.at, s.c.office)}</span>`}${again?.(x)}`,
      ]),
    })

  function heading(l: Language, s: Signing): Html {
    return html`<span class="govuk-caption-l">${s.service.text(l, 'name')}</span><h1 class="govuk-heading-l">${text(l, s.open ? 'sign.title' : 'sign.title-over')}</h1>`
  }

  const lead = (l: Language, s: Signing) =>
    s.until && html`<p class="govuk-body-l">${text(l, 'sign.lead', { date: formatDate(l, s.until) })}</p>`

  function ownPage(request: Request, reply: Reply, s: Signing, errors: readonly SummaryError[] = []): Html {
    const l = request.visitor.language
    const { reference } = s.c
    const again = (x: SignerState) =>
      s.open && x.signer.email !== null && x.n !== s.mine && x.turn && x.state !== 'signed'
        ? html`<form method="post" action="/cases/${reference}/signers/${x.n}/invite">${csrfField(request, reply)}${button({
            text: html`${text(l, 'sign.again')}<span class="govuk-visually-hidden"> ${x.signer.name}</span>`,
            kind: 'secondary',
          })}</form>`
        : x.signed
          ? html` <a class="govuk-link" href="/cases/${reference}/signatures/${x.n}">${text(l, 'sign.download')}<span class="govuk-visually-hidden"> ${x.signer.name}</span></a>`
          : html``
    return personPage(request, deps, {
      title: text(l, s.open ? 'sign.title' : 'sign.title-over'),
      url: `/cases/${reference}/sign`,
      backLink: `/cases/${reference}`,
      error: errors,
      body: html`${heading(l, s)}${lead(l, s)}${
        s.mine !== null
          ? signPanel({
              language: l,
              csrf: csrfField(request, reply),
              action: `/cases/${reference}/sign`,
              uploadAction: `/cases/${reference}/sign`,
              statement: Buffer.from(s.statement, 'utf8'),
              statementHref: `/cases/${reference}/statement`,
              now: deps.clock.now(),
            })
          : s.open
            ? insetText({ text: text(l, 'sign.others') })
            : ''
      }${signersTable(l, s, again)}${
        s.mine === null &&
        details({
          summary: text(l, 'sign.statement'),
          body: html`<pre class="v-statement" tabindex="0">${s.statement}</pre><p class="govuk-body"><a class="govuk-link" href="/cases/${reference}/statement">${text(l, 'sign.statement-file')}</a></p>`,
        })
      }<p class="govuk-body"><a class="govuk-link" href="/signature">${text(l, 'sign.verify')}</a></p>`,
    })
  }

  web.route({
    method: 'GET',
    url: '/cases/:reference/sign',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => ownPage(request, reply, await signings.read(signedIn(request), referenceOf(request.params))),
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/sign',
    access: 'signed-in',
    schema: { params: OneCase },
    bodyLimit: signedFormLimit,
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      const visitor = signedIn(request)
      const l = visitor.language
      try {
        const { signature } = await readSignedForm(request)
        await signings.sign(visitor, reference, signature)
      } catch (error) {
        const errors = refusal(l, error)
        reply.code(422)
        return ownPage(request, reply, await signings.read(visitor, reference), errors)
      }
      const s = await signings.read(visitor, reference)
      return reply.redirect(s.open ? `/cases/${reference}/sign` : `/cases/${reference}`, 303)
    },
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/signers/:n/invite',
    access: 'signed-in',
    schema: { params: OneSigner },
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      await signings.inviteAgain(signedIn(request), reference, request.params.n)
      return reply.redirect(`/cases/${reference}/sign`, 303)
    },
  })

  const asFile = (reply: Reply, name: string, type: string) =>
    reply.type(type).header('content-disposition', `attachment; filename="${name}"`)

  web.route({
    method: 'GET',
    url: '/cases/:reference/statement',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const s = await signings.read(signedIn(request), referenceOf(request.params))
      asFile(reply, `${s.c.reference}.txt`, 'text/plain; charset=utf-8')
      return Buffer.from(s.statement, 'utf8')
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/signatures/:n',
    access: 'signed-in',
    schema: { params: OneSigner },
    handler: async (request, reply) => {
      const s = await signings.read(signedIn(request), referenceOf(request.params))
      const found = s.signers.find((x) => x.n === request.params.n)?.signed
      if (!found) throw new Problem('not-found', 'There is no such signature.')
      asFile(reply, `${s.c.reference}-${request.params.n}.p7s`, 'application/pkcs7-signature')
      return found.cms
    },
  })

  // ── Who was invited. The address is a secret: it goes to no other page, and nothing of it is kept by a browser. ──────────────────────────

  function invitedPage(
    request: Request,
    reply: Reply,
    token: string,
    s: Signing & { readonly invited: number },
    errors: readonly SummaryError[] = [],
  ): Html {
    const l = request.visitor.language
    // The last to sign closes the step: they are told that theirs is received, not that it is over.
    const me = s.signers.find((x) => x.n === s.invited)
    const mayNow = s.open && me !== undefined && me.state !== 'signed' && me.turn
    atSecretAddress(reply)
    return personPage(request, deps, {
      title: text(l, s.open ? 'sign.title' : 'sign.title-over'),
      url: `/sign/${token}`,
      error: errors,
      body: html`${heading(l, s)}${
        me?.state === 'signed'
          ? insetText({ text: text(l, 'sign.done') })
          : mayNow
            ? html`${lead(l, s)}${warningText({ language: l, text: text(l, 'sign.invited', { name: me.signer.name }) })}${signPanel({
                language: l,
                csrf: csrfField(request, reply),
                action: `/sign/${token}`,
                uploadAction: `/sign/${token}`,
                statement: Buffer.from(s.statement, 'utf8'),
                statementHref: `/sign/${token}/statement`,
                now: deps.clock.now(),
              })}${details({
                summary: text(l, 'sign.decline'),
                body: html`<form method="post" action="/sign/${token}/decline">${csrfField(request, reply)}<p class="govuk-body">${text(l, 'sign.decline-lead')}</p>${button({ text: text(l, 'sign.decline-confirm'), kind: 'warning' })}</form>`,
              })}`
            : insetText({ text: text(l, s.open ? 'sign.not-yet' : 'sign.over') })
      }${signersTable(l, s, null)}`,
    })
  }

  web.route({
    method: 'GET',
    url: '/sign/:token',
    access: 'public',
    schema: { params: Invitation },
    handler: async (request, reply) => invitedPage(request, reply, request.params.token, await signings.readInvited(request.params.token)),
  })

  web.route({
    method: 'POST',
    url: '/sign/:token',
    access: 'public',
    schema: { params: Invitation },
    bodyLimit: signedFormLimit,
    handler: async (request, reply) => {
      const { token } = request.params
      try {
        const { signature } = await readSignedForm(request)
        await signings.signInvited(token, signature)
      } catch (error) {
        const errors = refusal(request.visitor.language, error)
        reply.code(422)
        return invitedPage(request, reply, token, await signings.readInvited(token), errors)
      }
      atSecretAddress(reply)
      return reply.redirect(`/sign/${token}`, 303)
    },
  })

  web.route({
    method: 'POST',
    url: '/sign/:token/decline',
    access: 'public',
    schema: { params: Invitation },
    handler: async (request, reply) => {
      await signings.decline(request.params.token)
      atSecretAddress(reply)
      return reply.redirect('/', 303)
    },
  })

  web.route({
    method: 'GET',
    url: '/sign/:token/statement',
    access: 'public',
    schema: { params: Invitation },
    handler: async (request, reply) => {
      const s = await signings.readInvited(request.params.token)
      atSecretAddress(reply)
      asFile(reply, `${s.c.reference}.txt`, 'text/plain; charset=utf-8')
      return Buffer.from(s.statement, 'utf8')
    },
  })
}
