/** The editor's pages as markup. They decide nothing and read nothing. */
import { type Child, type Html, html } from '#kernel/html'
import { formatDate, type Language } from '#kernel/text'
import { button, checkboxes, details, fieldset, input, radios, scrolling, select, summaryList, table, tag, textarea } from '#look'
import type { Example } from '../definition.ts'
import { type Fault, faultWords } from '../faults.ts'
import { questionKinds } from '../questions/index.ts'
import { words } from '../text.ts'
import { needsValue, type Operator } from './conditions.ts'
import type { Change } from './difference.ts'
import { type Edit, type Field, type Form, type Item, liesAt, type Option, type PartId, placeOfFault } from './parts.ts'
import { type Key, text } from './text.ts'

/** What a form is drawn with. */
export type Drawing = {
  readonly l: Language
  readonly faults: readonly Fault[]
  /** What could not be read, by field; and what was typed there. */
  readonly wrong: ReadonlyMap<string, Key>
  readonly typed: Form
  /** Address of the page that puts a condition together, for a place of the definition. */
  readonly conditionUrl: (pointer: string) => string
  readonly conditionWords: (when: string) => string
  /** The draft's own words. */
  readonly words: (language: Language, key: string) => string
}

const idOf = (name: string) => name.replaceAll(/[^a-z0-9-]+/gi, '-')

/** Ids and words of what is wrong at the fields, for the summary above the page. */
export function summaryOfFields(fields: readonly Field[], d: Drawing): { href: string; text: string }[] {
  const found: { href: string; text: string }[] = []
  for (const f of fields) {
    if (f.as === 'set') found.push(...summaryOfFields(f.fields, d))
    else if (f.as !== 'note' && d.wrong.has(f.name))
      found.push({ href: `#${idOf(f.name)}`, text: `${f.label}: ${text(d.l, d.wrong.get(f.name)!)}` })
  }
  return found
}

/** The form's fields, each with its faults. */
export function fieldsHtml(fields: readonly Field[], d: Drawing): Html {
  return html`${fields.map((f) => fieldHtml(f, d))}`
}

function errorOf(f: Exclude<Field, { as: 'set' | 'note' }>, d: Drawing, at: readonly string[] = f.at): string | undefined {
  const wrong = d.wrong.get(f.name)
  const said = [...(wrong ? [text(d.l, wrong)] : []), ...d.faults.filter((x) => liesAt(placeOfFault(x), at)).map((x) => faultWords(d.l, x))]
  return said.length > 0 ? said.join(' ') : undefined
}

function fieldHtml(f: Field, d: Drawing): Html {
  const { l } = d
  switch (f.as) {
    case 'note':
      return html`<p class="govuk-body v-soft">${f.text}</p>`
    case 'set':
      return fieldset({
        legend: { text: f.legend, classes: 'govuk-fieldset__legend--m' },
        body: f.beside ? html`<div class="v-pair">${fieldsHtml(f.fields, d)}</div>` : fieldsHtml(f.fields, d),
      })
    case 'words': {
      const one = (language: Language) => {
        const name = `${language}:${f.name}`
        const options = {
          name,
          id: idOf(name),
          label: html`${f.label} <span class="v-soft">(${text(l, `language.${language}`)}${f.optional && `, ${text(l, 'optional')}`})</span>`,
          hint: language === 'es' ? f.hint : undefined,
          value: d.words(language, f.key),
          error: errorOf(
            f,
            d,
            f.at.filter((a) => a.startsWith(`${language}:`)),
          ),
          attributes: { lang: language, maxlength: 2000 },
        }
        return f.lines > 1 ? textarea({ ...options, rows: f.lines }) : input(options)
      }
      return html`<div class="v-pair">${one('es')}${one('en')}</div>`
    }
    case 'line':
      return input({
        name: f.name,
        id: idOf(f.name),
        label: f.label,
        hint: f.hint,
        value: d.wrong.has(f.name) ? String(d.typed[f.name] ?? '') : f.value,
        error: errorOf(f, d),
        classes: `govuk-input--width-${f.width}`,
        attributes: { maxlength: 300 },
      })
    case 'choice': {
      const common = { name: f.name, hint: f.hint, error: errorOf(f, d), value: f.value }
      if (f.options.length > 6)
        return select({ ...common, id: idOf(f.name), label: f.label, items: f.options.map((o) => ({ value: o.value, text: o.text })) })
      return radios({
        ...common,
        idPrefix: idOf(f.name),
        fieldset: { legend: { text: f.label, classes: 'govuk-fieldset__legend--s' } },
        items: f.options.map((o) => ({ ...o })),
      })
    }
    case 'checks':
      return html`<input type="hidden" name="${f.name}.shown" value="1">${checkboxes({
        name: f.name,
        idPrefix: idOf(f.name),
        fieldset: { legend: { text: f.label, classes: 'govuk-fieldset__legend--s' } },
        hint: f.hint,
        error: errorOf(f, d),
        values: f.values,
        items: f.options.map((o) => ({ ...o })),
      })}`
    case 'condition': {
      const pointer = f.at[0]!.slice(2)
      const error = errorOf(f, d)
      return html`<div class="govuk-form-group"><p class="govuk-body"><strong>${f.label}:</strong> ${f.value ? d.conditionWords(f.value) : text(l, 'condition.none')} <a class="govuk-link" href="${d.conditionUrl(pointer)}">${text(l, 'condition.change')}<span class="govuk-visually-hidden">: ${f.label}</span></a></p>${details(
        {
          summary: text(l, 'condition.by-hand'),
          open: error !== undefined,
          body: input({
            name: f.name,
            id: idOf(f.name),
            label: text(l, 'condition.feel'),
            value: f.value ?? '',
            error,
            spellcheck: false,
            attributes: { maxlength: 300 },
          }),
        },
      )}</div>`
    }
    case 'source': {
      const s = f.value === 'unverified' ? undefined : f.value
      const error = errorOf(f, d)
      const part = (name: 'law' | 'article' | 'url' | 'read', value: string | undefined, width: number | null, hint?: string) =>
        input({
          name: `${f.name}.${name}`,
          id: idOf(`${f.name}.${name}`),
          label: text(l, `source.${name}`),
          value: value ?? '',
          hint,
          ...(name === 'law' && error ? { error } : {}),
          ...(width === null ? {} : { classes: `govuk-input--width-${width}` }),
          attributes: { maxlength: 300 },
        })
      return fieldset({
        legend: { text: f.label, classes: 'govuk-fieldset__legend--s' },
        body: html`${part('law', s?.law, null, text(l, 'source.law-hint'))}<div class="v-pair">${part('article', s?.article, 10)}${part('read', s?.read, 10, text(l, 'source.read-hint'))}</div>${part('url', s?.url, null)}${checkboxes(
          {
            name: `${f.name}.unverified`,
            idPrefix: idOf(`${f.name}.unverified`),
            classes: 'govuk-checkboxes--small',
            items: [{ value: '1', text: text(l, 'source.unverified'), checked: f.value === 'unverified' }],
          },
        )}`,
      })
    }
  }
}

const link = (href: string, words: Child): Html => html`<a class="govuk-link" href="${href}">${words}</a>`

/** Faults as a list, each leading to the page where it is mended. */
export function faultList(l: Language, faults: readonly Fault[], pageOf: (f: Fault) => { href: string; name: string }): Html {
  return html`<ul class="govuk-list govuk-list--bullet">${faults.slice(0, 40).map((f) => {
    const page = pageOf(f)
    return html`<li>${link(page.href, page.name)}: ${faultWords(l, f)}</li>`
  })}</ul>${faults.length > 40 && html`<p class="govuk-body">${text(l, 'faults.more', { count: faults.length - 40 })}</p>`}`
}

/** The items of a list with what can be done to each. */
export function itemList(
  l: Language,
  items: readonly Item[],
  url: (id: string) => string,
  faults: readonly Fault[],
  hidden: Html,
  action: string,
  removable: boolean,
): Html {
  if (items.length === 0) return html`<p class="govuk-body">${text(l, 'list.empty')}</p>`
  const act = (act: string, id: string, name: string, key: Key) =>
    html`<button class="v-act" type="submit" name="act" value="${act} ${id}">${text(l, key)}<span class="govuk-visually-hidden">: ${name}</span></button>`
  return html`<form action="${action}" method="post">${hidden}<ol class="v-items">${items.map((i) => {
    const wrong = faults.filter((f) => liesAt(placeOfFault(f), i.at)).length
    return html`<li class="v-items__item"><div class="v-items__words">${link(url(i.id), i.name)}${wrong > 0 && html` ${tag({ text: text(l, 'faults.count', { count: wrong }), kind: 'wrong' })}`}<br><span class="v-soft">${i.about}</span></div><div class="v-items__acts">${i.up && act('up', i.id, i.name, 'act.up')}${i.down && act('down', i.id, i.name, 'act.down')}${removable && !i.stays && act('remove', i.id, i.name, 'act.remove')}</div></li>`
  })}</ol></form>`
}

/** Two fields for the name of something new, and what else it needs. */
export function addForm(l: Language, action: string, hidden: Html, heading: string, more: Html): Html {
  return html`<h2 class="govuk-heading-m" id="add">${heading}</h2><form action="${action}" method="post">${hidden}<input type="hidden" name="act" value="add"><div class="v-pair">${input(
    {
      name: 'es',
      label: html`${text(l, 'add.name')} <span class="v-soft">(${text(l, 'language.es')})</span>`,
      attributes: { lang: 'es', maxlength: 300 },
    },
  )}${input({ name: 'en', label: html`${text(l, 'add.name')} <span class="v-soft">(${text(l, 'language.en')})</span>`, attributes: { lang: 'en', maxlength: 300 } })}</div>${more}${button({ text: text(l, 'add.button'), kind: 'secondary' })}</form>`
}

/** A select of a few, for the forms that add. */
function chooser(name: string, label: string, options: readonly Option[], value = ''): Html {
  return select({ name, label, value, items: options.map((o) => ({ value: o.value, text: o.text })) })
}

/** What changed, in words, the burdens first. */
export function changeTable(l: Language, changes: readonly Change[], from: { readonly burden: string; readonly relief: string }): Html {
  if (changes.length === 0) return html`<p class="govuk-body">${text(l, 'difference.nothing')}</p>`
  const group = (effect: Change['effect'], lead: string) => {
    const some = changes.filter((c) => c.effect === effect)
    return (
      some.length > 0 &&
      html`<h2 class="govuk-heading-m">${text(l, `difference.${effect}` as Key)}</h2><p class="govuk-body">${lead}</p>${scrolling(
        text(l, `difference.${effect}` as Key),
        table({
          head: [text(l, 'difference.what'), text(l, 'difference.before'), text(l, 'difference.after')],
          rows: some.slice(0, 60).map((c) => [c.what, c.before || text(l, 'difference.none'), c.after || text(l, 'difference.none')]),
          firstCellIsHeader: true,
        }),
      )}`
    )
  }
  return html`${group('burden', from.burden)}${group('relief', from.relief)}${group('other', text(l, 'difference.other-lead'))}${group('words', text(l, 'difference.words-lead'))}`
}

/** When and by whom, in a line. */
export const byWhom = (l: Language, at: Date, name: string): string =>
  text(l, 'by-whom', { name, at: formatDate(l, at, { time: true, short: true }) })

/** The field that finds a published service. */
export const searchField = (l: Language, q: string): Html =>
  input({ name: 'q', type: 'search', label: text(l, 'home.find'), value: q, classes: 'govuk-input--width-20' })

/** The ways to the places one writes for; null: all of them. */
export function placesOf(l: Language, places: readonly { readonly code: string; readonly name: string }[] | null): Html | false {
  if (places !== null && places.length === 0) return false
  return html`<h2 class="govuk-heading-m" id="places">${text(l, 'home.places')}</h2>${
    places === null
      ? html`<form action="/editor/places" method="get">${input({ name: 'place', label: text(l, 'home.place'), hint: words(l, 'place.hint'), classes: 'govuk-input--width-20' })}${button({ text: text(l, 'home.open'), kind: 'secondary' })}</form>`
      : html`<ul class="govuk-list">${places.map((p) => html`<li>${link(`/editor/places/${p.code}`, p.name)}</li>`)}</ul>`
  }`
}

/** What a new service is asked for. */
export function newFields(
  l: Language,
  form: Form,
  errors: readonly { href?: string | undefined; text: unknown }[],
  agencies: readonly Option[],
): Html {
  const error = (name: string) => {
    const found = errors.find((e) => e.href === `#${name}`)
    return found ? String(found.text) : undefined
  }
  const field = (language: Language) =>
    input({
      name: language,
      label: html`${text(l, 'field.name')} <span class="v-soft">(${text(l, `language.${language}`)})</span>`,
      value: String(form[language] ?? ''),
      error: error(language),
      attributes: { lang: language, maxlength: 200 },
    })
  return html`<div class="v-pair">${field('es')}${field('en')}</div>${select({
    name: 'agency',
    label: text(l, 'field.agency'),
    hint: text(l, 'new.agency-hint'),
    value: String(form.agency ?? ''),
    error: error('agency'),
    items: [{ value: '', text: words(l, 'choose.one') }, ...agencies.map((a) => ({ value: a.value, text: a.text }))],
  })}`
}

/** What a list's form asks beside the name of what is added. */
export function addMore(l: Language, part: PartId, edit: Edit): Html {
  const d = edit.content.definition
  const name = (key: string, otherwise: string) => edit.content[l][key] ?? otherwise
  if (part === 'questions')
    return html`${chooser(
      'kind',
      text(l, 'field.kind'),
      [...Object.keys(questionKinds).filter((k) => k !== 'file'), 'group'].map((k) => ({ value: k, text: text(l, `kind.${k as 'text'}`) })),
      'text',
    )}${chooser(
      'page',
      text(l, 'field.page'),
      [...d.pages.map((p) => ({ value: p.id, text: name(`pages.${p.id}`, p.id) })), { value: '', text: text(l, 'page.own') }],
      d.pages.at(-1)?.id,
    )}${
      d.questions.some((q) => q.kind === 'group') &&
      chooser('into', text(l, 'field.into'), [
        { value: '', text: text(l, 'into.none') },
        ...d.questions.filter((q) => q.kind === 'group').map((q) => ({ value: q.id, text: name(`questions.${q.id}`, q.id) })),
      ])
    }`
  if (part === 'steps')
    return html`${chooser(
      'kind',
      text(l, 'field.step-kind'),
      (['review', 'parallel', 'decide', 'timer', 'pay', 'sign', 'issue'] as const).map((k) => ({ value: k, text: text(l, `step.${k}`) })),
    )}${chooser(
      'after',
      text(l, 'field.after'),
      d.steps.filter((s) => 'next' in s).map((s) => ({ value: s.id, text: name(`steps.${s.id}`, s.id) })),
    )}`
  return html``
}

/** One of a list, as radios or, where it is long, a select. */
export function choiceOf(name: string, label: string, options: readonly Option[]): Html {
  if (options.length > 9) return chooser(name, label, options)
  return radios({
    name,
    fieldset: { legend: { text: label, classes: 'govuk-fieldset__legend--m' } },
    items: options.map((o) => ({ ...o })),
  })
}

/** How a question is compared, and with what. */
export function comparisonFields(
  l: Language,
  subject: string,
  operators: readonly Operator[],
  values: readonly Option[] | null,
  joins: boolean,
): Html {
  return html`<h2 class="govuk-heading-m">${subject}</h2>${
    joins &&
    radios({
      name: 'joint',
      fieldset: { legend: { text: text(l, 'condition.joint'), classes: 'govuk-fieldset__legend--s' } },
      value: 'and',
      items: (['and', 'or'] as const).map((j) => ({ value: j, text: text(l, `condition.joint-${j}`) })),
    })
  }${radios({
    name: 'operator',
    fieldset: { legend: { text: text(l, 'condition.operator'), classes: 'govuk-fieldset__legend--s' } },
    value: operators[0],
    items: operators.map((o) => ({ value: o, text: text(l, `operator.${o}`) })),
  })}${
    values === null
      ? operators.some(needsValue) &&
        input({ name: 'value', label: text(l, 'condition.value'), hint: text(l, 'condition.value-hint'), classes: 'govuk-input--width-20' })
      : choiceOf('value', text(l, 'condition.value'), values)
  }`
}

/** What the telephone says for each prompt. */
export function spokenBlock(l: Language, prompts: readonly (readonly string[])[], open = false): Html {
  return details({
    summary: text(l, 'prompts.spoken'),
    open,
    body: html`<ul class="govuk-list govuk-list--bullet">${prompts.map((said) => html`<li>${said.join(' ')}</li>`)}</ul>`,
  })
}

/** A name alone. */
export const nameField = (_l: Language, label: string): Html => input({ name: 'name', label, attributes: { maxlength: 200 } })

/** One example: what is answered, what follows, and whether it does. */
export function exampleCard(
  l: Language,
  e: Example,
  wrong: readonly Fault[],
  acts: { readonly action: string; readonly tryAction: string; readonly hidden: Html; readonly i: number } | null,
): Html {
  const list = (o: object) =>
    html`<ul class="govuk-list">${Object.entries(o).map(([k, x]) => html`<li><code>${k}</code> ${typeof x === 'string' ? x : JSON.stringify(x)}</li>`)}</ul>`
  return html`<section><h2 class="govuk-heading-m">${e.name} ${tag(wrong.length > 0 ? { text: text(l, 'example.wrong'), kind: 'wrong' } : { text: text(l, 'example.right'), kind: 'done' })}</h2>${
    wrong.length > 0 && html`<ul class="govuk-list govuk-list--bullet">${wrong.map((f) => html`<li>${faultWords(l, f)}</li>`)}</ul>`
  }${details({ summary: text(l, 'example.answers'), body: html`${list(e.answers)}<h3 class="govuk-heading-s">${text(l, 'example.expect')}</h3>${list(e.expect)}` })}${
    acts &&
    html`<form action="${acts.action}" method="post">${acts.hidden}<input type="hidden" name="i" value="${acts.i}"><div class="v-items__acts"><button class="v-act" type="submit" name="act" value="accept">${text(l, 'example.accept')}<span class="govuk-visually-hidden">: ${e.name}</span></button><button class="v-act" type="submit" name="act" value="remove">${text(l, 'act.remove')}<span class="govuk-visually-hidden">: ${e.name}</span></button></div></form>`
  }</section>`
}

export { link, summaryList }
