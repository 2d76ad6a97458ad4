// biome-ignore-all lint/suspicious/noTemplateCurlyInString: plants are source text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inlineInPage, inlineInSources } from './inline.ts'
import { files } from './source.ts'

const sources = files('src/**/*.{ts,svg}')

describe('nothing inline in a template', () => {
  it('of ours', () => assert.deepEqual(inlineInSources(sources), []))

  const violations: [text: string, expected: RegExp][] = [
    ['html`<style>p { color: red }</style>`', /plant\.ts:2 has a <style> element/],
    ['html`<script>go()</script>`', /plant\.ts:2 has a script without src/],
    ['html`<p class="x" style="width: ${n}%">`', /plant\.ts:2 has a style attribute/],
    ["attributes({ class: 'x', 'style': width })", /plant\.ts:2 has a style attribute/],
    ["input({ name: 'x', attributes: { id: 'y', style: width } })", /plant\.ts:2 has a style attribute/],
    ['html`<button onclick="go()">`', /plant\.ts:2 has an event attribute/],
    ['html`<form onsubmit=${go}>`', /plant\.ts:2 has an event attribute/],
    ['html`<a href="javascript:go()">`', /plant\.ts:2 has a javascript: address/],
  ]
  for (const [text, expected] of violations)
    it(`names the planted violation: ${text}`, () =>
      assert.match(inlineInSources(new Map(Object.entries({ 'src/modules/cases/plant.ts': `\n${text}\n` }))).join('\n'), expected))

  it('not in a picture either', () =>
    assert.match(
      inlineInSources(new Map(Object.entries({ 'src/platform/look/styles/plant.svg': '<svg><style>a{}</style></svg>' }))).join(),
      /plant\.svg:1 has a <style>/,
    ))
})

describe('nothing inline in a page', () => {
  it('is read as a browser reads it', () => {
    assert.deepEqual(
      inlineInPage('/', '<!doctype html><title>style="x" onclick="y"</title><script src="/a.js"></script><p title="on = off">good</p>'),
      [],
    )
    const bad =
      '<!doctype html><style>a{}</style><script>1</script><p STYLE=x onClick=y><svg style="a"></svg><a href=" javascript:1">a</a><template><b style="c"></b></template>'
    assert.equal(inlineInPage('/', bad).length, 7)
  })
})
