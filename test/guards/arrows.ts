/**
 * Which part uses which, read from the imports, and whether every arrow may be there: kernel <- platform <- modules <- channels <- main.
 * `npm run arrows` prints the graph and ends with 1 when an arrow is wrong.
 */
import { dirname, posix } from 'node:path'
import { type Fault, type Files, files, isTest, place } from './source.ts'

/** From the lowest to the highest. A file may import from its own layer and from those before it. */
export const layers = ['kernel', 'platform', 'modules', 'channels', 'main'] as const
export type Layer = (typeof layers)[number]

/** Which module may call which. A module without a row may not exist; ARCHITECTURE.md shows this table. */
export const calls: Readonly<Record<string, readonly string[]>> = {
  publiclog: [],
  people: ['publiclog'],
  federation: ['people'],
  catalogue: ['people', 'publiclog'],
  messages: ['people'],
  signing: ['people', 'publiclog'],
  mandates: ['people', 'catalogue', 'signing'],
  payments: ['people', 'publiclog'],
  cases: ['publiclog', 'people', 'catalogue', 'messages', 'signing', 'mandates', 'payments'],
  information: ['publiclog'],
  tax: ['cases', 'publiclog', 'people', 'catalogue', 'messages', 'signing', 'mandates', 'payments'],
  voice: ['people', 'catalogue', 'cases'],
  insight: ['publiclog', 'people', 'catalogue', 'cases', 'voice'],
}

/** Which part of the platform may use which. None knows a module. */
export const platformCalls: Readonly<Record<string, readonly string[]>> = {
  config: [],
  db: ['jobs'],
  jobs: ['db'],
  web: ['look'],
  look: [],
  keys: [],
  files: [],
  telemetry: [],
}

/** Files that may be entered beside a front door, and by whom. */
const furtherDoors: Readonly<Record<string, (from: Part) => boolean>> = {
  // The judge of lines, for programs that have no database.
  'src/modules/cases/replay.ts': () => true,
  // The judge of signatures, for the same.
  'src/modules/signing/verify.ts': () => true,
  'src/modules/signing/authority/offline.ts': () => true,
  // The judge of numbers, for the same.
  'src/modules/insight/verify.ts': () => true,
  // Builders of assets are loaded only by the process that serves pages.
  'src/platform/look/build.ts': (from) => from.layer === 'main',
  // The queue's tables are made where all tables are made.
  'src/platform/jobs/schema.ts': (from) => from.name === 'db',
}

export type Part = { readonly layer: Layer; readonly name: string }

/** The part a file belongs to; null for what is outside `src`. */
export function partOf(path: string): Part | null {
  const [top, second, third, ...more] = path.split('/')
  if (top !== 'src' || second === undefined) return null
  if (second === 'kernel') return { layer: 'kernel', name: 'kernel' }
  if (second === 'platform' || second === 'modules' || second === 'channels')
    return { layer: second, name: more.length > 0 ? third! : second }
  return { layer: 'main', name: third === undefined ? second.replace(/\.ts$/, '') : second }
}

/** One import: who, what, and where it stands. `to` is a path from the root, or a package's name with `package: true`. */
export type Arrow = { readonly from: string; readonly to: string; readonly package: boolean; readonly at: string }

const importing = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*(?:['"]([^'"]+)['"]\s*\)|)/g,
]

/** Every import of these files, with types: an arrow that is erased is still one a reader must follow. */
export function arrows(sources: Files, doors: Readonly<Record<string, string>>): { arrows: Arrow[]; faults: Fault[] } {
  const found: Arrow[] = []
  const faults: Fault[] = []
  for (const [path, text] of sources) {
    if (!path.endsWith('.ts')) continue
    for (const pattern of importing) {
      for (const match of text.matchAll(pattern)) {
        const at = place(path, text, match.index + match[0].search(/\S/))
        const [, written] = match
        if (written === undefined) {
          faults.push(`${at} imports a path that is computed: nobody can see where it leads.`)
          continue
        }
        const door =
          doors[written] ??
          (written.startsWith('#')
            ? doors[written.replace(/\/[^/]+$/, '/*')]?.replace('*', written.slice(written.indexOf('/') + 1))
            : undefined)
        if (door !== undefined) found.push({ from: path, to: posix.normalize(door), package: false, at })
        else if (written.startsWith('.')) found.push({ from: path, to: posix.join(dirname(path), written), package: false, at })
        else if (written.startsWith('#')) faults.push(`${at} enters by ${written}, which is no door in package.json.`)
        else found.push({ from: path, to: written, package: true, at })
      }
    }
  }
  return { arrows: found, faults }
}

/** What reaches outside the process: the kernel has none of it. */
const reaches = /^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|cluster|worker_threads|process)(\/|$)/

/** Every arrow that may not be there. */
export function wrongArrows(sources: Files, doors: Readonly<Record<string, string>>): Fault[] {
  const { arrows: all, faults } = arrows(sources, doors)
  for (const { from: path, to: target, package: isPackage, at } of all) {
    const from = partOf(path)
    if (!from || isTest(path)) continue
    const fault = (what: string) => faults.push(`${at} imports ${target}: ${what}`)
    if (isPackage) {
      if (from.layer === 'kernel' && reaches.test(target)) fault('the kernel does no I/O.')
      continue
    }
    const to = partOf(target)
    if (!to) {
      // The benchmarks are a command of the program; they come in by the top layer alone.
      if (target.startsWith('test/') || (target.startsWith('bench/') && from.layer !== 'main'))
        fault('what is shipped does not use its tests.')
      continue
    }
    if (isTest(target)) fault('what is shipped does not use its tests.')
    if (layers.indexOf(to.layer) > layers.indexOf(from.layer)) {
      fault(`${to.layer} stands above ${from.layer}. News travels upward as a job.`)
      continue
    }
    if (to.layer === from.layer && to.name === from.name) continue
    if (to.layer === 'kernel' || to.layer === 'main') continue
    if (target !== `src/${to.layer}/${to.name}/index.ts` && !furtherDoors[target]?.(from))
      fault(`${to.name} is entered by its front door, #${to.name}.`)
    if (to.layer !== from.layer) continue
    if (from.layer === 'channels') fault('a channel stands alone.')
    const may = (from.layer === 'modules' ? calls : platformCalls)[from.name]
    if (may && !may.includes(to.name)) fault(`${from.name} may call ${may.length > 0 ? may.join(', ') : 'nobody'}.`)
  }
  for (const { layer, name } of parts(sources)) {
    const table = layer === 'modules' ? calls : layer === 'platform' ? platformCalls : null
    if (table && !(name in table)) faults.push(`src/${layer}/${name} has no row in the table of test/guards/arrows.ts.`)
  }
  const cycle = cycleIn(calls)
  if (cycle) faults.push(`The table of calls has a cycle: ${cycle.join(' -> ')}.`)
  return faults
}

function parts(sources: Files): Part[] {
  const all = new Map<string, Part>()
  for (const path of sources.keys()) {
    const part = partOf(path)
    if (part) all.set(`${part.layer}/${part.name}`, part)
  }
  return [...all.values()].sort((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer) || (a.name < b.name ? -1 : 1))
}

/** A way through the table that comes back to where it began, or null. */
export function cycleIn(table: Readonly<Record<string, readonly string[]>>): string[] | null {
  const done = new Set<string>()
  const walk = (name: string, way: readonly string[]): string[] | null => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name]
    if (done.has(name)) return null
    for (const next of table[name] ?? []) {
      const found = walk(next, [...way, name])
      if (found) return found
    }
    done.add(name)
    return null
  }
  for (const name of Object.keys(table)) {
    const found = walk(name, [])
    if (found) return found
  }
  return null
}

/** The graph for people: each layer with its parts, and behind each part those it uses. Everything may use the kernel; that is not drawn. */
export function draw(sources: Files, doors: Readonly<Record<string, string>>): string {
  const shipped = new Map([...sources].filter(([path]) => !isTest(path)))
  const used = new Map<string, Set<string>>()
  for (const { from: path, to: target, package: isPackage } of arrows(shipped, doors).arrows) {
    const from = partOf(path)
    const to = isPackage ? null : partOf(target)
    if (!from || !to || to.layer === 'kernel' || (to.layer === from.layer && to.name === from.name)) continue
    const key = `${from.layer}/${from.name}`
    used.set(key, (used.get(key) ?? new Set()).add(`${to.layer}/${to.name}`))
  }
  const lines: string[] = []
  let layer: Layer | null = null
  for (const part of parts(shipped)) {
    if (part.layer !== layer) {
      layer = part.layer
      lines.push(layer)
      if (layer === 'kernel') continue
    }
    const targets = [...(used.get(`${part.layer}/${part.name}`) ?? [])]
    const of = (l: Layer) =>
      targets
        .filter((t) => t.startsWith(`${l}/`))
        .map((t) => t.slice(l.length + 1))
        .sort()
        .join(' ')
    const shown = [...layers].reverse().map(of).filter(Boolean)
    lines.push(`  ${part.name.padEnd(12)}${shown.length > 0 ? ` -> ${shown.join(' | ')}` : ''}`.trimEnd())
  }
  return lines.join('\n')
}

if (import.meta.main) {
  const { default: pack } = await import('../../package.json', { with: { type: 'json' } })
  const sources = files('src/**/*.ts')
  process.stdout.write(`${draw(sources, pack.imports)}\n`)
  const faults = wrongArrows(sources, pack.imports)
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  process.exitCode = faults.length > 0 ? 1 : 0
}
