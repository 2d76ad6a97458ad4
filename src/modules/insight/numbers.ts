/** From counts to what is published about a month: rolled up, and without what is about few people. Pure; docs/numbers.md describes the document for other programmers. */

import { hidden, leastPeople, type Sum } from './disclose.ts'
import { addTo, countOf, type Histogram, quantile } from './histogram.ts'
import { type Count, countOfKey, type Ending, type LineFacts } from './tally.ts'

/** What a figure is about. `place` is a state (two digits) or municipality (five): what is filed under its own services; `federal` holds those of no place. */
export type Scope = 'nation' | 'federal' | 'place' | 'agency' | 'base' | 'service'

/** One row of the table. A part is absent where it counts fewer than ten people or would betray such a part. Minutes are classes (histogram.ts). */
export type Row = {
  readonly scope: Scope
  /** The INEGI key, the agency, the base or the service; `mx` for the nation and what is federal. */
  readonly id: string
  /** Cases filed, and by which channels; a channel is absent like a part. */
  readonly filed?: { readonly n: number; readonly channels: Readonly<Record<string, number>> }
  /** Cases decided: by an act in the legal term, by an act after it, by silence; minutes from filing to the end. */
  readonly decided?: {
    readonly n: number
    readonly inTerm: number
    readonly late: number
    readonly silence: number
    readonly p50: number
    readonly p90: number
  }
  /** People called for the first time in the lines where this is served, and the minutes they waited. */
  readonly waited?: { readonly n: number; readonly p50: number; readonly p90: number }
}

/** One office: its lines together. Acts of desks are acts of public servants and are always shown. */
export type OfficeRow = {
  readonly office: string
  readonly waited?: { readonly n: number; readonly p50: number; readonly p90: number }
  /** How turns ended. */
  readonly finished: Readonly<Record<string, number>>
  /** Minutes on duty that ended in this month, all desks together. */
  readonly dutyMinutes: number
  readonly desks: readonly {
    readonly desk: string
    readonly called: number
    readonly done: number
    readonly passed: number
    readonly held: Readonly<Record<string, number>>
    readonly returned: Readonly<Record<string, number>>
    readonly dutyMinutes: number
  }[]
}

/** What is published about one month. Its canonical JSON is what a release's hash is taken of. */
export type Numbers = {
  readonly v: 1
  readonly set: 'services'
  /** `2026-11`, a month of UTC. */
  readonly period: string
  /** Computed from the first `size` entries of the log. */
  readonly size: number
  /** The agency of each base that has a row, as the catalogue says: the one thing that is not from the log. */
  readonly agencies: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
  readonly offices: readonly OfficeRow[]
}

/** A service's base, and its place where it has one: `state/birth-certificate@09`. */
function partsOf(service: string): { base: string; place: string | null } {
  const at = service.indexOf('@')
  return at < 0 ? { base: service, place: null } : { base: service.slice(0, at), place: service.slice(at + 1) }
}

type Sums = { filed: Map<string, number>; endings: Record<Ending, number>; took: Histogram; lines: Set<string> }
/** In the order in which rows stand. */
export const scopes: readonly Scope[] = ['nation', 'federal', 'place', 'agency', 'base', 'service']
const total = (m: ReadonlyMap<string, number>) => [...m.values()].reduce((a, n) => a + n, 0)
const sorted = <T>(m: ReadonlyMap<string, T>) => Object.fromEntries([...m].sort(([a], [b]) => (a < b ? -1 : 1)))

/** The base of a service. */
export const baseOf = (service: string): string => partsOf(service).base

/** The agencies of the bases of these services. */
export function agencyOfBase(services: Iterable<string>, agencyOf: (base: string) => string): Map<string, string> {
  const agencies = new Map<string, string>()
  for (const service of services) agencies.set(baseOf(service), agencies.get(baseOf(service)) ?? agencyOf(baseOf(service)))
  return agencies
}

/** Which cells a service's counts go into, the largest first. A base of no place is a cell of its own and no sum of one. */
export function cellsOf(service: string, agency: string): [Scope, string][] {
  const { base, place } = partsOf(service)
  const cells: [Scope, string][] = [
    ['nation', 'mx'],
    ['agency', agency],
    ['base', base],
  ]
  if (place === null) return [...cells, ['federal', 'mx']]
  cells.push(['place', place.slice(0, 2)], ['service', service])
  return place.length > 2 ? [...cells, ['place', place]] : cells
}

/**
 * The table of a month. `counts` are those of this month, in any order; `lines` what the tally knows of every line; `agencyOf` gives a base's agency, `unknown` where the
 * catalogue has none. The same counts give the same bytes.
 */
export function numbersOf(
  period: string,
  size: number,
  counts: Iterable<readonly [key: string, n: number]>,
  lines: ReadonlyMap<string, LineFacts>,
  agencyOf: (base: string) => string,
): Numbers {
  const cells = new Map<string, Sums>()
  const services = new Set<string>()
  const agencies = new Map<string, string>()
  const cell = (scope: Scope, id: string): Sums => {
    const name = `${scope} ${id}`
    let found = cells.get(name)
    if (!found)
      cells.set(name, (found = { filed: new Map(), endings: { 'in-term': 0, late: 0, silence: 0 }, took: new Map(), lines: new Set() }))
    return found
  }
  const named = (service: string): Sums[] => {
    services.add(service)
    const { base } = partsOf(service)
    const agency = agencies.get(base) ?? agencyOf(base)
    agencies.set(base, agency)
    return cellsOf(service, agency).map(([scope, id]) => cell(scope, id))
  }
  const byLine = new Map<string, [Count, number][]>()
  for (const [key, n] of counts) {
    const c = countOfKey(key)
    if (c.about === 'line') {
      byLine.set(c.id, [...(byLine.get(c.id) ?? []), [c, n]])
      continue
    }
    for (const sums of named(c.id)) {
      if (c.measure === 'filed') sums.filed.set(c.bucket, (sums.filed.get(c.bucket) ?? 0) + n)
      else if (c.measure === 'decided') sums.endings[c.bucket as Ending] += n
      else if (c.measure === 'took') addTo(sums.took, Number(c.bucket), n)
    }
  }
  // A line's waits are those of everything its desks serve: nobody can say for what a turn was taken, and each is counted once in each cell. A line counts where something was filed.
  const waits = new Map<string, Histogram>()
  for (const [line, all] of byLine) {
    const histogram: Histogram = new Map()
    for (const [c, n] of all) if (c.measure === 'waited') addTo(histogram, Number(c.bucket), n)
    if (histogram.size === 0) continue
    waits.set(line, histogram)
    for (const step of lines.get(line)?.covers ?? []) {
      const service = step.slice(0, step.lastIndexOf('/'))
      if (services.has(service)) for (const sums of named(service)) sums.lines.add(line)
    }
  }
  return {
    v: 1,
    set: 'services',
    period,
    size,
    agencies: sorted(agencies),
    rows: rowsOf(cells, waits, sumsOf(services, agencies)),
    offices: officesOf(byLine, lines),
  }
}

/** Which cells add up to which: services to their bases and places, municipalities to states, bases to agencies, and those and the places to the nation. */
export function sumsOf(services: ReadonlySet<string>, agencies: ReadonlyMap<string, string>): Sum[] {
  const parts = new Map<string, Set<string>>()
  const add = (whole: string, part: string) => {
    const found = parts.get(whole)
    if (found) found.add(part)
    else parts.set(whole, new Set([part]))
  }
  for (const service of services) {
    const { base, place } = partsOf(service)
    add(`agency ${agencies.get(base)}`, `base ${base}`)
    add('nation mx', `agency ${agencies.get(base)}`)
    if (place === null) {
      add('federal mx', `base ${base}`)
      add('nation mx by place', 'federal mx')
      continue
    }
    add(`base ${base}`, `service ${service}`)
    add('nation mx by place', `place ${place.slice(0, 2)}`)
    add(`place ${place}`, `service ${service}`)
    // A state's own services and its municipalities make up the state.
    if (place.length > 2) add(`place ${place.slice(0, 2)}`, `place ${place}`)
  }
  return [...parts].map(([whole, all]) => ({ whole: whole.replace(' by place', ''), parts: [...all] }))
}

function rowsOf(cells: ReadonlyMap<string, Sums>, waits: ReadonlyMap<string, Histogram>, sums: readonly Sum[]): Row[] {
  const decidedOf = (s: Sums) => s.endings['in-term'] + s.endings.late + s.endings.silence
  const noFiled = hidden(new Map([...cells].map(([name, s]) => [name, total(s.filed)])), sums)
  const noDecided = hidden(new Map([...cells].map(([name, s]) => [name, decidedOf(s)])), sums)
  const rows: Row[] = []
  for (const [name, s] of cells) {
    const [scope, id] = name.split(' ') as [Scope, string]
    const n = total(s.filed)
    const decided = decidedOf(s)
    const waited = waitedOf([...s.lines].map((line) => waits.get(line)!))
    const row: Row = {
      scope,
      id,
      ...(n > 0 && !noFiled.has(name) ? { filed: { n, channels: shownParts(s.filed) } } : {}),
      ...(decided > 0 && !noDecided.has(name)
        ? {
            decided: {
              n: decided,
              inTerm: s.endings['in-term'],
              late: s.endings.late,
              silence: s.endings.silence,
              p50: quantile(s.took, 0.5)!,
              p90: quantile(s.took, 0.9)!,
            },
          }
        : {}),
      ...waited,
    }
    if (row.filed || row.decided || row.waited) rows.push(row)
  }
  return rows.sort((a, b) => scopes.indexOf(a.scope) - scopes.indexOf(b.scope) || (a.id < b.id ? -1 : 1))
}

/** The channels that may be shown beside their sum. */
function shownParts(parts: ReadonlyMap<string, number>): Record<string, number> {
  const whole = '='
  const away = hidden(new Map([...parts, [whole, total(parts)]]), [{ whole, parts: [...parts.keys()] }])
  return sorted(new Map([...parts].filter(([name]) => !away.has(name))))
}

function waitedOf(all: readonly Histogram[]): Pick<Row, 'waited'> {
  const together: Histogram = new Map()
  for (const one of all) for (const [bucket, n] of one) addTo(together, bucket, n)
  const n = countOf(together)
  return n < leastPeople ? {} : { waited: { n, p50: quantile(together, 0.5)!, p90: quantile(together, 0.9)! } }
}

function officesOf(byLine: ReadonlyMap<string, readonly [Count, number][]>, lines: ReadonlyMap<string, LineFacts>): OfficeRow[] {
  type Desk = {
    called: number
    done: number
    passed: number
    held: Map<string, number>
    returned: Map<string, number>
    dutyMinutes: number
  }
  const offices = new Map<string, { waits: Histogram; finished: Map<string, number>; desks: Map<string, Desk> }>()
  const add = (m: Map<string, number>, key: string, n: number) => m.set(key, (m.get(key) ?? 0) + n)
  for (const [line, all] of byLine) {
    const office = lines.get(line)?.office
    if (office === undefined) continue
    const o = offices.get(office) ?? { waits: new Map(), finished: new Map(), desks: new Map() }
    offices.set(office, o)
    const desk = (name: string): Desk => {
      const d = o.desks.get(name) ?? { called: 0, done: 0, passed: 0, held: new Map(), returned: new Map(), dutyMinutes: 0 }
      o.desks.set(name, d)
      return d
    }
    for (const [c, n] of all) {
      const [name, reason] = c.bucket.split(' ') as [string, string?]
      if (c.measure === 'waited') addTo(o.waits, Number(c.bucket), n)
      else if (c.measure === 'finished') add(o.finished, c.bucket, n)
      else if (c.measure === 'duty') desk(name).dutyMinutes += n
      else if (c.measure === 'held' || c.measure === 'returned') add(desk(name)[c.measure], reason!, n)
      else if (c.measure === 'called' || c.measure === 'done' || c.measure === 'passed') desk(name)[c.measure] += n
    }
  }
  return [...offices]
    .map(([office, o]) => ({
      office,
      ...waitedOf([o.waits]),
      finished: sorted(o.finished),
      dutyMinutes: [...o.desks.values()].reduce((n, d) => n + d.dutyMinutes, 0),
      desks: [...o.desks]
        .map(([desk, d]) => ({ ...d, desk, held: sorted(d.held), returned: sorted(d.returned) }))
        .sort((a, b) => (a.desk < b.desk ? -1 : 1)),
    }))
    .sort((a, b) => (a.office < b.office ? -1 : 1))
}
