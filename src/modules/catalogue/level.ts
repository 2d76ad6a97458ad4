import type { Adoption, Definition } from './definition.ts'

/** How far a service is done without going anywhere. */
export const digitalLevels = [0, 1, 2, 3, 4] as const
export type DigitalLevel = (typeof digitalLevels)[number]

/**
 * The digital level of a service as it is published, by facts of the definition alone:
 * 0 the place has said nothing of its own yet, so that the base is all there is;
 * 1 it can be read, not asked for, on the web;
 * 2 it is asked for on the web, and somebody must still go and show a paper;
 * 3 nobody has to go anywhere;
 * 4 nor has to bring what the government issued itself.
 * From 3 on it is an e-service. `adoption` is null where a place has none; a federal service needs none.
 */
export function digitalLevel(d: Pick<Definition, 'level' | 'channels' | 'papers'>, adoption: Adoption | null): DigitalLevel {
  if (d.level !== 'federal' && adoption === null) return 0
  if (!d.channels.includes('web')) return 1
  const needed = d.papers.filter((p) => !p.optional)
  if (needed.some((p) => p.how === 'shown')) return 2
  return needed.some((p) => p.from !== undefined) || adoption?.localPaper !== undefined ? 3 : 4
}
