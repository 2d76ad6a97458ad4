/** A prompt as the telephone would say it: one question, its help, and how to answer. */
import type { Language } from '#kernel/text'
import type { Prompt, PromptGroup } from '../journey.ts'
import { text } from './text.ts'

const ended = (s: string) => (/[.?!:…]$/.test(s) ? s : `${s}.`)

/** What is said for a prompt, sentence by sentence. */
export function spoken(prompt: Prompt | PromptGroup, l: Language): string[] {
  const said = [ended(prompt.label)]
  if (prompt.hint) said.push(ended(prompt.hint))
  if (prompt.type === 'group') {
    said.push(text(l, 'say.group'))
    for (const p of prompt.items[0] ?? []) said.push(...spoken(p, l))
    return said
  }
  if (prompt.optional) said.push(text(l, 'say.optional'))
  switch (prompt.type) {
    case 'choice':
    case 'choices':
      // Long lists are said by name: nobody keeps thirty numbers in the head.
      if (prompt.options.length > 9) said.push(text(l, 'say.name'))
      else said.push(...prompt.options.map((o, i) => text(l, 'say.option', { option: o.label, n: i + 1 })))
      if (prompt.type === 'choices') said.push(text(l, 'say.several'))
      break
    case 'confirm':
      said.push(text(l, 'say.confirm'))
      break
    case 'date':
      said.push(text(l, 'say.date'))
      break
    case 'number':
      said.push(text(l, 'say.number'))
      break
    case 'money':
      said.push(text(l, 'say.money'))
      break
    case 'file':
      said.push(text(l, 'say.file'))
      break
    case 'text':
      said.push(text(l, prompt.input === 'digits' ? 'say.digits' : prompt.input === 'letters' ? 'say.letters' : 'say.words'))
  }
  return said
}
