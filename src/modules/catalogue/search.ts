import { type Language, languages } from '#kernel/text'
import { fold } from './fold.ts'
import type { Places } from './places.ts'
import type { Base } from './service.ts'
import { distance, stem } from './stem.ts'

/** Words that stand for one another, and phrases that mean a word (`reference/synonyms.json`). All folded when read. */
export type Synonyms = {
  /** Each list holds words that people use for the same thing. */
  readonly same: readonly (readonly string[])[]
  /** A phrase in a query adds these words to it. */
  readonly phrases: Readonly<Record<string, readonly string[]>>
}

/** A base and how well it answers; higher is better. */
export type Ranked = { readonly base: string; readonly score: number }

/** What was made of a query: the bases in order, and the place named in it. */
export type Found = { readonly ranked: readonly Ranked[]; readonly place: string | null }

export type SearchIndex = {
  /** Ranks the bases for what somebody typed. `near` is the place they are at, which decides between places of one name. Empty words rank nothing. */
  find(typed: string, near?: string | null): Found
}

const stopWords = new Set(
  fold(
    `a al algo ante como con cual cuando de del desde donde el ella ellas ellos en entre es esa ese esta este esto hacer hasta hay la las le les lo los
     mas me mi mis muy necesito no nos o para pero por porque puedo que quien quiero se si sin sirve sobre solicitar solicitud sacar su sus tengo tener tramite
     tramites tramitar tu un una unas uno unos y ya obtener pedir conseguir saber gobierno
     the an and for from get how i in is it my need of on or to want with apply application`,
  ).split(/\s+/),
)

/** How much a word of a field says about the service. */
const fields: readonly [key: string, weight: number][] = [
  ['name', 6],
  ['search', 5],
  ['document', 3],
  ['result', 2],
  ['summary', 2],
  ['note', 1],
  ['who', 1],
]

const tokens = (text: string) =>
  fold(text)
    .split(' ')
    .filter((w) => w !== '' && !stopWords.has(w))

/** Which letters a word has, as bits: two words `d` edits apart differ in at most `2d` of them. */
function letters(word: string): number {
  let bits = 0
  for (let i = 0; i < word.length; i++) bits |= 1 << (word.charCodeAt(i) % 31)
  return bits
}
function bitCount(n: number): number {
  let v = n - ((n >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Edits that are still a slip, by the length of what was typed. */
const slips = (length: number) => (length < 4 ? 0 : length < 8 ? 1 : 2)

/** Builds the index over the bases in force. Some hundred documents: built anew when one is published. */
export function buildIndex(
  bases: readonly Base[],
  places: Places,
  synonyms: Synonyms,
  agencyName: (agency: string, language: Language) => string,
): SearchIndex {
  const postings = new Map<string, Map<string, number>>()
  const words = new Set<string>()
  const add = (text: string, base: string, weight: number) => {
    for (const w of tokens(text)) {
      words.add(w)
      const key = stem(w)
      let list = postings.get(key)
      if (!list) postings.set(key, (list = new Map()))
      list.set(base, Math.max(list.get(base) ?? 0, weight))
    }
  }
  /** Whole phrases that name a service: its name and what its author says people type. */
  const phrases = new Map<string, Set<string>>()
  for (const { definition: d, texts } of bases) {
    for (const language of languages) {
      for (const [key, weight] of fields) add(texts[language][key] ?? '', d.id, weight)
      add(agencyName(d.agency, language), d.id, 3)
      for (const phrase of [texts[language].name ?? '', ...(texts[language].search ?? '').split(',')]) {
        const key = tokens(phrase).map(stem).join(' ')
        if (key === '') continue
        const set = phrases.get(key) ?? new Set()
        phrases.set(key, set.add(d.id))
      }
    }
    add(d.agency, d.id, 4)
  }
  const vocabulary = [...words].map((word) => ({ word, bits: letters(word) }))
  const rarity = (list: ReadonlyMap<string, number>) => Math.log(1 + bases.length / list.size)
  const alike = new Map<string, Set<string>>()
  for (const group of synonyms.same) {
    const stems = group
      .map((w) => fold(w))
      .filter((w) => !w.includes(' '))
      .map(stem)
    for (const s of stems) {
      const set = alike.get(s) ?? new Set()
      for (const other of stems) if (other !== s) set.add(other)
      alike.set(s, set)
    }
  }
  const phraseWords = Object.entries(synonyms.phrases).map(([p, w]) => [` ${fold(p)} `, w.map(fold)] as const)

  function placeIn(typed: readonly string[], near: string | null): { code: string; from: number; to: number } | null {
    let best: { code: string; from: number; to: number; codes: readonly string[] } | null = null
    for (let from = 0; from < typed.length; from++) {
      for (let to = Math.min(typed.length, from + 6); to > from; to--) {
        const name = typed.slice(from, to).join(' ')
        const codes = places.byName.get(name)
        if (!codes) continue
        const before = typed[from - 1]
        const said = before === 'en' || before === 'in' || before === 'at'
        // `mexico` alone is the country; a word that services use is that word, unless `en` says that it is a place.
        if (name === 'mexico' && !(from > 1 && typed[from - 2] === 'estado')) continue
        if (!said && (stopWords.has(name) || typed.slice(from, to).every((w) => postings.has(stem(w))))) continue
        if (!said && name.length < 4 && !/^(df|cdmx|nl|bc|bcs|slp)$/.test(name)) continue
        if (!best || said || to - from > best.to - best.from) best = { code: codes[0]!, from, to, codes }
        break
      }
    }
    if (!best) return null
    const rest = [...typed.slice(0, best.from), ...typed.slice(best.to)].join(' ')
    // `Juárez, Chihuahua`: a state named beside it decides; else the state one is in; else where most people live.
    const named = places.states.find((s) =>
      [s.name, s.legalName, ...s.also].some((n) => fold(n).length > 2 && ` ${rest} `.includes(` ${fold(n)} `)),
    )
    const inState = (state: string | undefined) =>
      state === undefined ? undefined : best.codes.find((c) => c.length === 5 && c.startsWith(state))
    const first = best.codes[0]!
    const code = inState(named?.code) ?? inState(near?.slice(0, 2)) ?? (first.length === 2 ? (inState(first) ?? first) : first)
    if (named && code.startsWith(named.code)) {
      const words = fold(named.name).split(' ')
      const at = typed.findIndex((_, i) => words.every((w, j) => typed[i + j] === w))
      if (at >= 0) return { code, from: Math.min(best.from, at), to: Math.max(best.to, at + words.length) }
    }
    return { code, from: best.from, to: best.to }
  }

  function postingsFor(word: string): Map<string, number> {
    const found = new Map<string, number>()
    const take = (list: ReadonlyMap<string, number> | undefined, factor: number) => {
      if (!list) return
      const r = rarity(list)
      for (const [base, weight] of list) found.set(base, Math.max(found.get(base) ?? 0, weight * factor * r))
    }
    const s = stem(word)
    take(postings.get(s), 1)
    for (const other of alike.get(s) ?? []) take(postings.get(other), 0.7)
    if (found.size > 0) return found
    // Not a word we know: begun, or mistyped.
    const most = slips(word.length)
    const bits = letters(word)
    for (const { word: known, bits: theirs } of vocabulary) {
      if (word.length >= 4 && known.startsWith(word)) {
        take(postings.get(stem(known)), 0.6)
      } else if (most > 0 && Math.abs(known.length - word.length) <= most && bitCount(bits ^ theirs) <= 2 * most) {
        const d = distance(word, known, most)
        if (d <= most) take(postings.get(stem(known)), d === 1 ? 0.5 : 0.35)
      }
    }
    for (const [known, others] of found.size > 0 || most === 0 ? [] : alike) {
      if (distance(s, known, 1) <= 1) for (const other of others) take(postings.get(other), 0.4)
    }
    return found
  }

  return {
    find(typed, near = null) {
      const all = fold(typed.slice(0, 200))
        .split(' ')
        .filter((w) => w !== '')
        .slice(0, 20)
      const place = placeIn(all, near)
      const left = place ? [...all.slice(0, place.from), ...all.slice(place.to)] : all
      // `nesesito` says as little as `necesito`.
      const empty = (w: string) =>
        stopWords.has(w) || (w.length > 6 && !postings.has(stem(w)) && [...stopWords].some((s) => s.length > 6 && distance(w, s, 1) <= 1))
      const said = left.filter((w) => !empty(w))
      const whole = ` ${left.join(' ')} `
      const extra = phraseWords.filter(([p]) => whole.includes(p)).flatMap(([, w]) => w)
      const scores = new Map<string, { sum: number; hits: number }>()
      for (const word of new Set(said)) {
        for (const [base, score] of postingsFor(word)) {
          const s = scores.get(base) ?? { sum: 0, hits: 0 }
          scores.set(base, { sum: s.sum + score, hits: s.hits + 1 })
        }
      }
      for (const word of new Set(extra)) {
        for (const [base, score] of postingsFor(word)) {
          const s = scores.get(base) ?? { sum: 0, hits: 0 }
          scores.set(base, { sum: s.sum + score * 0.8, hits: s.hits + 1 })
        }
      }
      const exact = phrases.get(said.map(stem).join(' '))
      const count = Math.max(1, new Set(said).size)
      const ranked = [...scores]
        .map(([base, { sum, hits }]) => {
          const share = Math.min(1, hits / count)
          return { base, score: sum * share * share + (exact?.has(base) ? 20 : 0) }
        })
        .sort((a, b) => b.score - a.score || (a.base < b.base ? -1 : 1))
      const best = ranked[0]?.score ?? 0
      // What answers a fifth as well as the best is noise to somebody who reads a list.
      return { ranked: ranked.filter((r) => r.score >= best * 0.2), place: place?.code ?? null }
    },
  }
}
