/** The page by which files come in, and its report. */
import { type Html, html } from '#kernel/html'
import { Problem } from '#kernel/problem'
import { button, fileUpload, notificationBanner, type SummaryError, scrolling, select, table } from '#look'
import { csrfHolds, type Reply, type Request, signedIn, type Web } from '#web'
import { faultWords } from '../faults.ts'
import { maxBytes } from '../folder.ts'
import { type Brought, type Found, readImport } from './import.ts'
import type { EditorFrame } from './pages.ts'
import { missingWords, takenWords } from './records.ts'
import { ownAgencies } from './rights.ts'
import { text } from './text.ts'
import * as v from './views.ts'

const access = { roles: ['analyst'] } as const
/** A list is longer than a definition. */
const mostBytes = 20 * maxBytes

/** Adds the routes of the import. */
export function registerImport(web: Pick<Web, 'route'>, frame: EditorFrame): void {
  const { catalogue, drafts, page } = frame

  function form(request: Request, reply: Reply, error: SummaryError[] = [], before: Html | null = null): Html {
    const l = request.visitor.language
    const own = ownAgencies(signedIn(request))
    return page(request, {
      title: text(l, 'import.title'),
      back: '/editor',
      error,
      wide: true,
      body: html`<h1 class="govuk-heading-xl">${text(l, 'import.title')}</h1>${before}<p class="govuk-body">${text(l, 'import.lead')}</p><p class="govuk-body">${text(l, 'import.rule')}</p><form action="/editor/import" method="post" enctype="multipart/form-data">${frame.csrf(request, reply)}${fileUpload(
        {
          name: 'files',
          label: text(l, 'import.files'),
          multiple: true,
          accept: '.json,.csv,.zip',
          error: error[0] ? String(error[0].text) : undefined,
        },
      )}${select({
        name: 'agency',
        label: text(l, 'import.agency'),
        items: Object.entries(catalogue.agencies)
          .filter(([id]) => own === null || own.includes(id))
          .sort(([, a], [, b]) => (a.level < b.level ? 1 : -1))
          .map(([value, a]) => ({ value, text: `${a.name[l]} (${text(l, `level.${a.level}`)})` })),
      })}${button({ text: text(l, 'import.button') })}</form>`,
    })
  }

  web.route({ method: 'GET', url: '/editor/import', access, schema: {}, handler: (request, reply) => form(request, reply) })

  web.route({
    method: 'POST',
    url: '/editor/import',
    access,
    schema: {},
    bodyLimit: mostBytes + 64 * 1024,
    async handler(request, reply) {
      const l = request.visitor.language
      const visitor = signedIn(request)
      if (!request.isMultipart()) throw new Problem('wrong-type', 'Send the file with the form.')
      let vouched = false
      let agency = ''
      const brought: Brought[] = []
      for await (const part of request.parts({ limits: { fileSize: mostBytes, files: 4, fields: 10 } })) {
        if (part.type === 'field') {
          if (part.fieldname === '_csrf') vouched = csrfHolds(request, part.value)
          if (part.fieldname === 'agency' && typeof part.value === 'string') agency = part.value
          continue
        }
        // Read into memory, judged, forgotten: only what was taken is kept, as a draft.
        const bytes = await part.toBuffer()
        if (bytes.length > 0) brought.push({ name: part.filename.slice(0, 100), bytes })
      }
      if (!vouched) throw new Problem('form-expired', 'This form is too old or came from another page.')
      if (brought.length === 0) {
        reply.code(422)
        return form(request, reply, [{ href: '#files', text: text(l, 'import.none') }])
      }
      const level = Object.hasOwn(catalogue.agencies, agency) ? catalogue.agencies[agency]!.level : 'municipal'
      const found = readImport(brought, { level, agency }, drafts.importAround())
      return answer(request, reply, found, visitor)
    },
  })

  async function answer(request: Request, reply: Reply, found: Found, visitor: ReturnType<typeof signedIn>): Promise<unknown> {
    const l = request.visitor.language
    switch (found.kind) {
      case 'refused':
        reply.code(422)
        return form(
          request,
          reply,
          [{ href: '#files', text: text(l, 'import.refused') }],
          html`<ul class="govuk-list govuk-list--bullet">${found.faults.slice(0, 40).map((f) => html`<li><code>${f.file} ${f.pointer}</code> ${faultWords(l, f)}</li>`)}</ul>`,
        )
      case 'service':
        return reply.redirect(`/editor/drafts/${await drafts.begin(visitor, { how: 'import', content: found.content })}`, 303)
      case 'place':
        return reply.redirect(`/editor/drafts/${await drafts.begin(visitor, { how: 'import-place', content: found.content })}`, 303)
      case 'records': {
        const made = await drafts.beginAll(
          visitor,
          found.rows.map((r) => r.draft),
        )
        return page(request, {
          title: text(l, 'import.report'),
          back: '/editor',
          wide: true,
          body: html`${notificationBanner({ language: l, success: true, text: text(l, 'import.total', { count: made.filter((m) => m !== null).length }) })}<h1 class="govuk-heading-xl">${text(l, 'import.report')}</h1>${scrolling(
            text(l, 'import.report'),
            table({
              head: [text(l, 'import.row'), text(l, 'import.draft'), text(l, 'import.taken'), text(l, 'import.missing')],
              rows: found.rows.map((r, i) => [
                String(r.row),
                made[i] ? v.link(`/editor/drafts/${made[i]}`, r.name) : html`${r.name} ${r.draft && text(l, 'import.there')}`,
                takenWords(l, r).join(', '),
                missingWords(l, r).join('; '),
              ]),
            }),
          )}`,
        })
      }
    }
  }
}
