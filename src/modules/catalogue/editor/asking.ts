/** A draft asked as a citizen would be asked: trying it, and keeping what was filled in as an example. */
import { straightPath } from '../advance.ts'
import type { Definition, Example } from '../definition.ts'
import { ConditionError } from '../faults.ts'
import { type Asking, accept, ask, asked, type FormFields, fee, type Journey } from '../journey.ts'
import type { Answers, World } from '../questions/index.ts'
import type { Content } from './content.ts'

/** The draft as a journey asks it. */
const askingOf = (c: Content): Asking => ({
  definition: c.definition,
  text: (l, key) => (Object.hasOwn(c[l], key) ? c[l][key]! : ''),
})

/** What `ask` makes of a draft; null while a condition in it cannot be read. */
export function askDraft(c: Content, answers: Answers, world: World): Journey | null {
  return readable(() => ask(askingOf(c), answers, world))
}

/** The same for a form of one page. */
export function acceptDraft(c: Content, answers: Answers, page: string, form: FormFields, world: World) {
  return readable(() => accept(askingOf(c), answers, page, form, world))
}

/** Runs something over a draft whose conditions may not yet be readable. */
function readable<T>(run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof ConditionError) return null
    throw error
  }
}

/** All questions of a draft, whether or not these or those are asked: a copy without conditions. */
export function unconditional(d: Definition): Definition {
  const bare = structuredClone(d)
  for (const p of bare.pages) delete p.when
  for (const q of bare.questions) {
    delete q.when
    if (q.kind === 'group') for (const s of q.questions) delete s.when
  }
  return bare
}

/** What must follow from these answers by the draft as it stands: an example that says so. */
export function exampleOf(c: Content, name: string, answers: Answers, world: World): Example | null {
  return readable(() => {
    const d = c.definition
    const journey = ask(askingOf(c), answers, world)
    const found = asked(d, answers, world.today)
    const cost = fee(d, answers, world.today)
    const pointers = [...new Set(journey.problems.map((p) => p.pointer))]
    if (pointers.length > 0) return { name, today: world.today, answers: { ...answers }, expect: { refused: pointers } }
    return {
      name,
      today: world.today,
      answers: Object.fromEntries(Object.entries(found.answers).filter(([, v]) => v !== undefined)),
      expect: {
        asked: found.pages.flatMap((p) => p.questions.map((q) => q.id)),
        papers: journey.papers.map((p) => p.id),
        fee: cost === null ? null : `${cost.minor / 100n}.${String(cost.minor % 100n).padStart(2, '0')}`,
        steps: straightPath(d, { answers: found.answers, today: world.today }),
      },
    }
  })
}

/** The straight path of a draft, or the list as it stands while its ways cannot be followed. */
export function pathOf(d: Definition, today: string): string[] {
  const path = readable(() => straightPath(d, { answers: {}, today }))
  return path?.every((id) => d.steps.some((s) => s.id === id)) ? path : d.steps.map((s) => s.id)
}

/** Answers that travel in a form: an object of JSON, or nothing. Hostile text gives no answers. */
export function readAnswers(typed: unknown): Answers {
  if (typeof typed !== 'string' || typed.length > 50_000) return {}
  try {
    const value: unknown = JSON.parse(typed)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return {}
    return Object.fromEntries(Object.entries(value).filter(([k]) => /^[a-z][a-z0-9-]{0,39}$/.test(k) && k !== 'constructor')) as Answers
  } catch {
    return {}
  }
}
