/** What people read: every text file has its pair in every language, with the same keys and the same holes, and every key the code asks for is there. */
import { dirname, posix } from 'node:path'
import { problems } from '../../src/kernel/problem.ts'
import { languages } from '../../src/kernel/text.ts'
import { type Fault, type Files, isTest, place, withoutComments } from './source.ts'

const holes = (pattern: string) => [...new Set([...pattern.matchAll(/\{([a-zA-Z]+)\}/g)].map((m) => m[1]!))].sort().join(', ')
/** Languages differ in their plural forms (Spanish has `many`): a key is the same with and without them. */
const base = (key: string) => key.replace(/\.(one|many|other)$/, '')

/** Faults among the files themselves. `texts` are all `text*.<language>.json` of the sources. */
export function unpairedTexts(texts: Files): Fault[] {
  const faults: Fault[] = []
  const read = (path: string) => JSON.parse(texts.get(path)!) as Record<string, unknown>
  for (const path of texts.keys()) {
    const [, stem, language] = /^(.*)\.([a-z]{2})\.json$/.exec(path) ?? []
    if (stem === undefined || !(languages as readonly string[]).includes(language!)) {
      faults.push(`${path} is of no language of src/kernel/text.ts.`)
      continue
    }
    const own = read(path)
    for (const [key, words] of Object.entries(own)) {
      if (typeof words !== 'string' || words.trim() === '') faults.push(`${path} has no words for ${key}.`)
    }
    for (const other of languages.filter((l) => l !== language)) {
      const pair = `${stem}.${other}.json`
      if (!texts.has(pair)) {
        faults.push(`${path} has no ${pair} beside it.`)
        continue
      }
      const theirs = read(pair)
      const bases = new Map(Object.keys(theirs).map((key) => [base(key), key]))
      for (const [key, words] of Object.entries(own)) {
        const match = key in theirs ? key : bases.get(base(key))
        if (match === undefined) faults.push(`${pair} lacks ${key}.`)
        // The form for one may leave the number out.
        else if (match === key && !key.endsWith('.one') && language! < other && holes(String(words)) !== holes(String(theirs[key])))
          faults.push(`${key} has the holes {${holes(String(words))}} in ${path} and {${holes(String(theirs[key]))}} in ${pair}.`)
      }
    }
  }
  return faults
}

/** Codes of refusals whose words are missing. `words` is one text file of the web part. */
export function problemsWithoutWords(
  path: string,
  words: Readonly<Record<string, string>>,
  codes: readonly string[] = Object.keys(problems),
): Fault[] {
  const faults = codes.flatMap((code) =>
    ['title', 'do']
      .map((part) => `problem.${code}.${part}`)
      .filter((key) => !words[key]?.trim())
      .map((key) => `${path} lacks ${key}.`),
  )
  for (const key of Object.keys(words)) {
    const code = /^problem\.(.+)\.(?:title|do)$/.exec(key)?.[1]
    if (code !== undefined && !codes.includes(code)) faults.push(`${path} has ${key}, and there is no such problem.`)
  }
  return faults
}

/** `texts({ es, en })` of a file: the function's name and the text files behind it. */
function textFunction(path: string, text: string): { name: string; exported: boolean; files: string[] } | null {
  const made = /\b(export )?const (\w+) = texts\(/.exec(text)
  if (!made) return null
  const files = [...text.matchAll(/from '(\.[^']*text[^']*\.json)'/g)].map((m) => posix.join(dirname(path), m[1]!))
  return { name: made[2]!, exported: made[1] !== undefined, files }
}

/**
 * Keys that the code asks for and no file has, and keys that no code asks for. A key made of pieces (`state.${state}`) asks for all that fit it, and at least one must.
 * Literal keys are checked by the compiler too; those with pieces, which are cast, are checked here alone.
 */
export function strayKeys(sources: Files, texts: Files): Fault[] {
  const faults: Fault[] = []
  const makers = new Map<string, NonNullable<ReturnType<typeof textFunction>>>()
  for (const [path, text] of sources) {
    const made = textFunction(path, text)
    if (made && !isTest(path)) makers.set(path, made)
  }
  for (const [path, made] of makers) {
    const keys = new Set(made.files.flatMap((file) => Object.keys(JSON.parse(texts.get(file) ?? '{}'))).map(base))
    const asked = new Set<string>()
    const module = partFolder(path)
    // A key may reach the function through a helper or a table of the same module.
    const readers = [...sources].filter(([other]) => !isTest(other) && partFolder(other) === module)
    for (const [reader, full] of readers) {
      const text = withoutComments(full)
      // Whatever is written like a key counts as asked for: keys also stand in tables. What must exist is what is given to the function.
      for (const { 1: word } of text.matchAll(/['"]([a-zA-Z][\w-]*(?:[./][\w-]+)*)['"]/g)) if (keys.has(base(word!))) asked.add(base(word!))
      for (const { 1: word } of text.matchAll(/`((?:[\w.-]|\$\{[^`{}]*(?:\{[^{}]*\}[^`{}]*)*\})+)`/g)) {
        if (!/^[a-z]/.test(word!) && !word!.includes('}.')) continue
        const fits = pieces(word!)
        for (const key of keys) if (fits.test(key)) asked.add(key)
      }
      const from = new RegExp(`import \\{[^}]*\\b${made.name}\\b[^}]*\\} from '(\\.[^']*)'`).exec(text)?.[1]
      if (reader !== path && (from === undefined || posix.join(dirname(reader), from) !== path)) continue
      const call = new RegExp(`(?<![.\\w])${made.name}\\(\\s*[\\w.]+,\\s*(?:'([^']+)'|\`([^\`]+)\`)`, 'g')
      for (const { 1: literal, 2: pattern, index } of text.matchAll(call)) {
        if (literal !== undefined && !keys.has(base(literal)))
          faults.push(`${place(reader, text, index)} asks for ${literal}, which no text file has.`)
        if (pattern !== undefined && ![...keys].some((key) => pieces(pattern).test(key)))
          faults.push(`${place(reader, text, index)} asks for ${pattern}, and no text file has any such.`)
      }
    }
    for (const key of keys) if (!asked.has(key)) faults.push(`${made.files[0]} has ${key}, and no code asks for it.`)
  }
  return faults
}

const partFolder = (path: string) => path.split('/').slice(0, 3).join('/')

/** A key with `${…}` in it as a pattern. */
function pieces(written: string): RegExp {
  return new RegExp(
    `^${written.replace(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|[.*+?^$()[\]\\|]/g, (found) => (found.startsWith('${') ? '[\\w./-]+' : `\\${found}`))}$`,
  )
}
