/**
 * The form components. Each emits the markup of govuk-frontend's component of the same name, so that its styles and scripts apply;
 * test/look/fixtures.test.ts compares the trees with the fixtures the package ships.
 */
import { attributes, type Child, Html, html } from '#kernel/html'
import type { Language } from '#kernel/text'
import { text } from './text.ts'

/** Words (escaped) or markup made by `html`. */
export type Content = Html | string
/** Further attributes of the component's main element; `false`, `null` and `undefined` leave an attribute out. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>

/** What every component takes beside its own options. */
export interface Extra {
  readonly classes?: string | undefined
  readonly attributes?: Attributes | undefined
}

export const joined = (...names: readonly (string | false | null | undefined)[]): string => names.filter(Boolean).join(' ')
export const attrs = (all: Attributes | undefined): Html | null => (all ? attributes(all) : null)
const orNothing = (value: string): string | undefined => (value === '' ? undefined : value)

export interface LabelOptions extends Extra {
  readonly text: Content
  readonly for?: string | undefined
  /** The label is the page's only `h1`: for pages with one question. */
  readonly pageHeading?: boolean | undefined
}

/** A field's label; as the page's heading when the page asks one thing. */
export function label(options: LabelOptions): Html | null {
  if (!options.text) return null
  const it = html`<label class="${joined('govuk-label', options.classes)}"${attrs(options.attributes)}${attributes({ for: options.for })}>${options.text}</label>`
  return options.pageHeading ? html`<h1 class="govuk-label-wrapper">${it}</h1>` : it
}

export interface HintOptions extends Extra {
  readonly text: Content
  readonly id?: string | undefined
}

/** Help that stands between the label and the field. */
export function hint(options: HintOptions): Html {
  return html`<div${attributes({ id: options.id })} class="${joined('govuk-hint', options.classes)}"${attrs(options.attributes)}>${options.text}</div>`
}

export interface ErrorMessageOptions extends Extra {
  readonly text: Content
  readonly id?: string | undefined
  /** Said before the message by screen readers; `Error` unless told, the same word in Spanish and English. `null`: nothing. */
  readonly prefix?: string | null | undefined
}

/** What is wrong with one field and what to do. Put the same words into `errorSummary`. */
export function errorMessage(options: ErrorMessageOptions): Html {
  const prefix = options.prefix === undefined ? text('es', 'error') : options.prefix
  return html`<p${attributes({ id: options.id })} class="${joined('govuk-error-message', options.classes)}"${attrs(options.attributes)}>${
    prefix ? html`<span class="govuk-visually-hidden">${prefix}:</span> ` : null
  }${options.text}</p>`
}

/** What the fields share: the order is always label, hint, error, field. */
export interface Field extends Extra {
  /** Null: the field is read by a script and never sent; then `id` is needed. */
  readonly name: string | null
  /** `name` unless told. The error summary links to it. */
  readonly id?: string | undefined
  readonly label: Content | LabelOptions
  readonly hint?: Content | HintOptions | undefined
  readonly error?: Content | ErrorMessageOptions | null | undefined
  /** Ids of further elements that describe the field. */
  readonly describedBy?: string | undefined
  readonly groupClasses?: string | undefined
  readonly groupAttributes?: Attributes | undefined
  readonly disabled?: boolean | undefined
}

// `Html` has a `text` of its own, so the class is asked first.
const asOptions = <O extends { readonly text: Content }>(given: Content | O): O =>
  given instanceof Html || typeof given === 'string' ? ({ text: given } as unknown as O) : given

// What a form sends back is text: `3` and `'3'` are one choice.
const same = (a: string | number, b: string | number | null | undefined) => b !== null && b !== undefined && String(a) === String(b)

type Described = Pick<Field, 'hint' | 'error'>

function helpOf(field: Described, id: string, describedBy: string | undefined) {
  const hintOptions = field.hint ? asOptions<HintOptions>(field.hint) : null
  const errorOptions = field.error ? asOptions<ErrorMessageOptions>(field.error) : null
  return {
    markup: [
      hintOptions && hint({ ...hintOptions, id: `${id}-hint` }),
      errorOptions && errorMessage({ ...errorOptions, id: `${id}-error` }),
    ] as Child,
    describedBy: orNothing(joined(describedBy, hintOptions && `${id}-hint`, errorOptions && `${id}-error`)),
    failed: errorOptions !== null,
  }
}

function group(field: Pick<Field, 'error' | 'groupClasses' | 'groupAttributes'>, inside: Child): Html {
  return html`<div class="${joined('govuk-form-group', field.error && 'govuk-form-group--error', field.groupClasses)}"${attrs(field.groupAttributes)}>${inside}</div>`
}

function labelled(field: Field, render: (id: string, describedBy: string | undefined, failed: boolean) => Child): Html {
  const id = field.id ?? field.name
  if (id === null) throw new RangeError('A field without a name needs an id.')
  const help = helpOf(field, id, field.describedBy)
  return group(field, [label({ ...asOptions<LabelOptions>(field.label), for: id }), help.markup, render(id, help.describedBy, help.failed)])
}

export interface InputOptions extends Field {
  readonly type?: 'text' | 'email' | 'tel' | 'password' | 'search' | 'url' | 'number' | undefined
  readonly value?: string | number | null | undefined
  readonly inputmode?: 'text' | 'numeric' | 'decimal' | 'tel' | 'email' | 'url' | 'none' | undefined
  readonly autocomplete?: string | undefined
  readonly autocapitalize?: string | undefined
  readonly pattern?: string | undefined
  readonly spellcheck?: boolean | undefined
  /** A unit before or after the field (`$`, `kg`). Hidden from screen readers: name it in the label too. */
  readonly prefix?: Content | undefined
  readonly suffix?: Content | undefined
}

/** One line of text. `classes: 'govuk-input--width-10'` sizes it to what is expected (2, 3, 4, 5, 10, 20, 30). */
export function input(options: InputOptions): Html {
  return labelled(options, (id, describedBy, failed) => {
    const it = html`<input${attributes({
      class: joined('govuk-input', options.classes, failed && 'govuk-input--error'),
      id,
      name: options.name,
      type: options.type ?? 'text',
      spellcheck: options.spellcheck === undefined ? undefined : String(options.spellcheck),
      value: options.value,
      disabled: options.disabled,
      'aria-describedby': describedBy,
      autocomplete: options.autocomplete,
      autocapitalize: options.autocapitalize,
      pattern: options.pattern,
      inputmode: options.inputmode,
    })}${attrs(options.attributes)}>`
    const affix = (what: Content | undefined, place: string) =>
      what && html`<div class="govuk-input__${place}" aria-hidden="true">${what}</div>`
    return options.prefix || options.suffix
      ? html`<div class="govuk-input__wrapper">${affix(options.prefix, 'prefix')}${it}${affix(options.suffix, 'suffix')}</div>`
      : it
  })
}

export interface TextareaOptions extends Field {
  readonly value?: string | null | undefined
  readonly rows?: number | undefined
  readonly autocomplete?: string | undefined
  readonly spellcheck?: boolean | undefined
}

/** Several lines of text. */
export function textarea(options: TextareaOptions): Html {
  return labelled(
    options,
    (id, describedBy, failed) =>
      html`<textarea${attributes({
        class: joined('govuk-textarea', failed && 'govuk-textarea--error', options.classes),
        id,
        name: options.name,
        rows: options.rows ?? 5,
        spellcheck: options.spellcheck === undefined ? undefined : String(options.spellcheck),
        disabled: options.disabled,
        'aria-describedby': describedBy,
        autocomplete: options.autocomplete,
      })}${attrs(options.attributes)}>${
        // The parser drops one newline right after the tag: a value that begins with one would lose it.
        options.value?.startsWith('\n') ? `\n${options.value}` : options.value
      }</textarea>`,
  )
}

export interface SelectItem {
  readonly value?: string | number | undefined
  readonly text: string
  readonly selected?: boolean | undefined
  readonly disabled?: boolean | undefined
  readonly attributes?: Attributes | undefined
}

export interface SelectOptions extends Field {
  readonly items: readonly SelectItem[]
  readonly value?: string | number | null | undefined
}

/** A closed list in one line. Prefer `radios` below some eight items. */
export function select(options: SelectOptions): Html {
  const chosen = (item: SelectItem) => item.selected ?? same(item.value ?? item.text, options.value)
  return labelled(
    options,
    (id, describedBy, failed) =>
      html`<select${attributes({
        class: joined('govuk-select', options.classes, failed && 'govuk-select--error'),
        id,
        name: options.name,
        disabled: options.disabled,
        'aria-describedby': describedBy,
      })}${attrs(options.attributes)}>${options.items.map(
        (item) =>
          html`<option${attributes({ value: item.value, selected: chosen(item), disabled: item.disabled })}${attrs(item.attributes)}>${item.text}</option>`,
      )}</select>`,
  )
}

export interface LegendOptions extends Extra {
  readonly text: Content
  readonly pageHeading?: boolean | undefined
}

export interface FieldsetOptions extends Extra {
  readonly legend?: Content | LegendOptions | undefined
  readonly describedBy?: string | undefined
  readonly role?: string | undefined
  readonly body?: Child
}

/** Fields that answer one question together. */
export function fieldset(options: FieldsetOptions): Html {
  const legend = options.legend ? asOptions<LegendOptions>(options.legend) : null
  return html`<fieldset${attributes({
    class: joined('govuk-fieldset', options.classes),
    role: options.role,
    'aria-describedby': options.describedBy,
  })}${attrs(options.attributes)}>${
    legend &&
    html`<legend class="${joined('govuk-fieldset__legend', legend.classes)}">${
      legend.pageHeading ? html`<h1 class="govuk-fieldset__heading">${legend.text}</h1>` : legend.text
    }</legend>`
  }${options.body}</fieldset>`
}

export interface Choice {
  readonly value: string | number
  readonly text: Content
  readonly hint?: Content | HintOptions | undefined
  readonly id?: string | undefined
  readonly checked?: boolean | undefined
  readonly disabled?: boolean | undefined
  /** Shown under the choice while it is taken; without scripts always shown. */
  readonly conditional?: Html | undefined
  readonly labelClasses?: string | undefined
  readonly labelAttributes?: Attributes | undefined
  readonly attributes?: Attributes | undefined
}

export interface CheckboxChoice extends Choice {
  readonly name?: string | undefined
  /** Choosing it takes back all others (*none of these*). */
  readonly exclusive?: boolean | undefined
}

/** A word between choices, *or*. */
export interface Divider {
  readonly divider: string
}

interface ChoicesOptions<C> extends Extra {
  readonly name: string
  /** The first choice's id, where the error summary links; `name` unless told. */
  readonly idPrefix?: string | undefined
  readonly fieldset?: Omit<FieldsetOptions, 'body' | 'role'> | undefined
  readonly hint?: Content | HintOptions | undefined
  readonly error?: Content | ErrorMessageOptions | null | undefined
  readonly items: readonly (C | Divider | null | undefined | false)[]
  readonly groupClasses?: string | undefined
  readonly groupAttributes?: Attributes | undefined
}

export interface RadiosOptions extends ChoicesOptions<Choice> {
  readonly value?: string | number | null | undefined
}

export interface CheckboxesOptions extends ChoicesOptions<CheckboxChoice> {
  readonly values?: readonly (string | number)[] | undefined
  /** Ids that describe the group when there is no fieldset. */
  readonly describedBy?: string | undefined
}

function choices(
  kind: 'radios' | 'checkboxes',
  options: ChoicesOptions<CheckboxChoice> & { readonly describedBy?: string | undefined },
  isChosen: (choice: CheckboxChoice) => boolean,
): Html {
  const prefix = options.idPrefix ?? options.name
  const help = helpOf(options, prefix, options.fieldset?.describedBy ?? options.describedBy)
  const item = (choice: CheckboxChoice | Divider, index: number): Html => {
    if ('divider' in choice) return html`<div class="govuk-${kind}__divider">${choice.divider}</div>`
    const id = choice.id ?? (index === 0 ? prefix : `${prefix}-${index + 1}`)
    const checked = choice.checked ?? isChosen(choice)
    const itemHint = choice.hint ? asOptions<HintOptions>(choice.hint) : null
    const hintId = itemHint ? `${id}-item-hint` : undefined
    // Radios belong to one question and are described as a group; lone checkboxes have nothing else that could carry the description.
    const describedBy = orNothing(joined(kind === 'checkboxes' && !options.fieldset && help.describedBy, hintId))
    return html`<div class="govuk-${kind}__item"><input${attributes({
      class: `govuk-${kind}__input`,
      id,
      name: choice.name ?? options.name,
      type: kind === 'radios' ? 'radio' : 'checkbox',
      value: choice.value,
      checked,
      disabled: choice.disabled,
      'data-aria-controls': choice.conditional && `conditional-${id}`,
      'data-behaviour': choice.exclusive && 'exclusive',
      'aria-describedby': describedBy,
    })}${attrs(choice.attributes)}>${label({
      text: choice.text,
      classes: joined(`govuk-${kind}__label`, choice.labelClasses),
      attributes: choice.labelAttributes,
      for: id,
    })}${itemHint && hint({ ...itemHint, id: hintId, classes: joined(`govuk-${kind}__hint`, itemHint.classes) })}</div>${
      choice.conditional &&
      html`<div class="${joined(`govuk-${kind}__conditional`, !checked && `govuk-${kind}__conditional--hidden`)}" id="conditional-${id}">${choice.conditional}</div>`
    }`
  }
  const body: Child = [
    help.markup,
    html`<div class="${joined(`govuk-${kind}`, options.classes)}"${attrs(options.attributes)} data-module="govuk-${kind}">${options.items.map(
      (choice, i) => choice && item(choice, i),
    )}</div>`,
  ]
  return group(options, options.fieldset ? fieldset({ ...options.fieldset, describedBy: help.describedBy, body }) : body)
}

/** One of a few. `classes`: `govuk-radios--inline` (two short ones), `govuk-radios--small`. */
export function radios(options: RadiosOptions): Html {
  return choices('radios', options, (c) => same(c.value, options.value))
}

/** Any of a few, each sent under the same name. */
export function checkboxes(options: CheckboxesOptions): Html {
  return choices('checkboxes', options, (c) => options.values?.some((v) => same(c.value, v)) ?? false)
}

export interface DatePart {
  /** `day`, `month`, `year`: the end of the field's name and id. */
  readonly name: string
  readonly label?: string | undefined
  readonly value?: string | number | null | undefined
  readonly autocomplete?: string | undefined
  readonly error?: boolean | undefined
  readonly classes?: string | undefined
  readonly id?: string | undefined
  readonly pattern?: string | undefined
  readonly attributes?: Attributes | undefined
}

export interface DateInputOptions extends Extra {
  readonly id: string
  readonly language: Language
  /** Fields are named `<namePrefix>-day`, …; without it `day`, `month`, `year`. */
  readonly namePrefix?: string | undefined
  readonly fieldset?: Omit<FieldsetOptions, 'body' | 'role'> | undefined
  readonly hint?: Content | HintOptions | undefined
  readonly error?: Content | ErrorMessageOptions | null | undefined
  readonly values?: { readonly day?: string | number; readonly month?: string | number; readonly year?: string | number } | undefined
  /** The parts that the error is about; all three unless told. */
  readonly wrong?: readonly ('day' | 'month' | 'year')[] | undefined
  /** Instead of day, month, year: for example month and year alone. */
  readonly items?: readonly DatePart[] | undefined
  readonly groupClasses?: string | undefined
  readonly groupAttributes?: Attributes | undefined
}

/** A date in three fields, day first as dates are said in Mexico. */
export function dateInput(options: DateInputOptions): Html {
  const help = helpOf(options, options.id, options.fieldset?.describedBy)
  const parts: readonly DatePart[] = options.items ?? [
    { name: 'day', value: options.values?.day, error: options.wrong?.includes('day') },
    { name: 'month', value: options.values?.month, error: options.wrong?.includes('month') },
    { name: 'year', value: options.values?.year, error: options.wrong?.includes('year') },
  ]
  const anyMarked = parts.some((p) => p.error)
  const part = (p: DatePart): Html => {
    const failed = p.error || (p.error !== false && options.error && !anyMarked)
    const known = p.name === 'day' || p.name === 'month' || p.name === 'year' ? text(options.language, p.name) : p.name
    return html`<div class="govuk-date-input__item">${input({
      label: { text: p.label ?? known, classes: 'govuk-date-input__label' },
      id: p.id ?? `${options.id}-${p.name}`,
      name: options.namePrefix ? `${options.namePrefix}-${p.name}` : p.name,
      value: p.value,
      classes: joined(
        'govuk-date-input__input',
        failed && 'govuk-input--error',
        !p.classes?.includes('govuk-input--width-') && `govuk-input--width-${p.name === 'year' ? 4 : 2}`,
        p.classes,
      ),
      inputmode: 'numeric',
      autocomplete: p.autocomplete,
      pattern: p.pattern,
      attributes: p.attributes,
    })}</div>`
  }
  const body: Child = [
    help.markup,
    html`<div class="${joined('govuk-date-input', options.classes)}"${attrs(options.attributes)} id="${options.id}">${parts.map(part)}</div>`,
  ]
  return group(options, options.fieldset ? fieldset({ ...options.fieldset, describedBy: help.describedBy, role: 'group', body }) : body)
}

export interface FileUploadOptions extends Field {
  readonly multiple?: boolean | undefined
  /** What the chooser offers first, `image/*,application/pdf`; the server checks again by content. */
  readonly accept?: string | undefined
}

/** A file of the person's device; on a telephone also its camera. The form needs `enctype="multipart/form-data"`. */
export function fileUpload(options: FileUploadOptions): Html {
  return labelled(
    options,
    (id, describedBy, failed) =>
      html`<input${attributes({
        class: joined('govuk-file-upload', options.classes, failed && 'govuk-file-upload--error'),
        id,
        name: options.name,
        type: 'file',
        accept: options.accept,
        disabled: options.disabled,
        multiple: options.multiple,
        'aria-describedby': describedBy,
      })}${attrs(options.attributes)}>`,
  )
}

export interface ButtonOptions extends Extra {
  readonly text: Content
  /** With it a link that looks and behaves as a button. */
  readonly href?: string | undefined
  readonly type?: 'submit' | 'button' | 'reset' | undefined
  readonly name?: string | undefined
  readonly value?: string | undefined
  readonly id?: string | undefined
  readonly disabled?: boolean | undefined
  /** `start` has an arrow and begins a service; `secondary` is every other act beside the one primary; `warning` cannot be undone. */
  readonly kind?: 'primary' | 'start' | 'secondary' | 'warning' | undefined
  /** A second press within a second is dropped by the script. The server must not depend on it. */
  readonly preventDoubleClick?: boolean | undefined
}

/** The act of a page. One primary button a page. */
export function button(options: ButtonOptions): Html {
  const start = options.kind === 'start'
  const common = html`${attributes({
    class: joined(
      'govuk-button',
      options.kind === 'secondary' && 'govuk-button--secondary',
      options.kind === 'warning' && 'govuk-button--warning',
      options.classes,
      start && 'govuk-button--start',
    ),
    'data-module': 'govuk-button',
  })}${attrs(options.attributes)}${attributes({ id: options.id })}`
  const inside = html`${start && options.text instanceof Html ? html`<span>${options.text}</span>` : options.text}${
    start &&
    html`<svg class="govuk-button__start-icon" xmlns="http://www.w3.org/2000/svg" width="17.5" height="19" viewBox="0 0 33 40" aria-hidden="true" focusable="false"><path fill="currentColor" d="M0 0h13l20 20-20 20H0l20-20z"/></svg>`
  }`
  if (options.href) return html`<a href="${options.href}" role="button" draggable="false"${common}>${inside}</a>`
  return html`<button${attributes({
    type: options.type ?? 'submit',
    value: options.value,
    name: options.name,
    disabled: options.disabled,
    'aria-disabled': options.disabled ? 'true' : undefined,
    'data-prevent-double-click': options.preventDoubleClick === undefined ? undefined : String(options.preventDoubleClick),
  })}${common}>${inside}</button>`
}

export interface SummaryError {
  readonly text: Content
  /** `#` and the id of the field. */
  readonly href?: string | undefined
}

export interface ErrorSummaryOptions extends Extra {
  readonly language: Language
  readonly title?: Content | undefined
  readonly description?: Content | undefined
  readonly errors: readonly SummaryError[]
  readonly autoFocus?: boolean | undefined
}

/** All that is wrong on the page, at its top, each with a link to its field. Takes the focus when scripts run. */
export function errorSummary(options: ErrorSummaryOptions): Html {
  return html`<div class="${joined('govuk-error-summary', options.classes)}"${attributes({
    'data-disable-auto-focus': options.autoFocus === undefined ? undefined : String(!options.autoFocus),
  })}${attrs(options.attributes)} data-module="govuk-error-summary"><div role="alert"><h2 class="govuk-error-summary__title">${
    options.title ?? text(options.language, 'problem')
  }</h2><div class="govuk-error-summary__body">${options.description && html`<p>${options.description}</p>`}${
    options.errors.length > 0 &&
    html`<ul class="govuk-list govuk-error-summary__list">${options.errors.map(
      (e) => html`<li>${e.href ? html`<a href="${e.href}">${e.text}</a>` : e.text}</li>`,
    )}</ul>`
  }</div></div></div>`
}
