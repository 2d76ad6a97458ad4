import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { projectFolder } from '../../folder.ts'
import { burdens } from '../catalogue/service.ts'
import { licence, licenceAnswers, licenceOffice, openTestCases, type TestCases } from './testing.ts'

// The licence, as if it asked to know people more surely.
const folder = mkdtempSync(join(tmpdir(), 'assurance-'))
let database: TestDatabase
let it: TestCases
before(async () => {
  cpSync(join(projectFolder, 'services'), folder, { recursive: true })
  const file = join(folder, 'state/drivers-licence/definition.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), assurance: 2 }))
  database = await testDatabase()
  it = await openTestCases({ db: database.db, servicesFolder: folder })
})
after(async () => {
  await it.close()
  await database.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a service that asks to know people more surely takes no filing of a session that does not', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const submit = (level?: 1 | 2 | 3) => it.cases.submit({ person: person.person, reference, ...(level ? { level } : {}) })
  await assert.rejects(submit(), { code: 'people/step-up' })
  await assert.rejects(submit(1), { code: 'people/step-up' })
  await submit(2)
})

test('at a counter the person stands there, which is more than a session says', async () => {
  const clerk = await it.aClerk()
  const present = await it.aPerson()
  const reference = await it.cases.filings.start(clerk, { service: licence, for: { person: present.person, office: licenceOffice } })
  await it.fill(clerk, reference, licenceAnswers)
  // Filed from home it is a filing like any other.
  await assert.rejects(it.cases.submit({ person: present.person, reference }), { code: 'people/step-up' })
  await it.cases.submit({ person: clerk.person, reference, clerkAt: [licenceOffice] })
})

test('asking for more is a burden, asking for less is none', () => {
  const { definition } = it.catalogue.get(licence)!
  const { assurance: _, ...plain } = definition
  assert.ok(burdens(plain, definition).includes('assurance'))
  assert.ok(!burdens(definition, plain).includes('assurance'))
})
