/** The page where anybody has a signature checked: who signed what, when, whether it holds and why. What is given is judged in memory and forgotten. */
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { type Language, texts } from '#kernel/text'
import { button, details, fileUpload, layout, panel, type SummaryError } from '#look'
import { csrfField, csrfHolds, isDemo, type Reply, type Request, type Web } from '#web'
import { largestSignature } from './cms.ts'
import { derOf, signatureLabels } from './pem.ts'
import { ownAnswers, type Witness } from './signatures.ts'
import en from './text.verify.en.json' with { type: 'json' }
import es from './text.verify.es.json' with { type: 'json' }
import type { TrustFolder } from './trust.ts'
import { explain, type Verdict } from './verdict.ts'
import { signaturesInPaper, verifyPaper, verifyPdf, verifySignature } from './verify.ts'

const text = texts({ es, en })

/** Most bytes of each of the two files. */
const mostFile = 12 * 2 ** 20

/** What was given: the file with the signature, and the content where that stands apart. */
type Given = { readonly file: Buffer; readonly content: Buffer | null }

/** The verdict on a file of any of the forms we know. */
async function judge(
  { trust, ocsp, crls }: TrustFolder,
  authority: Witness | null,
  portal: string,
  given: Given,
  at: Date,
): Promise<Verdict> {
  const { file, content } = given
  const isPdf = file.subarray(0, 5).toString('latin1') === '%PDF-'
  const signed = isPdf ? file : derOf(file.subarray(0, 2 * largestSignature), ...signatureLabels)
  // Nobody is asked over the network while somebody waits; the page says where nothing is known of a revocation. Of our own it is known.
  const inside = signaturesInPaper(file)
  const asked = isPdf ? [signed, ...inside] : inside.length > 0 ? inside : [signed]
  const answers = (await Promise.all(asked.map((one) => ownAnswers(authority, one)))).flat()
  const own = authority ? { own: { portal, issuer: authority.folder.issuing.certificate.subject.key } } : {}
  const question = { trust, at, evidence: { ocsp: [...ocsp, ...answers], crls }, revocation: 'if-known', ...own } as const
  if (isPdf) return verifyPdf({ ...question, pdf: signed })
  return verifyPaper({ ...question, paper: file }) ?? verifySignature({ ...question, signature: signed, content })
}

/** Adds `/signature`. */
export function registerVerify(
  web: Web,
  {
    trust,
    authority,
    publicUrl,
    now,
  }: { readonly trust: TrustFolder; readonly authority: Witness | null; readonly publicUrl: string; readonly now: () => Date },
): void {
  function page(request: Request, reply: Reply, found: Verdict | null, error: readonly SummaryError[] = []): Html {
    const l: Language = request.visitor.language
    const [title, ...said] = found ? explain(l, found) : []
    const lines = said[0] === '' ? said.slice(1) : said
    return layout({
      title: text(l, 'verify.title'),
      language: l,
      visitor: request.visitor,
      url: '/signature',
      demo: isDemo(request),
      error,
      description: text(l, 'verify.lead'),
      body: html`${
        found &&
        html`${panel({ title: title ?? '', headingLevel: 2, classes: found.holds ? undefined : 'v-verdict--no' })}<div class="v-statement" role="region" aria-label="${text(l, 'verify.found')}">${lines.map((line) => (line === '' ? html`<hr class="govuk-section-break">` : html`${line.trim()}<br>`))}</div>`
      }<h1 class="govuk-heading-l">${text(l, found ? 'verify.another' : 'verify.title')}</h1><p class="govuk-body-l">${text(l, 'verify.lead')}</p><form method="post" action="/signature" enctype="multipart/form-data" novalidate>${csrfField(request, reply)}${fileUpload(
        {
          id: 'file',
          name: 'file',
          label: text(l, 'verify.file'),
          hint: text(l, 'verify.file-hint'),
          error: error[0] && String(error[0].text),
          accept: '.p7s,.p7m,.pem,.pdf,.json',
        },
      )}${fileUpload({ id: 'content', name: 'content', label: text(l, 'verify.content'), hint: text(l, 'verify.content-hint') })}${button({ text: text(l, 'verify.submit') })}</form>${details(
        {
          summary: text(l, 'verify.own'),
          body: html`<p>${text(l, 'verify.own-text')}</p><pre class="v-command" tabindex="0"><code>openssl cms -verify -cades -binary -inform DER -in firma.p7s -content declaracion.txt -CAfile autoridad.pem</code></pre><pre class="v-command" tabindex="0"><code>bin/ventanilla verify firma.p7s --content declaracion.txt --trust reference/trust</code></pre>`,
        },
      )}<p class="govuk-body"><a class="govuk-link" href="/check">${text(l, 'verify.paper')}</a></p>`,
    })
  }

  web.route({
    method: 'GET',
    url: '/signature',
    access: 'public',
    schema: { querystring: Type.Object({ lang: Type.Optional(Type.String({ maxLength: 10 })) }) },
    handler: (request, reply) => page(request, reply, null),
  })

  web.route({
    method: 'POST',
    url: '/signature',
    access: 'public',
    schema: {},
    bodyLimit: 2 * mostFile + 64 * 1024,
    handler: async (request, reply) => {
      if (!request.isMultipart()) throw new Problem('wrong-type', 'Send the file with the form.')
      let vouched = false
      const files: Record<string, Buffer> = {}
      for await (const part of request.parts({ limits: { fileSize: mostFile, files: 2, fields: 4 } })) {
        if (part.type === 'field') {
          if (part.fieldname === '_csrf') vouched = csrfHolds(request, part.value)
          continue
        }
        const bytes = await part.toBuffer()
        if (bytes.length > 0) files[part.fieldname] = bytes
      }
      if (!vouched) throw new Problem('form-expired', 'This form is too old or came from another page.')
      if (!files.file) {
        reply.code(422)
        return page(request, reply, null, [{ text: text(request.visitor.language, 'verify.missing'), href: '#file' }])
      }
      return page(request, reply, await judge(trust, authority, publicUrl, { file: files.file, content: files.content ?? null }, now()))
    },
  })
}
