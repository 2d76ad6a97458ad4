/** The eight prompts as form fields of a page: how the web channel asks. */
import { type Html, html } from '#kernel/html'
import type { FieldProblem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { button, checkboxes, dateInput, fieldset, input, radios, type SummaryError, select, textarea } from '#look'
import type { FormFields, Prompt, PromptGroup } from './journey.ts'
import { words } from './text.ts'

/** What a page of prompts is drawn with: what was wrong, and what the person typed, so that nothing has to be typed twice. */
export type Drawing = {
  readonly language: Language
  readonly problems: readonly FieldProblem[]
  readonly doubts?: readonly FieldProblem[]
  readonly typed: FormFields | null
}

/** The id of a prompt's field. Names carry dots, which ids in links must not. */
const fieldId = (name: string): string => name.replaceAll('.', '-')

/** The problems of a page as its summary: each names its question, as three lines *an answer is missing* tell nobody which, and links to its field. */
export function summaryOf(
  language: Language,
  prompts: readonly (Prompt | PromptGroup)[],
  problems: readonly FieldProblem[],
): SummaryError[] {
  const at = new Map<string, { name: string; label: string }>()
  for (const p of prompts) {
    at.set(p.pointer, p)
    if (p.type === 'group')
      for (const [i, item] of p.items.entries())
        for (const q of item)
          at.set(q.pointer, { name: q.name, label: `${q.label} (${words(language, 'prompt.group.item', { n: i + 1 })})` })
  }
  return problems.map((p) => {
    const found = at.get(p.pointer)
    return {
      // A declaration is its own words: the message says what to do with it.
      text: found && p.code !== 'confirm' ? named(language, found.label, p.detail) : p.detail,
      href: `#${firstField(prompts, found?.name ?? '')}`,
    }
  })
}

/** What is wrong, with the question it is about. A question that ends by itself takes no colon. */
export function named(language: Language, question: string, what: string): string {
  return question.endsWith('?')
    ? `${question} ${what}`
    : words(language, 'prompt.error.named', { question: question.replace(/[.:]$/, ''), what })
}

function firstField(prompts: readonly (Prompt | PromptGroup)[], name: string): string {
  const all = prompts.flatMap((p) => (p.type === 'group' ? p.items.flat() : [p]))
  const prompt = all.find((p) => p.name === name)
  return prompt?.type === 'date' ? `${fieldId(name)}-day` : fieldId(name)
}

// What Enter presses in a field is the form's first button. Without this one it would take away the first of a repeating group, or add one.
const sendByEnter = html`<button class="govuk-visually-hidden" type="submit" tabindex="-1" aria-hidden="true"></button>`

/** All prompts of a page. */
export function promptFields(prompts: readonly (Prompt | PromptGroup)[], drawing: Drawing): Html {
  const lone = prompts.length === 1
  return html`${prompts.some((p) => p.type === 'group') && sendByEnter}${prompts.map((p) => (p.type === 'group' ? groupField(p, drawing) : promptField(p, drawing, lone)))}`
}

function groupField(group: PromptGroup, drawing: Drawing): Html {
  const l = drawing.language
  const error = drawing.problems.find((p) => p.pointer === group.pointer)?.detail
  return html`<div class="govuk-form-group" id="${fieldId(group.name)}"><h2 class="govuk-heading-m">${group.label}</h2>${group.hint && html`<p class="govuk-hint">${group.hint}</p>`}${
    error && html`<p class="govuk-error-message">${error}</p>`
  }${group.items.map((item, i) =>
    fieldset({
      classes: 'v-repeat',
      legend: { text: words(l, 'prompt.group.item', { n: i + 1 }), classes: 'govuk-fieldset__legend--s' },
      body: html`${item.map((q) => promptField(q, drawing, false))}${
        group.remove[i] &&
        button({ text: words(l, 'prompt.group.remove', { n: i + 1 }), kind: 'secondary', name: group.remove[i]!, value: '1' })
      }`,
    }),
  )}${group.add && button({ text: words(l, 'prompt.group.add'), kind: 'secondary', name: group.add, value: '1' })}</div>`
}

function one(typed: FormFields | null, name: string): string | undefined {
  const v = typed?.[name]
  const first = Array.isArray(v) ? v[0] : v
  return typeof first === 'string' ? first.slice(0, 5000) : undefined
}

function promptField(prompt: Prompt, drawing: Drawing, lone: boolean): Html {
  const { language: l, typed } = drawing
  const id = fieldId(prompt.name)
  const wrong = drawing.problems.find((p) => p.pointer === prompt.pointer)
  const error = wrong?.detail
  const doubt = drawing.doubts?.find((p) => p.pointer === prompt.pointer)?.detail
  const asks = html`${prompt.label}${prompt.optional && html` <span class="v-soft">${words(l, 'prompt.optional')}</span>`}`
  const heading = lone ? 'govuk-label--m' : ''
  const legend = { text: asks, classes: lone ? 'govuk-fieldset__legend--m' : 'govuk-fieldset__legend--s' }
  // Only something written can stand like that on a document.
  const sure =
    wrong && wrong.code !== 'required' && prompt.type !== 'confirm' && prompt.type === 'text' && prompt.input === 'letters'
      ? checkboxes({
          name: `${prompt.name}.sure`,
          idPrefix: `${id}-sure`,
          items: [{ value: '1', text: words(l, 'prompt.as-on-document') }],
        })
      : null
  const common = {
    id,
    name: prompt.name,
    hint: prompt.hint || undefined,
    error: error ?? undefined,
    label: { text: asks, classes: heading },
  }
  const value =
    one(typed, prompt.name) ?? (typeof prompt.value === 'string' || typeof prompt.value === 'number' ? String(prompt.value) : '')
  const after = html`${doubt && html`<p class="govuk-hint">${doubt}</p>`}${sure}`
  switch (prompt.type) {
    case 'text':
      return html`${
        prompt.lines > 1
          ? textarea({ ...common, value, rows: Math.min(prompt.lines, 12), autocomplete: prompt.autocomplete })
          : input({
              ...common,
              value,
              autocomplete: prompt.autocomplete,
              type: prompt.input === 'email' ? 'email' : 'text',
              inputmode: prompt.input === 'digits' ? 'numeric' : undefined,
              spellcheck: prompt.input === 'words' ? undefined : false,
              autocapitalize: prompt.input === 'letters' ? 'characters' : undefined,
              classes: prompt.maxLength <= 13 ? 'govuk-input--width-10' : prompt.maxLength <= 30 ? 'govuk-input--width-20' : '',
              attributes: { maxlength: prompt.maxLength + 20 },
            })
      }${after}`
    case 'number':
      return html`${input({ ...common, value, inputmode: 'decimal', classes: 'govuk-input--width-10' })}${after}`
    case 'money':
      return html`${input({ ...common, value, inputmode: 'decimal', classes: 'govuk-input--width-10', prefix: '$' })}${after}`
    case 'date': {
      const [y, m, d] = typeof prompt.value === 'string' ? prompt.value.split('-') : []
      const part = (name: 'day' | 'month' | 'year', stored: string | undefined) => ({
        name: `${prompt.name}.${name}`,
        id: `${id}-${name}`,
        label: words(l, `prompt.${name}`),
        value: one(typed, `${prompt.name}.${name}`) ?? (stored ? String(Number(stored)) : ''),
        classes: `govuk-input--width-${name === 'year' ? 4 : 2}`,
        autocomplete: prompt.autocomplete ? `${prompt.autocomplete}-${name}` : undefined,
      })
      return dateInput({
        id,
        language: l,
        fieldset: { legend },
        hint: prompt.hint || undefined,
        error: error ?? undefined,
        items: [part('day', d), part('month', m), part('year', y)],
      })
    }
    case 'choice':
    case 'choices': {
      const chosen =
        typed && typed[prompt.name] !== undefined
          ? [typed[prompt.name]].flat().map(String)
          : prompt.value === null
            ? []
            : [prompt.value].flat().map((v) => (v === true ? 'yes' : v === false ? 'no' : String(v)))
      const items = prompt.options.map((o) => ({ value: o.value, text: o.label, checked: chosen.includes(o.value) }))
      if (prompt.type === 'choices')
        return checkboxes({
          name: prompt.name,
          idPrefix: id,
          fieldset: { legend },
          hint: prompt.hint || undefined,
          error: error ?? undefined,
          items,
        })
      if (prompt.options.length > 9)
        return html`${select({ ...common, value: chosen[0] ?? '', items: [{ value: '', text: words(l, 'prompt.choose') }, ...prompt.options.map((o) => ({ value: o.value, text: o.label }))] })}${after}`
      return radios({
        name: prompt.name,
        idPrefix: id,
        fieldset: { legend },
        hint: prompt.hint || undefined,
        error: error ?? undefined,
        items,
      })
    }
    case 'confirm':
      return checkboxes({
        name: prompt.name,
        idPrefix: id,
        hint: prompt.hint || undefined,
        error: error ?? undefined,
        items: [{ value: 'true', text: asks, checked: typed ? typed[prompt.name] !== undefined : prompt.value === true }],
      })
    case 'file':
      return html`<div class="govuk-form-group"><p class="govuk-body">${asks}</p><p class="govuk-hint">${words(l, 'prompt.file-later')}</p></div>`
  }
}
