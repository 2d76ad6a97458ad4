/** Our components against the fixtures that govuk-frontend ships: the same options must give the same tree. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { parseFragment } from 'parse5'
import { trustedHtml } from '#kernel/html'
import * as look from '#look'

// biome-ignore lint/suspicious/noExplicitAny: the fixtures' options are whatever the package says.
type Any = any
interface Fixture {
  readonly name: string
  readonly options: Any
  readonly html: string
}

const require = createRequire(import.meta.url)
const fixturesOf = (component: string): Fixture[] =>
  JSON.parse(readFileSync(require.resolve(`govuk-frontend/dist/govuk/components/${component}/fixtures.json`), 'utf8')).fixtures

/** A tree without what a browser ignores: order of attributes, indentation, comments, the order of class names. */
function tree(node: Any): Any {
  const children: Any[] = []
  for (const child of node.childNodes ?? []) {
    if (child.nodeName === '#comment') continue
    if (child.nodeName === '#text') {
      const text = child.value.replace(/\s+/g, ' ').trim()
      if (text) children.push(text)
    } else children.push(tree(child))
  }
  const attributes = (node.attrs ?? []).map(
    (a: Any) => `${a.name}=${a.name === 'class' ? a.value.split(/\s+/).filter(Boolean).sort().join(' ') : a.value}`,
  )
  return [node.nodeName, ...attributes.sort(), children]
}
const treeOf = (markup: string) => tree(parseFragment(markup))

// The package writes text and html as two options; ours are one, told apart by their type.
const content = (o: Any): Any => (o?.html ? trustedHtml(String(o.html).trim()) : o?.text === undefined ? undefined : String(o.text))
const named = (o: Any): Any => (o ? { ...o, text: content(o) ?? '' } : o)
const plain = (value: Any): Any =>
  typeof value === 'object' && value !== null
    ? value.optional
      ? value.value
      : value.value
    : value === true
      ? 'true'
      : value === false
        ? 'false'
        : value
const attributesOf = (o: Any): Any => (o ? Object.fromEntries(Object.entries(o).map(([k, v]) => [k, plain(v)])) : undefined)
const extra = (o: Any): Any => ({ classes: o.classes, attributes: attributesOf(o.attributes) })
const heading = (o: Any): Any => (o ? { ...named(o), pageHeading: o.isPageHeading, ...extra(o) } : '')
const help = (o: Any): Any => (o ? { text: content(o) ?? '', ...extra(o) } : undefined)
const wrong = (o: Any): Any =>
  o ? { ...help(o), prefix: o.visuallyHiddenText === undefined ? undefined : o.visuallyHiddenText || null } : undefined
const fieldsetOf = (o: Any): Any =>
  o ? { ...extra(o), describedBy: o.describedBy, legend: o.legend && (content(o.legend) ? heading(o.legend) : undefined) } : undefined
const field = (o: Any): Any => ({
  ...extra(o),
  id: o.id,
  name: o.name,
  label: heading(o.label),
  hint: help(o.hint),
  error: wrong(o.errorMessage),
  describedBy: o.describedBy,
  groupClasses: o.formGroup?.classes,
  groupAttributes: attributesOf(o.formGroup?.attributes),
  disabled: o.disabled,
})
const choiceItem = (i: Any): Any =>
  i &&
  (i.divider
    ? { divider: i.divider }
    : {
        value: i.value ?? '',
        text: content(i) ?? '',
        hint: help(i.hint),
        id: i.id,
        name: i.name,
        checked: i.checked ?? undefined,
        disabled: i.disabled,
        exclusive: i.behaviour === 'exclusive',
        conditional: i.conditional?.html ? trustedHtml(i.conditional.html.trim()) : undefined,
        labelClasses: i.label?.classes,
        labelAttributes: attributesOf(i.label?.attributes),
        attributes: attributesOf(i.attributes),
      })
const choicesOf = (o: Any): Any => ({
  ...field(o),
  idPrefix: o.idPrefix,
  fieldset: fieldsetOf(o.fieldset),
  items: (o.items ?? []).map(choiceItem),
  value: o.value,
  values: o.values,
})
const action = (a: Any): Any => ({ ...extra(a), href: a.href ?? '', text: content(a) ?? '', about: a.visuallyHiddenText })
const cell = (c: Any): Any => ({
  ...extra(c),
  text: content(c) ?? '',
  numeric: c.format === 'numeric',
  colspan: c.colspan,
  rowspan: c.rowspan,
})
const en = { language: 'en' as const }

/** How each component of the package is asked of ours, and the options of the package that we leave out, each for a reason. */
const components: Record<string, { render: (o: Any) => Any; without?: Record<string, string> }> = {
  button: {
    render: (o) =>
      look.button({
        ...extra(o),
        text: content(o) ?? '',
        href: o.href,
        type: o.type,
        name: o.name,
        value: o.value,
        id: o.id,
        disabled: o.disabled,
        kind: o.isStartButton ? 'start' : undefined,
        preventDoubleClick: o.preventDoubleClick,
      }),
  },
  label: { render: (o) => look.label({ ...heading(o), for: o.for }) },
  hint: { render: (o) => look.hint({ ...help(o), id: o.id }) },
  'error-message': { render: (o) => look.errorMessage({ ...wrong(o), id: o.id }) },
  input: {
    render: (o) =>
      look.input({
        ...field(o),
        type: o.type,
        value: o.value,
        inputmode: o.inputmode,
        autocomplete: o.autocomplete,
        autocapitalize: o.autocapitalize,
        pattern: o.pattern,
        spellcheck: o.spellcheck,
        prefix: content(o.prefix),
        suffix: content(o.suffix),
      }),
    without: {
      beforeInput: 'never needed',
      afterInput: 'never needed',
      inputWrapper: 'never needed',
      'prefix.classes': 'never needed',
      'prefix.attributes': 'never needed',
      'suffix.classes': 'never needed',
      'suffix.attributes': 'never needed',
    },
  },
  textarea: {
    render: (o) => look.textarea({ ...field(o), value: o.value, rows: o.rows, autocomplete: o.autocomplete, spellcheck: o.spellcheck }),
    without: { beforeInput: 'never needed', afterInput: 'never needed' },
  },
  select: {
    render: (o) =>
      look.select({
        ...field(o),
        value: o.value,
        items: (o.items ?? []).filter(Boolean).map((i: Any) => ({
          ...i,
          value: i.value === undefined ? undefined : String(i.value),
          text: String(i.text ?? ''),
          attributes: attributesOf(i.attributes),
        })),
      }),
    without: { beforeInput: 'never needed', afterInput: 'never needed' },
  },
  radios: { render: (o) => look.radios(choicesOf(o)), without: { beforeInputs: 'never needed', afterInputs: 'never needed' } },
  checkboxes: { render: (o) => look.checkboxes(choicesOf(o)), without: { beforeInputs: 'never needed', afterInputs: 'never needed' } },
  'date-input': {
    render: (o) =>
      look.dateInput({
        ...en,
        ...field(o),
        id: o.id,
        namePrefix: o.namePrefix,
        fieldset: fieldsetOf(o.fieldset),
        values: o.values && Object.fromEntries(Object.entries(o.values).map(([k, v]) => [k.split('-').at(-1), v])),
        items: o.items?.length
          ? o.items.filter(Boolean).map((i: Any) => ({
              ...i,
              // The package also takes a class for the mark; ours is one option.
              error: i.classes?.includes('govuk-input--error') ? true : i.error,
              classes: i.classes?.replace('govuk-input--error', '').trim(),
              // Named parts bring their label; the package makes one of the name.
              label: i.label ?? (/^(day|month|year)$/.test(i.name) ? undefined : i.name && i.name[0].toUpperCase() + i.name.slice(1)),
              value: i.value ?? o.values?.[(o.namePrefix ? `${o.namePrefix}-` : '') + i.name],
              attributes: attributesOf(i.attributes),
            }))
          : undefined,
      }),
    without: {
      beforeInputs: 'never needed',
      afterInputs: 'never needed',
      day: 'use items',
      month: 'use items',
      year: 'use items',
      inputmode: 'a date is figures',
    },
  },
  'file-upload': {
    render: (o) => look.fileUpload({ ...field(o), multiple: o.multiple }),
    without: { javascript: 'the browser’s own chooser is kept', beforeInput: 'never needed', afterInput: 'never needed' },
  },
  fieldset: { render: (o) => look.fieldset({ ...fieldsetOf(o), role: o.role, body: o.html ? trustedHtml(o.html) : undefined }) },
  'error-summary': {
    render: (o) =>
      look.errorSummary({
        ...en,
        ...extra(o),
        title: content({ html: o.titleHtml, text: o.titleText }) ?? '',
        description: content({ html: o.descriptionHtml, text: o.descriptionText }),
        errors: (o.errorList ?? []).map((e: Any) => ({ href: e.href, text: content(e) ?? '' })),
        autoFocus: o.disableAutoFocus === undefined ? undefined : !o.disableAutoFocus,
      }),
    without: { 'errorList.attributes': 'never needed' },
  },
  'notification-banner': {
    render: (o) =>
      look.notificationBanner({
        ...en,
        ...extra(o),
        text: content(o) ?? trustedHtml(''),
        title: content({ html: o.titleHtml, text: o.titleText }),
        success: o.type === 'success',
        titleId: o.titleId,
        headingLevel: o.titleHeadingLevel,
        role: o.role,
        autoFocus: o.disableAutoFocus === undefined ? undefined : !o.disableAutoFocus,
      }),
  },
  panel: {
    render: (o) =>
      look.panel({
        ...extra(o),
        title: content({ html: o.titleHtml, text: o.titleText }) ?? '',
        body: content(o),
        headingLevel: o.headingLevel,
      }),
    without: { actions: 'no interruption pages' },
  },
  'summary-list': {
    render: (o) =>
      look.summaryList({
        ...extra(o),
        rows: (o.rows ?? []).filter(Boolean).map((r: Any) => ({
          key: content(r.key) ?? '',
          value: content(r.value) ?? '',
          keyClasses: r.key?.classes,
          valueClasses: r.value?.classes,
          classes: r.classes,
          actions: r.actions?.items?.map(action),
        })),
        card: o.card && {
          title: content(o.card.title) ?? '',
          headingLevel: o.card.title?.headingLevel,
          classes: o.card.classes,
          actions: o.card.actions?.items?.map(action),
        },
      }),
    without: {
      'rows.actions.classes': 'never needed',
      'card.title.classes': 'never needed',
      'card.actions.classes': 'never needed',
      'card.attributes': 'never needed',
      'card.actions.attributes': 'never needed',
    },
  },
  table: {
    render: (o) =>
      look.table({
        ...extra(o),
        caption: o.caption,
        captionClasses: o.captionClasses,
        head: o.head?.map(cell),
        rows: (o.rows ?? []).filter(Boolean).map((r: Any) => r.map(cell)),
        firstCellIsHeader: o.firstCellIsHeader,
      }),
  },
  tag: { render: (o) => look.tag({ ...extra(o), text: content(o) ?? '' }) },
  details: {
    render: (o) =>
      look.details({
        ...extra(o),
        id: o.id,
        open: o.open,
        summary: content({ html: o.summaryHtml, text: o.summaryText }) ?? '',
        body: content(o) ?? '',
      }),
  },
  breadcrumbs: {
    render: (o) =>
      look.breadcrumbs({
        ...en,
        ...extra(o),
        collapseOnMobile: o.collapseOnMobile,
        items: (o.items ?? []).map((i: Any) => ({
          text: content(i) ?? '',
          href: i.href || undefined,
          attributes: attributesOf(i.attributes),
        })),
      }),
    without: { labelText: 'comes from the language' },
  },
  'back-link': { render: (o) => look.backLink({ ...en, ...extra(o), href: o.href || '#', text: content(o) || undefined }) },
  'inset-text': { render: (o) => look.insetText({ ...extra(o), id: o.id, text: content(o) ?? '' }) },
  'warning-text': {
    render: (o) => look.warningText({ ...en, ...extra(o), text: content(o) ?? '' }),
    without: { iconFallbackText: 'comes from the language' },
  },
  'skip-link': { render: (o) => look.skipLink({ ...extra(o), text: content(o) ?? '', href: o.href || undefined }) },
  'phase-banner': {
    render: (o) => look.phaseBanner({ ...extra(o), tag: { text: content(o.tag) ?? '', classes: o.tag?.classes }, text: content(o) ?? '' }),
  },
  pagination: {
    render: (o) =>
      look.pagination({
        ...en,
        ...extra(o),
        name: o.landmarkLabel,
        previous: o.previous && {
          href: o.previous.href,
          text: content(o.previous),
          label: o.previous.labelText,
          attributes: attributesOf(o.previous.attributes),
        },
        next: o.next && { href: o.next.href, text: content(o.next), label: o.next.labelText, attributes: attributesOf(o.next.attributes) },
        items: o.items
          ?.filter((i: Any) => i && Object.keys(i).length > 0)
          .map((i: Any) =>
            i.ellipsis
              ? null
              : { number: i.number, href: i.href, current: i.current, name: i.visuallyHiddenText, attributes: attributesOf(i.attributes) },
          ),
      }),
  },
}

/** Every option path a fixture uses: `label.text`, `items.hint.text`, … */
function* paths(options: Any, at = ''): Generator<string> {
  if (Array.isArray(options)) for (const o of options) yield* paths(o, at)
  else if (options && typeof options === 'object')
    for (const [k, v] of Object.entries(options)) {
      const path = at ? `${at}.${k}` : k
      yield path
      yield* paths(v, path)
    }
}

describe('our components make the markup of the fixtures that govuk-frontend ships', () => {
  for (const [component, { render, without = {} }] of Object.entries(components)) {
    const fixtures = fixturesOf(component)
    const leftOut = (f: Fixture) =>
      [...paths(f.options)].some((p) =>
        Object.keys(without).some((w) => p === w || (!w.includes('.') && p.split('.').includes(w) && !p.startsWith('values.'))),
      )
    const ours = fixtures.filter((f) => !leftOut(f) && !f.options.classes?.includes('govuk-panel--interruption'))
    test(`${component}: ${ours.length} of ${fixtures.length}`, () => {
      // A floor, so that an option left out by mistake cannot empty the comparison.
      assert.ok(ours.length >= fixtures.length * 0.4, `only ${ours.length} fixtures are compared`)
      for (const f of ours) assert.deepEqual(treeOf(String(render(f.options) ?? '')), treeOf(f.html), f.name)
    })
  }
})
