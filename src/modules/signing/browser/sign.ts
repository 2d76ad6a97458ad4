/**
 * Signs the statement of a page with the person's own certificate and key. The files are read and the key is opened here; only the signature is sent. The markup is
 * `signPanel` of views.ts: the statement as text and, in `data-bytes`, as the bytes that are signed. All words come with it.
 */
import { signCades } from '../cades.ts'
import { same } from '../der.ts'
import { Refused } from '../refused.ts'
import { fromBase64, sayFrom, toBase64 } from './parts/form.ts'
import { openPairForm } from './parts/pair.ts'

const root = document.querySelector<HTMLElement>('[data-module="sign"]')

function start(root: HTMLElement): void {
  const words = JSON.parse(root.dataset.words!) as Record<string, string>
  // By the server's clock: a certificate must not look expired because a telephone has lost the date.
  const ahead = Date.parse(root.dataset.now!) - Date.now()
  const now = () => new Date(Date.now() + ahead)
  const say = sayFrom(() => words)
  const form = openPairForm(root, say, now)
  const { part } = form

  /** The bytes to be signed, if they are what is shown. */
  function statement() {
    const shown = part('statement')
    const bytes = fromBase64(shown.dataset.bytes!)
    if (!same(bytes, new TextEncoder().encode(shown.textContent!))) throw new Refused('statement-differs')
    return bytes
  }

  form.onSubmit(
    form.missing,
    async () => {
      const bytes = statement()
      const at = now()
      part<HTMLInputElement>('signature').value = toBase64(await signCades(bytes, await form.pair(at), at))
      form.forget()
      part<HTMLFormElement>('form').submit()
      return 'leaving'
    },
    () => say('panel.working'),
  )
  addEventListener('pagehide', () => {
    part<HTMLInputElement>('signature').value = ''
  })
  part<HTMLDetailsElement>('other').open = false
  part('form').hidden = false
}

if (root) start(root)
