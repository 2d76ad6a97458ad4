// biome-ignore-all lint/suspicious/noTemplateCurlyInString: plants are source text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { languages } from '../../src/kernel/text.ts'
import { type Files, files, planted } from './source.ts'
import { problemsWithoutWords, strayKeys, unpairedTexts } from './texts.ts'

const sources = files('src/**/*.ts')
const texts = files('src/**/text*.json')
const es = 'src/modules/plant/text.es.json'
const en = 'src/modules/plant/text.en.json'
const pair = (spanish: object, english: object | null): Files =>
  new Map([[es, JSON.stringify(spanish)], ...(english ? [[en, JSON.stringify(english)] as const] : [])])

describe('texts', () => {
  it('exist in every language, with the same keys and holes', () => {
    assert.ok(texts.size >= 16, `${texts.size} text files`)
    assert.deepEqual(unpairedTexts(texts), [])
  })

  it('exist for every refusal', () => {
    for (const language of languages) {
      const path = `src/platform/web/text.${language}.json`
      assert.deepEqual(problemsWithoutWords(path, JSON.parse(texts.get(path)!)), [])
    }
  })

  it('exist for every key that is asked for, and none stands for nothing', () => assert.deepEqual(strayKeys(sources, texts), []))

  it('a planted violation is named: a language is missing', () =>
    assert.match(unpairedTexts(pair({ a: 'A' }, null)).join(), /has no src\/modules\/plant\/text\.en\.json/))
  it('a planted violation is named: a key is missing', () => {
    assert.deepEqual(unpairedTexts(pair({ a: 'A', b: 'B' }, { a: 'A' })), [`${en} lacks b.`])
    assert.deepEqual(unpairedTexts(pair({ a: 'A' }, { a: 'A', b: 'B' })), [`${es} lacks b.`])
  })
  it('a planted violation is named: no words, another hole, a language nobody knows', () => {
    assert.match(unpairedTexts(pair({ a: ' ' }, { a: 'A' })).join(), /has no words for a/)
    assert.match(unpairedTexts(pair({ a: '{name}' }, { a: '{person}' })).join(), /a has the holes \{person\} .* and \{name\}/)
    assert.match(unpairedTexts(new Map([['src/modules/plant/text.xx.json', '{}']])).join(), /of no language/)
  })
  it('plural forms that a language does not have are not missed', () =>
    assert.deepEqual(
      unpairedTexts(
        pair(
          { 'a.one': 'un día', 'a.many': '{count} de días', 'a.other': '{count} días' },
          { 'a.one': 'a day', 'a.other': '{count} days' },
        ),
      ),
      [],
    ))

  it('a planted violation is named: a refusal without words, words without a refusal', () => {
    assert.deepEqual(problemsWithoutWords('x', { 'problem.gone.title': 'Gone', 'problem.other.do': 'Do' }, ['gone']), [
      'x lacks problem.gone.do.',
      'x has problem.other.do, and there is no such problem.',
    ])
  })

  const made =
    "import en from './text.en.json' with { type: 'json' }\nimport es from './text.es.json' with { type: 'json' }\nconst text = texts({ es, en })\n"
  const asking = (code: string, words: object) =>
    strayKeys(new Map([['src/modules/plant/index.ts', made + code]]), pair(words, words)).join()
  it('a planted violation is named: a key that no file has', () => {
    assert.match(asking("text(l, 'missing' as Key)", {}), /index\.ts:4 asks for missing/)
    assert.match(asking('text(l, `state.${s}` as Key)', {}), /asks for state\.\$\{s\}, and no text file has any such/)
    assert.equal(
      asking("text(l, 'a') + text(l, `state.${s}`) + text(l, 'days', { count })", {
        a: 'A',
        'state.on': 'On',
        'days.one': '1',
        'days.other': '2',
      }),
      '',
    )
  })
  it('a planted violation is named: a key that no code asks for', () =>
    assert.match(asking('', { left: 'Over' }), /has left, and no code asks for it/))
  it('a key left over among the real ones is found', () => {
    const path = 'src/modules/people/text.es.json'
    const more = planted(texts, { [path]: JSON.stringify({ ...JSON.parse(texts.get(path)!), 'nobody-asks': 'x' }) })
    assert.match(strayKeys(sources, more).join(), /nobody-asks/)
  })
})
