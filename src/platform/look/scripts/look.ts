/**
 * The only script of the pages. It replaces the inline script of govuk-frontend's template (our CSP allows none) and starts the components that a page has.
 * Everything works without it.
 */
import { Button } from 'govuk-frontend/dist/govuk/components/button/button.mjs'
import { Checkboxes } from 'govuk-frontend/dist/govuk/components/checkboxes/checkboxes.mjs'
import { ErrorSummary } from 'govuk-frontend/dist/govuk/components/error-summary/error-summary.mjs'
import { NotificationBanner } from 'govuk-frontend/dist/govuk/components/notification-banner/notification-banner.mjs'
import { Radios } from 'govuk-frontend/dist/govuk/components/radios/radios.mjs'
import { SkipLink } from 'govuk-frontend/dist/govuk/components/skip-link/skip-link.mjs'

// govuk-frontend refuses to start without these two names on the body.
document.body.classList.add('js-enabled', 'govuk-frontend-supported')

// The package puts aria-expanded on radios, which WAI-ARIA 1.2 does not allow there (alphagov/govuk-frontend#979); that the field
// below belongs to the choice is said by its place and its label.
class AllowedRadios extends Radios {
  override syncConditionalRevealWithInputState(input: HTMLInputElement): void {
    super.syncConditionalRevealWithInputState(input)
    input.removeAttribute('aria-expanded')
  }
}

for (const Component of [Button, Checkboxes, ErrorSummary, NotificationBanner, AllowedRadios, SkipLink]) {
  for (const element of document.querySelectorAll(`[data-module="${Component.moduleName}"]`)) new Component(element)
}

// A page that asks again (a wall display). Only its content is replaced: nothing flickers, nobody's place on the page is lost,
// and while the server does not answer the last numbers stay where they are.
const seconds = Number(document.body.dataset.refresh)
if (seconds > 0) {
  setInterval(async () => {
    const main = document.querySelector('main')
    if (!main || main.contains(document.activeElement)) return
    try {
      const reply = await fetch(location.href, { cache: 'no-cache' })
      if (!reply.ok) return
      const next = new DOMParser().parseFromString(await reply.text(), 'text/html').querySelector('main')
      if (next && next.innerHTML !== main.innerHTML) main.replaceWith(next)
    } catch {
      // No network: asked again at the next beat.
    }
  }, seconds * 1000)
}
