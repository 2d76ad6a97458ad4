/** How many services are done without going anywhere, month by month: from what was published and when, never from a claim. Pure. */
import { type Adoption, type Definition, digitalLevel, digitalLevels, type PublishedVersion } from '#catalogue'

/** How many places there are of each level; a federal service has one. */
export type PlaceCounts = { readonly state: number; readonly municipal: number }

/** One month: services by digital level (index 0 to 4) as they stood at its end, and how many of them are e-services (3 or 4). */
export type LevelsMonth = {
  readonly month: string
  readonly services: number
  readonly levels: readonly number[]
  readonly eServices: number
}

const monthAfter = (month: string) => new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1)).toISOString().slice(0, 7)

/** The months from the first publication to `until`, the newest first. `versions` as the catalogue published them, in order. */
export function levelsByMonth(versions: readonly PublishedVersion[], counts: PlaceCounts, until: string): LevelsMonth[] {
  const first = versions.reduce((least, v) => (v.from.slice(0, 7) < least ? v.from.slice(0, 7) : least), until)
  const months: LevelsMonth[] = []
  for (let month = first; month <= until; month = monthAfter(month)) {
    const bases = new Map<string, Definition | null>()
    const adoptions = new Map<string, Map<string, Adoption | null>>()
    // In force on the last day: the later publication stands over the earlier.
    for (const v of versions) {
      if (v.from.slice(0, 7) > month) continue
      if (v.place === null) bases.set(v.base, v.definition)
      else adoptions.set(v.base, (adoptions.get(v.base) ?? new Map()).set(v.place, v.adoption))
    }
    const levels = digitalLevels.map(() => 0)
    for (const [id, d] of bases) {
      if (!d) continue
      const own = [...(adoptions.get(id) ?? [])].flatMap(([, a]) => a ?? [])
      for (const a of own) levels[digitalLevel(d, a)]!++
      // All other places are alike.
      levels[digitalLevel(d, null)]! += d.level === 'federal' ? 1 : counts[d.level] - own.length
    }
    const services = levels.reduce((a, n) => a + n, 0)
    months.push({ month, services, levels, eServices: levels[3]! + levels[4]! })
  }
  return months.reverse()
}

/** The digital levels of one service, each from when on, the newest first; `place` is null for a federal one or a base. */
export function levelHistory(
  versions: readonly PublishedVersion[],
  base: string,
  place: string | null,
): { readonly from: string; readonly level: number }[] {
  const found: { from: string; level: number }[] = []
  let definition: Definition | null = null
  let adoption: Adoption | null = null
  for (const v of versions) {
    if (v.base !== base || (v.place !== null && v.place !== place)) continue
    if (v.place === null) definition = v.definition
    else adoption = v.adoption
    if (!definition) continue
    const level = digitalLevel(definition, adoption)
    if (found.at(-1)?.level !== level) found.push({ from: v.from, level })
  }
  return found.reverse()
}
