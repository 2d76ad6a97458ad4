/** `npm run screenshots`: a demonstration is played and its pages are photographed into docs/screenshots/, as people see them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContextOptions } from 'playwright-core'
import type { OfficeId } from '#kernel/id'
import { playDemo } from '../src/demo/play.ts'
import { signIn } from './journeys/journey.ts'
import { browserMissing, openBrowser } from './support/browser.ts'
import { openSystem } from './support/system.ts'

const missing = browserMissing()
if (missing) {
  process.stderr.write(`${missing}\n`)
  process.exit(2)
}
const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url))
mkdirSync(folder, { recursive: true })
const system = await openSystem({ DEMO: 'on' })
const browser = await openBrowser()
const wide = { width: 1100, height: 800 }
const say = (words: string) => process.stderr.write(`${words}\n`)

async function shoot(
  name: string,
  path: string,
  who: string | null,
  { press, ...options }: BrowserContextOptions & { press?: string } = {},
): Promise<void> {
  const context = await browser.newContext({ locale: 'es-MX', viewport: wide, ...options })
  const page = await context.newPage()
  if (who) await signIn(page, system, who)
  await page.goto(`${system.url}${path}`)
  if (press) await page.getByRole('button', { name: press }).click()
  await page.screenshot({ path: join(folder, `${name}.png`) })
  await context.close()
  say(`  ${name}.png`)
}

try {
  await playDemo(system.running.parts, say)
  await system.running.parts.publiclog.publishNow()
  await system.running.parts.insight.refresh()
  const { cases, people, db } = system.running.parts
  const citizen = (await people.ownerOf('ciudadana@demo.invalid'))!
  const visitor = { person: citizen, session: 'screenshots', language: 'es' as const, grants: await people.grants(db, citizen) }
  // Two desks at work, so that the office's screens show what they are for.
  for (const email of ['oficial1@demo.invalid', 'oficial2@demo.invalid']) {
    const person = (await people.ownerOf(email))!
    const official = { person, session: 'screenshots', language: 'es' as const, grants: await people.grants(db, person) }
    await cases.desks.goOn(official, 'state-09' as OfficeId)
    await cases.desks.next(official, 'state-09' as OfficeId)
  }
  const [mine] = await cases.receipts.mine(visitor)
  const reference = mine!.c.reference
  const citizens = 'ciudadana@demo.invalid'
  await shoot('home', '/', null)
  await shoot('search', '/services?q=acta+de+nacimiento+en+toluca', null)
  await shoot('service', '/services/state/drivers-licence@09', null)
  await shoot(
    'needs',
    `/needs?event=family&place=09015&for=${['state/birth-certificate@09', 'state/marriage-certificate@09', 'federal/sre/passport'].join('&for=')}`,
    null,
  )
  await shoot('near', '/near/09015', null)
  await shoot('turn', `/cases/${reference}`, citizens)
  await shoot('receipt', `/cases/${reference}/receipt`, citizens)
  await shoot('mine', '/my-line', citizens)
  await shoot('desk', '/desk/state-09', 'oficial1@demo.invalid')
  await shoot('office', '/offices/state-09', null)
  await shoot('office-now', '/offices/state-09/now', null, { viewport: { width: 1280, height: 720 } })
  await shoot('numbers', '/numbers', null)
  await system.staff('analista@example.mx', 'Marisol Tep Aguilar', ['analyst'], '')
  await shoot('editor', '/editor/services/state/drivers-licence', 'analista@example.mx', { press: 'Cambiarlo' })
  await shoot('check', '/check', null)
  const telephone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const
  await shoot('turn-telephone-dark', `/cases/${reference}`, citizens, telephone)
} finally {
  await browser.close()
  await system.close()
}
