/** Services as CPSV-AP 3.2. What several services say alike (a base's papers and rules, an office, a place) is one node with one address. */
import { canonical } from '#kernel/canonical'
import { sha256Hex } from '#kernel/commitment'
import { type Language, languages, type Words } from '#kernel/text'
import { localPaperId } from '../check.ts'
import { type Definition, lifeEvents, type Paper, type Source } from '../definition.ts'
import type { Catalogue } from '../index.ts'
import type { Hours } from '../offices.ts'
import type { Service } from '../service.ts'
import { words } from '../text.ts'
import { hoursWords, serviceUrl } from '../views.ts'
import { labels } from './text.ts'
import { type Concept, concepts, iri, type Node, type Property, properties } from './vocabulary.ts'

const authority = 'http://publications.europa.eu/resource/authority'
const inLanguage = { es: `${authority}/language/SPA`, en: `${authority}/language/ENG` } as const
/** The languages of the portal's words, as DCAT and CPSV-AP name them. */
export const allLanguages = languages.map((l) => inLanguage[l])
const peso = `${authority}/currency/MXN`
const country = `${authority}/country/MEX`
/** A place is asked for under two classes: CPSV-AP's shapes want `dct:Location` of a service and a territorial unit of an organisation. */
const placeTypes = ['dct:Location', 'http://data.europa.eu/88u/dataset/atu-type']

const inEach = (of: (language: Language) => string): Words => ({ es: of('es'), en: of('en') })
const concept = (name: Concept) => `vnt:${name}`

/** Writes services of this catalogue for a portal at `origin`. */
export function openRecords(catalogue: Catalogue, origin: string, officeUrl?: (office: string) => string) {
  const of = (service: string) => `${origin}${serviceUrl(service)}`
  const here = (name: string) => `${origin}/api/catalogue#${name}`
  const eventOf = (event: string) => `${origin}/life-events/${event}`

  /** Nodes that any record may name. */
  const common: ReadonlyMap<string, Node> = new Map(
    [
      ...languages.map((l): Node => ({ '@id': inLanguage[l], '@type': 'dct:LinguisticSystem', 'skos:prefLabel': labels(`language.${l}`) })),
      { '@id': peso, '@type': 'skos:Concept', 'skos:prefLabel': labels('currency') } satisfies Node,
      { '@id': country, '@type': placeTypes, 'dct:identifier': '00', 'skos:prefLabel': labels('country') } satisfies Node,
      ...concepts.map((name) => conceptNode(name)),
      ...lifeEvents.map((event): Node => {
        const type = event === 'business' ? 'cv:BusinessEvent' : 'cv:LifeEvent'
        const title = inEach((l) => words(l, `event.${event}`))
        const description = inEach((l) => words(l, `event.${event}.text`))
        return {
          '@id': eventOf(event),
          '@type': ['cv:Event', type],
          'dct:identifier': event,
          'dct:title': title,
          'dct:description': description,
        }
      }),
    ].map((node) => [node['@id'], node]),
  )

  const laws = new WeakMap<object, string>()
  /** The address of a law, by what is said of it: whoever cites the same article names the same node. */
  function lawOf(source: Exclude<Source, string>): string {
    let node = laws.get(source)
    if (!node) laws.set(source, (node = here(`law-${sha256Hex(canonical(source)).slice(0, 16)}`)))
    return node
  }

  function lawNode(source: Exclude<Source, string>): Node {
    return {
      '@id': lawOf(source),
      '@type': 'eli:LegalResource',
      'dct:title': { es: source.law },
      'vnt:article': source.article,
      'foaf:page': source.url === undefined ? undefined : iri(source.url),
      'vnt:read': source.read,
    }
  }

  /** Where something comes from, or the mark that nobody has confirmed it. */
  const cited = (source: Source): Pick<Node, 'vnt:source' | 'vnt:unverified'> =>
    source === 'unverified' ? { 'vnt:unverified': true } : { 'vnt:source': lawOf(source) }
  const lawsAmong = (sources: readonly Source[]) => sources.filter((s) => s !== 'unverified')

  const both = (service: Service, key: string): Words | undefined =>
    service.text('es', key) === '' ? undefined : inEach((l) => service.text(l, key) || service.text('es', key))
  const part = (service: Service, name: string) => ({ '@id': `${of(service.id)}#${name}`, 'dct:identifier': `${service.id}#${name}` })

  /** What it costs, a node for each row of a table. */
  function costs(service: Service): readonly Node[] {
    const { fee, adoption } = service.definition
    const cost = (name: string, more: Partial<Node>): Node => ({
      ...part(service, name),
      '@type': 'cv:Cost',
      'cv:currency': peso,
      ...cited(fee.source),
      ...more,
    })
    switch (fee.kind) {
      case 'free':
        return [cost('fee', { 'cv:hasValue': '0', 'dct:description': inEach((l) => words(l, 'fee.free')) })]
      case 'fixed':
        return [cost('fee', { 'cv:hasValue': fee.amount })]
      case 'local':
        return [
          cost('fee', {
            'dct:description': inEach((l) => words(l, 'fee.local')),
            'vnt:atLeast': adoption?.fee?.min,
            'vnt:atMost': adoption?.fee?.max,
          }),
        ]
      case 'table':
        return fee.rows.map((r, i) =>
          cost(`fee-${r.id}`, {
            'cv:hasValue': r.amount,
            'dct:description': both(service, `fee.${r.id}`),
            'vnt:when': r.when,
            'vnt:order': i + 1,
          }),
        )
    }
  }

  const costsNamed = (service: Service) => {
    const { fee } = service.definition
    return fee.kind === 'table' ? fee.rows.map((r) => `fee-${r.id}`) : ['fee']
  }

  const span = (service: Service, name: string, unit: Concept, count: number | undefined, source: Source): Node => ({
    '@id': `${of(service.id)}#${name}`,
    '@type': 'vnt:Span',
    'vnt:unit': concept(unit),
    'vnt:count': count,
    ...cited(source),
  })

  const term = (service: Service) => {
    const { unit, count, source } = service.definition.term
    return span(service, 'term', unit, unit === 'immediate' ? undefined : count, source)
  }

  function paper(service: Service, p: Paper): readonly Node[] {
    const name = `paper-${p.id}`
    const title = both(service, `papers.${p.id}`)
    return [
      {
        ...part(service, name),
        '@type': 'cv:Evidence',
        'dct:title': title,
        'dct:description': both(service, `papers.${p.id}.hint`),
        'dct:conformsTo': `${of(service.id)}#${name}-type`,
        'vnt:givenAs': concept(p.how),
        'vnt:optional': p.optional,
        'vnt:when': p.when,
        'vnt:issuedBy': p.from === undefined ? undefined : of(p.from),
        ...cited(p.source),
      },
      { ...part(service, `${name}-type`), '@type': 'cv:EvidenceType', 'dct:title': title },
    ]
  }

  /** The laws that a base cites. */
  const lawsOfBase = (d: Definition) =>
    lawsAmong([
      ...d.legalBasis,
      ...[d.fee, d.term, d.silence, d.answerWithin, d.validity, ...d.papers].map((cites) => cites.source),
      ...d.reasons.map((r) => r.rule),
    ]).map(lawNode)

  /** What a base says for every place that offers it. */
  function baseParts(base: Service): readonly Node[] {
    const d = base.definition
    const { validity, answerWithin } = d
    return [
      ...costs(base),
      term(base),
      { '@id': `${of(base.id)}#silence`, '@type': 'vnt:Silence', 'vnt:means': concept(d.silence.means), ...cited(d.silence.source) },
      span(base, 'answer-within', 'working-days', answerWithin.workingDays, answerWithin.source),
      span(base, 'validity', validity.unit, validity.count, validity.source),
      {
        ...part(base, 'who'),
        '@type': 'cv:Requirement',
        'dct:title': inEach((l) => words(l, 'service.who')),
        'dct:description': inEach((l) => `${base.text(l, 'who')} ${base.text(l, 'when')}`),
      },
      ...d.papers.flatMap((p) => paper(base, p)),
      { ...part(base, 'criteria'), '@type': 'cpsv:Rule', 'dct:title': labels('criteria'), 'dct:description': both(base, 'criteria') },
      ...d.reasons.map(({ id, rule }): Node => {
        const { 'vnt:source': law, ...mark } = cited(rule)
        return {
          ...part(base, `reason-${id}`),
          '@type': 'cpsv:Rule',
          'dct:title': labels('reason'),
          'dct:description': both(base, `reasons.${id}`),
          'cpsv:implements': law,
          ...mark,
        }
      }),
      {
        ...part(base, 'result'),
        '@type': 'cv:Output',
        'dct:title': both(base, 'document'),
        'dct:description': both(base, 'result'),
        'vnt:validity': `${of(base.id)}#validity`,
      },
      ...d.channels.map(
        (c): Node => ({
          ...part(base, `channel-${c}`),
          '@type': 'cv:Channel',
          'dct:type': concept(c),
          'dct:description': inEach((l) => words(l, `channel.${c}`)),
        }),
      ),
    ]
  }

  const hoursSaid = new WeakMap<Hours, Words>()
  function hours(node: string, open: Hours): Node {
    // Most places have the same hours, and saying them takes longer than all the rest of an office.
    let said = hoursSaid.get(open)
    if (!said) hoursSaid.set(open, (said = inEach((l) => hoursWords(open, l))))
    return { '@id': node, '@type': 'time:TemporalEntity', 'dct:description': said }
  }

  /** The unit that answers for a service: of its place, such as `state-14-civil-registry`; before a place is chosen, the one that every place has. */
  function authorityOf({ definition, office }: Service): string {
    return definition.level === 'federal' || office === null ? definition.agency : `${office}-${definition.agency}`
  }

  const placeOf = (service: Service) => (service.jurisdiction.code === '00' ? country : here(`place-${service.jurisdiction.code}`))

  /** The authority, the place and where to go: shared by all services of one office. */
  function placeParts(service: Service): readonly Node[] {
    const { jurisdiction } = service
    const id = authorityOf(service)
    const office = service.office === null ? null : catalogue.office(service.office)
    const unit = catalogue.office(id) ?? office
    const name = inEach((l) => unit?.name(l) ?? catalogue.agencyName(service.definition.agency, l))
    const place = placeOf(service)
    const nodes: Node[] = [
      {
        '@id': here(`authority-${id}`),
        '@type': 'cv:PublicOrganisation',
        'dct:identifier': id,
        'skos:prefLabel': name,
        'dct:spatial': place,
      },
    ]
    if (place !== country)
      nodes.push({
        '@id': place,
        '@type': placeTypes,
        'dct:identifier': jurisdiction.code,
        'skos:prefLabel': { es: jurisdiction.name },
      })
    if (!office) return nodes
    const page = officeUrl === undefined ? undefined : `${origin}${officeUrl(office.id)}`
    const street = office.address === null ? undefined : here(`address-${office.id}`)
    nodes.push(
      {
        '@id': here(`office-${office.id}`),
        '@type': 'cv:ContactPoint',
        'cv:contactPage': page,
        'cv:telephone': office.contact.find((c) => !c.includes('@')),
        'cv:email': office.contact.find((c) => c.includes('@')),
        'cv:openingHours': here(`hours-${office.id}`),
        'locn:address': street,
        'vnt:unverified': office.confirmed ? undefined : true,
      },
      hours(here(`hours-${office.id}`), office.hours),
    )
    if (page !== undefined) nodes.push({ '@id': page, '@type': 'foaf:Document' })
    if (street !== undefined)
      nodes.push({ '@id': street, '@type': 'locn:Address', 'locn:fullAddress': { es: `${office.address}, ${office.town}` } })
    return nodes
  }

  /** What a place says otherwise than its base. */
  function changedParts(service: Service): readonly Node[] {
    const { adoption, office } = service
    if (!adoption) return []
    const local = service.definition.papers.find((p) => p.id === localPaperId)
    const contact: Node[] = []
    if (adoption.hours && office !== null) {
      const page = officeUrl === undefined ? undefined : `${origin}${officeUrl(office)}`
      contact.push(
        {
          '@id': `${of(service.id)}#office`,
          '@type': 'cv:ContactPoint',
          'cv:contactPage': page,
          'cv:openingHours': `${of(service.id)}#hours`,
        },
        hours(`${of(service.id)}#hours`, adoption.hours),
      )
    }
    return [
      ...(adoption.fee ? costs(service) : []),
      ...(adoption.term ? [term(service)] : []),
      ...(adoption.localPaper && local ? paper(service, local) : []),
      ...lawsAmong([adoption.fee, adoption.term, adoption.localPaper].flatMap((changed) => changed?.source ?? [])).map(lawNode),
      ...contact,
    ]
  }

  /** The service itself. */
  function serviceNode(service: Service): Node {
    const d = service.definition
    const { adoption, base } = service
    const own = of(service.id)
    const shared = of(base)
    const inBase = (names: readonly string[]) => names.map((name) => `${shared}#${name}`)
    const papers = d.papers.map((p) => `${p.id === localPaperId && adoption?.localPaper ? own : shared}#paper-${p.id}`)
    const placed = service.placed && d.level !== 'federal'
    const changed: Concept[] = adoption
      ? [
          ...(adoption.fee ? ['changed-fee' as const] : []),
          ...(adoption.term ? ['changed-term' as const] : []),
          ...(adoption.hours ? ['changed-hours' as const] : []),
          ...(adoption.localPaper ? ['changed-paper' as const] : []),
        ]
      : []
    // A base alone bears the words people search by: they are the same in 2,478 places.
    const keywords = (l: Language) => [
      ...new Set(
        service
          .text(l, 'search')
          .split(',')
          .flatMap((k) => k.trim() || []),
      ),
    ]
    return {
      '@id': own,
      '@type': service.placed ? 'cpsv:PublicService' : ['cpsv:PublicService', 'vnt:Base'],
      'dct:identifier': service.id,
      'dct:title': both(service, 'name'),
      'dct:description': both(service, 'summary'),
      'dcat:keyword': placed ? undefined : { es: keywords('es'), en: keywords('en') },
      'dct:language': allLanguages,
      'dct:spatial': placeOf(service),
      'dct:audience': d.applicants.map(concept),
      'cv:hasCompetentAuthority': here(`authority-${authorityOf(service)}`),
      'cv:contactPoint': service.office === null ? undefined : adoption?.hours ? `${own}#office` : here(`office-${service.office}`),
      'cv:isGroupedBy': d.lifeEvents.map(eventOf),
      'cv:hasLegalResource': lawsAmong(d.legalBasis).map(lawOf),
      'cpsv:follows': ['vnt:in-turn', ...inBase(['criteria', ...d.reasons.map((r) => `reason-${r.id}`)])],
      'cv:holdsRequirement': `${shared}#who`,
      'cpsv:hasInput': papers,
      'cv:hasInputType': papers.map((p) => `${p}-type`),
      'cpsv:produces': `${shared}#result`,
      'cv:hasChannel': inBase(d.channels.map((c) => `channel-${c}`)),
      'cv:hasCost': costsNamed(service).map((name) => `${adoption?.fee ? own : shared}#${name}`),
      'vnt:longestTerm': `${adoption?.term ? own : shared}#term`,
      'vnt:silence': `${shared}#silence`,
      'vnt:answerWithin': `${shared}#answer-within`,
      'vnt:line': 'vnt:in-turn',
      'vnt:version': service.hash,
      'vnt:officialKey': d.homoclave,
      'vnt:adopts': placed ? shared : undefined,
      'vnt:changes': changed.length > 0 ? changed.map(concept) : undefined,
    }
  }

  /** The keys of all places that offer a base; a federal service has none. */
  function* placesWith(base: Service): Generator<string> {
    const { level } = base.definition
    if (level === 'federal') return
    for (const { code } of catalogue.places.states) {
      if (level === 'state') yield code
      else for (const town of catalogue.municipalities(code)) yield town.code
    }
  }

  /** Nodes of `common` that these name. */
  function named(nodes: readonly Node[]): readonly Node[] {
    const found = new Set<Node>()
    for (const node of nodes)
      for (const [name, value] of Object.entries(node)) {
        if (properties[name as Property] !== 'iri') continue
        for (const one of [value as string | readonly string[] | undefined].flat()) {
          const known = one === undefined ? undefined : common.get(one)
          if (known) found.add(known)
        }
      }
    return [...found]
  }

  return {
    /** One service with everything that its record names, each node once. */
    one(service: Service): readonly Node[] {
      const base = service.id === service.base ? service : catalogue.get(service.base)
      const nodes = [
        serviceNode(service),
        ...changedParts(service),
        ...placeParts(service),
        ...(base ? [...baseParts(base), ...lawsOfBase(base.definition)] : []),
      ]
      return [...new Map([...nodes, ...named(nodes)].map((node) => [node['@id'], node])).values()]
    },

    placesWith,

    /** All services, each base before the places that offer it, each node once. */
    *all(): Generator<Node> {
      yield* common.values()
      // Of what several services share: offices, places, laws and differences, never the services themselves.
      const said = new Set<string>()
      const once = (nodes: readonly Node[]) => nodes.filter(({ '@id': id }) => !said.has(id) && said.add(id))
      for (const id of [...catalogue.bases()].sort()) {
        const base = catalogue.get(id)
        if (!base) continue
        yield serviceNode(base)
        yield* baseParts(base)
        yield* once([...lawsOfBase(base.definition), ...placeParts(base)])
        for (const place of placesWith(base)) {
          const service = catalogue.get(`${id}@${place}`)
          if (!service) continue
          yield serviceNode(service)
          yield* once(changedParts(service))
          if (!said.has(here(`authority-${authorityOf(service)}`))) yield* once(placeParts(service))
        }
      }
    },
  }
}

export type Records = ReturnType<typeof openRecords>

/** A concept of ours as a node. The line's rule is a rule that services follow, and says so. */
export function conceptNode(name: Concept): Node {
  const node: Node = { '@id': concept(name), '@type': 'skos:Concept', 'skos:prefLabel': labels(`concept.${name}`) }
  if (name !== 'in-turn') return node
  return {
    ...node,
    '@type': ['skos:Concept', 'cpsv:Rule'],
    'dct:identifier': name,
    'dct:title': labels(`concept.${name}`),
    'dct:description': labels('in-turn.text'),
  }
}
