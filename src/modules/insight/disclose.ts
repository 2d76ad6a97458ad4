/** What may be shown so that no figure is about few people, and none can be found by subtraction. Pure. */

/** A figure that counts fewer people than this is not shown; so is what would betray one. */
export const leastPeople = 10

/** A sum: the whole and its parts, by the names of their cells. */
export type Sum = { readonly whole: string; readonly parts: readonly string[] }

/**
 * Which cells are hidden: those that count someone but fewer than `leastPeople`, and as many more, the smallest first, that in no sum one cell alone is hidden and the hidden parts
 * of a sum whose whole is shown count at least `leastPeople` together: *smaller ones join the next larger*. A cell that counts nobody hides nothing and is shown. Each sum is looked
 * at again until nothing changes; what several sums betray together is not looked for (docs/numbers.md says why that is enough here). The answer depends on the counts and names alone.
 */
export function hidden(cells: ReadonlyMap<string, number>, sums: readonly Sum[]): ReadonlySet<string> {
  const away = new Set<string>()
  for (const [name, n] of cells) if (n > 0 && n < leastPeople) away.add(name)
  const count = (name: string) => cells.get(name) ?? 0
  // Names decide between equals and in which order sums are looked at, so that everybody hides the same.
  const bySum = sums
    .map(({ whole, parts }) => ({
      whole,
      parts: parts.filter((p) => count(p) > 0).sort((a, b) => count(a) - count(b) || (a < b ? -1 : 1)),
    }))
    .map((sum) => ({ ...sum, name: `${sum.whole}\n${sum.parts.join('\n')}` }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  for (let changed = true; changed; ) {
    changed = false
    for (const { whole, parts } of bySum) {
      if (parts.length === 0) continue
      for (;;) {
        const hiddenParts = parts.filter((p) => away.has(p))
        const together = hiddenParts.reduce((n, p) => n + count(p), 0)
        const betrayed = away.has(whole)
          ? hiddenParts.length === 0
          : hiddenParts.length === 1 || (hiddenParts.length > 1 && together < leastPeople)
        if (!betrayed) break
        // With no part left to hide the whole is what must go.
        away.add(parts.find((p) => !away.has(p)) ?? whole)
        changed = true
      }
    }
  }
  return away
}
