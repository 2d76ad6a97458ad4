/**
 * Makes a key and the request for its certificate. The key is saved as a file of the person's and never sent; the request is. The markup is `requestPanel` of views.ts.
 */
import { makeRequest } from '../request.ts'
import { openForm, sayFrom, toBase64 } from './parts/form.ts'

const root = document.querySelector<HTMLElement>('[data-module="request"]')

function start(root: HTMLElement): void {
  const words = JSON.parse(root.dataset.words!) as Record<string, string>
  const say = sayFrom(() => words)
  const form = openForm(root, say)
  const { part, field } = form
  const save = part<HTMLAnchorElement>('save')

  function forget(): void {
    for (const name of ['passphrase', 'repeated']) field(name)!.value = ''
  }

  part('form').hidden = false
  part<HTMLDetailsElement>('other').open = false

  form.onSubmit(
    () => {
      const [passphrase, repeated] = [field('passphrase')!.value, field('repeated')!.value]
      // As people count: an emoji is one.
      if ([...passphrase].length < 12) return ['passphrase-short']
      return passphrase === repeated ? [] : ['passphrase-differs']
    },
    async () => {
      const { name, person } = root.dataset
      const { request, keyFile } = await makeRequest({ name: name!, id: person || undefined }, field('passphrase')!.value)
      forget()
      part<HTMLInputElement>('request').value = toBase64(request)
      save.href = URL.createObjectURL(new Blob([keyFile], { type: 'application/octet-stream' }))
      save.download = `${say('request.file')}.key`
      part('status').textContent = ''
      part('form').hidden = true
      part('other').remove()
      part('made').hidden = false
      part('made-title').focus()
      return 'staying'
    },
    () => say('request.working'),
  )
  // What cannot be made again must be saved before the request can be sent.
  save.addEventListener('click', () => {
    part('send').hidden = false
    // One primary act at a time.
    save.classList.add('govuk-button--secondary')
  })
  addEventListener('pagehide', forget)
}

if (root) start(root)
