/** *What do I need for…*: several services together, as one list of papers, one cost and one order to do them in. Pure. */
import { type Money, pesos, sum } from '#kernel/money'
import type { Language } from '#kernel/text'
import type { Paper } from './definition.ts'
import { fold } from './fold.ts'
import type { Service } from './service.ts'

/** One paper to have at hand, however many services ask for it. */
export type NeededPaper = {
  readonly name: string
  readonly hint: string
  /** How each service takes it: a copy in the form, or the original shown. */
  readonly how: readonly Paper['how'][]
  /** Asked for in every case by at least one of the services. */
  readonly always: boolean
  /** Who asks for it. */
  readonly by: readonly Service[]
  /** The service that issues it; null where none of the catalogue does. */
  readonly from: Service | null
}

export type Needs = {
  /** In the order to do them in: what issues a paper comes before what asks for it. */
  readonly order: readonly Service[]
  /** What somebody else has to issue first stands first; then what most of the services ask for. */
  readonly papers: readonly NeededPaper[]
  /** What all cost together, at least and at most, of those whose price is known. */
  readonly least: Money
  readonly most: Money
  /** Those whose price their place has not said yet. */
  readonly unpriced: readonly Service[]
  /** The one that takes longest by law; null where all are done at once. */
  readonly longest: Service | null
}

const daysIn = { immediate: 0, 'working-days': 7 / 5, days: 1, months: 30.4 } as const

/** A legal term in days as they pass, to compare terms of different units: five working days are a week. */
const lastingDays = ({ term }: Service['definition']): number => (term.unit === 'immediate' ? 0 : daysIn[term.unit] * term.count)

/** A name without whose the paper is: *your birth certificate* is the birth certificate. */
const bareName = (name: string) => fold(name).replace(/^(su|sus|your) /, '')

/** What two services issue is the same paper where they are one, or may be. Those of two places are not. */
const isSameIssuer = (a: Service, b: Service) => a.id === b.id || (a.base === b.base && !(a.placed && b.placed))

/** What these services need together. `issuer` finds the service that issues a paper of one of them, in that one's place. */
export function needsOf(services: readonly Service[], language: Language, issuer: (base: string, by: Service) => Service | null): Needs {
  /** One that is chosen stands for one whose place nobody has said: whoever gets a certificate in a state brings that one. */
  const issuerOf = (base: string, by: Service): Service | null => {
    const found = issuer(base, by)
    return (found && !found.placed && services.find((s) => s.base === found.base)) || found
  }
  const papers: { -readonly [K in keyof NeededPaper]: NeededPaper[K] }[] = []
  for (const service of services)
    for (const p of service.definition.papers) {
      const name = service.text(language, `papers.${p.id}`)
      const from = p.from === undefined ? null : issuerOf(p.from, service)
      const always = p.when === undefined && p.optional !== true
      const known = papers.find((k) => (k.from && from ? isSameIssuer(k.from, from) : bareName(k.name) === bareName(name)))
      if (!known) papers.push({ name, hint: service.text(language, `papers.${p.id}.hint`), how: [p.how], always, by: [service], from })
      else {
        if (known.from === null || (from && !known.from.placed)) known.from = from
        known.how = [...new Set([...known.how, p.how])]
        known.always ||= always
        if (!known.by.includes(service)) known.by = [...known.by, service]
      }
    }
  let least = pesos('0')
  let most = pesos('0')
  const unpriced: Service[] = []
  for (const service of services) {
    const { fee } = service.definition
    if (fee.kind === 'local') unpriced.push(service)
    else if (fee.kind !== 'free') {
      const amounts = (fee.kind === 'fixed' ? [fee.amount] : fee.rows.map((r) => r.amount))
        .map(pesos)
        .sort((a, b) => (a.minor < b.minor ? -1 : 1))
      least = sum(least, amounts[0]!)
      most = sum(most, amounts.at(-1)!)
    }
  }
  const longest = services.reduce<Service | null>(
    (worst, s) => (lastingDays(s.definition) > (worst ? lastingDays(worst.definition) : 0) ? s : worst),
    null,
  )
  return {
    order: inOrder(services, (s) => s.definition.papers.flatMap((p) => (p.from === undefined ? [] : [issuerOf(p.from, s)?.id]))),
    papers: papers.sort(
      (a, b) => Number(b.from !== null) - Number(a.from !== null) || b.by.length - a.by.length || (a.name < b.name ? -1 : 1),
    ),
    least,
    most,
    unpriced,
    longest,
  }
}

/** Each behind those it waits for. Where some wait for one another in a circle, as given. */
function inOrder(services: readonly Service[], waitsFor: (s: Service) => readonly (string | undefined)[]): Service[] {
  const done: Service[] = []
  const under = new Set<Service>()
  const visit = (s: Service) => {
    if (done.includes(s) || under.has(s)) return
    under.add(s)
    for (const id of waitsFor(s)) {
      const before = services.find((other) => other.id === id)
      if (before) visit(before)
    }
    done.push(s)
  }
  for (const s of services) visit(s)
  return done
}
