import { type Html, html } from '#kernel/html'
import type { Problem, ProblemCode } from '#kernel/problem'
import { type Language, texts } from '#kernel/text'
import { button, layout } from '#look'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }
import type { Visitor } from './visitor.ts'

const text = texts({ es, en })

/** The heading people read for a code. */
export function problemTitle(code: ProblemCode, language: Language): string {
  return text(language, `problem.${code}.title`)
}

/** What happened and what to do, in the person's words. */
export function problemText(code: ProblemCode, language: Language): { title: string; todo: string } {
  return { title: text(language, `problem.${code}.title`), todo: text(language, `problem.${code}.do`) }
}

type About = {
  language: Language
  visitor: Visitor
  /** Of a page that can be asked for: what was sent has none, and `before` stands for it. */
  url: string
  /** The page of ours on which the form stood that was sent; null where nothing was, or nobody says. */
  before: string | null
  demo: boolean
  requestId: string
}

/** The page for a refusal, or, with null, for a bug of ours: it bears a reference that support can look up. */
export function problemPage(problem: Problem | null, about: About): Html {
  const { language } = about
  const wayOn =
    problem?.code === 'sign-in-first'
      ? { href: `/sign-in?next=${encodeURIComponent(about.before ?? '/')}`, words: text(language, 'sign-in') }
      : problem && about.before !== null
        ? { href: about.before, words: text(language, 'again') }
        : null
  const title = problem ? text(language, `problem.${problem.code}.title`) : text(language, 'bug.title')
  const body = html`
    <h1 class="govuk-heading-l">${title}</h1>
    <p class="govuk-body-l">${problem ? text(language, `problem.${problem.code}.do`) : text(language, 'bug.do')}</p>
    ${problem ? '' : html`<p class="govuk-body">${text(language, 'bug.reference', { id: about.requestId })}</p>`}
    ${wayOn && button({ text: wayOn.words, href: wayOn.href })}
    <p class="govuk-body"><a class="govuk-link" href="/">${text(language, 'home')}</a></p>`
  return layout({ title, language, visitor: about.visitor, url: about.url, body, demo: about.demo, robots: 'noindex' })
}
