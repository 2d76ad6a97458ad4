import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import type { OfficeId, PersonId, Reference, ServiceId } from '#kernel/id'
import type { SignedIn } from '#web'
import { aPdf } from '../../src/modules/cases/testing.ts'
import { opensslPeople } from '../../src/modules/signing/testing-people.ts'
import { efirma, opensslFolder } from '../../src/modules/signing/testing-signer.ts'
import { audit, browserMissing, openBrowser, openPage } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { identify, signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false
const service = 'federal/se/simplified-company' as ServiceId
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

const openssl = opensslFolder()
const mine = efirma('FIEL_CACX7605101P8_2023')
const holder = { name: 'Xochilt Casas Chávez', curp: 'CACX760510MGTSHC04', rfc: 'CACX7605101P8' }
const officialCurp = 'AIBT850923HDFRLM0'

const certified = opensslPeople()
const partners = [
  { name: 'Sofía Abarca Ríos', curp: 'AARS900303MMSBSF01', rfc: 'AARS900303CC3', email: 'sofia@example.mx' },
  { name: 'Iván Robles Cano', curp: 'ROCI950101HDFBNV08', rfc: 'ROCI950101DD4', email: 'ivan@example.mx' },
  { name: 'Lucía Paz Mena', curp: 'PAML960202MDFZNC06', rfc: 'PAML960202EE5', email: 'lucia@example.mx' },
] as const
type Partner = { readonly name: string; readonly curp: string; readonly rfc: string; readonly email: string }
const partnerFiles = (n: number) => ({
  certificate: certified.openssl.path(`partner-${n}.der`),
  key: certified.openssl.path(`partner-${n}.p8`),
  passphrase: 'una clave larga',
})

/** Certificates of an authority that is trusted, and their keys as the field keeps keys. */
function certifyPartners(): void {
  certified.authority('partners')
  for (const [n, p] of partners.entries()) {
    certified.person(`partner-${n}`, p, 'partners')
    certified.openssl.run('x509', '-in', `partner-${n}.pem`, '-outform', 'DER', '-out', `partner-${n}.der`)
    const out = ['-passout', 'pass:una clave larga', '-outform', 'DER', '-out', `partner-${n}.p8`]
    certified.openssl.run('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-in', `partner-${n}.key`, ...out)
  }
  certified.openssl.run('x509', '-in', 'partners.pem', '-outform', 'DER', '-out', join(trust, 'people/partners.cer'))
}

let system: System
let browser: Browser
let trust: string

/** A certificate for an official by an authority that the system is told to trust; its key as the field keeps keys. */
function certifyOfficial(curp: string): { certificate: string; key: string } {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']
  openssl.run('req', '-x509', ...ec, '-days', '30', '-subj', '/CN=Autoridad de prueba', '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl.run('req', '-new', '-utf8', ...ec, '-subj', `/CN=Tomás Arriaga Bello/serialNumber=${curp}`, '-keyout', 'o.key', '-out', 'o.req')
  openssl.write('o.ext', 'keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=critical,CA:FALSE\n')
  openssl.run('x509', '-req', '-in', 'o.req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '30', '-extfile', 'o.ext', '-out', 'o.pem')
  openssl.run('x509', '-in', 'o.pem', '-outform', 'DER', '-out', 'o.cer')
  openssl.run(
    'pkcs8',
    '-topk8',
    '-v2',
    'aes-256-cbc',
    '-passout',
    'pass:una clave larga',
    '-in',
    'o.key',
    '-outform',
    'DER',
    '-out',
    'o.p8',
  )
  return { certificate: openssl.path('o.cer'), key: openssl.path('o.p8') }
}

before(async () => {
  if (missing) return
  trust = openssl.path('trust')
  mkdirSync(join(trust, 'people'), { recursive: true })
  cpSync(mine.certificatePath, join(trust, 'people/test.cer'))
  certifyOfficial(await curpOf(officialCurp))
  openssl.run('x509', '-in', 'ca.pem', '-outform', 'DER', '-out', 'trust/people/ca.cer')
  certifyPartners()
  system = await openSystem({ TRUST: trust })
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await system?.close()
})

/** A CURP with the check digit that holds. */
async function curpOf(before: string): Promise<string> {
  const { parseIdentity } = await import('#people')
  for (let digit = 0; digit < 10; digit++) if (!('fault' in parseIdentity(`${before}${digit}`))) return `${before}${digit}`
  throw new RangeError(before)
}

async function visitorOf(person: PersonId): Promise<SignedIn> {
  return { person, session: 'test', language: 'es', grants: await system.running.parts.people.grants(system.running.parts.db, person) }
}

/** The act of a company, of one unless told, filled in and ready to be filed. */
async function aDraft(email: string, who: readonly Partner[] = [{ ...holder, email }]): Promise<Reference> {
  const { cases, people } = system.running.parts
  const visitor = await visitorOf((await people.ownerOf(email))!)
  const reference = await cases.filings.start(visitor, { service })
  const answers = {
    name: 'Pan de Nopal',
    permission: 'A202611201234567890',
    ...Object.fromEntries(
      who.flatMap((p, i) => [
        [`partners.${i}.partner`, p.name],
        [`partners.${i}.curp`, p.curp],
        [`partners.${i}.rfc`, p.rfc],
        [`partners.${i}.email`, p.email],
        [`partners.${i}.shares`, who.length === 1 ? '100' : ['40', '30', '30'][i]!],
      ]),
    ),
    nocontrol: 'yes',
    purpose: 'any',
    shares: '100',
    value: '50.00',
    lasting: 'indefinite',
    manager: who[0]!.name,
    home: 'Calle Matamoros 3, Centro, 62000, Cuernavaca, Morelos',
    municipality: '17007',
    workers: 'no',
  }
  for (const { id } of (await cases.filings.read(visitor, reference)).journey.pages) {
    const { problems } = await cases.filings.answer(visitor, reference, id, answers)
    assert.deepEqual(problems, [])
  }
  for (const paper of (await cases.filings.read(visitor, reference)).missing)
    await cases.filings.attach(visitor, reference, paper, { name: `${paper}.pdf`, stream: aPdf() })
  return reference
}

/** Signs what the page shows with these files. */
async function sign(page: Page, files: { certificate: string; key: string; passphrase: string }): Promise<void> {
  await page.getByLabel('Certificado').setInputFiles(files.certificate)
  await page
    .getByLabel(/clave privada/i)
    .first()
    .setInputFiles(files.key)
  await page
    .getByLabel(/contraseña/i)
    .first()
    .fill(files.passphrase)
  await page.getByRole('button', { name: /^Firmar/ }).click()
}

async function clean(page: Page, what: string): Promise<void> {
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${what}`)
}

const shots = process.env.VENTANILLA_SHOTS

async function picture(page: Page, name: string): Promise<void> {
  if (!shots) return
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${shots}/${name}${colorScheme === 'dark' ? '-dark' : ''}.png`, fullPage: true })
  }
}

test('a person signs their filing with the tax authority’s files, an official signs the decision, and both are verified by others', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const person = await openPage(t, browser)
  await signIn(person, system, 'xochilt@example.mx')
  await identify(person, system, holder.name, holder.curp)
  const reference = await aDraft('xochilt@example.mx')
  await person.goto(`${system.url}/cases/${reference}/review`)
  await person.getByRole('button', { name: /Presentar/ }).click()
  // Filed and not yet signed: nothing stands in a line.
  await person.waitForURL(/\/sign$/)
  await clean(person, 'the page where a filing is signed')
  const weight = gzipSync(await (await person.request.get(person.url())).body(), { level: 9 }).length
  assert.ok(weight <= 10_000, `${weight} bytes of HTML`)
  await picture(person, 'sign')
  await person.goto(`${system.url}/cases/${reference}`)
  await clean(person, 'a case that waits for its signature')
  await picture(person, 'case')
  await person.getByRole('button', { name: 'Ir a las firmas' }).click()
  await sign(person, { certificate: mine.certificatePath, key: mine.keyPath, passphrase: 'not this one' })
  await person.getByRole('alert').waitFor()
  await sign(person, { certificate: mine.certificatePath, key: mine.keyPath, passphrase: mine.passphrase })
  await person.waitForURL((u) => u.pathname === `/cases/${reference}`)
  await person.locator('.v-ticket__number').first().waitFor()

  // What anybody downloads is judged by OpenSSL, by our command and by the public page.
  await person.goto(`${system.url}/cases/${reference}/sign`)
  const get = async (path: string) => {
    const answer = await person.request.get(`${system.url}${path}`)
    assert.equal(answer.status(), 200, path)
    return await answer.body()
  }
  openssl.write('filing.p7s', await get(`/cases/${reference}/signatures/1`))
  openssl.write('filing.txt', await get(`/cases/${reference}/statement`))
  openssl.run('x509', '-inform', 'DER', '-in', mine.certificatePath, '-out', 'mine.pem')
  const check = (name: string, ca: string) =>
    openssl.run(
      ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', `${name}.p7s`, '-content', `${name}.txt`],
      ...['-CAfile', ca, '-partial_chain', '-purpose', 'any', '-out', 'out.txt'],
    )
  assert.match(check('filing', 'mine.pem'), /Verification successful/)

  // The other steps of the company, by the officials of their offices.
  const { cases, catalogue } = system.running.parts
  const home = catalogue.get(service)!.office!
  for (let n = 0, more = true; more; n++) {
    assert.ok(n < 10, 'the case reaches its decision')
    more = false
    for (const office of [home, `${home}-sat`, `${home}-imss`] as OfficeId[]) {
      if (!catalogue.office(office)) continue
      const email = `oficial-${office}@example.mx`
      const known = await system.running.parts.people.ownerOf(email)
      const official = await visitorOf(known ?? (await system.staff(email, 'Inés Quiroga Maya', ['official'], office)))
      await cases.desks.goOn(official, office)
      if (!(await cases.desks.next(official, office))) continue
      const served = (await cases.desks.current(official, office))!
      if (served.step.kind === 'decide') {
        await cases.desks.goOff(official, office)
        continue
      }
      await cases.desks.review(official, office, served.turn.state.turn, { result: 'ok', note: '' })
      await cases.desks.goOff(official, office)
      more = true
    }
  }

  const tomas = await system.staff('tomas@example.mx', 'Tomás Arriaga Bello', ['official'], home)
  assert.ok(tomas)
  const official = await openPage(t, browser)
  await signIn(official, system, 'tomas@example.mx')
  await identify(official, system, 'Tomás Arriaga Bello', await curpOf(officialCurp))
  await official.goto(`${system.url}/desk/${home}`)
  await official.getByRole('button', { name: /Abrir mi ventanilla/ }).click()
  await official.getByRole('button', { name: /siguiente/ }).click()
  await official
    .locator('.v-ticket__number')
    .first()
    .waitFor()
    .catch(async () =>
      assert.fail(
        (await official.locator('main').innerText()) +
          JSON.stringify(
            await cases.receipts
              .read(await visitorOf((await system.running.parts.people.ownerOf('xochilt@example.mx'))!), reference as never)
              .then((r) => [r.o.c.steps, r.s.living.map((x) => x.line)]),
          ),
      ),
    )
  await official
    .getByText('firmó XOCHILT')
    .first()
    .waitFor()
    .catch(async () => assert.fail(await official.locator('main').innerText()))
  await official.getByRole('radio', { name: 'Se autoriza' }).first().check()
  await official.getByRole('button', { name: 'Ver qué se va a expedir' }).click()
  await official.locator('summary', { hasText: 'Resolver con mi firma' }).click()
  await clean(official, 'the page where a decision is signed')
  await picture(official, 'decide')
  await sign(official, { certificate: openssl.path('o.cer'), key: openssl.path('o.p8'), passphrase: 'una clave larga' })
  await official.waitForURL(/done=ok/)

  await person.goto(`${system.url}/cases/${reference}/decision`)
  await person.getByText(/Tomás Arriaga Bello, certificado/).waitFor()
  await clean(person, 'a signed decision')
  await picture(person, 'decision')
  openssl.write('decision.p7s', await get(`/cases/${reference}/decision.p7s`))
  openssl.write('decision.txt', await get(`/cases/${reference}/decision.txt`))
  for (const file of ['decision.json', 'decision.pdf', 'receipt.pdf']) openssl.write(file, await get(`/cases/${reference}/${file}`))
  assert.match(check('decision', 'ca.pem'), /Verification successful/)

  await person.goto(`${system.url}/cases/${reference}/receipt`)
  const [file] = await Promise.all([person.waitForEvent('download'), person.getByRole('link', { name: 'Descargar en PDF' }).click()])
  assert.equal(file.suggestedFilename(), `${reference}.pdf`)
  await clean(person, 'a receipt')
  await picture(person, 'receipt')

  // Anybody, at the public page and with the command.
  const anyone = await openPage(t, browser)
  for (const [file, content, who] of [
    ['filing.p7s', 'filing.txt', /XOCHILT CASAS CHAVEZ/],
    ['decision.p7s', 'decision.txt', /Tomás Arriaga Bello/],
    ['decision.json', null, /Tomás Arriaga Bello/],
    ['decision.pdf', null, /: resolución .* de la solicitud [\s\S]*Tomás Arriaga Bello/],
    ['receipt.pdf', null, new RegExp(`: recibo de la solicitud ${reference} en http`)],
  ] as const) {
    await anyone.goto(`${system.url}/signature`)
    await anyone.getByLabel('Archivo con la firma').setInputFiles(openssl.path(file))
    if (content) await anyone.getByLabel('Documento que se firmó').setInputFiles(openssl.path(content))
    await anyone.getByRole('button', { name: 'Comprobar' }).click()
    await anyone.getByText('Es válida.').first().waitFor()
    assert.match(await anyone.locator('main').innerText(), who)
    await clean(anyone, 'the page that explains a signature')
    await picture(anyone, `signature-${file}`)
  }
  // One digit of what was signed is another: it does not hold.
  writeFileSync(
    openssl.path('changed.txt'),
    readFileSync(openssl.path('filing.txt'), 'utf8').replace('50.00', '90.00').replace('Nopal', 'Nopai'),
  )
  await anyone.goto(`${system.url}/signature`)
  await anyone.getByLabel('Archivo con la firma').setInputFiles(openssl.path('filing.p7s'))
  await anyone.getByLabel('Documento que se firmó').setInputFiles(openssl.path('changed.txt'))
  await anyone.getByRole('button', { name: 'Comprobar' }).click()
  await anyone.getByText('No es válida.').first().waitFor()
  await picture(anyone, 'signature-changed')
  // Who judges it alone must know who stamped the time.
  openssl.write('trust/root.cer', await get('/pki/root.cer'))
  const said = execFileSync(
    process.execPath,
    [
      cli,
      'verify',
      openssl.path('decision.p7s'),
      '--content',
      openssl.path('decision.txt'),
      '--trust',
      trust,
      '--revocation-if-known',
      '--json',
    ],
    { encoding: 'utf8' },
  )
  assert.equal(JSON.parse(said).holds, true)

  // The decision's file alone: the portal's seal over its record and the official's signature, by the command; another record is neither's.
  const whole = (file: string) => {
    const args = [cli, 'verify', openssl.path(file), '--trust', trust, '--revocation-if-known', '--json']
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    return JSON.parse(stdout) as {
      holds: boolean
      reasons: { code: string }[]
      signatures: { as: string; level: string; holds: boolean }[]
    }
  }
  const good = whole('decision.json')
  assert.deepEqual(good.reasons, [])
  assert.deepEqual(
    good.signatures.map((s) => [s.as, s.level]),
    [
      ['seals', 'B-LT'],
      ['people', 'B-T'],
    ],
  )
  for (const [name, levels] of [
    ['decision.pdf', ['B-LT', 'B-LT', 'B-T']],
    ['receipt.pdf', ['B-LT', 'B-LT']],
  ] as const) {
    const found = whole(name)
    assert.deepEqual(found.reasons, [], name)
    assert.deepEqual(
      found.signatures.map((s) => s.level),
      levels,
    )
  }
  writeFileSync(openssl.path('other.json'), readFileSync(openssl.path('decision.json'), 'utf8').replaceAll('Casas', 'Cosas'))
  assert.deepEqual(
    whole('other.json').reasons.map((r) => r.code),
    ['other-content'],
  )
})

test('a company’s act is signed by three partners: its applicant and two who were invited', { skip, timeout: 240_000 }, async (t) => {
  const { cases, people } = system.running.parts
  const page = await openPage(t, browser)
  await signIn(page, system, 'tres@example.mx')
  await identify(page, system, partners[0].name, partners[0].curp)
  const visitor = await visitorOf((await people.ownerOf('tres@example.mx'))!)
  const reference = await aDraft('tres@example.mx', partners)
  const before = await Promise.all(partners.map((p) => system.mailCount(p.email)))
  await cases.submit({ person: visitor.person, reference })
  await page.goto(`${system.url}/cases/${reference}/sign`)
  await clean(page, 'the page of the first partner')
  await picture(page, 'three-first')
  await sign(page, partnerFiles(0))
  await page.getByText('firmada', { exact: true }).first().waitFor()

  for (const n of [1, 2]) {
    const { text } = await system.mail(partners[n]!.email, before[n])
    const guest = await openPage(t, browser)
    await guest.goto(/http\S+\/sign\/\S+/.exec(text)![0])
    await guest.getByText(partners[n]!.name).first().waitFor()
    if (n === 1) {
      await clean(guest, 'the page of an invited partner')
      await picture(guest, 'three-invited')
      // Another partner's certificate is not theirs.
      await sign(guest, partnerFiles(2))
      await guest.getByRole('alert').getByText('El certificado es de otra persona').waitFor()
    }
    await sign(guest, partnerFiles(n))
    await guest.getByText('Su firma está recibida').first().waitFor()
    if (n === 1) await clean(guest, 'the page of a partner who signed')
    await picture(guest, 'three-invited-signed')
  }
  await page.goto(`${system.url}/cases/${reference}`)
  await page.locator('.v-ticket__number').first().waitFor()
  const { signers, statement } = await cases.signings.read(visitor, reference)
  assert.deepEqual(
    signers.map((s) => [s.signed?.by, s.state]),
    partners.map((p) => [p.name, 'signed']),
  )
  for (const s of signers) assert.match(certified.verify(s.signed!.cms, statement, 'partners'), /Verification successful/)
})
