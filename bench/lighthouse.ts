/** Lighthouse on Debian's Chromium: its mobile profile, on loopback alone. Errors are reported to nobody: only its command line can. */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { BenchError, freePort } from './bench.ts'

const executablePath = '/usr/bin/chromium'
const categories = ['performance', 'accessibility', 'best-practices', 'seo'] as const
export type Category = (typeof categories)[number]

/** What Lighthouse found on one page: points of a hundred, and what cost some. A page that asks not to be found is not asked for `is-crawlable`. */
export type Judged = { readonly path: string; readonly scores: Readonly<Record<Category, number>>; readonly lost: readonly string[] }

/** Opens the browser; `judge` looks at one page after another. Refuses with `BenchError` where Chromium is missing. */
export async function openLighthouse(): Promise<{ judge(url: string, indexed: boolean): Promise<Judged>; close(): Promise<void> }> {
  if (!existsSync(executablePath)) throw new BenchError('Lighthouse needs Chromium: apt-get install -y --no-install-recommends chromium')
  const { default: lighthouse } = await import('lighthouse')
  const port = await freePort()
  const browser = await chromium.launch({
    executablePath,
    args: [
      `--remote-debugging-port=${port}`,
      // No other address has a name for this browser.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  return {
    async judge(url, indexed) {
      const run = await lighthouse(url, {
        port,
        output: 'json',
        logLevel: 'silent',
        onlyCategories: [...categories],
        ...(indexed ? {} : { skipAudits: ['is-crawlable'] }),
      })
      if (!run) throw new Error(`Lighthouse says nothing about ${url}.`)
      const { lhr } = run
      if (lhr.runtimeError) throw new Error(`Lighthouse on ${url}: ${lhr.runtimeError.message}`)
      const scores = Object.fromEntries(categories.map((c) => [c, Math.round((lhr.categories[c]?.score ?? 0) * 100)])) as Record<
        Category,
        number
      >
      const lost = categories.flatMap((c) =>
        lhr.categories[c]!.auditRefs.filter(
          (ref) => ref.weight > 0 && (lhr.audits[ref.id]?.score ?? 1) < (c === 'performance' ? 0.9 : 1),
        ).map((ref) => `${c}: ${ref.id}${lhr.audits[ref.id]!.displayValue ? ` (${lhr.audits[ref.id]!.displayValue})` : ''}`),
      )
      return { path: new URL(url).pathname + new URL(url).search, scores, lost }
    },
    close: () => browser.close(),
  }
}
