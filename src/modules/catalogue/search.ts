import { type Language, languages } from '#kernel/text'
import { fold } from './fold.ts'
import type { Jurisdiction, Places } from './places.ts'
import type { Base } from './service.ts'
import { distance, sound, stem } from './stem.ts'

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

/** Words that ask, greet and join, and say nothing of what is asked for. */
const stopWords = new Set(
  fold(
    `a afuera ahi ahora al algo alguien alguna alguno ando ante aqui asi ay buen buena buenas buenos cada como con cosa cual cuales cuando cuanta cuanto cuantos cuesta
     cuestan d da dar de debe debo del desde dia dias disculpe donde dos e el ella ellas ellos en entre era eres es esa ese eso esta estan estar este esto estoy
     favor fue gracias gustaria hacer hago han has hasta hay haz he hice hola hoy ir k la las le les lo los mande mas me mi mis misma mismo muy necesita
     necesitan necesito ni no nos nuestra nuestro o ocupo oiga otra otro pa para pedir pero piden poder poner por porfa porfavor porq porque pos primer primera pude
     puede pueden puedo pues q que quien quiere quieren quiero quisiera sabe saben saber se sea ser si sin sirve sobre solicitar solicitud solo son soy su sus
     tal tan te tengo tenia tener tiene tienen toda todas todo todos tramite tramites tramitar tu u un una unas uno unos va vale vas ver vez vive voy x xfa y ya
     yo obtener conseguir sacar saco gobierno ayuda ayudeme urgente informes info requisito requisitos costo precio pasos cita citas
     the an and any are can do does for from get how i in is it my need of on or to want what where with you apply application please`,
  ).split(/\s+/),
)
/** Of these a mistyped one says as little: `nesesito`. */
const longStopWords = [...stopWords].filter((w) => w.length > 5)
/** After these a word is a thing and no town: `el centro`, `la reforma`. */
const articles = new Set(['el', 'la', 'los', 'las', 'un', 'una', 'mi', 'su', 'tu', 'del', 'al'])

/** How much a word of a field says about the service. What a person chooses from is among the least, and finds what no other word does. */
const fields: readonly [key: RegExp, weight: number][] = [
  [/^name$/, 1],
  [/^document$/, 0.5],
  [/^(result|summary)$/, 0.35],
  [/^(note|who|when)$/, 0.17],
  [/^questions\..*\.options\./, 0.17],
]
/** A word that alone is what people type; in a phrase each says less. */
const searchWeight = 0.85

/** Letters said one by one are a word: `r f c`, `R.F.C.`, and so is what is dictated as such. */
function wordsOf(text: string): string[] {
  const words: string[] = []
  let spelled = 0
  for (const w of fold(text).split(' ')) {
    // A digit by itself says nothing.
    if (w === '' || /^\d$/.test(w)) continue
    const letter = /^\p{L}$/u.test(w)
    if (letter && spelled > 0) words[words.length - 1] += w
    else words.push(w)
    spelled = letter ? spelled + 1 : 0
  }
  return words
}
const tokens = (text: string) => wordsOf(text).filter((w) => !stopWords.has(w))

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

/** About two megabytes. More different words begin anew, so that nobody fills the memory by typing. */
const rememberedWords = 5_000

/** Adds to a map of what counts most. */
function raise<K>(map: Map<K, number>, key: K, value: number): void {
  if (value > (map.get(key) ?? 0)) map.set(key, value)
}
function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

/** Builds the index over the bases in force. Some hundred documents: built anew when one is published. */
export function buildIndex(
  bases: readonly Base[],
  places: Places,
  synonyms: Synonyms,
  agencyName: (agency: string, language: Language) => string,
): SearchIndex {
  /** Stem → base → how much the word says about it. */
  const postings = new Map<string, Map<string, number>>()
  const words = new Set<string>()
  const add = (found: readonly string[], base: string, weight: number) => {
    for (const w of found) {
      words.add(w)
      const key = stem(w)
      let list = postings.get(key)
      if (!list) postings.set(key, (list = new Map()))
      raise(list, base, weight)
    }
  }
  /** Whole phrases that name a service, its name and what its author says people type, by the first of their stems. */
  const phrases = new Map<string, { readonly stems: readonly string[]; readonly base: string }[]>()
  for (const { definition: d, texts } of bases) {
    for (const language of languages) {
      for (const [key, text] of Object.entries(texts[language])) {
        const field = fields.find(([pattern]) => pattern.test(key))
        if (field) add(tokens(text), d.id, field[1])
      }
      add(tokens(agencyName(d.agency, language)), d.id, 0.5)
      for (const phrase of [texts[language].name ?? '', ...(texts[language].search ?? '').split(',')]) {
        const said = tokens(phrase)
        if (said.length === 0) continue
        add(said, d.id, searchWeight / Math.sqrt(said.length))
        const stems = [...new Set(said.map(stem))]
        pushTo(phrases, stems[0]!, { stems, base: d.id })
      }
    }
    add(tokens(d.agency), d.id, 0.65)
  }
  const rarity = new Map([...postings].map(([s, list]) => [s, Math.log(1 + bases.length / list.size)]))
  const heard = new Map<string, string[]>()
  for (const w of words) pushTo(heard, sound(w), w)
  /** By length, for a slip changes it little. */
  const vocabulary: { readonly said: string; readonly bits: number; readonly stems: readonly string[] }[][] = []
  for (const [said, written] of heard)
    (vocabulary[said.length] ??= []).push({ said, bits: letters(said), stems: [...new Set(written.map(stem))] })
  const begun = [...words].sort()
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
  const alikeHeard = new Map([...alike.keys()].map((s) => [sound(s), s]))
  const phraseWords = Object.entries(synonyms.phrases).map(([p, w]) => [` ${fold(p)} `, w.map(fold)] as const)
  const stateNames = places.states.map((s) => ({
    code: s.code,
    words: fold(s.name).split(' '),
    names: [s.name, s.legalName, ...s.also].map(fold).filter((n) => n.length > 2),
  }))
  const placesBegin = new Set([...places.byName.keys()].map((n) => n.split(' ', 1)[0]!))
  const placesHeard = new Map([...places.byName.keys()].filter((n) => n.length > 4).map((n) => [sound(n), n]))

  /** Whether a service is called by this word, and does not only mention it. */
  const isService = (word: string) => [...(postings.get(stem(word))?.values() ?? [])].some((weight) => weight >= 0.4)

  function placeIn(typed: readonly string[], near: string | null): { code: string; from: number; to: number } | null {
    let best: { code: string; from: number; to: number; codes: readonly string[] } | null = null
    for (let from = 0; from < typed.length; from++) {
      const before = typed[from - 1]
      const said = before === 'en' || before === 'in' || before === 'at'
      if (!said && !placesBegin.has(typed[from]!)) continue
      for (let to = Math.min(typed.length, from + 6); to > from; to--) {
        const written = typed.slice(from, to).join(' ')
        // `en sapopan`: only where a place must follow, for many a word sounds like some town.
        const name = places.byName.has(written) ? written : said ? placesHeard.get(sound(written)) : undefined
        const codes = name === undefined ? undefined : places.byName.get(name)
        if (!codes) continue
        // `mexico` alone is the country; a word that services use is that word, unless `en` says that it is a place.
        if (name === 'mexico' && !(from > 1 && typed[from - 2] === 'estado')) continue
        if (!said && (stopWords.has(name!) || typed.slice(from, to).every(isService))) continue
        if (!said && to - from === 1 && before !== undefined && articles.has(before)) continue
        if (!said && name!.length < 4 && !/^(df|cdmx|nl|bc|bcs|slp)$/.test(name!)) continue
        if (!best || said || to - from > best.to - best.from) best = { code: codes[0]!, from, to, codes }
        break
      }
    }
    if (!best) return null
    const rest = ` ${[...typed.slice(0, best.from), ...typed.slice(best.to)].join(' ')} `
    // `Juárez, Chihuahua`: a state named beside it decides; else the state one is in; else where most people live.
    const named = stateNames.find((s) => s.names.some((n) => rest.includes(` ${n} `)))
    const inState = (state: string | undefined) =>
      state === undefined ? undefined : best.codes.find((c) => c.length === 5 && c.startsWith(state))
    const first = best.codes[0]!
    const code = inState(named?.code) ?? inState(near?.slice(0, 2)) ?? (first.length === 2 ? (inState(first) ?? first) : first)
    if (named && code.startsWith(named.code)) {
      const at = typed.findIndex((_, i) => named.words.every((w, j) => typed[i + j] === w))
      if (at >= 0) return { code, from: Math.min(best.from, at), to: Math.max(best.to, at + named.words.length) }
    }
    return { code, from: best.from, to: best.to }
  }

  /** People type the same words, and the same slips. */
  const remembered = new Map<string, ReadonlyMap<string, number>>()

  /** The stems of the index that a typed word may mean, and how surely: 1 is the word itself. */
  function meanings(word: string): ReadonlyMap<string, number> {
    let found = remembered.get(word)
    if (!found) {
      found = meaningsOf(word)
      if (remembered.size >= rememberedWords) remembered.clear()
      remembered.set(word, found)
    }
    return found
  }

  function meaningsOf(word: string, whole = true): Map<string, number> {
    const found = new Map<string, number>()
    const take = (s: string, sure: number) => {
      if (postings.has(s)) raise(found, s, sure)
      for (const other of alike.get(s) ?? []) if (postings.has(other)) raise(found, other, sure * 0.7)
    }
    take(stem(word), 1)
    const said = sound(word)
    const own = postings.get(stem(word))?.size ?? 0
    // Written as it sounds. So is a word that some author lists as a slip, and what most services call it is meant all the same.
    if (said.length > 2) for (const written of heard.get(said) ?? []) if (postings.get(stem(written))!.size > own) take(stem(written), 0.9)
    if (own > 0) return found
    // Not a word we know: a synonym, begun, or mistyped.
    if (found.size === 0 && said.length > 2 && alikeHeard.has(said)) take(alikeHeard.get(said)!, 0.9)
    if (found.size > 0) return found
    if (word.length >= 4) for (let i = firstNotBefore(begun, word); begun[i]?.startsWith(word); i++) take(stem(begun[i]!), 0.6)
    if (said.length < 3) return found
    const most = slips(said.length)
    const bits = letters(said)
    let least = most
    const near: { stems: readonly string[]; edits: number }[] = []
    for (const known of vocabulary.slice(Math.max(0, said.length - most), said.length + most + 1).flatMap((v) => v ?? [])) {
      if (bitCount(bits ^ known.bits) > 2 * least) continue
      const edits = distance(said, known.said, least)
      if (edits > least) continue
      least = Math.max(1, edits)
      near.push({ stems: known.stems, edits })
    }
    for (const { stems, edits } of near) if (edits <= least) for (const s of stems) take(s, edits <= 1 ? 0.6 : 0.45)
    if (found.size === 0 && most > 0)
      for (const [known, s] of alikeHeard) if (known.length > 3 && distance(said, known, 1) <= 1) take(s, 0.5)
    // `actadenacimiento`: words that ran together.
    if (found.size === 0 && whole && word.length > 7 && word.length < 40)
      for (const part of apart(word)) for (const [s, sure] of meaningsOf(part, false)) raise(found, s, sure * 0.8)
    return found
  }

  /** A word that is several known ones in a row, taken apart into as few as can be; nothing where it is not. */
  function apart(word: string): readonly string[] {
    // For each length of the beginning, the known words it is made of; what asks and joins is left out.
    const ways: (readonly string[] | undefined)[] = [[]]
    for (let to = 2; to <= word.length; to++) {
      for (let from = 0; from <= to - 2; from++) {
        const before = ways[from]
        const part = word.slice(from, to)
        const known = part.length > 3 && words.has(part)
        if (!before || !(known || stopWords.has(part))) continue
        const way = known ? [...before, part] : before
        if (way.length < (ways[to]?.length ?? Number.POSITIVE_INFINITY)) ways[to] = way
      }
    }
    return ways[word.length] ?? []
  }

  /** What the words say of each base, how much of what was asked it answers, and every stem that is meant with how surely. */
  function weigh(asked: Iterable<string>) {
    const answers = new Map<string, { sum: number; answered: number }>()
    const meant = new Map<string, number>()
    let all = 0
    for (const word of asked) {
      const here = new Map<string, number>()
      let rare = 0
      for (const [s, sure] of meanings(word)) {
        raise(meant, s, sure)
        const r = rarity.get(s)! * sure
        rare = Math.max(rare, r)
        for (const [base, weight] of postings.get(s)!) raise(here, base, weight * r)
      }
      // A word that means nothing here weighs nothing: it would be missing of every base alike.
      all += rare
      for (const [base, score] of here) {
        const { sum, answered } = answers.get(base) ?? { sum: 0, answered: 0 }
        // What is only mentioned in a note answers a part of what was asked.
        answers.set(base, { sum: sum + score, answered: answered + Math.min(rare, 2 * score) })
      }
    }
    return { answers, meant, all }
  }

  /** The bases named by a phrase that is there whole, and how much that says: most where it is all that was asked. */
  function namedBy(meant: ReadonlyMap<string, number>, asked: number): Map<string, number> {
    const named = new Map<string, number>()
    for (const first of meant.keys()) {
      for (const { stems, base } of phrases.get(first) ?? []) {
        if (!stems.every((s) => meant.has(s))) continue
        const sum = stems.reduce((n, s) => n + rarity.get(s)! * meant.get(s)!, 0)
        // Word for word is more than by way of a synonym or a slip.
        raise(named, base, sum * (stems.length < asked ? 0.6 : stems.every((s) => meant.get(s) === 1) ? 2 : 1.2))
      }
    }
    return named
  }

  return {
    find(typed, near = null) {
      const all = wordsOf(typed.slice(0, 200)).slice(0, 20)
      const place = placeIn(all, near)
      const left = place ? [...all.slice(0, place.from), ...all.slice(place.to)] : all
      const empty = (w: string) =>
        stopWords.has(w) || (w.length > 6 && !postings.has(stem(w)) && longStopWords.some((s) => distance(w, s, 1) <= 1))
      const said = new Set(left.filter((w) => !empty(w)))
      const whole = ` ${left.join(' ')} `
      const meaning = new Set([...said, ...phraseWords.filter(([p]) => whole.includes(p)).flatMap(([, w]) => w)])
      const { answers, meant, all: asked } = weigh(meaning)
      const named = namedBy(meant, said.size)
      const ranked = [...answers]
        .map(([base, { sum, answered }]) => ({ base, score: (sum + (named.get(base) ?? 0)) * (0.2 + (0.8 * answered) / asked) }))
        .sort((a, b) => b.score - a.score || (a.base < b.base ? -1 : 1))
      const best = ranked[0]?.score ?? 0
      // What answers a fifth as well as the best is noise to somebody who reads a list.
      return { ranked: ranked.filter((r) => r.score >= best * 0.2), place: place?.code ?? null }
    },
  }
}

/** The first place in a sorted list that does not stand before `word`. */
function firstNotBefore(sorted: readonly string[], word: string): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle]! < word) from = middle + 1
    else to = middle
  }
  return from
}

const nearness = { municipal: 0, state: 1, federal: 2 } as const
const collator = new Intl.Collator('es-MX')

/**
 * The bases that answer, in the order in which somebody reads them. Answers about as good as one another, in bands of a quarter of the best, stand
 * by nearness where a place is known. Without words all that the place offers; with words a state's towns count too, for who names only the state
 * still means the service.
 */
export function inOrder(bases: Iterable<Base>, found: Found | null, place: Jurisdiction | null): Base[] {
  const score = new Map(found?.ranked.map((r) => [r.base, r.score]))
  const best = found?.ranked[0]?.score ?? 0
  const scoreOf = (b: Base) => score.get(b.definition.id) ?? 0
  const band = (b: Base) => (best > 0 ? Math.floor((4 * (best - scoreOf(b))) / best) : 0)
  // Only a place was written: everything that is offered there.
  const worded = found !== null && (found.ranked.length > 0 || found.place === null)
  return [...bases]
    .filter((b) => (worded ? score.has(b.definition.id) : !place || b.definition.level !== 'municipal' || place.level === 'municipal'))
    .sort(
      (a, b) =>
        band(a) - band(b) ||
        (place ? nearness[a.definition.level] - nearness[b.definition.level] : 0) ||
        scoreOf(b) - scoreOf(a) ||
        nearness[a.definition.level] - nearness[b.definition.level] ||
        collator.compare(a.texts.es.name ?? '', b.texts.es.name ?? ''),
    )
}
