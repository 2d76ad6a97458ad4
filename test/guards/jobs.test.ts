import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Fault, type Files, files, isTest, place, withoutComments } from './source.ts'

/** Jobs that are added and not handled, and the other way about. At run time `add` refuses too, but only when it comes to it. */
function strayJobs(sources: Files): Fault[] {
  const added = new Map<string, string>()
  const handled = new Map<string, string>()
  const scheduled = new Set<string>()
  for (const [path, full] of sources) {
    if (isTest(path)) continue
    const text = withoutComments(full)
    const note = (into: Map<string, string>, pattern: RegExp) => {
      for (const match of text.matchAll(pattern)) if (!into.has(match[1]!)) into.set(match[1]!, place(path, text, match.index))
    }
    note(added, /\.(?:add|addMany)\(\s*[\w.]+,\s*'([^']+)'/g)
    note(added, /\.job\(\s*'([^']+)'/g)
    note(added, /\bname: '([a-z-]+(?:\/|\.)[a-z0-9-]+)',\s*data\b/g)
    note(handled, /\.handle(?:<[^(]*>)?\(\s*'([^']+)'/g)
    for (const match of text.matchAll(/\.every\(\s*'([^']+)'/g)) scheduled.add(match[1]!)
  }
  return [
    ...[...added]
      .filter(([name]) => !handled.has(name) && !scheduled.has(name))
      .map(([name, at]) => `${at} adds the job ${name}, which nothing handles.`),
    ...[...handled].filter(([name]) => !added.has(name)).map(([name, at]) => `${at} handles the job ${name}, which nothing adds.`),
  ]
}

describe('jobs', () => {
  const sources = files('src/**/*.ts')
  it('each have a handler, and every handler its jobs', () => assert.deepEqual(strayJobs(sources), []))

  it('are all read', () => {
    const all = strayJobs(new Map([...sources].map(([path, text]) => [path, text.replaceAll(/\.handle(?=[<(])/g, '.dropped')]))).join('\n')
    for (const name of ['cases/tell', 'cases/tell-near', 'cases/attach-proof', 'people.letter', 'messages/mail'])
      assert.match(all, new RegExp(`adds the job ${name},`))
  })

  const planted = (text: string) => strayJobs(new Map([['src/modules/cases/plant.ts', text]]))
  it('a planted job without a handler is named', () => {
    assert.deepEqual(planted("\nawait jobs.add(tx, 'cases/plant', { id })"), [
      'src/modules/cases/plant.ts:2 adds the job cases/plant, which nothing handles.',
    ])
    assert.match(planted("this.#jobs.push({ name: 'cases/plant', data })").join(), /adds the job cases\/plant/)
  })
  it('a planted handler without a job is named', () =>
    assert.match(
      planted("jobs.handle<{ id: string }>('cases/plant', async ({ id }) => {})").join(),
      /handles the job cases\/plant, which nothing adds/,
    ))
  it('a job by the clock needs nobody to add it', () => assert.deepEqual(planted("jobs.every('cases/plant', '* * * * *', run)"), []))
})
