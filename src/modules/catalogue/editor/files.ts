/** A draft's files: how they are written, packed, and read back. */
import { isDeepStrictEqual } from 'node:util'
import { strToU8, unzipSync, zipSync } from 'fflate'
import { Problem } from '#kernel/problem'
import type { Surroundings } from '../check.ts'
import { checkFiles, type FileTexts, files, maxBytes, parseFile } from '../folder.ts'
import type { Content } from './content.ts'

/** The widest line of a file under `services/`, as the project's formatter has it. */
const lineWidth = 140

/**
 * JSON as every file under `services/` stands there: objects always on lines of their own, a list of plain values on one line where it fits. The order
 * of keys is the value's.
 */
export function written(value: unknown): string {
  const inner = (v: unknown, depth: number, before: number): string => {
    const pad = '  '.repeat(depth + 1)
    const close = `\n${'  '.repeat(depth)}`
    if (Array.isArray(v)) {
      if (v.length === 0) return '[]'
      if (v.every((x) => x === null || typeof x !== 'object')) {
        const line = `[${v.map((x) => JSON.stringify(x)).join(', ')}]`
        // One more for the comma that may follow.
        if (before + [...line].length + 1 <= lineWidth) return line
      }
      return `[\n${v.map((x) => pad + inner(x, depth + 1, pad.length)).join(',\n')}${close}]`
    }
    if (v === null || typeof v !== 'object') return JSON.stringify(v)
    const entries = Object.entries(v).filter(([, x]) => x !== undefined)
    if (entries.length === 0) return '{}'
    return `{\n${entries
      .map(([key, x]) => {
        const name = `${pad}${JSON.stringify(key)}: `
        return name + inner(x, depth + 1, [...name].length)
      })
      .join(',\n')}${close}}`
  }
  return `${inner(value, 0, 0)}\n`
}

/** A value's file: the bytes it came in where nothing in it changed, written anew otherwise. */
function fileOf(value: unknown, came: string | undefined): string {
  if (came !== undefined && isDeepStrictEqual(JSON.parse(came), value)) return came
  return written(value)
}

/** The four files of a service's content. `came`: the files of the version it was begun from. */
export function filesOf(content: Content, came: FileTexts | null): FileTexts {
  const parts = { definition: content.definition, es: content.es, en: content.en, examples: content.examples }
  return Object.fromEntries(
    Object.entries(parts).map(([key, value]) => {
      const name = files[key as keyof typeof files]
      return [name, fileOf(value, came?.[name])]
    }),
  )
}

/** The file of a place's adoptions. */
export function placeFile(value: unknown, came: string | null): string {
  return fileOf(value, came ?? undefined)
}

/** A zip of these files under a folder; the same files always give the same bytes. */
export function packed(folder: string, all: FileTexts): Buffer {
  const tree = Object.fromEntries(Object.entries(all).map(([name, text]) => [`${folder}/${name}`, strToU8(text)]))
  return Buffer.from(zipSync(tree, { mtime: new Date('2000-01-01T00:00:00'), level: 9 }))
}

/** What a zip holds that is a file of a definition, by name and size; nothing else in it is even unpacked. */
export function unpacked(bytes: Uint8Array): Map<string, { text: string | null; bytes: number }> {
  const found = new Map<string, { text: string | null; bytes: number }>()
  const wanted = new Set<string>(Object.values(files))
  const nameOf = (path: string) => path.split('/').at(-1)!
  let all: ReturnType<typeof unzipSync>
  try {
    all = unzipSync(bytes, {
      filter(file) {
        const name = nameOf(file.name)
        if (!wanted.has(name) || found.has(name)) return false
        found.set(name, { text: null, bytes: file.originalSize })
        return file.originalSize <= maxBytes
      },
    })
  } catch (cause) {
    throw new Problem('invalid', 'The zip file cannot be read.', { cause })
  }
  for (const [path, content] of Object.entries(all)) {
    const name = nameOf(path)
    if (content.length <= maxBytes) found.set(name, { text: new TextDecoder().decode(content), bytes: content.length })
  }
  return found
}

/** Reads the four files of one definition, as they were given. The id is the one the definition says. Never throws on hostile input. */
export function readFiles(given: ReadonlyMap<string, { text: string | null; bytes: number }>, around: Surroundings) {
  const read = (name: string, shown = name) => {
    const one = given.get(name)
    return parseFile(one?.text ?? null, shown, one?.bytes ?? 0)
  }
  const definition = read(files.definition)
  const said = 'value' in definition ? (definition.value as { id?: unknown } | null)?.id : null
  const id = typeof said === 'string' && /^[a-z0-9/-]{1,120}$/.test(said) ? said : 'service'
  const of = (name: string) => read(name, `${id}/${name}`)
  return {
    id,
    ...checkFiles(id, { definition: of(files.definition), es: of(files.es), en: of(files.en), examples: of(files.examples) }, around),
  }
}
