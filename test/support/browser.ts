/** Debian's Chromium for tests, and axe in it. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { TestContext } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'
const require = createRequire(import.meta.url)

/** Undefined where Chromium is; else the line that says how to get it, for `{ skip }`. With `CI=true` a missing browser throws. */
export function browserMissing(): string | undefined {
  if (existsSync(executablePath)) return undefined
  const line = 'Chromium is missing: apt-get install -y --no-install-recommends chromium'
  if (process.env.CI === 'true') throw new Error(line)
  return line
}

/** A browser with a fresh profile that talks to nobody on its own. The caller closes it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page of its own context (no cookies, nothing cached), closed with the test; what the page reports as an error fails the test. */
export async function openPage(t: TestContext, browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'es-MX', ...options })
  t.after(() => context.close())
  // Pages answer within a second; a longer wait is a control that is not there.
  context.setDefaultTimeout(10_000)
  return context.newPage()
}

/** Gives the page empty scripts: what is seen is what was sent, and axe can still run. */
export function withoutScripts(page: Page): Promise<unknown> {
  return page.route('**/*.js', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }))
}

const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds against WCAG 2.0 to 2.2 A and AA and its best practices, one line for each place: `rule: element`. Empty is good. Not in a context without JavaScript: axe's own
 * timers stand still there. Hold the page's scripts back instead (`withoutScripts`), which leaves the same page. */
export async function audit(page: Page): Promise<string[]> {
  // By the debugger, which the page's CSP does not bind.
  const session = await page.context().newCDPSession(page)
  const { frameTree } = await session.send('Page.getFrameTree')
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' })
  const run = async (expression: string) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  await run(`${axeSource};0`)
  const found = (await run(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] })
      .then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.target.join(' ') + ' — ' + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? v.help))))`,
  )) as string[]
  await session.detach()
  return found
}
