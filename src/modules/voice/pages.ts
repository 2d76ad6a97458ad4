import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import { parseReference, type Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { texts } from '#kernel/text'
import { button, fieldError, layout, panel, places, radios } from '#look'
import { csrfField, type Reply, type Request, signedIn, type Web } from '#web'
import { asked, type Voice, type VoiceDeps, visits } from './index.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const text = texts({ es, en })

const Params = Type.Object({ reference: Type.String({ maxLength: 20 }) })
const Form = Type.Object({ visits: Type.Optional(Type.String({ maxLength: 10 })), asked: Type.Optional(Type.String({ maxLength: 10 })) })

function referenceOf(typed: string): Reference {
  const reference = parseReference(typed)
  if (!reference) throw new Problem('not-found', 'There is no such case.')
  return reference
}

/** Adds the page with the two questions. */
export function registerPages(web: Pick<Web, 'route'>, deps: Pick<VoiceDeps, 'catalogue' | 'demo'>, voice: Voice): void {
  const page = (request: Request, title: string, body: Html, error: { href?: string | undefined; text: string | Html }[] = []) =>
    layout({
      title,
      language: request.visitor.language,
      visitor: request.visitor,
      url: request.url,
      demo: deps.demo,
      robots: 'noindex',
      body,
      error,
    })

  const thanks = (request: Request, reference: Reference) => {
    const l = request.visitor.language
    return page(
      request,
      text(l, 'thanks'),
      html`${panel({ title: text(l, 'thanks') })}<p class="govuk-body">${text(l, 'thanks.words')}</p><p class="govuk-body">${text(l, 'report')}</p><p class="govuk-body"><a class="govuk-link" href="/cases/${reference}">${text(l, 'back')}</a> · <a class="govuk-link" href="${places.numbers}">${text(l, 'numbers')}</a></p>`,
    )
  }

  function questions(
    request: Request,
    reply: Reply,
    reference: Reference,
    service: string,
    given: { visits?: string; asked?: string },
    wrong: readonly ('visits' | 'asked')[] = [],
  ): Html {
    const l = request.visitor.language
    const choice = (name: 'visits' | 'asked', all: readonly string[], hint?: string) =>
      radios({
        name,
        fieldset: { legend: { text: text(l, name), classes: 'govuk-fieldset__legend--m' } },
        hint,
        value: given[name],
        error: wrong.includes(name) ? text(l, 'choose') : undefined,
        items: all.map((value) => ({ value, text: text(l, `${name}.${value}` as 'visits.0') })),
      })
    return page(
      request,
      text(l, 'title'),
      html`<h1 class="govuk-heading-l">${text(l, 'title')}</h1><p class="govuk-body-l">${text(l, 'lead')}</p><p class="govuk-body">${text(l, 'about', { service: deps.catalogue.get(service)?.text(l, 'name') ?? service })}</p><form action="/rate/${reference}" method="post">${csrfField(request, reply)}${choice('visits', visits)}${choice('asked', asked, text(l, 'asked.hint'))}${button({ text: text(l, 'send'), preventDoubleClick: true })}</form>`,
      wrong.map((name) => fieldError(name, text(l, 'choose'))),
    )
  }

  web.route({
    method: 'GET',
    url: '/rate/:reference',
    access: 'signed-in',
    schema: { params: Params },
    async handler(request, reply) {
      const reference = referenceOf(request.params.reference)
      const { service, given } = await voice.mayRate(signedIn(request), reference)
      return given ? thanks(request, reference) : questions(request, reply, reference, service, {})
    },
  })

  web.route({
    method: 'POST',
    url: '/rate/:reference',
    access: 'signed-in',
    schema: { params: Params, body: Form },
    async handler(request, reply) {
      const reference = referenceOf(request.params.reference)
      const visitor = signedIn(request)
      const { service, given } = await voice.mayRate(visitor, reference)
      const answers = request.body
      const wrong = (['visits', 'asked'] as const).filter((name) => !(name === 'visits' ? visits : asked).includes(answers[name] as never))
      if (!given && wrong.length > 0) {
        reply.code(422)
        return questions(request, reply, reference, service, answers, wrong)
      }
      if (!given) await voice.rate(visitor, reference, answers as never)
      return reply.redirect(`/rate/${reference}`, 303)
    },
  })
}
