/** What people said, as it is released: their answers without anybody in them, and the figures that follow from these. Pure; docs/numbers.md describes the document. */
import { leastPeople } from './disclose.ts'

/** One answer: about which service or, where fewer than ten answered about it, about which larger thing; visits made (5 is five or more); what was asked for. */
export type Answer = readonly [about: string, visits: string, asked: string]

/** What the answers say about one thing and all below it. */
export type PeopleRow = {
  readonly id: string
  readonly n: number
  /** Visits of all together: over `n` it is the mean. Five or more count as five. */
  readonly visits: number
  /** How many were asked for extra money. */
  readonly asked: number
  /** What they were asked for together, in pesos, at the least that each answer means: over `n` it is the cost of intermediation of one case. */
  readonly askedPesos: number
}

/** What is published of a month. Its canonical JSON is what a release's hash is taken of. */
export type PeopleNumbers = {
  readonly v: 1
  readonly set: 'people'
  readonly period: string
  /** In the order of their letters, which tells nothing of who came first. */
  readonly answers: readonly Answer[]
  readonly rows: readonly PeopleRow[]
}

const leastPesos: Readonly<Record<string, number>> = { no: 0, some: 0, 200: 200, 1000: 1000 }

/** The next larger thing: a town's service joins its state's, that the base, that the nation. */
export function larger(about: string): string | null {
  if (about === 'mx') return null
  const at = about.indexOf('@')
  if (at < 0) return 'mx'
  const place = about.slice(at + 1)
  return place.length > 2 ? `${about.slice(0, at)}@${place.slice(0, 2)}` : about.slice(0, at)
}

/** Puts answers about things that fewer than ten spoke of under the next larger, as often as it takes. Of fewer than ten in all nothing is published. */
export function joined(answers: readonly Answer[]): Answer[] {
  let all = answers.map(([about, visits, asked]) => ({ about, visits, asked }))
  for (;;) {
    const counts = new Map<string, number>()
    for (const { about } of all) counts.set(about, (counts.get(about) ?? 0) + 1)
    const small = all.filter((a) => counts.get(a.about)! < leastPeople)
    if (small.length === 0) break
    // From the bottom: what is below may make its whole large enough.
    const deepest = Math.max(...small.map((a) => depth(a.about)))
    if (deepest === 0) {
      all = all.filter((a) => a.about !== 'mx')
      break
    }
    const moving = new Set(small.filter((a) => depth(a.about) === deepest).map((a) => a.about))
    all = all.map((a) => (moving.has(a.about) ? { ...a, about: larger(a.about)! } : a))
  }
  return all.map(({ about, visits, asked }): Answer => [about, visits, asked]).sort((a, b) => (a.join(' ') < b.join(' ') ? -1 : 1))
}

const depth = (about: string): number => {
  const up = larger(about)
  return up === null ? 0 : 1 + depth(up)
}

/** The figures that follow from published answers: of each thing and of all larger ones. */
export function peopleRows(answers: readonly Answer[]): PeopleRow[] {
  const rows = new Map<string, { n: number; visits: number; asked: number; askedPesos: number }>()
  for (const [about, visits, asked] of answers)
    for (let id: string | null = about; id !== null; id = larger(id)) {
      const row = rows.get(id) ?? { n: 0, visits: 0, asked: 0, askedPesos: 0 }
      rows.set(id, {
        n: row.n + 1,
        visits: row.visits + Number(visits),
        asked: row.asked + (asked === 'no' ? 0 : 1),
        askedPesos: row.askedPesos + (leastPesos[asked] ?? 0),
      })
    }
  return [...rows].map(([id, row]) => ({ id, ...row })).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The month's table. */
export function peopleNumbers(period: string, answers: readonly Answer[]): PeopleNumbers {
  const published = joined(answers)
  return { v: 1, set: 'people', period, answers: published, rows: peopleRows(published) }
}
