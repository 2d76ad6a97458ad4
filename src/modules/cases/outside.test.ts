import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import type { OutsideStep } from './deps.ts'
import { openTestCases, type TestCases } from './testing.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const service = 'state/drivers-licence@09' as ServiceId

let database: TestDatabase
let system: TestCases
let folder: string
const begun: OutsideStep[] = []
let answer: 'done' | 'waiting' = 'waiting'

before(async () => {
  database = await testDatabase()
  // The licence with a fee that is paid before anybody looks at it.
  folder = await mkdtemp(join(tmpdir(), 'ventanilla-outside-'))
  cpSync(join(root, 'services', 'state/drivers-licence'), join(folder, 'state/drivers-licence'), { recursive: true })
  cpSync(join(root, 'services', 'state/birth-certificate'), join(folder, 'state/birth-certificate'), { recursive: true })
  const file = (name: string) => join(folder, 'state/drivers-licence', name)
  const read = (name: string) => JSON.parse(readFileSync(file(name), 'utf8'))
  const definition = read('definition.json')
  const [first] = definition.steps
  definition.steps.splice(1, 0, { id: 'fee', kind: 'pay', next: first.next })
  first.next = [{ to: 'fee' }]
  writeFileSync(file('definition.json'), JSON.stringify(definition))
  for (const name of ['text.es.json', 'text.en.json']) writeFileSync(file(name), JSON.stringify({ ...read(name), 'steps.fee': 'Pago' }))
  const examples = read('examples.json').map((e: { expect: { steps?: string[] } }) => {
    if (e.expect.steps) e.expect.steps.splice(1, 0, 'fee')
    return e
  })
  writeFileSync(file('examples.json'), JSON.stringify(examples))
  const pay = {
    begin: async (step: OutsideStep) => {
      begun.push(step)
      return answer
    },
  }
  system = await openTestCases({ db: database.db, services: [], servicesFolder: folder, doers: { pay } })
})
after(async () => {
  await system.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

test('a step that is paid outside waits for its doer, takes its turn when the news comes, and hears the news twice without harm', async () => {
  const { reference, applicant } = await system.aSubmittedCase({ service })
  const turns = async () => (await system.cases.receipts.read(applicant, reference)).s.living.length
  assert.equal(await turns(), 0, 'nobody is called before it is paid')
  await system.jobs.drain()
  assert.deepEqual(
    begun.map((b) => [b.kind, b.step, b.reference]),
    [['pay', 'fee', reference]],
  )
  await system.cases.stepDone(begun[0]!)
  assert.equal(await turns(), 1)
  await system.cases.stepDone(begun[0]!)
  assert.equal(await turns(), 1)
  assert.equal((await system.replay()).ok, true)
})

test('a doer that has done it at once opens the next step in the same job', async () => {
  answer = 'done'
  const { reference, applicant } = await system.aSubmittedCase({ service })
  await system.jobs.drain()
  const standing = (await system.cases.receipts.read(applicant, reference)).s
  assert.equal(standing.living.length, 1)
})

test('a matter that no turn stands for yet is stood for by the first that is taken', async () => {
  answer = 'waiting'
  const { reference, applicant } = await system.aSubmittedCase({ service })
  const again = await system.aDraft(applicant, { service })
  await system.jobs.drain()
  await system.cases.stepDone(begun.at(-1)!)
  assert.equal(begun.at(-1)!.reference, reference)
  await assert.rejects(
    system.cases.submit({ person: applicant.person, reference: again }),
    (e) => e instanceof Problem && e.code === 'cases/one-living-turn',
  )
})

test('news that comes while a case is withdrawn is asked for again when the withdrawal is undone', async () => {
  answer = 'waiting'
  const { reference, applicant } = await system.aSubmittedCase({ service })
  await system.jobs.drain()
  const { filings } = system.cases
  await filings.withdraw(applicant, reference)
  await system.cases.stepDone(begun.at(-1)!)
  answer = 'done'
  await filings.undoWithdrawal(applicant, reference)
  await system.jobs.drain()
  const standing = (await system.cases.receipts.read(applicant, reference)).s
  assert.equal(standing.living.length, 1)
  assert.equal((await system.replay()).ok, true)
})
