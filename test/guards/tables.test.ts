import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { files, planted } from './source.ts'
import { strayTables, tablesOf } from './tables.ts'

const sources = files('src/**/*.ts')
const migrations = files('src/**/migrations/*.sql')
const faultsWith = (code: Record<string, string>, sql: Record<string, string> = {}) =>
  strayTables(new Map(Object.entries(code)), planted(migrations, sql)).join('\n')

describe('tables', () => {
  it('belong to one module, by their name, and only its store speaks of them', () => {
    assert.deepEqual(strayTables(sources, migrations), [])
  })

  it('are all known', () => {
    const { tables } = tablesOf(migrations)
    assert.equal(tables.get('cases_turn'), 'cases')
    assert.equal(tables.get('publiclog_head'), 'publiclog')
    assert.ok(tables.size > 30, `${tables.size} tables`)
  })

  const violations: [name: string, file: string, text: string, expected: RegExp][] = [
    [
      'SQL about another module’s table',
      'src/modules/messages/plant.ts',
      'const q = `select name from people_person where id = $1`',
      /plant\.ts:1 speaks of people_person, a table of people/,
    ],
    [
      'a builder about another module’s table',
      'src/modules/catalogue/store.ts',
      "\nq.selectFrom('cases_line as l').select('l.line')",
      /store\.ts:2 speaks of cases_line, a table of cases/,
    ],
    ['a qualified name', 'src/main.ts', "await db.query('delete from public.people_session')", /speaks of people_session/],
    [
      'SQL outside the store',
      'src/modules/people/plant.ts',
      "await db.query('select 1 from people_code')",
      /SQL of people stands in its store\.ts/,
    ],
    [
      'a file that is only named like a store',
      'src/modules/people/pages/store.ts',
      "await db.query('select 1 from people_code')",
      /SQL of people stands in its store\.ts/,
    ],
    ['the queue’s tables', 'src/modules/cases/store.ts', "'select count(*) from pgboss.job'", /touched by #jobs only/],
  ]
  for (const [name, file, text, expected] of violations) {
    it(`names the planted violation: ${name}`, () => assert.match(faultsWith({ [file]: text }), expected))
  }

  it('names a migration that takes another module’s name, or touches its table', () => {
    assert.match(
      faultsWith({}, { 'src/modules/messages/migrations/0009-plant.sql': 'create table if not exists people_shadow (id uuid)' }),
      /name it messages_people_shadow/,
    )
    assert.match(
      faultsWith({}, { 'src/modules/messages/migrations/0009-plant.sql': 'alter table people_person add column x text' }),
      /speaks of people_person, a table of people/,
    )
  })

  it('leaves comments and file names alone', () => {
    assert.equal(
      faultsWith({ 'src/modules/messages/plant.ts': "/** Beside people_person. */\n// people_person\nconst file = 'people_person.json'" }),
      '',
    )
  })
})
