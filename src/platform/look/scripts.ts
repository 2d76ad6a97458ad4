import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Html, html } from '#kernel/html'
import { assetFolder, assets } from './assets.ts'

const built = new Map<string, Buffer>()

/** A file of the build by its address under `/assets/`, read once: it never changes under its name. Throws where the build has none. */
export function builtFile(url: string): Buffer {
  let file = built.get(url)
  if (!file) built.set(url, (file = readFileSync(join(assetFolder, url.slice(url.lastIndexOf('/') + 1)))))
  return file
}

/** The element of a page's own script, with the digest that the browser compares (W3C Subresource Integrity): what runs is what was built. */
export function pageScript(name: string): Html {
  const url = assets().scripts[name]!
  return html`<script type="module" src="${url}" integrity="${`sha256-${createHash('sha256').update(builtFile(url)).digest('base64')}`}"></script>`
}
