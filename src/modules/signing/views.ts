/** The panels in which people sign and ask for certificates. Each is complete without scripts: another program signs, and its file is uploaded. */
import { type Html, html } from '#kernel/html'
import { type Language, texts } from '#kernel/text'
import { button, details, errorMessage, errorSummary, fileUpload, input, pageScript } from '#look'
import { type Reason, reasons } from './refused.ts'
import { linesOf, readStatement } from './statement.ts'
import en from './text.browser.en.json' with { type: 'json' }
import es from './text.browser.es.json' with { type: 'json' }

/** The words of signing in the browser. */
export const text = texts({ es, en })

/** Where the offline signer is explained and given out. */
export const signerPage = '/signer'

/** The words that a script says: every refusal, and more. */
function wordsOf(l: Language, ...keys: readonly Parameters<typeof text>[1][]): string {
  const refusals = (Object.keys(reasons) as Reason[]).map((reason) => `refused.${reason}` as const)
  return JSON.stringify(Object.fromEntries([...refusals, ...keys].map((key) => [key, text(l, key)])))
}

/** What the script shows what is wrong with; the look's own markup, empty. */
const templates = (l: Language) =>
  html`<template data-part="summary">${errorSummary({ language: l, errors: [{ text: '', href: '#' }] })}</template><template data-part="error">${errorMessage({ text: '' })}</template>`

const command = (line: string) => html`<pre class="v-command" tabindex="0"><code>${line}</code></pre>`

export interface SignPanelOptions {
  readonly language: Language
  /** `csrfField(request, reply)`. */
  readonly csrf: Html
  /** Takes the form: `signature`, the base64 of a detached CMS in DER. */
  readonly action: string
  /** Takes the other form, multipart: `file`, the same as a file. */
  readonly uploadAction: string
  /** Exactly what is signed: UTF-8, one `name: value` a line. */
  readonly statement: Uint8Array
  /** Gives the same bytes as a download. */
  readonly statementHref: string
  readonly now: Date
  /** What is wrong with an uploaded file, from the server; the page's summary links to `#sign-file`. */
  readonly uploadError?: string | undefined
}

/** Ids of the fields that a server's error can be about. */
export const signFields = { certificate: 'sign-certificate', key: 'sign-key', upload: 'sign-file' } as const

/**
 * Shows a statement and takes its signature. With scripts the person's `.cer` and `.key` are opened in the page and only `signature` is sent; in any case a file made
 * by another program can be uploaded. Once on a page.
 */
export function signPanel(o: SignPanelOptions): Html {
  const l = o.language
  const words = readStatement(o.statement)
  if (words === null) throw new RangeError('A statement holds what a page cannot show.')
  const given = wordsOf(l, 'panel.working', 'panel.holder', 'panel.convert')
  return html`<div id="sign" data-module="sign" data-words="${given}" data-now="${o.now.toISOString()}"><section aria-labelledby="sign-read"><h2 class="govuk-heading-m" id="sign-read">${text(l, 'panel.read')}</h2><p class="govuk-body">${text(l, 'panel.exact')}</p><pre class="v-statement" data-part="statement" data-bytes="${Buffer.from(o.statement).toString('base64')}">${linesOf(
    words,
  ).map(
    ({ name, rest }) => html`<span class="v-statement__line">${name && html`<span class="v-soft">${name}</span>`}${rest}</span>`,
  )}</pre></section>${templates(
    l,
  )}<form method="post" action="${o.action}" novalidate hidden data-part="form">${o.csrf}<input type="hidden" name="signature" data-part="signature"><h2 class="govuk-heading-m">${text(l, 'panel.sign')}</h2><p class="govuk-body">${text(l, 'panel.stays')}</p>${fileUpload(
    {
      id: signFields.certificate,
      name: null,
      label: text(l, 'panel.certificate'),
      accept: '.cer,.crt,.pem',
      describedBy: 'sign-holder',
    },
  )}<p class="govuk-hint v-statement__holder" id="sign-holder" role="status" data-part="holder"></p>${fileUpload({
    id: signFields.key,
    name: null,
    label: text(l, 'panel.key'),
    accept: '.key,.pem,.p8',
  })}${input({
    id: 'sign-passphrase',
    name: null,
    type: 'password',
    label: text(l, 'panel.passphrase'),
    autocomplete: 'off',
    spellcheck: false,
    classes: 'govuk-input--width-20',
  })}${details({
    summary: text(l, 'panel.convert'),
    attributes: { 'data-part': 'convert' },
    body: html`<p>${text(l, 'panel.convert-text')}</p>${command(convertCommand)}`,
  })}${button({ text: text(l, 'panel.submit') })}<p class="govuk-body" role="status" data-part="status"></p></form>${details({
    summary: text(l, 'panel.other'),
    open: true,
    attributes: { 'data-part': 'other' },
    body: html`<p>${text(l, 'panel.other-text')}</p><ul class="govuk-list govuk-list--bullet"><li><a class="govuk-link" href="${o.statementHref}" download>${text(l, 'panel.download')}</a></li><li><a class="govuk-link" href="${signerPage}">${text(l, 'panel.signer')}</a></li></ul><p>${text(l, 'panel.openssl')}</p>${command(signCommand)}<form method="post" action="${o.uploadAction}" enctype="multipart/form-data" novalidate>${o.csrf}${fileUpload(
      {
        id: signFields.upload,
        name: 'file',
        label: text(l, 'panel.upload'),
        accept: '.p7s,.p7m,.pem',
        error: o.uploadError,
      },
    )}${button({ text: text(l, 'panel.upload-submit'), kind: 'secondary' })}</form>`,
  })}${pageScript('sign')}</div>`
}

/** Signs the downloaded text as the panel would. */
const signCommand = `openssl cms -sign -cades -binary -md sha256 \\
  -signer efirma.cer -inkey efirma.key \\
  -in declaracion.txt -outform DER -out declaracion.p7s`

/** Any key that OpenSSL opens as one that browsers open. It also stands in browser/signer.html. */
const convertCommand = `openssl pkcs8 -topk8 -v2 aes-256-cbc \\
  -in efirma.key -outform DER -out efirma-nueva.key`

/** Makes a key and its request as the panel would. */
const requestCommand = `openssl req -new -utf8 -subj "/CN=efirma" \\
  -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\
  -keyout mi-clave.key -outform DER -out solicitud.req`

export interface RequestPanelOptions {
  readonly language: Language
  readonly csrf: Html
  /** Takes the form: `request`, the base64 of a PKCS #10 in DER. */
  readonly action: string
  /** Takes the other form, multipart: `file`, the same as a file. */
  readonly uploadAction: string
  /** As it is proven to us; `id` is the CURP or RFC. The authority must take it from there and not from the request. */
  readonly subject: { readonly name: string; readonly id?: string | undefined }
  readonly uploadError?: string | undefined
}

/** The id of the field that a server's error can be about. */
export const requestFields = { upload: 'request-file' } as const

/** Makes a key in the page, gives its file to the person and sends the request for its certificate; or takes a request that another program made. Once on a page. */
export function requestPanel(o: RequestPanelOptions): Html {
  const l = o.language
  const given = wordsOf(l, 'request.working', 'request.file')
  const passphrase = (id: string, label: string, hint?: string) =>
    input({
      id,
      name: null,
      type: 'password',
      label,
      hint,
      autocomplete: 'new-password',
      spellcheck: false,
      classes: 'govuk-input--width-20',
    })
  return html`<div id="request" data-module="request" data-words="${given}" data-name="${o.subject.name}" data-person="${o.subject.id ?? ''}"><p class="govuk-body">${text(l, 'request.for')} <strong>${o.subject.name}</strong>${o.subject.id && html` · ${o.subject.id}`}</p>${templates(
    l,
  )}<form novalidate hidden data-part="form"><h2 class="govuk-heading-m">${text(l, 'request.title')}</h2><p class="govuk-body">${text(l, 'request.lead')}</p>${passphrase(
    'request-passphrase',
    text(l, 'request.passphrase'),
    text(l, 'request.passphrase-hint'),
  )}${passphrase('request-repeated', text(l, 'request.repeated'))}${button({ text: text(l, 'request.make') })}<p class="govuk-body" role="status" data-part="status"></p></form><section hidden data-part="made"><h2 class="govuk-heading-m" tabindex="-1" data-part="made-title">${text(l, 'request.made')}</h2><p class="govuk-body">${text(l, 'request.keep')}</p>${button(
    {
      text: text(l, 'request.save'),
      href: '#request',
      attributes: { 'data-part': 'save' },
    },
  )}<form method="post" action="${o.action}" hidden data-part="send">${o.csrf}<input type="hidden" name="request" data-part="request">${button({ text: text(l, 'request.submit') })}<p class="govuk-hint">${text(l, 'request.submit-hint')}</p></form></section>${details(
    {
      summary: text(l, 'request.other'),
      open: true,
      attributes: { 'data-part': 'other' },
      body: html`<p>${text(l, 'request.other-text')}</p>${command(requestCommand)}<form method="post" action="${o.uploadAction}" enctype="multipart/form-data" novalidate>${o.csrf}${fileUpload(
        {
          id: requestFields.upload,
          name: 'file',
          label: text(l, 'request.upload'),
          accept: '.req,.csr,.pem',
          error: o.uploadError,
        },
      )}${button({ text: text(l, 'request.upload-submit'), kind: 'secondary' })}</form>`,
    },
  )}${pageScript('request')}</div>`
}
