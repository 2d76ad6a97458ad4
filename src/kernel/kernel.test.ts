import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addWorkingDays, workingDaysBetween } from './calendar.ts'
import { canonical } from './canonical.ts'
import { commit, opens } from './commitment.ts'
import { attributes, html, trustedHtml } from './html.ts'
import { newReference, parseReference, uuidv7 } from './id.ts'
import { moneyText, pesos, sum } from './money.ts'
import { formatDate, formatShare, texts } from './text.ts'
import { addDays, dateIn, daysBetween, endOfDay, FixedClock, isPlainDate, minuteStamp, startOfDay } from './time.ts'

test('canonical JSON is RFC 8785: names sorted by UTF-16 units, numbers and texts as ECMAScript writes them', () => {
  // The example of RFC 8785, 3.2.2 and 3.2.3, and its sorting of names.
  const given = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '€$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  }
  assert.equal(
    canonical(given),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  assert.equal(
    canonical({ '€': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew', '1': 'One', '😀': 'Smiley', '\u0080': 'Control', ö: 'o' }),
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"o","€":"Euro Sign","😀":"Smiley","\ufb33":"Hebrew"}',
  )
})

test('a commitment opens with its own key and content and with no other, and hostile openings are only refused', () => {
  const made = commit({ person: 'X', service: 'a/b' })
  assert.equal(made.commitment.length, 43)
  assert.equal(opens(made.commitment, made.opening), true)
  assert.equal(opens(made.commitment, { ...made.opening, content: { person: 'Y', service: 'a/b' } }), false)
  assert.equal(opens(made.commitment, { ...made.opening, key: commit(null).opening.key }), false)
  for (const key of ['', 'x', 'A'.repeat(10_000), '💥']) assert.equal(opens(made.commitment, { key, content: null }), false)
  assert.equal(opens('', made.opening), false)
})

test('what is put into markup is escaped, unless it is markup', () => {
  assert.equal(html`<p title="${'"><script>'}">${"<b>&'"}</p>`.text, '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&#39;</p>')
  assert.equal(html`${[html`<i>1</i>`, null, false, 2, ['<']]}`.text, '<i>1</i>2&lt;')
  assert.equal(html`${trustedHtml('<svg/>')}`.text, '<svg/>')
  assert.equal(
    html`<input${attributes({ value: 'a"b', disabled: true, id: null, max: 3 })}>`.text,
    '<input value="a&quot;b" disabled max="3">',
  )
})

test('a reference is understood as people type it, and a slip is noticed', () => {
  for (let i = 0; i < 50; i++) {
    const reference = newReference()
    assert.match(reference, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{5}$/)
    assert.equal(parseReference(` ${reference.toLowerCase().replace('-', ' ')} `), reference)
    // Any one character changed to any other, and any two swapped.
    const places = [0, 1, 2, 3, 5, 6, 7, 8]
    for (const at of [...places, 9]) {
      for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
        if (other !== reference[at]) assert.equal(parseReference(`${reference.slice(0, at)}${other}${reference.slice(at + 1)}`), null)
      }
    }
    for (const a of places) {
      for (const b of places) {
        const swapped = [...reference]
        ;[swapped[a], swapped[b]] = [reference[b]!, reference[a]!]
        if (swapped.join('') !== reference) assert.equal(parseReference(swapped.join('')), null)
      }
    }
  }
  assert.equal(parseReference('O0OO-0000I')?.length ?? null, parseReference('0000-00001')?.length ?? null)
  for (const typed of ['', 'K7QP', '????-?????', 'K7QP-2M4XWK7QP-2M4XW']) assert.equal(parseReference(typed), null)
})

test('ids by time sort by time', () => {
  const made = [1, 2, 1_700_000_000_000, 1_800_000_000_000].map((t) => uuidv7(t))
  assert.deepEqual([...made].sort(), made)
  for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('money is exact and says its currency', () => {
  assert.equal(moneyText(sum(pesos('0.10'), pesos('0.20'), pesos('1500'))), '1500.30 MXN')
  assert.equal(moneyText(pesos('999999999999999.99')), '999999999999999.99 MXN')
  assert.equal(moneyText({ minor: -5n, currency: 'MXN' }), '-0.05 MXN')
  for (const bad of ['', '-1', '1,000', '1.234', 'x']) assert.throws(() => pesos(bad), RangeError)
})

for (const [at, zone, date] of [
  ['2026-11-24T05:59:59Z', 'America/Mexico_City', '2026-11-23'],
  ['2026-11-24T06:00:00Z', 'America/Mexico_City', '2026-11-24'],
  ['2026-11-24T06:30:00Z', 'America/Mazatlan', '2026-11-23'],
  ['2026-11-24T05:00:00Z', 'America/Cancun', '2026-11-24'],
  ['2026-07-01T06:59:59Z', 'America/Tijuana', '2026-06-30'],
] as const) {
  test(`${at} is ${date} in ${zone}`, () => assert.equal(dateIn(new Date(at), zone), date))
}

test('a day begins and ends at local midnight, also where clocks change', () => {
  assert.equal(startOfDay('2026-11-24', 'America/Mexico_City').toISOString(), '2026-11-24T06:00:00.000Z')
  assert.equal(endOfDay('2026-11-24', 'America/Tijuana').toISOString(), '2026-11-25T08:00:00.000Z')
  // Tijuana changes its clocks with its neighbour: this day has 25 hours.
  assert.equal(endOfDay('2026-11-01', 'America/Tijuana').getTime() - startOfDay('2026-11-01', 'America/Tijuana').getTime(), 25 * 3_600_000)
  // A midnight that does not exist: the first instant that does.
  assert.equal(startOfDay('2018-11-04', 'America/Sao_Paulo').toISOString(), '2018-11-04T03:00:00.000Z')
})

test('dates that exist, and arithmetic on them', () => {
  for (const good of ['2026-02-28', '2028-02-29']) assert.equal(isPlainDate(good), true)
  for (const bad of ['2026-02-29', '2026-13-01', '26-01-01', '2026-1-1', '']) assert.equal(isPlainDate(bad), false)
  assert.equal(addDays('2026-02-28', 1), '2026-03-01')
  assert.equal(daysBetween('2026-12-31', '2027-01-02'), 2)
  assert.equal(minuteStamp(new Date('2026-11-23T21:05:59.999Z')), '2026-11-23T21:05Z')
  const clock = new FixedClock('2026-01-01T00:00:00Z')
  clock.advance(1000)
  assert.equal(clock.now().toISOString(), '2026-01-01T00:00:01.000Z')
})

test('working days leave out week-ends and holidays', () => {
  const calendar = { holidays: new Set(['2026-11-16']) }
  assert.equal(addWorkingDays('2026-11-13', 1, calendar), '2026-11-17')
  assert.equal(addWorkingDays('2026-11-14', 0, calendar), '2026-11-14')
  assert.equal(workingDaysBetween('2026-11-13', '2026-11-20', calendar), 4)
  assert.equal(workingDaysBetween('2026-11-20', '2026-11-13', calendar), 0)
})

test('texts are filled and counted by the rules of their language', () => {
  const text = texts({
    es: { 'p.one': '{count} persona', 'p.many': '{count} de personas', 'p.other': '{count} personas', hi: 'Hola, {name}' },
    en: { 'p.one': '{count} person', 'p.many': '{count} people', 'p.other': '{count} people', hi: 'Hello, {name}' },
  })
  assert.deepEqual(
    [0, 1, 2, 1_000_000].map((count) => text('es', 'p', { count })),
    ['0 personas', '1 persona', '2 personas', '1,000,000 de personas'],
  )
  assert.equal(text('en', 'hi', { name: '{name}' }), 'Hello, {name}')
  assert.equal(formatDate('es', '2026-11-23'), '23 de noviembre de 2026')
  assert.throws(() => text('es', 'none' as 'hi'), RangeError)
})

test('nearly all is not told as all, nor nearly none as nobody', () => {
  for (const [share, words] of [
    [0, '0%'],
    [1, '100%'],
    [0.974, '97%'],
    [0.994, '99%'],
    [0.997, '99.7%'],
    [0.99999, '99.9%'],
    [0.004, '0.4%'],
    [1e-9, '0.1%'],
    [0.005, '1%'],
  ] as const)
    assert.equal(formatShare('es', share), words, String(share))
})
