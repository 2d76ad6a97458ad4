/**
 * A scanned code, checked on the telephone that scanned it: what the paper says travels in the address's fragment, which no browser sends, and is compared here
 * with what the public log committed to. The server is asked for the turn alone. All words stand in the page's template.
 */
import { canonical } from '#kernel/canonical'
import type { Opening } from '#kernel/commitment'
import { committed, historyOf, noVerdict, type PaperContent, type Published, unpackOpenings, type Verdict, verdictOf } from '../verdict.ts'

type Turn = { today: string; zone: string; office: string | null; withdrawnOn: string | null; entries: Published[] }

const bytes = (base64url: string) => Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))

/** Whether the opening opens the commitment: HMAC-SHA-256 over the canonical JSON (RFC 8785). */
async function opens(commitment: string | null, opening: Opening | undefined): Promise<boolean> {
  if (commitment === null || !opening) return false
  const key = await crypto.subtle.importKey('raw', bytes(opening.key), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  return crypto.subtle.verify('HMAC', key, bytes(commitment), new TextEncoder().encode(canonical(opening.content)))
}

const templates = document.querySelector<HTMLTemplateElement>('#verdicts')
const result = document.querySelector<HTMLElement>('#check-result')
const language = document.documentElement.lang

function part(selector: string): HTMLElement {
  return templates!.content.querySelector<HTMLElement>(selector)!.cloneNode(true) as HTMLElement
}

const day = (date: string) =>
  new Intl.DateTimeFormat(language === 'es' ? 'es-MX' : language, { timeZone: 'UTC', dateStyle: 'long' }).format(new Date(`${date}T00:00Z`))

function moment(at: string, zone: string): string {
  if (at.length === 10) return day(at)
  return new Intl.DateTimeFormat(language === 'es' ? 'es-MX' : language, {
    timeZone: zone,
    dateStyle: 'medium',
    timeStyle: 'short',
  }).format(new Date(at))
}

function actsPart(acts: readonly Published[], zone: string): HTMLElement {
  const all = part('[data-part="acts"]')
  const list = all.querySelector('ol')!
  const items = [...list.children]
  list.replaceChildren(
    ...acts.flatMap(({ index, entry }) => {
      const name = entry.type === 'turn.finished' && entry.outcome === 'silence' ? 'silence' : entry.type
      const item = items.find((i) => i.querySelector(`[data-act="${name}"]`))?.cloneNode(true) as HTMLElement | undefined
      if (!item) return []
      const time = item.querySelector('time')!
      time.dateTime = entry.at
      time.textContent = moment(entry.at, zone)
      const detail = item.querySelector('.v-soft')!
      detail.textContent = detail.textContent!.replace('{index}', new Intl.NumberFormat(language).format(index))
      return [item]
    }),
  )
  return all
}

function saysPart(says: PaperContent, office: string | null): HTMLElement {
  const all = part('[data-part="says"]')
  const { granted, refused, never } = all.dataset
  const words = {
    ...says,
    result: says.result === 'granted' ? granted : refused,
    decided: day(says.decided),
    until: says.until ? day(says.until) : never,
    office: office ?? says.office,
  }
  for (const cell of all.querySelectorAll<HTMLElement>('[data-says]'))
    cell.textContent = String(words[cell.dataset.says as keyof typeof words] ?? '')
  // The service's name is public; who asks for it learns nothing of the person.
  void fetch(`/api/services/${says.service}`, { headers: { accept: 'application/json' } })
    .then((r) => r.json())
    .then(({ text }) => {
      const name = text?.[language]?.name
      if (typeof name === 'string') all.querySelector('[data-says="service"]')!.textContent = name
    })
    .catch(() => undefined)
  return all
}

function show(...parts: HTMLElement[]): void {
  document.querySelector('[data-check-intro]')?.remove()
  // An answer of the server to an earlier question must not stand beside this one.
  for (const old of document.querySelectorAll('.v-check__result')) if (old !== result) old.remove()
  result!.replaceChildren(...parts)
  result!.scrollIntoView({ block: 'start' })
}

async function check(): Promise<void> {
  const fragment = location.hash.slice(1)
  if (fragment.length < 100 || !templates || !result) return
  // What the paper says must not stay in the browser's history.
  history.replaceState(null, '', location.pathname + location.search)
  const openings = unpackOpenings(fragment)
  if (!openings) return show(part('[data-verdict="unknown/not-readable"]'))
  if (!globalThis.crypto?.subtle) return show(part('[data-part="no-crypto"]'))
  let turn: Turn | null
  try {
    const reply = await fetch(`/api/turns/${openings.turn}`, { cache: 'no-cache', headers: { accept: 'application/json' } })
    if (!reply.ok && reply.status !== 404) throw new Error()
    turn = reply.ok ? ((await reply.json()) as Turn) : null
  } catch {
    return show(part('[data-part="offline"]'))
  }
  let verdict: Verdict = noVerdict('no-such-turn', openings.paper ? 'decision' : 'receipt')
  if (turn) {
    const history = historyOf(turn.entries)
    const { holder, paper } = committed(history)
    const [holderOpens, paperOpens] = await Promise.all([opens(holder, openings.holder), opens(paper, openings.paper)])
    verdict = verdictOf(openings, history, { holderOpens, paperOpens, today: turn.today, withdrawn: turn.withdrawnOn !== null })
  }
  const key = verdict.why === 'ok' && verdict.kind === 'decision' ? verdict.valid : verdict.why
  show(
    part(`[data-verdict="${verdict.kind}/${key}"]`),
    part('[data-part="local"]'),
    ...(verdict.says ? [saysPart(verdict.says, turn?.office ?? null)] : []),
    ...(turn ? [actsPart(verdict.acts, turn.zone)] : []),
  )
}

void check()
addEventListener('hashchange', () => void check())
