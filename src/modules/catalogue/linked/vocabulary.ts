/**
 * The words that records are written in: CPSV-AP 3.2, DCAT 3, and `<portal>/ns#` for what neither has (how long it may take by law, what silence means, where a
 * figure comes from, what a place changed). A node is the JSON-LD object itself; the table of properties says how to read it as triples.
 */
import type { Language } from '#kernel/text'

/** Prefixes; `vnt` is this portal's own and is added by `prefixesOf`. */
const prefixes = {
  adms: 'http://www.w3.org/ns/adms#',
  cpsv: 'http://purl.org/vocab/cpsv#',
  cv: 'http://data.europa.eu/m8g/',
  dcat: 'http://www.w3.org/ns/dcat#',
  dct: 'http://purl.org/dc/terms/',
  eli: 'http://data.europa.eu/eli/ontology#',
  foaf: 'http://xmlns.com/foaf/0.1/',
  locn: 'http://www.w3.org/ns/locn#',
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  rdfs: 'http://www.w3.org/2000/01/rdf-schema#',
  skos: 'http://www.w3.org/2004/02/skos/core#',
  time: 'http://www.w3.org/2006/time#',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
} as const

/** Every property we write, and what its values are: words by language, the IRI of a node, plain text, or a datatype of XML Schema. */
export const properties = {
  'dct:identifier': 'text',
  'dct:title': 'words',
  'dct:description': 'words',
  'skos:prefLabel': 'words',
  'dcat:keyword': 'words',
  'dct:language': 'iri',
  'dct:spatial': 'iri',
  'dct:audience': 'iri',
  'dct:type': 'iri',
  'dct:conformsTo': 'iri',
  'cv:hasCompetentAuthority': 'iri',
  'cv:contactPoint': 'iri',
  'cv:contactPage': 'iri',
  'cv:telephone': 'text',
  'cv:email': 'text',
  'cv:openingHours': 'iri',
  'cv:isGroupedBy': 'iri',
  'cv:hasLegalResource': 'iri',
  'cpsv:follows': 'iri',
  'cpsv:implements': 'iri',
  'cv:holdsRequirement': 'iri',
  'cpsv:hasInput': 'iri',
  'cv:hasInputType': 'iri',
  'cpsv:produces': 'iri',
  'cv:hasChannel': 'iri',
  'cv:hasCost': 'iri',
  'cv:hasValue': 'xsd:double',
  'cv:currency': 'iri',
  'locn:address': 'iri',
  'locn:fullAddress': 'words',
  'foaf:page': 'iri',
  'vnt:adopts': 'iri',
  'vnt:changes': 'iri',
  'vnt:version': 'text',
  'vnt:officialKey': 'text',
  'vnt:longestTerm': 'iri',
  'vnt:silence': 'iri',
  'vnt:answerWithin': 'iri',
  'vnt:validity': 'iri',
  'vnt:line': 'iri',
  'vnt:means': 'iri',
  'vnt:unit': 'iri',
  'vnt:count': 'xsd:integer',
  'vnt:source': 'iri',
  'vnt:unverified': 'xsd:boolean',
  'vnt:article': 'text',
  'vnt:read': 'xsd:date',
  'vnt:when': 'text',
  'vnt:order': 'xsd:integer',
  'vnt:atLeast': 'xsd:decimal',
  'vnt:atMost': 'xsd:decimal',
  'vnt:givenAs': 'iri',
  'vnt:optional': 'xsd:boolean',
  'vnt:issuedBy': 'iri',
  'dct:publisher': 'iri',
  'dct:license': 'iri',
  'dct:accrualPeriodicity': 'iri',
  'dcat:dataset': 'iri',
  'dcat:landingPage': 'iri',
  'dcat:distribution': 'iri',
  'dcat:accessURL': 'iri',
  'dcat:downloadURL': 'iri',
  'dcat:mediaType': 'iri',
  'foaf:name': 'words',
  'foaf:homepage': 'iri',
  'rdfs:label': 'words',
  'rdfs:comment': 'words',
  'rdfs:range': 'iri',
  'rdfs:isDefinedBy': 'iri',
} as const

export type Property = keyof typeof properties
type Kind = (typeof properties)[Property]
type Value<K extends Kind> = K extends 'words'
  ? Readonly<Partial<Record<Language, string | readonly string[]>>>
  : K extends 'xsd:boolean'
    ? boolean
    : K extends 'xsd:integer'
      ? number
      : K extends 'iri'
        ? string | readonly string[]
        : string

/** One thing and what is said of it, as JSON-LD. Ids and values of kind `iri` are addresses or begin with a prefix; there are no nameless nodes. */
export type Node = { readonly '@id': string; readonly '@type': string | readonly string[] } & {
  readonly [P in Property]?: Value<(typeof properties)[P]> | undefined
}

/** Classes of our own. */
export const classes = ['Base', 'Span', 'Silence'] as const

/** Concepts of our own. */
export const concepts = [
  'in-turn',
  'affirmative',
  'negative',
  'immediate',
  'working-days',
  'days',
  'months',
  'years',
  'indefinite',
  'once',
  'person',
  'company',
  'web',
  'counter',
  'phone',
  'kiosk',
  'centre',
  'file',
  'shown',
  'changed-fee',
  'changed-term',
  'changed-hours',
  'changed-paper',
] as const
export type Concept = (typeof concepts)[number]

/** Our own properties, without their prefix. */
export const ownProperties = (Object.keys(properties) as Property[]).flatMap((p) => (p.startsWith('vnt:') ? p.slice(4) : []))

/** All prefixes of a portal at this address. */
export function prefixesOf(origin: string): Readonly<Record<string, string>> {
  return { ...prefixes, vnt: `${origin}/ns#` }
}

/** A prefixed name or an address as a whole IRI. */
export function expand(name: string, known: Readonly<Record<string, string>>): string {
  const at = name.indexOf(':')
  const space = name.startsWith('//', at + 1) ? undefined : known[name.slice(0, at)]
  return space === undefined ? name : space + name.slice(at + 1)
}

/** The JSON-LD context by which a node is read. */
export function contextOf(origin: string): Readonly<Record<string, unknown>> {
  const typed = (Object.entries(properties) as [Property, Kind][]).flatMap(([name, kind]) => {
    // JSON's own true, false and whole numbers are already what they mean.
    if (kind === 'text' || kind === 'xsd:boolean' || kind === 'xsd:integer') return []
    return [[name, kind === 'words' ? { '@container': '@language' } : { '@type': kind === 'iri' ? '@id' : kind }] as const]
  })
  return { ...prefixesOf(origin), ...Object.fromEntries(typed) }
}

/** An address that somebody wrote, as an IRI that no format needs to escape. */
export function iri(written: string): string {
  // What the URL standard lets stand and RFC 3987 does not.
  return new URL(written).href.replace(/[<>"{}|\\^`]/g, encodeURIComponent)
}
