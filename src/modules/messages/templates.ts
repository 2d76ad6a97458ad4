/**
 * What can be told, each with its fields. Adding one is a row here and its words in the text files: `<name>.subject`, `<name>.body` for the
 * inbox, `<name>.mail` where mail says less, `<name>.sms` where a short message is not the subject and the link, and `<name>.action` for the button.
 */
import { type Html, html } from '#kernel/html'
import { formatDate, type Language, texts } from '#kernel/text'
import { isPlainDate, type PlainDate } from '#kernel/time'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

export const text = texts({ es, en })

/** `text` one line; `words` what somebody wrote or the case says: shown in the inbox, never mailed. */
type Kind = 'text' | 'words' | 'number' | 'date' | 'list' | readonly string[]
type ValueOf<K> = K extends 'text' | 'words'
  ? string
  : K extends 'number'
    ? number
    : K extends 'date'
      ? PlainDate
      : K extends 'list'
        ? readonly string[]
        : K extends readonly (infer W)[]
          ? W
          : never

type Row = { readonly fields: Readonly<Record<string, Kind>>; readonly link: string | null }

// `line` and `n` name the public entry of the act, so that who reads it can look it up.
const act = { reference: 'text', line: 'text', n: 'number' } as const
const toCase = '/cases/{reference}'

/** Told to people with an inbox. The braces of `link` are fields. */
export const templates = {
  'turn-taken': { fields: { ...act, service: 'words', office: 'text', place: 'number', due: 'date' }, link: toCase },
  rejoined: { fields: { reference: 'text', office: 'text', place: 'number', due: 'date' }, link: toCase },
  near: { fields: { reference: 'text', office: 'text', before: 'number' }, link: toCase },
  called: { fields: { ...act, office: 'text' }, link: toCase },
  passed: { fields: { ...act }, link: toCase },
  stranded: { fields: { reference: 'text', office: 'text', due: 'date', effect: ['granted', 'refused'] }, link: toCase },
  'office-stranded': { fields: { office: 'text', number: 'number', due: 'date' }, link: '/supervise/{office}' },
  held: { fields: { ...act, service: 'words', papers: 'list', until: 'date' }, link: toCase },
  'held-agency': { fields: { ...act, until: 'date' }, link: toCase },
  resumed: { fields: { ...act }, link: toCase },
  returned: { fields: { ...act, reason: ['idle', 'off', 'outage', 'absent'] }, link: toCase },
  left: { fields: { ...act }, link: toCase },
  finished: { fields: { ...act, outcome: ['done', 'absent', 'lapsed', 'silence'] }, link: toCase },
  lapsed: { fields: { reference: 'text', service: 'words' }, link: toCase },
  'signature-asked': { fields: { reference: 'text', service: 'words', until: 'date' }, link: '/cases/{reference}/sign' },
  'signature-declined': { fields: { reference: 'text', service: 'words', name: 'words' }, link: '/cases/{reference}/sign' },
  'decision-ready': { fields: { reference: 'text', service: 'words' }, link: toCase },
  'office-message': { fields: { reference: 'text', office: 'text' }, link: toCase },
  'contents-lost': { fields: { reference: 'text' }, link: toCase },
  'result-lost': { fields: { reference: 'text' }, link: toCase },
  silence: { fields: { reference: 'text', service: 'words', due: 'date', effect: ['granted', 'refused'] }, link: toCase },
} as const satisfies Record<string, Row>

/** Sent to an address that need not have an inbox; the people module writes them. */
export const letters = {
  'sign-in-code': { fields: { code: 'text', minutes: 'number' }, link: null },
  'contact-code': { fields: { code: 'text', minutes: 'number' }, link: null },
  'counter-code': { fields: { code: 'text', minutes: 'number', reference: 'text' }, link: null },
  'sign-invite': { fields: { link: 'text', service: 'text', until: 'date' }, link: '{link}' },
  invite: { fields: { link: 'text', role: 'text', office: 'text', days: 'number' }, link: '{link}' },
  'contact-added': { fields: { email: 'text' }, link: '/me' },
  'phone-added': { fields: { phone: 'text' }, link: '/me' },
  'contact-ended': { fields: {}, link: null },
  'contact-removed': { fields: {}, link: null },
  'certificate-issued': { fields: {}, link: '/me/certificates' },
  'certificate-revoked': { fields: {}, link: '/me/certificates' },
  'passkey-added': { fields: {}, link: '/me/access' },
  'passkey-removed': { fields: {}, link: '/me/access' },
  'recovery-begun': { fields: {}, link: '/me/access' },
  'erasure-asked': { fields: {}, link: '/me/data' },
  'erasure-done': { fields: {}, link: null },
  'mandate-invite': { fields: { link: 'text', until: 'date' }, link: '{link}' },
  'mandate-offered': { fields: {}, link: '/me/mandates' },
  'mandate-accepted': { fields: {}, link: '/me/mandates' },
  'mandate-declined': { fields: {}, link: '/me/mandates' },
  'mandate-ended': { fields: {}, link: '/me/mandates' },
} as const satisfies Record<string, Row>

export type Template = keyof typeof templates

/** The fields a template takes. */
export type DataOf<T extends Template> = {
  readonly [F in keyof (typeof templates)[T]['fields']]: ValueOf<(typeof templates)[T]['fields'][F]>
}

const rows: Record<string, Row> = { ...templates, ...letters }

/** Throws when `data` has not exactly the template's fields: a program that tells half a thing has a fault. */
export function checkData(template: string, data: Readonly<Record<string, unknown>>): void {
  const row = rows[template]
  if (!row) throw new RangeError(`There is no message ${template}.`)
  for (const [name, kind] of Object.entries(row.fields)) {
    const value = data[name]
    const good =
      kind === 'number'
        ? Number.isFinite(value)
        : kind === 'list'
          ? Array.isArray(value) && value.every((v) => typeof v === 'string')
          : kind === 'date'
            ? typeof value === 'string' && isPlainDate(value)
            : typeof kind === 'string'
              ? typeof value === 'string'
              : kind.includes(value as string)
    if (!good) throw new RangeError(`The message ${template} needs ${name}.`)
  }
  for (const name of Object.keys(data)) if (!(name in row.fields)) throw new RangeError(`The message ${template} has no field ${name}.`)
}

/** A message in words. `paragraphs` are plain text; one whose lines begin with `- ` is a list. */
export type Rendered = { subject: string; paragraphs: string[]; action: { label: string; url: string } | null }

// A line break or another control character in a subject would be another header to an old mail program.
const oneLine = (words: string) =>
  words
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200)

/**
 * The message in the reader's language. For `mail` its words are those of `<name>.mail` where it has them, for `sms` those of `<name>.sms` alone, and fields of
 * the kinds `words` and `list` are left out of both: they pass through strangers' hands.
 */
export function render(
  template: string,
  data: Readonly<Record<string, unknown>>,
  { language, publicUrl, place }: { language: Language; publicUrl: string; place: 'inbox' | 'mail' | 'sms' },
): Rendered {
  const row = rows[template]
  if (!row) throw new RangeError(`There is no message ${template}.`)
  const parameters: Record<string, string | number> = {}
  for (const [name, kind] of Object.entries(row.fields)) {
    const value = data[name]
    if (kind === 'number') parameters[name] = value as number
    else if (kind === 'date') parameters[name] = formatDate(language, value as string)
    else if (kind === 'list') {
      if (place === 'inbox') parameters[name] = (value as string[]).map((v) => `- ${oneLine(v)}`).join('\n')
    } else if (typeof kind !== 'string') parameters[name] = text(language, `word.${template}.${value}` as 'word.returned.idle')
    else if (kind === 'text' || place === 'inbox') parameters[name] = oneLine(value as string)
  }
  // The entry's number as it stands in the log, without a thousands separator.
  if (typeof parameters.n === 'number') parameters.n = String(parameters.n)
  type Key = 'called.body'
  const key = (part: string) => `${template}.${part}` as Key
  const paragraphs = () => {
    // Without words of its own a short message is the subject and the link.
    if (place === 'sms') return `${template}.sms` in es ? [text(language, key('sms'), parameters)] : []
    return text(language, place === 'mail' && `${template}.mail` in es ? key('mail') : key('body'), parameters).split('\n\n')
  }
  const path = row.link?.replace(/\{(\w+)\}/g, (_, name: string) =>
    // A whole address stands alone; part of a path is encoded.
    row.link === `{${name}}` ? String(data[name]) : encodeURIComponent(String(data[name])),
  )
  return {
    subject: oneLine(text(language, key('subject'), parameters)),
    paragraphs: paragraphs(),
    action: path ? { label: text(language, key('action')), url: new URL(path, publicUrl).href } : null,
  }
}

/** The message's markup: paragraphs and lists, nothing else. */
export function toHtml({ paragraphs, action }: Rendered): Html {
  return html`${paragraphs.map((p) => {
    const lines = p.split('\n')
    return lines.every((l) => l.startsWith('- '))
      ? html`<ul class="govuk-list govuk-list--bullet">${lines.map((l) => html`<li>${l.slice(2)}</li>`)}</ul>`
      : html`<p class="govuk-body">${p}</p>`
  })}${action && html`<p class="govuk-body"><a class="govuk-link" href="${action.url}">${action.label}</a></p>`}`
}

/** The short message: its own words, or the subject and where to read on. */
export function toSms({ subject, paragraphs, action }: Rendered): string {
  if (paragraphs.length > 0) return paragraphs.join(' ')
  return action ? `${subject} ${action.url}` : subject
}

/** The mail's two bodies. */
export function toMail(rendered: Rendered, language: Language): { subject: string; text: string; html: string } {
  const foot = text(language, 'mail.foot')
  const { subject, paragraphs, action } = rendered
  return {
    subject,
    text: [...paragraphs, ...(action ? [`${action.label}:\n${action.url}`] : []), `-- \n${foot}`].join('\n\n').concat('\n'),
    html: html`<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${subject}</title></head><body>${toHtml(rendered)}<p><small>${foot}</small></p></body></html>`
      .text,
  }
}
