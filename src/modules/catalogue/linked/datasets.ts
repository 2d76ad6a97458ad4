/** What the portal publishes as data, as a DCAT 3 catalogue, and its own vocabulary. */
import type { Words } from '#kernel/text'
import { assets, places } from '#look'
import { allLanguages, conceptNode } from './records.ts'
import { labels } from './text.ts'
import { classes, concepts, type Node, ownProperties, type Property, properties } from './vocabulary.ts'
import { formats, mediaTypes } from './write.ts'

const mediaType = (name: string) => `https://www.iana.org/assignments/media-types/${name}`
const every = (name: 'CONT' | 'MONTHLY') => `http://publications.europa.eu/resource/authority/frequency/${name}`
// As LICENSE of the project says.
const licence = 'https://www.apache.org/licenses/LICENSE-2.0'

type File = { readonly path: string; readonly type: string }
type Dataset = {
  readonly key: 'services' | 'numbers' | 'people' | 'drafts' | 'log'
  readonly page: string
  readonly every: Parameters<typeof every>[0]
  readonly files: readonly File[]
}

const datasets: readonly Dataset[] = [
  {
    key: 'services',
    page: places.services,
    every: 'CONT',
    files: formats.map((format) => ({ path: `/api/catalogue.${format}`, type: mediaTypes[format] })),
  },
  {
    key: 'numbers',
    page: places.numbers,
    every: 'MONTHLY',
    files: [
      { path: '/api/numbers', type: 'application/json' },
      { path: '/api/numbers/periods', type: 'application/json' },
    ],
  },
  { key: 'people', page: places.numbers, every: 'MONTHLY', files: [{ path: '/api/numbers?set=people', type: 'application/json' }] },
  { key: 'drafts', page: places.numbers, every: 'MONTHLY', files: [{ path: '/api/numbers?set=drafts', type: 'application/json' }] },
  { key: 'log', page: places.register, every: 'CONT', files: [{ path: '/log/checkpoint', type: 'text/plain' }] },
]

/** The catalogue of datasets. */
export function datasetNodes(origin: string): readonly Node[] {
  const at = (name: string) => `${origin}/api/dcat#${name}`
  const { name, issuer } = assets().theme
  const publisher = at('publisher')
  const page = (path: string): Node => ({ '@id': `${origin}${path}`, '@type': 'foaf:Document' })
  const said = {
    'dct:publisher': publisher,
    'dct:license': licence,
    'dct:language': allLanguages,
  } as const
  return [
    {
      '@id': at('catalogue'),
      '@type': 'dcat:Catalog',
      'dct:title': labels('dcat.title', { name }),
      'dct:description': labels('dcat.description'),
      'foaf:homepage': `${origin}/`,
      'dcat:dataset': datasets.map((d) => at(d.key)),
      ...said,
    },
    { '@id': publisher, '@type': 'foaf:Agent', 'dct:identifier': origin, 'dct:title': issuer as Words, 'foaf:name': issuer as Words },
    ...datasets.flatMap(({ key, page: path, every: often, files }): Node[] => [
      {
        '@id': at(key),
        '@type': 'dcat:Dataset',
        'dct:identifier': at(key),
        'dct:title': labels(`dataset.${key}`),
        'dct:description': labels(`dataset.${key}.text`),
        'dct:accrualPeriodicity': every(often),
        'dcat:landingPage': `${origin}${path}`,
        'dcat:distribution': files.map((f) => at(`file${f.path}`)),
        ...said,
      },
      ...files.map(
        (f): Node => ({
          '@id': at(`file${f.path}`),
          '@type': 'dcat:Distribution',
          'dct:title': labels(`dataset.${key}`),
          'dcat:accessURL': `${origin}${f.path}`,
          'dcat:downloadURL': `${origin}${f.path}`,
          'dcat:mediaType': mediaType(f.type),
          'dct:license': licence,
        }),
      ),
    ]),
    page('/'),
    ...[...new Set(datasets.map((d) => d.page))].map(page),
    ...allLanguages.map((language) => ({ '@id': language, '@type': 'dct:LinguisticSystem' })),
  ]
}

const rangeOf = (name: string): string => {
  const kind = properties[`vnt:${name}` as Property]
  return kind === 'iri' ? 'rdfs:Resource' : kind === 'text' ? 'xsd:string' : kind
}

/** Our own words, each with what it says: what `<portal>/ns#` leads to. */
export function vocabularyNodes(origin: string): readonly Node[] {
  const described = (name: string, type: string, more: Partial<Node> = {}): Node => ({
    '@id': `vnt:${name}`,
    '@type': type,
    'rdfs:label': labels(`term.${name}` as 'term.Base'),
    'rdfs:comment': labels(`term.${name}.text` as 'term.Base.text'),
    'rdfs:isDefinedBy': `${origin}/ns`,
    ...more,
  })
  return [
    ...classes.map((name) => described(name, 'rdfs:Class')),
    ...ownProperties.map((name) => described(name, 'rdf:Property', { 'rdfs:range': rangeOf(name) })),
    ...concepts.map(conceptNode),
  ]
}
