import assert from 'node:assert/strict'
import test from 'node:test'
import { languages } from '#kernel/text'
import { fitsGsm7 } from './sms.ts'
import { checkData, letters, render, templates, toHtml, toMail, toSms } from './templates.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

const rows: Record<string, { fields: Record<string, unknown>; link: string | null }> = { ...templates, ...letters }
const sentinel = 'PALABRA-DEL-CASO'

/** A value for each field of a template; what the case says is a word to look for. */
function sample(template: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rows[template]!.fields).map(([name, kind]) => [
      name,
      kind === 'number'
        ? 7
        : kind === 'date'
          ? '2026-12-01'
          : kind === 'list'
            ? [sentinel, 'otro']
            : kind === 'words'
              ? sentinel
              : Array.isArray(kind)
                ? kind[0]
                : name === 'link'
                  ? 'https://ventanilla.example/invites/abc'
                  : `${name}-1`,
    ]),
  )
}

const about = (language: 'es' | 'en', place: 'inbox' | 'mail' | 'sms') => ({ language, place, publicUrl: 'https://ventanilla.example' })

test('every message has its words in every language, for every value, with no brace left', () => {
  for (const [template, { fields }] of Object.entries(rows)) {
    const variants = Object.entries(fields).flatMap(([name, kind]) => (Array.isArray(kind) ? kind.map((v) => ({ [name]: v })) : []))
    for (const variant of variants.length > 0 ? variants : [{}]) {
      const data = { ...sample(template), ...variant }
      checkData(template, data)
      for (const language of languages) {
        for (const place of ['inbox', 'mail'] as const) {
          const { subject, text } = toMail(render(template, data, about(language, place)), language)
          assert.ok(!/[{}]|undefined/.test(subject + text), `${template} ${language} ${place}: ${subject}\n${text}`)
        }
        const sms = toSms(render(template, data, about(language, 'sms')))
        assert.ok(sms.length > 10 && !/[{}\n]|undefined/.test(sms), `${template} ${language} sms: ${sms}`)
      }
    }
  }
})

test('both languages have the same keys, and none that no message uses', () => {
  assert.deepEqual(Object.keys(es).sort(), Object.keys(en).sort())
  for (const key of Object.keys(es)) {
    const [first, last] = [key.split('.')[0]!, key.split('.').at(-1)!]
    if (['subject', 'body', 'mail', 'sms', 'action'].includes(last) && first !== 'inbox') assert.ok(first in rows, key)
  }
})

test('neither mail nor a short message carries what a case says: its service, its papers', () => {
  for (const template of Object.keys(rows)) {
    for (const language of languages) {
      const mail = toMail(render(template, sample(template), about(language, 'mail')), language)
      assert.ok(!JSON.stringify(mail).includes(sentinel), template)
      assert.ok(!toSms(render(template, sample(template), about(language, 'sms'))).includes(sentinel), template)
    }
  }
  assert.ok(JSON.stringify(render('held', sample('held'), about('es', 'inbox'))).includes(sentinel), 'the inbox does')
})

test('a code goes out as one short message of 160 letters of seven bits, whatever the language', () => {
  const data = { code: '987654', minutes: 10, reference: 'K7QP-2M4XW' }
  for (const template of ['sign-in-code', 'contact-code', 'counter-code', 'contact-ended', 'contact-removed'] as const) {
    const fields = Object.fromEntries(Object.entries(data).filter(([name]) => name in letters[template].fields))
    for (const language of languages) {
      const sms = toSms(render(template, fields, about(language, 'sms')))
      assert.ok(fitsGsm7(sms), `${template} ${language}: ${[...sms].filter((letter) => !fitsGsm7(letter))}`)
      assert.ok(sms.length <= 160, `${template} ${language} has ${sms.length}`)
      if (template.endsWith('-code')) assert.ok(sms.includes(data.code))
    }
  }
  assert.deepEqual(['é ñ ü ¿ ¡ É Ñ Ü [€]', 'á', 'í', 'ó', 'ú', 'Á', '“'].map(fitsGsm7), [true, false, false, false, false, false, false])
})

test('a field can break neither out of a subject nor into markup nor out of the path', () => {
  const data = { reference: 'K7QP-2M4XW\r\nBcc: todos@ejemplo.mx', office: '<script>alert(1)</script>' }
  const rendered = render('office-message', data, about('es', 'mail'))
  assert.ok(!/[\r\n]/.test(rendered.subject))
  assert.ok(!toHtml(rendered).text.includes('<script>'))
  const up = render('contents-lost', { reference: '../../admin?x=1' }, about('es', 'inbox'))
  assert.equal(up.action?.url, 'https://ventanilla.example/cases/..%2F..%2Fadmin%3Fx%3D1')
})

test('papers are a list, and an odd one stays one item', () => {
  const data = { ...sample('held'), papers: ['Acta de nacimiento', 'Dos\n- falsos'] }
  const { text: markup } = toHtml(render('held', data, about('es', 'inbox')))
  assert.match(markup, /<li>Acta de nacimiento<\/li><li>Dos - falsos<\/li>/)
})

test('a message that lacks a field or has one too many is a fault', () => {
  assert.throws(() => checkData('near', { reference: 'x', office: 'y' }), /needs before/)
  assert.throws(() => checkData('near', { reference: 'x', office: 'y', before: 1, name: 'Ana' }), /no field name/)
  assert.throws(() => checkData('returned', { ...sample('returned'), reason: 'bribe' }), /needs reason/)
  assert.throws(() => checkData('held-agency', { ...sample('held-agency'), until: '' }), /needs until/)
  assert.throws(() => checkData('nothing', {}), /no message/)
})
