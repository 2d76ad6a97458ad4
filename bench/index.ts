/** The benches by name; each is loaded when it is asked for. docs/benchmarks.md tells what each compares and what was found. */
import type { Bench } from './bench.ts'

export { fullExtent } from './bench.ts'

/** Names are words joined by `-`. */
export const benches: Record<string, { about: string; load(): Promise<{ bench: Bench }> }> = {
  intake: { about: 'drafts submitted to receipt, against the same rows by pgbench', load: () => import('./intake.ts') },
  page: { about: 'a service page, signed out, against bare node:http', load: () => import('./page.ts') },
  log: { about: 'entries published a second, against the same rows without a log', load: () => import('./log.ts') },
  start: { about: 'second start to first page, and memory after 1,000 requests', load: () => import('./start.ts') },
  search: { about: 'queries a second over HTTP, against the bare full-text query of PostgreSQL', load: () => import('./search.ts') },
  turns: { about: 'taking and calling a turn with 1,000,000 waiting, against 1,000', load: () => import('./turns.ts') },
  load: { about: '200 people at once on the whole way, officials serving meanwhile', load: () => import('./visits.ts') },
  history: { about: 'a case, its page and its office with 1,000,000 cases stored, against 1,000', load: () => import('./history.ts') },
  'page-weight': {
    about: 'bytes of every kind of page, and what Lighthouse says of the public ones',
    load: () => import('./page-weight.ts'),
  },
  verify: { about: 'CAdES signatures judged a second, against crypto.verify alone and pkijs', load: () => import('./verify.ts') },
  ocsp: { about: 'OCSP answers a second over HTTP, against the responder of OpenSSL', load: () => import('./ocsp.ts') },
  sign: { about: 'institutional seals with a timestamp a second, against two bare signatures', load: () => import('./sign.ts') },
  login: { about: 'complete sign-ins by passkey a second', load: () => import('./login.ts') },
  kill: { about: 'kills under load: nothing acknowledged is lost or doubled', load: () => import('./kill.ts') },
}
