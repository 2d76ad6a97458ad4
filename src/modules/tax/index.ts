/** Taxes: assessed by a pure engine over dated parameters. README.md says what is there. */
import { type Language, texts } from '#kernel/text'
import type { Assessment, Line } from './assess.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

export { type Assessment, assess, InputFault, kindNames } from './assess.ts'
export { readParameters } from './parameters.ts'

const text = texts({ es, en })

function lineInWords(l: Language, { id, value, rule, article, parameter }: Line): string[] {
  const why = [
    article,
    rule && text(l, 'explain.rounded', { rule: text(l, `rule.${rule}`) }),
    parameter && text(l, 'explain.parameter', { id: parameter.id, source: parameter.sources.join('; ') }),
  ].filter((x) => x !== undefined && x !== '')
  return [`${text(l, `line.${id}` as 'line.income')}: ${value}`, ...why.map((words) => `    ${words}`)]
}

/** An assessment as a person reads it: the figures, and with `explain` the rule, article and source of each. */
export function inWords(l: Language, a: Assessment, { explain }: { readonly explain: boolean }): string {
  const title = text(l, `kind.${a.kind}`)
  const lines = a.lines.flatMap((line) => (explain ? lineInWords(l, line) : lineInWords(l, { id: line.id, value: line.value })))
  const missing = a.missing && text(l, 'missing', { what: text(l, `missing.${a.missing.what}`, { when: a.missing.when }) })
  return [title, '', ...lines, ...(missing ? ['', missing] : [])].join('\n')
}
