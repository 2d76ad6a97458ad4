/** The languages people can read. A further one is a line here and its text files. */
export const languages = ['es', 'en'] as const
export type Language = (typeof languages)[number]

/** Words in every language. */
export type Words = Readonly<Record<Language, string>>

/** The locale whose formats a language uses. */
export const localeOf: Record<Language, string> = { es: 'es-MX', en: 'en' }

type Parameters = Readonly<Record<string, string | number>>
type PluralBase<K extends string> = K extends `${infer B}.${'one' | 'many' | 'other'}` ? B | K : K

const plurals = new Map<Language, Intl.PluralRules>()
const numbers = new Map<Language, Intl.NumberFormat>()

/** A number as people of this language write it. */
export function formatNumber(language: Language, n: number): string {
  let f = numbers.get(language)
  if (!f) numbers.set(language, (f = new Intl.NumberFormat(localeOf[language])))
  return f.format(n)
}

function fill(pattern: string, parameters: Parameters | undefined, language: Language): string {
  if (!parameters || !pattern.includes('{')) return pattern
  return pattern.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => {
    const v = parameters[name]
    return v === undefined ? whole : typeof v === 'number' ? formatNumber(language, v) : v
  })
}

/**
 * A part's texts: `text('es', 'before-you', { count: 3 })`. A missing key does not compile; the guard test compares the files at run time.
 * With `count` the forms `key.one`, `key.many` and `key.other` are tried by the language's plural rule. What comes back is plain text: escape it
 * as any other (an `html` hole does).
 */
export function texts<T extends Record<string, string>>(files: Record<Language, T>) {
  return function text(language: Language, key: PluralBase<keyof T & string>, parameters?: Parameters): string {
    const all = files[language] as Record<string, string>
    const count = parameters?.count
    if (typeof count === 'number') {
      let rules = plurals.get(language)
      if (!rules) plurals.set(language, (rules = new Intl.PluralRules(localeOf[language])))
      const form = all[`${key}.${rules.select(count)}`] ?? all[`${key}.other`]
      if (form !== undefined) return fill(form, parameters, language)
    }
    const pattern = all[key]
    if (pattern === undefined) throw new RangeError(`No text ${key} in ${language}.`)
    return fill(pattern, parameters, language)
  }
}

const spans = new Map<string, Intl.NumberFormat>()
const unitOf = (minutes: number) => (minutes < 120 ? 'minute' : minutes < 2880 ? 'hour' : 'day')
const minutesIn = { minute: 1, hour: 60, day: 1440 } as const

/** A span of minutes in the unit that fits its length: `40 minutos`, from two hours on `3 horas`, from two days on `5 días`. */
export function formatSpan(language: Language, minutes: number): string {
  const unit = unitOf(minutes)
  const id = `${language} ${unit}`
  let f = spans.get(id)
  if (!f)
    spans.set(id, (f = new Intl.NumberFormat(localeOf[language], { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 })))
  return f.format(Math.max(0, minutes / minutesIn[unit]))
}

const shares = new Map<string, Intl.NumberFormat>()

/** A share of one as a whole number of hundredths: `97 %` as the language writes it. Nearly all is not all, nor nearly none nobody: `99.7 %`, `0.1 %`. */
export function formatShare(language: Language, share: number): string {
  const near = share > 0 && share < 1 && (share < 0.005 || share >= 0.995)
  const id = `${language} ${near}`
  let f = shares.get(id)
  if (!f) shares.set(id, (f = new Intl.NumberFormat(localeOf[language], { style: 'percent', maximumFractionDigits: near ? 1 : 0 })))
  return f.format(near ? Math.min(0.999, Math.max(0.001, share)) : share)
}

const dateFormats = new Map<string, Intl.DateTimeFormat>()

/** A date or an instant in words: `23 de noviembre de 2026`, with `time` also the hour, in the given zone. */
export function formatDate(
  language: Language,
  at: Date | string,
  options: { zone?: string; time?: boolean; short?: boolean } = {},
): string {
  const plain = typeof at === 'string'
  const zone = plain ? 'UTC' : (options.zone ?? 'America/Mexico_City')
  const id = `${language}|${zone}|${options.time}|${options.short}`
  let f = dateFormats.get(id)
  if (!f) {
    f = new Intl.DateTimeFormat(localeOf[language], {
      timeZone: zone,
      dateStyle: options.short ? 'medium' : 'long',
      ...(options.time ? { timeStyle: 'short' as const } : {}),
    })
    dateFormats.set(id, f)
  }
  return f.format(plain ? new Date(`${at}T00:00:00Z`) : at)
}
