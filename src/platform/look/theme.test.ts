import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ownTheme } from './build.ts'
import { contrast, readTheme } from './theme.ts'

const shipped = readFileSync(ownTheme, 'utf8')
const changed = (change: (theme: ReturnType<typeof JSON.parse>) => void): string => {
  const theme = JSON.parse(shipped)
  change(theme)
  return JSON.stringify(theme)
}

test('contrast is that of WCAG 2.2', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21)
  assert.equal(contrast('#a3195b', '#a3195b'), 1)
  // The example of technique G18's tools: #767676 is the lightest grey that passes on white.
  assert.ok(contrast('#767676', '#ffffff') >= 4.5)
  assert.ok(contrast('#777777', '#ffffff') < 4.5)
})

test('the theme that ships can be read in light and in dark', () => {
  assert.equal(readTheme(shipped, 'theme.json').name, 'Ventanilla')
})

test('a theme whose words cannot be read is refused by the name of the pair', () => {
  const pale = changed((t) => {
    t.light['ink-soft'] = '#b0b0b0'
  })
  assert.throws(
    () => readTheme(pale, 'city.json'),
    /city\.json.*light\.ink-soft \(#b0b0b0\) on paper \(#fbf8f3\) has a contrast of 2\.\d\d and needs 4\.5/s,
  )
})

test('a missing, a strange and a badly written colour are each named', () => {
  const wrong = changed((t) => {
    delete t.light.agave
    t.light.guinda = '#611232'
    t.dark.paper = 'black'
  })
  assert.throws(() => readTheme(wrong, 'x'), /light\.guinda is no colour[\s\S]*light\.agave must be[\s\S]*dark\.paper must be/)
})
