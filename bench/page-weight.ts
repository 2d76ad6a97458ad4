/**
 * `bench page-weight`: what every kind of page of the running demonstration weighs as it is sent (gzip): its HTML, its styles, its scripts; signed out and as each role. The kinds are
 * the program's own routes, and the pages are found by following links from them: a page that nobody met is named, and the bench then fails. On the public ones Lighthouse looks too.
 */
import diagnostics from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { readConfig } from '#config'
import type { OfficeId, PersonId, ServiceId } from '#kernel/id'
import type { Role, SignedIn } from '#web'
import { playDemo } from '../src/demo/play.ts'
import { projectFolder } from '../src/folder.ts'
import { type Parts, type Running, start } from '../src/main.ts'
import { prepareCrowd, prepareSessions } from '../src/modules/people/testing-crowd.ts'
import { type Bench, freePort, inFolder, isMeasurement, systemSettings } from './bench.ts'
import { exampleForm } from './drafts.ts'
import { type Judged, openLighthouse } from './lighthouse.ts'

/** In bytes as they are sent. A kilobyte is 1,000 of them: the stricter reading. */
const most = { html: 10_000, css: 16_000, scripts: 10_000 }
const mostEach = { small: 1, whole: 200 }
const office = 'state-09' as OfficeId
/** A service without papers, for the counter. */
const counterBase = 'state/birth-certificate'

/** Routes that are no pages. */
const forPrograms = /^\/(api|assets|log|pki|sitemaps)\//
/** Pages of an analyst's draft, of which the demonstration has none: `editor/pages.test.ts` weighs them all. */
const ofDraft = /^\/editor\/drafts\/:draft/
/** Pages that a demonstration does not lead to, and why. */
const notMet: Readonly<Record<string, string>> = {
  '/cases/:reference/changed': 'shown while a service changes under a draft',
  // The script that signs weighs 7.6 kB beside the look's 3.3: the one page whose scripts are above the reach. The journey `sign` weighs the page itself.
  '/cases/:reference/sign': 'nobody signs in the demonstration',
  '/sign/:token': 'the same',
  '/sign/:token/statement': 'a file of the same',
  '/cases/:reference/statement': 'a file of the same',
  '/cases/:reference/signatures/:n': 'a file of the same',
  '/cases/:reference/decision.p7s': 'a file of the same',
  '/cases/:reference/decision.txt': 'a file of the same',
  '/me/certificates/statement': 'a file: what is signed for a certificate',
  '/me/certificates/:serial': 'a file: the certificate',
  '/me/mandates/:code': 'nobody gives one in the demonstration; the journey `mandate` looks at its pages',
  '/me/mandates/:code/statement': 'a file of the same',
  '/me/mandates/:code/withdrawal': 'a file of the same',
  '/me/mandates/:code/signature': 'a file of the same',
  '/mandates/:token': 'the same',
  '/cases/new': 'asked of who acts for another',
  '/oidc/interaction/:uid': 'no other system asks in the demonstration; `federation.browser.test.ts` weighs it',
  '/oidc/interaction/:uid/back': 'leads on from it',
  '/counter/:office/confirm': 'leads on, or back to the counter with an error',
  '/sign-in/choose': 'nobody shares a telephone in the demonstration',
  '/editor/places': 'for who holds a place; no account of the demonstration does',
  '/editor/places/:place': 'the same',
}

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const whole = isMeasurement(extent)
    const port = await freePort()
    const routes: string[] = []
    const hear = (message: unknown) => {
      ;(message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route: RouteOptions) => {
        if (route.method === 'GET') routes.push(route.url)
      })
    }
    diagnostics.subscribe('fastify.initialization', hear)
    let running: Running
    try {
      running = await start(
        readConfig({ ...systemSettings(folder, port), VENTANILLA_DEMO: 'on', VENTANILLA_PUBLIC_URL: `http://localhost:${port}` }, folder),
      )
    } finally {
      diagnostics.unsubscribe('fastify.initialization', hear)
    }
    try {
      progress('Playing the demonstration.')
      await playDemo(running.parts, () => {})
      await running.parts.publiclog.publishNow()
      await running.parts.insight.refresh()
      const visitors = await everybody(running.parts, whole)
      const found = await crawl(port, routes, visitors, whole ? mostEach.whole : mostEach.small)
      const unmet = routes.filter((r) => !forPrograms.test(r) && !found.met.has(r) && !(r in notMet) && !ofDraft.test(r))
      const heaviest = found.pages.toSorted((a, b) => b.html - a.html)
      const over = found.pages.filter((p) => p.html > most.html || p.css > most.css || p.scripts > most.scripts)
      for (const p of over) progress(`  too heavy: ${p.path} (${p.visitor}): ${p.html} HTML, ${p.css} CSS, ${p.scripts} scripts`)
      progress(
        `${found.pages.length} pages of ${new Set(found.pages.map((p) => p.route)).size} kinds weighed; the heaviest ${heaviest[0]!.path}: ${heaviest[0]!.html} bytes`,
      )
      const judged = whole ? await judgeAll(port, found.pages, progress) : []
      const poor = judged.filter(
        (j) => j.scores.accessibility < 100 || j.scores['best-practices'] < 100 || j.scores.seo < 100 || j.scores.performance < 95,
      )
      const top = (of: 'html' | 'css' | 'scripts') => Math.max(...found.pages.map((p) => p[of]))
      const least = (c: keyof Judged['scores']) => (judged.length === 0 ? null : Math.min(...judged.map((j) => j.scores[c])))
      return {
        bench: 'page-weight',
        value: top('html'),
        unit: 'bytes of HTML (gzip) of the heaviest page',
        better: 'lower',
        reference: null,
        ratio: null,
        reach: `HTML <= ${most.html}, CSS <= ${most.css}, scripts <= ${most.scripts} bytes on every page, every kind of page met; Lighthouse 100 for accessibility, best practices and SEO, performance >= 95`,
        ok: over.length === 0 && unmet.length === 0 && poor.length === 0,
        more: {
          measurement: whole,
          pages: found.pages.length,
          kinds: new Set(found.pages.map((p) => p.route)).size,
          unmet,
          css: top('css'),
          scripts: top('scripts'),
          heaviest: heaviest.slice(0, 10).map(({ path, visitor, html }) => ({ path, visitor, html })),
          over,
          lighthouse: {
            pages: judged.length,
            performance: least('performance'),
            accessibility: least('accessibility'),
            bestPractices: least('best-practices'),
            seo: least('seo'),
            poor,
          },
        },
      }
    } finally {
      await running.stop()
    }
  })

type Visitor = { readonly name: string; readonly cookie: string | null; readonly begin: readonly string[] }

/** Nobody, and somebody of each role and with a case in each state. */
async function everybody(parts: Parts, whole: boolean): Promise<Visitor[]> {
  const { db, people, cases, clock } = parts
  const visitorOf = async (person: PersonId): Promise<SignedIn> => ({
    person,
    session: 'bench',
    language: 'es',
    grants: await people.grants(db, person),
  })
  const demo = async (email: string) => (await people.ownerOf(email))!
  const crowd = (await prepareCrowd(db, 4, 900_000, clock.now())).map((p) => p.person)
  const [drafter, control, analyst, shown] = crowd as [PersonId, PersonId, PersonId, PersonId]
  const grant = (person: PersonId, role: Role, at: OfficeId | null) =>
    db.tx((tx) => people.giveRole(tx, null, person, { role, office: at }))
  await grant(control, 'control', null)
  await grant(analyst, 'analyst', null)
  // Services and forms of every base in the whole measurement, a few to see that it runs.
  const services = basesOf(parts)
  const forms: string[] = []
  for (const service of whole ? services : services.slice(0, 2)) {
    const reference = await cases.filings.start(await visitorOf(drafter), { service })
    const { journey } = await cases.filings.read(await visitorOf(drafter), reference)
    forms.push(...journey.pages.map((p) => `/cases/${reference}/fill/${p.id}`))
    forms.push(...['papers', `papers/${journey.papers[0]?.id ?? 'x'}`, 'review', 'priority'].map((stop) => `/cases/${reference}/${stop}`))
  }
  const official = await visitorOf(await demo('oficial1@demo.invalid'))
  await cases.desks.goOn(official, office)
  await cases.desks.next(official, office)
  // A filing that the clerk took and has still to confirm.
  const taken = await cases.filings.start(official, { service: `${counterBase}@09` as ServiceId, for: { person: shown, office } })
  for (const seen = new Set<string>(); ; ) {
    const page = (await cases.filings.read(official, taken)).journey.pages.find((p) => !seen.has(p.id))
    if (!page) break
    seen.add(page.id)
    await cases.filings.answer(official, taken, page.id, exampleForm(counterBase))
  }
  await cases.submit({ person: official.person, reference: taken, clerkAt: [office] })
  const states = await db.query<{ applicant: PersonId; reference: string; state: string }>(
    `select distinct on (state) applicant, reference, state from cases_case where applicant <> $1 and state <> 'draft' order by state, saved_at`,
    [drafter],
  )
  const [decided] = await db.query<{ code: string }>('select code from cases_decision limit 1')
  const { link } = await people.invite(null, { email: 'invitada@bench.invalid', role: 'official', office, language: 'es' })
  const persons: [name: string, person: PersonId, begin: string[]][] = [
    ['a citizen with a case in line', await demo('ciudadana@demo.invalid'), []],
    ['a citizen with drafts', drafter, forms],
    ...states.map((s): [string, PersonId, string[]] => [
      `a citizen whose case is ${s.state}`,
      s.applicant,
      ['', '/receipt', '/decision', '/papers', '/answer-request', '/withdraw']
        .map((rest) => `/cases/${s.reference}${rest}`)
        .concat(`/rate/${s.reference}`),
    ]),
    ['an official', official.person, [`/desk/${office}`, `/desk/${office}/conflicts`, `/counter/${office}/cases/${taken}/confirm`]],
    ['a supervisor', await demo('supervisora@demo.invalid'), [`/supervise/${office}`]],
    ['an administrator', await demo('admin@demo.invalid'), []],
    ['the control body', control, []],
    ['an analyst', analyst, []],
  ]
  const sessions = await prepareSessions(
    db,
    persons.map(([, person]) => person),
    clock.now(),
  )
  return [
    {
      name: 'signed out',
      cookie: null,
      begin: [
        new URL(link).pathname,
        '/no-such-page',
        '/problems/not-found',
        '/services?q=acta+de+nacimiento',
        '/services?q=licencia&place=09015',
        '/numbers/places/09',
        '/numbers/agencies/sre',
        `/numbers/offices/${office}`,
        '/agencies/sre',
        `/check/${decided!.code}`,
        ...(whole ? services.map((id) => `/services/${id}`) : []),
      ],
    },
    ...persons.map(([name, , begin], i) => ({ name, cookie: `session=${sessions[i]!.token}`, begin })),
  ]
}

/** A service of every base: of the capital and of one of its towns where it has places. */
function basesOf({ catalogue }: Parts): ServiceId[] {
  const folder = join(projectFolder, 'services')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('/definition.json'))
    .map((file) => {
      const base = file.slice(0, -'/definition.json'.length)
      return (base.startsWith('state/') ? `${base}@09` : base.startsWith('municipal/') ? `${base}@09015` : base) as ServiceId
    })
    .filter((id) => catalogue.get(id)?.office)
    .sort()
}

type Weighed = {
  readonly route: string
  readonly path: string
  readonly visitor: string
  readonly indexed: boolean
  readonly html: number
  readonly css: number
  readonly scripts: number
}

/** Follows the links of every visitor's pages, `each` pages of a route at most. */
async function crawl(
  port: number,
  routes: readonly string[],
  visitors: readonly Visitor[],
  each: number,
): Promise<{ pages: Weighed[]; met: Set<string> }> {
  // The one with most fixed words first: `/numbers/places/:code` before `/numbers/:file`.
  const patterns = routes
    .map((url) => ({
      url,
      fits: new RegExp(`^${url.replace(/[.+]/g, '\\$&').replace(/:\w+/g, '[^/]+').replace('*', '.+')}$`),
      fixed: url.replace(/:\w+|\*/g, '').length,
    }))
    .toSorted((a, b) => b.fixed - a.fixed)
  const routeOf = (path: string) => patterns.find((p) => p.fits.test(path.split('?')[0]!))?.url
  const sizes = new Map<string, number>()
  const sizeOf = async (asset: string) => {
    if (!sizes.has(asset)) sizes.set(asset, (await get(port, asset, null)).bytes)
    return sizes.get(asset)!
  }
  const met = new Set<string>()
  const pages: Weighed[] = []
  for (const { name, cookie, begin } of visitors) {
    const seen = new Set<string>()
    const count = new Map<string, number>()
    const queue = [...begin, '/', ...routes.filter((r) => !/[:*]/.test(r))]
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const route = routeOf(path)
      if (seen.has(path) || (!route && path !== '/no-such-page')) continue
      seen.add(path)
      const nth = (count.get(route ?? '') ?? 0) + 1
      if (nth > each && !begin.includes(path)) continue
      count.set(route ?? '', nth)
      const { status, location, type, text, bytes } = await get(port, path, cookie)
      if (status >= 500) throw new Error(`${path} answers ${status}.`)
      if (status === 303 && location.startsWith('/') && !location.startsWith('/sign-in?')) {
        met.add(route!)
        queue.push(location)
      }
      if (status === 200 && !type.startsWith('text/html')) met.add(route!)
      if (!type.startsWith('text/html')) continue
      if (status === 200) met.add(route!)
      const links = (tag: RegExp) => [...text.matchAll(tag)].map((m) => m[1]!.replaceAll('&amp;', '&').replace(/#.*/, ''))
      const sum = async (all: readonly string[]) => (await Promise.all([...new Set(all)].map(sizeOf))).reduce((a, b) => a + b, 0)
      pages.push({
        route: route ?? 'refused',
        path,
        visitor: name,
        indexed: !/<meta name="robots" content="noindex/.test(text),
        html: bytes,
        css: await sum(
          links(/<link [^>]*rel="stylesheet"[^>]*href="([^"]+)"/g).concat(links(/<link [^>]*href="([^"]+)"[^>]*rel="stylesheet"/g)),
        ),
        scripts: await sum(links(/<script [^>]*src="([^"]+)"/g)),
      })
      if (status === 200) queue.push(...links(/<a [^>]*href="(\/[^"]*)"/g).filter((href) => !/[?&]lang=/.test(href)))
    }
  }
  return { pages, met }
}

type Sent = { readonly status: number; readonly location: string; readonly type: string; readonly text: string; readonly bytes: number }

/** One answer, and how many bytes of it were sent. */
function get(port: number, path: string, cookie: string | null): Promise<Sent> {
  return new Promise((resolve, reject) => {
    request(
      {
        port,
        host: '127.0.0.1',
        path,
        headers: {
          host: `localhost:${port}`,
          accept: 'text/html',
          'accept-encoding': 'gzip',
          'accept-language': 'es-MX',
          ...(cookie ? { cookie } : {}),
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const sent = Buffer.concat(parts)
          const { headers } = response
          const type = headers['content-type'] ?? ''
          resolve({
            status: response.statusCode!,
            location: headers.location ?? '',
            type,
            text: type.startsWith('text/html') ? (headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString() : '',
            bytes: sent.length,
          })
        })
      },
    )
      .on('error', reject)
      .end()
  })
}

/** Lighthouse on one page of each public kind. What a busy machine slowed is looked at twice more, and the middle counts. */
async function judgeAll(port: number, pages: readonly Weighed[], progress: (words: string) => void): Promise<Judged[]> {
  const kinds = new Map<string, Weighed>()
  // The heaviest of its kind stands for it.
  for (const p of pages.filter((p) => p.visitor === 'signed out' && p.route !== 'refused').toSorted((a, b) => a.html - b.html))
    kinds.set(p.route, p)
  const { judge, close } = await openLighthouse()
  const all: Judged[] = []
  try {
    for (const { path, indexed } of kinds.values()) {
      const look = () => judge(`http://localhost:${port}${path}`, indexed)
      let judged = await look()
      if (judged.scores.performance < 95)
        judged = [judged, await look(), await look()].sort((a, b) => a.scores.performance - b.scores.performance)[1]!
      all.push(judged)
      const { scores, lost } = judged
      progress(
        `  ${path}: performance ${scores.performance}, accessibility ${scores.accessibility}, best practices ${scores['best-practices']}, SEO ${scores.seo}${lost.length ? `; ${lost.join(', ')}` : ''}`,
      )
    }
  } finally {
    await close()
  }
  return all
}
