import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Calendar } from '#kernel/calendar'
import type { OfficeId } from '#kernel/id'
import type { Language, Words } from '#kernel/text'
import type { Adoption, OfficeFacts } from './definition.ts'
import type { Jurisdiction, Places } from './places.ts'
import { words } from './text.ts'

/** An agency, or a unit that every state or municipality has. */
export type Agency = { readonly level: 'federal' | 'state' | 'municipal'; readonly short?: string; readonly name: Words }
export type Agencies = Readonly<Record<string, Agency>>

/** Reads `agencies.json` of the reference folder. */
export function readAgencies(reference: string): Agencies {
  return JSON.parse(readFileSync(join(reference, 'agencies.json'), 'utf8')) as Agencies
}

/** Opening hours by weekday, 1 (Monday) to 7: spans of local time. */
export type Hours = NonNullable<Adoption['hours']>

/** Where people are served. Every office follows from the agencies and places; `offices.json` knows more of some. */
export type Office = {
  readonly id: OfficeId
  /** Agency of a federal office; null where the office serves for the whole state or town. */
  readonly agency: string | null
  /** The unit, or for a federal step the other agency. */
  readonly unit: string | null
  readonly jurisdiction: Jurisdiction
  /** IANA name of its clock. */
  readonly zone: string
  readonly hours: Hours
  /** Street and number; null where nobody brought it yet. */
  readonly address: string | null
  /** The town it stands in. */
  readonly town: string
  /** Telephone and e-mail of the window, where it gave them. */
  readonly contact: readonly string[]
  /** Whether address and hours have a source. */
  readonly confirmed: boolean
  /** Whether people wait in person: an absent applicant is returned once, and only here. */
  readonly presence: boolean
  /** Fewer than 20 turns a week are expected: the log then shows days, not minutes. */
  readonly quiet: boolean
  name(language: Language): string
}

/** A calendar with the zone in which its days begin. */
export type OfficeCalendar = Calendar & { readonly zone: string }

type Extra = {
  readonly name?: Words
  readonly address?: string
  readonly town?: string
  readonly hours?: Hours
  readonly presence?: boolean
  readonly quiet?: boolean
}

/** The hours a page shows, marked as not confirmed, until somebody brings an office's own. */
const usualHours: Hours = {
  1: [['09:00', '15:00']],
  2: [['09:00', '15:00']],
  3: [['09:00', '15:00']],
  4: [['09:00', '15:00']],
  5: [['09:00', '15:00']],
}

/** Under this many people a town's window expects fewer than 20 turns a week. */
const quietPopulation = 10_000

export type Offices = {
  readonly agencies: Agencies
  /** The office of a name such as `sat`, `state-09`, `mun-15106-civil-protection`; null for any other. */
  get(id: string): Office | null
  calendarOf(id: OfficeId): OfficeCalendar
  /** The first and last day that the holidays are known for. */
  readonly calendarKnown: { readonly from: string; readonly to: string }
}

/** Reads the reference folder's offices, agencies and holidays. `factsOf`: what a place said of its own window. */
export function openOffices(
  reference: string,
  places: Places,
  factsOf: (place: string) => OfficeFacts | undefined = () => undefined,
): Offices {
  const agencies = readAgencies(reference)
  const { offices: extras } = JSON.parse(readFileSync(join(reference, 'offices.json'), 'utf8')) as { offices: Record<string, Extra> }
  const known = JSON.parse(readFileSync(join(reference, 'holidays.json'), 'utf8')) as {
    from: string
    to: string
    holidays: { date: string; agency?: string }[]
  }
  const everywhere = new Set(known.holidays.filter((h) => h.agency === undefined).map((h) => h.date))
  const calendars = new Map<string, OfficeCalendar>()
  // By office: making one out takes longer than the rest of counting a term. There are no more than places have units.
  const calendarsOf = new Map<OfficeId, { readonly calendar: OfficeCalendar; readonly facts: OfficeFacts | undefined }>()

  const federal = (id: string): { agency: string; unit: string | null } | null => {
    if (agencies[id]?.level === 'federal') return { agency: id, unit: null }
    for (let at = id.indexOf('-'); at > 0; at = id.indexOf('-', at + 1)) {
      const agency = id.slice(0, at)
      const unit = id.slice(at + 1)
      if (agencies[agency]?.level === 'federal' && agencies[unit]?.level === 'federal') return { agency, unit }
    }
    return null
  }
  const make = (id: string): Office | null => {
    const local = /^(state-(\d{2})|mun-(\d{5}))(?:-([a-z0-9-]+))?$/.exec(id)
    let agency: string | null = null
    let unit: string | null = null
    let jurisdiction: Jurisdiction
    let town: string
    let quiet = false
    if (local) {
      const code = local[2] ?? local[3]!
      const municipality = places.municipality(code.length === 2 ? (places.state(code)?.capital ?? '') : code)
      if (!municipality) return null
      unit = local[4] ?? null
      jurisdiction = places.jurisdiction(code)
      if (unit !== null && agencies[unit]?.level !== jurisdiction.level) return null
      town = `${municipality.seat}, ${places.state(code.slice(0, 2))!.name}`
      quiet = jurisdiction.level === 'municipal' && municipality.population < quietPopulation
    } else {
      const found = federal(id)
      if (!found) return null
      ;({ agency, unit } = found)
      jurisdiction = places.jurisdiction('00')
      town = places.nameOf('09')
    }
    const extra = extras[id] ?? {}
    const facts = jurisdiction.level === 'federal' ? undefined : factsOf(jurisdiction.code)
    const place = jurisdiction.name
    return {
      id: id as OfficeId,
      agency,
      unit,
      jurisdiction,
      zone: places.zone(jurisdiction.level === 'state' ? places.state(jurisdiction.code)!.capital : jurisdiction.code),
      hours: facts?.hours ?? extra.hours ?? usualHours,
      address: facts?.address ?? extra.address ?? null,
      contact: [facts?.telephone, facts?.email].filter((c) => c !== undefined),
      town: extra.town ?? town,
      confirmed:
        (extra.address !== undefined && extra.hours !== undefined) ||
        (facts?.address !== undefined && facts.hours !== undefined && facts.source !== 'unverified'),
      presence: extra.presence ?? false,
      quiet: extra.quiet ?? quiet,
      name(language) {
        if (extra.name) return extra.name[language]
        const unitName = unit === null ? null : agencies[unit]!.name[language]
        if (agency !== null)
          return unitName === null ? agencies[agency]!.name[language] : `${unitName} (${agencies[agency]!.short ?? agency})`
        if (unitName !== null) return `${unitName}, ${place}`
        return words(language, jurisdiction.level === 'state' ? 'office.state' : 'office.municipal', { place })
      },
    }
  }
  return {
    agencies,
    calendarKnown: { from: known.from, to: known.to },
    get: make,
    calendarOf(id) {
      const place = /^(?:state-(\d{2})|mun-(\d{5}))/.exec(id)
      const facts = place ? factsOf(place[1] ?? place[2]!) : undefined
      const before = calendarsOf.get(id)
      if (before && before.facts === facts) return before.calendar
      const office = make(id)
      if (!office) throw new RangeError(`There is no office ${id}.`)
      const own = office.unit ?? office.agency
      const special = known.holidays.filter((h) => h.agency !== undefined && h.agency === own)
      const local = facts?.holidays ?? []
      const key = `${office.zone} ${special.length > 0 ? own : ''} ${local.join()}`
      let calendar = calendars.get(key)
      if (!calendar) {
        calendar = {
          zone: office.zone,
          holidays: special.length + local.length > 0 ? new Set([...everywhere, ...special.map((h) => h.date), ...local]) : everywhere,
        }
        calendars.set(key, calendar)
      }
      calendarsOf.set(id, { calendar, facts })
      return calendar
    },
  }
}
