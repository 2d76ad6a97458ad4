/** The offline signer: its page and its file, and the digests by which anyone knows it again. */
import { createHash } from 'node:crypto'
import { html } from '#kernel/html'
import { assets, builtFile, button, layout, summaryList } from '#look'
import { isDemo, type Web } from '#web'
import { signerPage, text } from './views.ts'

/** SHA-256 in hex of the script that signs on our pages and of the offline signer, as they are served; `sha256sum` of the files gives the same. For the public log. */
export function signerHashes(): { readonly script: string; readonly offline: string } {
  const hash = (url: string) => createHash('sha256').update(builtFile(url)).digest('hex')
  return { script: hash(assets().scripts.sign!), offline: hash(assets().pages.signer!) }
}

const fileName = 'signer.html'

/** Adds `/signer`, which explains the offline signer, and `/signer.html`, its file as a download. */
export function registerSigner(web: Web): void {
  web.route({
    method: 'GET',
    url: signerPage,
    access: 'public',
    schema: {},
    handler: (request) => {
      const l = request.visitor.language
      const hashes = signerHashes()
      const fingerprint = (hash: string) => html`<span class="v-fingerprint">${hash}</span>`
      return layout({
        title: text(l, 'signer.title'),
        language: l,
        visitor: request.visitor,
        url: request.url,
        demo: isDemo(request),
        body: html`<h1 class="govuk-heading-l">${text(l, 'signer.title')}</h1><p class="govuk-body-l">${text(l, 'signer.lead')}</p>${button(
          {
            text: text(l, 'signer.download'),
            href: `/${fileName}`,
            attributes: { download: fileName },
          },
        )}<h2 class="govuk-heading-m">${text(l, 'signer.how')}</h2><ol class="govuk-list govuk-list--number"><li>${text(l, 'signer.how-1')}</li><li>${text(l, 'signer.how-2')}</li><li>${text(l, 'signer.how-3')}</li></ol><h2 class="govuk-heading-m">${text(l, 'signer.check')}</h2>${summaryList(
          {
            rows: [
              { key: text(l, 'signer.hash'), value: fingerprint(hashes.offline) },
              { key: text(l, 'signer.script-hash'), value: fingerprint(hashes.script) },
            ],
          },
        )}<p class="govuk-body">${text(l, 'signer.hash-text')}</p><pre class="v-command" tabindex="0"><code># Linux
sha256sum ${fileName}
# macOS
shasum -a 256 ${fileName}
# Windows
certutil -hashfile ${fileName} SHA256</code></pre>`,
      })
    },
  })

  web.route({
    method: 'GET',
    url: `/${fileName}`,
    access: 'public',
    schema: {},
    handler: (_request, reply) => {
      reply
        // Never a page of ours: its script and style stand inside it, and our policy would let neither run.
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename="${fileName}"`)
        .header('cache-control', 'public, max-age=300')
      return builtFile(assets().pages.signer!)
    },
  })
}
