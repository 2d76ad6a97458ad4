/** Towns, a form filled in once, and drafts like it: what the benches of submissions and turns begin with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Example, FormFields } from '#catalogue'
import type { PersonId, Reference, ServiceId } from '#kernel/id'
import { projectFolder } from '../src/folder.ts'
import type { Parts } from '../src/main.ts'
import { makePattern, type Pattern, prepareDrafts } from '../src/modules/cases/testing-drafts.ts'
import { prepareCrowd } from '../src/modules/people/testing-crowd.ts'

/** A service that every town has. */
export const base = 'municipal/proof-of-residence'

export type Draft = { readonly person: PersonId; readonly reference: Reference }

/** That service in the `count` towns with most people: none of their lines is quiet. */
export function largestTowns({ catalogue: { places } }: Pick<Parts, 'catalogue'>, count: number): ServiceId[] {
  return places.states
    .flatMap((s) => places.municipalities(s.code))
    .toSorted((a, b) => b.population - a.population)
    .slice(0, count)
    .map((m) => `${base}@${m.code}` as ServiceId)
}

/** What a browser sends to fill in a service as its first example that is not refused. */
export function exampleForm(service: string): FormFields {
  const examples = JSON.parse(readFileSync(join(projectFolder, 'services', service, 'examples.json'), 'utf8')) as Example[]
  const { answers } = examples.find((e) => !e.expect.refused)!
  return Object.fromEntries(Object.entries(answers).map(([k, v]) => [k, v === true ? 'yes' : v === false ? 'no' : String(v)]))
}

/** Drafts as many as are asked for, each of a person of its own; `first` people were made before. */
export function openDrafts(parts: Parts, first = 0) {
  let people = first
  let pattern: Pattern | null = null
  const crowd = async (count: number) => {
    const made = await prepareCrowd(parts.db, count, people, parts.clock.now())
    people += count
    return made.map((p) => p.person)
  }
  return {
    crowd,
    async make(count: number, service: (i: number) => ServiceId, kind: 'general' | 'priority' = 'general'): Promise<Draft[]> {
      if (pattern === null) {
        const [person] = await crowd(1)
        pattern = await makePattern(
          parts.cases,
          { person: person!, session: 'bench', language: 'es', grants: [] },
          service(0),
          exampleForm(base),
        )
      }
      const all: Draft[] = []
      while (all.length < count) {
        const persons = await crowd(Math.min(5_000, count - all.length))
        const references = await prepareDrafts(
          parts.cases,
          pattern,
          persons.map((person, i) => ({ person, service: service(all.length + i), class: kind })),
        )
        all.push(...persons.map((person, i) => ({ person, reference: references[i]! })))
      }
      return all
    },
  }
}
