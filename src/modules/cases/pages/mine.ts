/** A person's own page: what to do next and until when, all their cases, the letters they have not read, and who looked at their data. */
import { type Html, html } from '#kernel/html'
import { formatDate, type Language } from '#kernel/text'
import { dateIn, dayMs, type PlainDate } from '#kernel/time'
import { button, cardList, places, serviceCard, table, timeline } from '#look'
import { type Request, signedIn, type Web } from '#web'
import { draftDays } from '../clock.ts'
import type { Deps } from '../deps.ts'
import { deskName } from '../desk.ts'
import type { Mine, Receipts } from '../receipt.ts'
import { type Day, icalendar } from './icalendar.ts'
import { personPage } from './page.ts'
import { text } from './text.ts'

/** Letters and uses shown here; the rest stands on pages of its own. */
const shown = 3

type Kind = 'answer' | 'send' | 'reply'
/** A day that counts for somebody. `answer`: papers are awaited until then; `send`: the draft is kept until then; `reply`: the office answers by then. */
type Deadline = { readonly kind: Kind; readonly on: PlainDate; readonly c: Mine['c'] }

/** The days that count in these cases, the nearest first. */
function deadlinesOf(deps: Deps, all: readonly Mine[]): Deadline[] {
  return all
    .flatMap(({ c }): Deadline[] => {
      if (c.state === 'draft') {
        const zone = deps.catalogue.calendarOf(c.office).zone
        return [{ kind: 'send', on: dateIn(new Date(c.savedAt.getTime() + draftDays * dayMs), zone), c }]
      }
      if (c.state === 'asked' && c.answerBy) return [{ kind: 'answer', on: c.answerBy, c }]
      if (c.state === 'open' && c.dueOn) return [{ kind: 'reply', on: c.dueOn, c }]
      return []
    })
    .sort((a, b) => (a.on < b.on ? -1 : a.on > b.on ? 1 : 0))
}

/** What waits for its applicant stands first, then what runs, then what is over. */
const order = ['asked', 'open', 'draft', 'decided', 'lapsed', 'withdrawn'] as const

const nameOf = (deps: Deps, l: Language, c: Mine['c']) => deps.catalogue.get(c.service)?.text(l, 'name') ?? c.service

function card(deps: Deps, l: Language, { c, actingFor, turn, ahead }: Mine): Html {
  return serviceCard({
    href: `/cases/${c.reference}`,
    name: nameOf(deps, l, c),
    agency: deps.catalogue.office(c.office)?.name(l) ?? c.office,
    facts: [
      ...(actingFor === null ? [] : [text(l, 'my-line.for', { name: actingFor })]),
      c.state === 'draft'
        ? text(l, 'my-line.draft')
        : c.state === 'open' && turn?.state.desk
          ? text(l, 'state.called', { desk: deskName(turn.state.desk) })
          : text(l, `state.${c.state}`),
      ...(turn && c.state !== 'draft' ? [text(l, 'my-line.number', { number: String(turn.state.place) })] : []),
      ...(ahead !== null ? [text(l, 'my-line.ahead', { count: ahead })] : []),
    ],
  })
}

/** Adds the person's own page and its calendar. */
export function registerMine(web: Web, deps: Deps, { receipts }: { readonly receipts: Receipts }): void {
  async function minePage(request: Request): Promise<Html> {
    const visitor = signedIn(request)
    const l = visitor.language
    const [all, letters, uses] = await Promise.all([
      receipts.mine(visitor),
      deps.messages.inbox(visitor.person, { language: l, limit: 20 }),
      deps.people.usesByOthers(visitor, shown),
    ])
    const cards = all.toSorted((a, b) => order.indexOf(a.c.state) - order.indexOf(b.c.state)).map((one) => card(deps, l, one))
    const deadlines = deadlinesOf(deps, all)
    const unread = letters.filter((m) => !m.read)
    const title = text(l, 'my-line.title')
    const body = html`<h1 class="govuk-heading-l">${title}</h1>${
      cards.length > 0
        ? cardList(cards)
        : html`<p class="govuk-body">${text(l, 'my-line.none')}</p>${button({ text: text(l, 'my-line.find'), href: places.services })}`
    }<p class="govuk-body v-soft">${text(l, 'my-line.lost')} <a class="govuk-link" href="/rejoin">${text(l, 'my-line.rejoin')}</a></p>${
      deadlines.length > 0 &&
      html`<h2 class="govuk-heading-m" id="deadlines">${text(l, 'mine.deadlines')}</h2>${table({
        head: [text(l, 'mine.until'), text(l, 'mine.what')],
        firstCellIsHeader: true,
        rows: deadlines.map((d) => [
          formatDate(l, d.on),
          html`${text(l, `mine.${d.kind}`)} <a class="govuk-link" href="/cases/${d.c.reference}">${nameOf(deps, l, d.c)}</a>`,
        ]),
      })}<p class="govuk-body"><a class="govuk-link" href="${places.line}/deadlines.ics">${text(l, 'mine.calendar')}</a></p>`
    }<h2 class="govuk-heading-m" id="letters">${text(l, 'mine.letters')}</h2>${
      unread.length > 0
        ? html`<ul class="govuk-list govuk-list--spaced">${unread
            .slice(0, shown)
            .map(
              (m) =>
                html`<li><a class="govuk-link" href="${places.inbox}/${m.id}">${m.rendered?.subject ?? text(l, 'mine.letter')}</a> <span class="v-soft">${formatDate(l, m.at, { short: true })}</span></li>`,
            )}</ul>`
        : html`<p class="govuk-body">${text(l, 'mine.letters.none')}</p>`
    }<p class="govuk-body"><a class="govuk-link" href="${places.inbox}">${text(l, 'mine.letters.all')}</a></p><h2 class="govuk-heading-m" id="uses">${text(l, 'mine.uses')}</h2>${
      uses.length > 0
        ? timeline(
            uses.map((u) => ({
              at: u.at.toISOString(),
              when: formatDate(l, u.at, { time: true, short: true }),
              title: u.words,
              ...(u.reference ? { detail: text(l, 'mine.uses.of', { reference: u.reference }) } : {}),
            })),
          )
        : html`<p class="govuk-body">${text(l, 'mine.uses.none')}</p>`
    }<p class="govuk-body"><a class="govuk-link" href="${places.account}/uses">${text(l, 'mine.uses.all')}</a></p>`
    return personPage(request, deps, { title, body })
  }

  web.route({ method: 'GET', url: places.line, access: 'signed-in', schema: {}, handler: (request) => minePage(request) })

  web.route({
    method: 'GET',
    url: `${places.line}/deadlines.ics`,
    access: 'signed-in',
    schema: {},
    async handler(request, reply) {
      const visitor = signedIn(request)
      const l = visitor.language
      const days = deadlinesOf(deps, await receipts.mine(visitor)).map(
        (d): Day => ({
          uid: `${d.c.reference}-${d.kind}@${new URL(deps.publicUrl).hostname}`,
          on: d.on,
          summary: `${text(l, `mine.${d.kind}`)} ${nameOf(deps, l, d.c)}`,
          url: `${deps.publicUrl}/cases/${d.c.reference}`,
        }),
      )
      reply.type('text/calendar; charset=utf-8')
      reply.header('content-disposition', 'attachment; filename="ventanilla.ics"')
      return icalendar(days, deps.clock.now())
    },
  })
}
