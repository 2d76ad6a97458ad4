/** Nodes as text, piece by piece: JSON-LD, Turtle and N-Triples of one graph. */
import { contextOf, expand, type Node, type Property, prefixesOf, properties } from './vocabulary.ts'

/** The formats, by the ending of a file's name. */
export const mediaTypes = { jsonld: 'application/ld+json', ttl: 'text/turtle', nt: 'application/n-triples' } as const
export type Format = keyof typeof mediaTypes
export const formats = Object.keys(mediaTypes) as Format[]

/** Characters gathered before they are handed on: many small pieces cost more than their writing. */
const pieceSize = 64 * 1024

const many = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T])
// JSON escapes in a string what Turtle and N-Triples want escaped, and in their way.
const quoted = (text: string) => JSON.stringify(text.toWellFormed())

/** What is said of a node: each property with its values, as Turtle and N-Triples write them. `ref` writes an IRI. */
function* statements(node: Node, ref: (name: string) => string): Generator<readonly [property: string, values: readonly string[]]> {
  yield ['a', many(node['@type']).map(ref)]
  for (const [name, value] of Object.entries(node)) {
    const kind = properties[name as Property]
    if (kind === undefined || value === undefined) continue
    const values =
      kind === 'words'
        ? Object.entries(value as Record<string, string | readonly string[]>).flatMap(([l, all]) =>
            many(all).map((w) => `${quoted(w)}@${l}`),
          )
        : kind === 'iri'
          ? many(value as string | readonly string[]).map(ref)
          : [kind === 'text' ? quoted(String(value)) : `"${value}"^^${ref(kind)}`]
    if (values.length > 0) yield [name, values]
  }
}

function* jsonld(nodes: Iterable<Node>, origin: string): Generator<string> {
  // A node to a line: who cannot hold it all reads line by line.
  let before = `{"@context":${JSON.stringify(contextOf(origin))},"@graph":[\n`
  for (const node of nodes) {
    yield before + JSON.stringify(node)
    before = ',\n'
  }
  yield '\n]}\n'
}

function* turtle(nodes: Iterable<Node>, origin: string): Generator<string> {
  const known = prefixesOf(origin)
  // The prefixed names are all our own, and none has a character that Turtle would want escaped.
  const ref = (name: string) => (expand(name, known) === name ? `<${name}>` : name)
  yield Object.entries(known)
    .map(([prefix, space]) => `@prefix ${prefix}: <${space}> .\n`)
    .join('')
  for (const node of nodes) {
    const said = [...statements(node, ref)].map(([name, values]) => `${name} ${values.join(', ')}`)
    yield `\n${ref(node['@id'])} ${said.join(' ;\n  ')} .\n`
  }
}

function* ntriples(nodes: Iterable<Node>, origin: string): Generator<string> {
  const known = prefixesOf(origin)
  const ref = (name: string) => `<${expand(name, known)}>`
  for (const node of nodes) {
    const subject = ref(node['@id'])
    let text = ''
    for (const [name, values] of statements(node, ref)) {
      const start = `${subject} ${ref(name === 'a' ? 'rdf:type' : name)} `
      for (const value of values) text += `${start}${value} .\n`
    }
    yield text
  }
}

const writers = { jsonld, ttl: turtle, nt: ntriples } as const

/** The graph of `nodes` in a format, in pieces of about 64 kB; no more than a piece of it is ever held. */
export function* write(format: Format, nodes: Iterable<Node>, origin: string): Generator<string> {
  let piece = ''
  for (const text of writers[format](nodes, origin)) {
    piece += text
    if (piece.length < pieceSize) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
