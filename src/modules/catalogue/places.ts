import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#kernel/problem'
import { fold } from './fold.ts'

/** A state, by its INEGI key of two digits. */
export type State = {
  readonly code: string
  readonly name: string
  /** As its constitution writes it. */
  readonly legalName: string
  /** INEGI key of the municipality where its government sits. */
  readonly capital: string
  readonly population: number
  /** Other names people use. */
  readonly also: readonly string[]
}

/** A municipality, or a *demarcación* of Mexico City, by its INEGI key of five digits. */
export type Municipality = {
  readonly code: string
  readonly name: string
  readonly population: number
  /** The town where its government sits. */
  readonly seat: string
}

/** Where a service holds: the country (`00`), a state (two digits) or a municipality (five). */
export type Jurisdiction = { readonly level: 'federal' | 'state' | 'municipal'; readonly code: string; readonly name: string }

/** The country's places and their time zones, read once. */
export type Places = {
  readonly states: readonly State[]
  readonly count: { readonly states: number; readonly municipalities: number }
  state(code: string): State | null
  municipality(code: string): Municipality | null
  /** A state's municipalities by name; empty for an unknown state. */
  municipalities(state: string): readonly Municipality[]
  /** `Toluca, Estado de México`; for a state its name. The code itself where it is unknown. */
  nameOf(code: string): string
  /** The state somebody wrote, by any of its names. */
  findState(written: string): State | null
  /** The municipalities somebody may have meant: `Toluca`, `Juárez, Chihuahua`. Most people first. */
  findMunicipalities(written: string): readonly Municipality[]
  /** Folded names of places, each with the codes it may mean, for finding places inside a query. */
  readonly byName: ReadonlyMap<string, readonly string[]>
  /** IANA name of the zone whose clock an office of this place follows; `00` is the capital's. */
  zone(code: string): string
  jurisdiction(code: string): Jurisdiction
  /** The jurisdiction of a key a person or program gave. Throws `catalogue/no-such-place`. */
  require(code: string): Jurisdiction
}

function csvLine(line: string): string[] {
  return line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((cell) => cell.replace(/^"|"$/g, ''))
}

/** Reads `states.json`, `municipalities.csv` and `time-zones.json` of the reference folder. */
export function readPlaces(reference: string): Places {
  const { states } = JSON.parse(readFileSync(join(reference, 'states.json'), 'utf8')) as { states: State[] }
  const zones = JSON.parse(readFileSync(join(reference, 'time-zones.json'), 'utf8')) as {
    default: string
    states: Record<string, string>
    municipalities: Record<string, string>
  }
  const stateByCode = new Map(states.map((s) => [s.code, s]))
  const municipalityByCode = new Map<string, Municipality>()
  const byState = new Map<string, Municipality[]>(states.map((s) => [s.code, []]))
  for (const line of readFileSync(join(reference, 'municipalities.csv'), 'utf8').trimEnd().split('\n').slice(1)) {
    const [code, name, population, seat] = csvLine(line) as [string, string, string, string]
    const m = { code, name, population: Number(population), seat: seat || name }
    municipalityByCode.set(code, m)
    byState.get(code.slice(0, 2))!.push(m)
  }
  const collator = new Intl.Collator('es-MX')
  for (const list of byState.values()) list.sort((a, b) => collator.compare(a.name, b.name))

  const byName = new Map<string, string[]>()
  const add = (name: string, code: string) => {
    const key = fold(name)
    const list = byName.get(key)
    if (!list) byName.set(key, [code])
    else if (!list.includes(code)) list.push(code)
  }
  for (const s of states) for (const name of [s.name, s.legalName, ...s.also]) add(name, s.code)
  for (const m of municipalityByCode.values()) {
    add(m.name, m.code)
    // `Toluca de Lerdo` is the seat of Toluca; people in Mexico City say Cancún for Benito Juárez.
    add(m.seat, m.code)
    const short = m.name.replace(/ (de|del) .*$/, '')
    if (short !== m.name && short.length > 4) add(short, m.code)
  }
  const size = (code: string) => (code.length === 2 ? stateByCode.get(code)!.population : municipalityByCode.get(code)!.population)
  for (const list of byName.values()) list.sort((a, b) => size(b) - size(a))

  const jurisdiction = (code: string): Jurisdiction | null => {
    if (code === '00') return { level: 'federal', code, name: 'México' }
    const state = stateByCode.get(code)
    if (state) return { level: 'state', code, name: state.name }
    const m = municipalityByCode.get(code)
    return m ? { level: 'municipal', code, name: `${m.name}, ${stateByCode.get(code.slice(0, 2))!.name}` } : null
  }
  const places: Places = {
    states,
    count: { states: states.length, municipalities: municipalityByCode.size },
    byName,
    state: (code) => stateByCode.get(code) ?? null,
    municipality: (code) => municipalityByCode.get(code) ?? null,
    municipalities: (state) => byState.get(state) ?? [],
    nameOf: (code) => jurisdiction(code)?.name ?? code,
    findState(written) {
      const code = byName.get(fold(written))?.find((c) => c.length === 2)
      return code === undefined ? null : stateByCode.get(code)!
    },
    findMunicipalities(written) {
      const [town, ...rest] = written.split(/[,;(]/)
      const found = (byName.get(fold(town!)) ?? []).filter((c) => c.length === 5).map((c) => municipalityByCode.get(c)!)
      // The name itself before a name shortened or a seat's: `Juárez` is not `Juárez Hidalgo`.
      const exact = found.filter((m) => fold(m.name) === fold(town!))
      const named = exact.length > 0 ? exact : found
      const inState = rest.length > 0 ? places.findState(rest.join(' ')) : null
      return inState ? named.filter((m) => m.code.startsWith(inState.code)) : named
    },
    zone: (code) => zones.municipalities[code] ?? zones.states[code.slice(0, 2)] ?? zones.default,
    jurisdiction(code) {
      const found = jurisdiction(code)
      if (!found) throw new RangeError(`No place has the key ${code}.`)
      return found
    },
    require(code) {
      const found = /^\d{2}(\d{3})?$/.test(code) && code !== '00' ? jurisdiction(code) : null
      if (!found) throw new Problem('catalogue/no-such-place', `"${code.slice(0, 20)}" is not an INEGI key of a state or a municipality.`)
      return found
    },
  }
  return places
}
