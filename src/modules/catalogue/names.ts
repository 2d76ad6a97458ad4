import type { Name } from './condition.ts'
import type { Definition, SingleQuestion } from './definition.ts'
import { questionKinds } from './questions/index.ts'

/** How a condition sees one question. */
export function nameOf(question: SingleQuestion): Name {
  const { type } = questionKinds[question.kind]
  return 'options' in question ? { type, options: question.options } : { type }
}

/** The answers a condition may look at, by question id; a group is a list. */
export function answerNames(definition: Definition, upTo?: ReadonlySet<string>): Record<string, Name> {
  const names: Record<string, Name> = {}
  for (const q of definition.questions) {
    if (upTo && !upTo.has(q.id)) continue
    names[q.id] = q.kind === 'group' ? { type: 'list' } : nameOf(q)
  }
  return names
}
