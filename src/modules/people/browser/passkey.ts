/** Asks the device for a passkey: a new one, or to sign in by one. The markup is `passkeyForm` of passkey-views.ts; without scripts it stays hidden and the page's other ways serve. */
import { browserSupportsWebAuthn, startAuthentication, startRegistration } from '@simplewebauthn/browser'

function start(form: HTMLFormElement): void {
  const part = <T extends HTMLElement>(name: string) => form.querySelector<T>(`[data-part="${name}"]`)!
  const words = JSON.parse(form.dataset.words!) as Record<'working' | 'cancelled' | 'failed' | 'had', string>
  const status = part('status')
  const button = form.querySelector<HTMLButtonElement>('button')!
  form.hidden = false
  form.closest('section')!.hidden = false

  form.addEventListener('submit', async (event) => {
    const response = part<HTMLInputElement>('response')
    // The second time it is the device's answer that goes.
    if (response.value !== '') return
    event.preventDefault()
    button.disabled = true
    status.textContent = words.working
    try {
      const answer = await fetch(form.dataset.options!, {
        method: 'POST',
        headers: { 'x-csrf': form.querySelector<HTMLInputElement>('[name="_csrf"]')!.value, accept: 'application/json' },
      })
      if (!answer.ok) throw new Error(String(answer.status))
      const optionsJSON = await answer.json()
      const made = form.dataset.passkey === 'add' ? await startRegistration({ optionsJSON }) : await startAuthentication({ optionsJSON })
      response.value = JSON.stringify(made)
      form.submit()
    } catch (error) {
      const { name } = error as Error
      // The device has one of this account already; or the person, or time, said no.
      status.textContent = name === 'InvalidStateError' ? words.had : name === 'NotAllowedError' ? words.cancelled : words.failed
      button.disabled = false
      button.focus()
    }
  })
}

if (browserSupportsWebAuthn()) for (const form of document.querySelectorAll<HTMLFormElement>('form[data-passkey]')) start(form)
