/**
 * The offline signer: one file that signs a downloaded statement, also from a disk without a network. The same code as the page's, and no way out: its policy allows no
 * request at all.
 */
import { signCades } from '../cades.ts'
import { same } from '../der.ts'
import { Refused } from '../refused.ts'
import { linesOf, readStatement } from '../statement.ts'
import en from '../text.browser.en.json' with { type: 'json' }
import es from '../text.browser.es.json' with { type: 'json' }
import { sayFrom } from './parts/form.ts'
import { openPairForm } from './parts/pair.ts'

const languages: Readonly<Record<string, Readonly<Record<string, string>>>> = { es, en }
let language = navigator.language.startsWith('en') ? 'en' : 'es'
const say = sayFrom(() => languages[language]!)

const root = document.querySelector<HTMLElement>('[data-part="root"]')!
const switcher = document.querySelector<HTMLElement>('[data-part="language"]')!

/** Most bytes of a statement: it is to be read by a person. */
const mostStatementBytes = 200_000

function speak(): void {
  document.documentElement.lang = language
  document.title = `${say('signer.title')} – Ventanilla`
  switcher.textContent = say('offline.language')
  switcher.lang = language === 'es' ? 'en' : 'es'
  const places: ParentNode[] = [document, ...Array.from(document.querySelectorAll('template'), (t) => t.content)]
  for (const place of places)
    for (const element of place.querySelectorAll<HTMLElement>('[data-word]')) element.textContent = say(element.dataset.word!)
}
speak()

const form = openPairForm(root, say, () => new Date())
const { part, field } = form
let statement: { readonly bytes: Uint8Array<ArrayBuffer>; readonly name: string } | Refused = new Refused('statement-missing')

switcher.addEventListener('click', () => {
  language = language === 'es' ? 'en' : 'es'
  form.clearErrors()
  speak()
  part('holder').textContent = ''
})

/** A file as a text that is shown exactly. Throws `Refused`. */
async function open(file: File): Promise<Exclude<typeof statement, Refused>> {
  if (file.size > mostStatementBytes) throw new Refused('statement-unreadable')
  const bytes = new Uint8Array(await file.arrayBuffer())
  const text = readStatement(bytes)
  if (text === null) throw new Refused('statement-unreadable')
  part('statement').replaceChildren(
    ...linesOf(text).map(({ name, rest }) => {
      const line = document.createElement('span')
      const soft = document.createElement('b')
      soft.append(name)
      line.append(soft, rest)
      return line
    }),
  )
  return { bytes, name: file.name.replace(/\.[^.]*$/, '') }
}

field('statement')!.addEventListener('change', async () => {
  part('done').hidden = true
  part('read').hidden = true
  const file = field('statement')!.files?.[0]
  try {
    if (!file) throw new Refused('statement-missing')
    statement = await open(file)
    part('read').hidden = false
    part('fields').hidden = false
  } catch (fault) {
    statement = fault instanceof Refused ? fault : new Refused('statement-unreadable')
    if (file) form.tell([statement])
  }
})

form.onSubmit(
  () => [...(statement instanceof Refused ? [statement.reason] : []), ...form.missing()],
  async () => {
    if (statement instanceof Refused) throw statement
    const { bytes, name } = statement
    if (!same(bytes, new TextEncoder().encode(part('statement').textContent!))) throw new Refused('statement-differs')
    const at = new Date()
    const signature = await signCades(bytes, await form.pair(at), at)
    form.forget()
    const save = part<HTMLAnchorElement>('save')
    save.href = URL.createObjectURL(new Blob([signature], { type: 'application/pkcs7-signature' }))
    save.download = `${name}.p7s`
    part('status').textContent = ''
    part('fields').hidden = true
    part('done').hidden = false
    part('done-title').focus()
    return 'staying'
  },
  () => say('panel.working'),
)
root.hidden = false
