import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moneyText } from '#kernel/money'
import type { Definition } from '../../src/modules/catalogue/definition.ts'
import { needsOf } from '../../src/modules/catalogue/needs.ts'
import type { Service } from '../../src/modules/catalogue/service.ts'
import { aDefinition } from './definitions.ts'

type Given = {
  papers?: [name: string, paper?: Partial<Definition['papers'][number]>][]
  fee?: Definition['fee']
  term?: Definition['term']
}

/** A service as the catalogue hands it out, with these papers, this fee and this term. */
function service(id: string, { papers = [], fee = { kind: 'free', source: 'unverified' }, term }: Given = {}): Service {
  const [base, place] = id.split('@') as [string, string?]
  const definition = aDefinition((d) => {
    d.papers = papers.map(([, paper], i) => ({ id: `p${i}`, how: 'file', source: 'unverified', ...paper }))
    d.fee = fee
    d.term = term ?? { unit: 'immediate', count: 0, source: 'unverified' }
  })
  return {
    id: id as Service['id'],
    base,
    hash: '' as Service['hash'],
    baseHash: '',
    adoptionHash: null,
    definition,
    adoption: null,
    jurisdiction: place ? { level: 'state', code: place, name: place } : { level: 'federal', code: '00', name: '' },
    placed: place !== undefined || base.startsWith('federal/'),
    office: null,
    text: (_language, key) => papers[Number(/^papers\.p(\d+)$/.exec(key)?.[1] ?? -1)]?.[0] ?? '',
    texts: () => ({}),
  } as Service
}

const birth09 = service('state/birth@09')
const all = [birth09, service('state/birth@15'), service('state/birth')]
/** As the catalogue finds it: in the asker's state, or in none. */
const issuer = (base: string, by: Service) => {
  const { code } = by.jurisdiction
  return all.find((s) => s.id === (code === '00' ? base : `${base}@${code}`)) ?? null
}
const needs = (...services: Service[]) => needsOf(services, 'es', issuer)
const ids = (services: readonly Service[]) => services.map((s) => s.id as string)

test('a paper that several ask for stands once, with all who ask, every way they take it, and needed always if one always asks', () => {
  const a = service('federal/a', { papers: [['Su comprobante de domicilio', { when: 'age > 3' }]] })
  const b = service('federal/b', { papers: [['Comprobante de domicilio', { how: 'shown' }], ['Fotografía']] })
  const { papers } = needs(a, b)
  assert.deepEqual(
    papers.map((p) => [p.name, p.how, p.always, ids(p.by)]),
    [
      ['Su comprobante de domicilio', ['file', 'shown'], true, ['federal/a', 'federal/b']],
      ['Fotografía', ['file'], true, ['federal/b']],
    ],
  )
})

test('the same name is one paper though only one of them says who issues it, in either order', () => {
  const says = service('federal/a', { papers: [['Acta de nacimiento', { from: 'state/birth' }]] })
  const silent = service('federal/b', { papers: [['Acta de nacimiento']] })
  for (const services of [
    [says, silent],
    [silent, says],
  ]) {
    const { papers } = needs(...services)
    assert.equal(papers.length, 1)
    assert.equal(papers[0]!.from?.id, 'state/birth')
  }
})

test('a certificate of no said place is the one of the place that is known; those of two places are two', () => {
  const federal = service('federal/a', { papers: [['Acta', { from: 'state/birth' }]] })
  const in09 = service('state/b@09', { papers: [['Acta', { from: 'state/birth' }]] })
  const in15 = service('state/b@15', { papers: [['Acta', { from: 'state/birth' }]] })
  for (const services of [
    [federal, in09],
    [in09, federal],
  ])
    assert.deepEqual(
      needs(...services).papers.map((p) => p.from?.id),
      ['state/birth@09'],
    )
  assert.equal(needs(in09, in15).papers.length, 2)
})

test('what issues a paper is done before what asks for it, also where the asker knows no place', () => {
  const passport = service('federal/passport', { papers: [['Acta', { from: 'state/birth' }]] })
  assert.deepEqual(ids(needs(passport, birth09).order), ['state/birth@09', 'federal/passport'])
  assert.equal(needs(passport, birth09).papers[0]!.from?.id, 'state/birth@09')
})

test('services that wait for one another in a circle are all there, once', () => {
  const a = service('federal/a', { papers: [['B', { from: 'federal/b' }]] })
  const b = service('federal/b', { papers: [['A', { from: 'federal/a' }]] })
  const found = needsOf([a, b], 'es', (base) => [a, b].find((s) => s.base === base) ?? null)
  assert.deepEqual(ids(found.order).toSorted(), ['federal/a', 'federal/b'])
})

test('the cost is what is known, at least and at most; the longest is so in days, whatever its unit', () => {
  const fixed = service('federal/a', {
    fee: { kind: 'fixed', amount: '100.50', source: 'unverified' } as Definition['fee'],
    term: { unit: 'working-days', count: 20, source: 'unverified' } as Definition['term'],
  })
  const local = service('state/b@09', {
    fee: { kind: 'local', source: 'unverified' } as Definition['fee'],
    term: { unit: 'days', count: 25, source: 'unverified' } as Definition['term'],
  })
  const found = needs(fixed, local, birth09)
  assert.equal(moneyText(found.least), '100.50 MXN')
  assert.equal(moneyText(found.most), '100.50 MXN')
  assert.deepEqual(ids(found.unpriced), ['state/b@09'])
  assert.equal(found.longest?.id, 'federal/a')
  assert.equal(needs(birth09).longest, null)
})
