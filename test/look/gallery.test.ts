/** The gallery in a browser: what axe, a narrow screen, a keyboard and a missing script find. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { gallery, serveGallery } from './gallery.ts'

const paths = Object.keys(gallery)

describe('every page of the gallery', () => {
  for (const path of paths) {
    const markup = String(gallery[path]!())
    test(`${path} has nothing inline`, () => {
      assert.doesNotMatch(markup, /\sstyle=|<style|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)/)
    })
    test(`${path} costs at most 10 kB`, () => {
      assert.ok(gzipSync(markup).length <= 10_000, `${gzipSync(markup).length} bytes`)
    })
  }
})

describe('the gallery in a browser', { skip: browserMissing() }, () => {
  let browser: Browser
  let server: Awaited<ReturnType<typeof serveGallery>>
  before(async () => {
    ;[browser, server] = await Promise.all([openBrowser(), serveGallery()])
  })
  after(async () => {
    await browser?.close()
    await server?.close()
  })

  /** Fails with what the page's console says: a breach of the CSP is said there. */
  function listen(page: Page): string[] {
    const said: string[] = []
    page.on('console', (m) => m.type() === 'error' && said.push(m.text()))
    page.on('pageerror', (e) => said.push(e.message))
    return said
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const scripts of [true, false]) {
      test(`axe finds nothing and nothing is cut off: ${colorScheme}, ${scripts ? 'with' : 'without'} scripts`, async (t) => {
        const page = await openPage(t, browser, { colorScheme })
        if (!scripts) await withoutScripts(page)
        const said = listen(page)
        for (const path of paths) {
          await page.setViewportSize({ width: 1280, height: 900 })
          await page.goto(server.url + path)
          for (const width of [1280, 320]) {
            await page.setViewportSize({ width, height: 800 })
            assert.deepEqual(await audit(page), [], `${path} at ${width}`)
            assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${path} scrolls sideways at ${width}`)
          }
        }
        assert.deepEqual(said, [])
      })
    }
  }

  test('the keyboard reaches everything in the order of the page and shows where it is', async (t) => {
    const page = await openPage(t, browser)
    for (const path of paths) {
      await page.goto(server.url + path)
      const expected = await page.evaluate(() => {
        // The error summary takes the focus by itself; the walk begins at the top.
        document.body.tabIndex = -1
        document.body.focus()
        document.body.removeAttribute('tabindex')
        const seen = new Set<string>()
        let count = 0
        for (const e of document.querySelectorAll<HTMLElement>('a[href],button,input,select,textarea,summary,[tabindex="0"]')) {
          if (!e.checkVisibility({ visibilityProperty: true }) || (e as HTMLInputElement).disabled) continue
          const group = e instanceof HTMLInputElement && e.type === 'radio' ? e.name : null
          if (group && seen.has(group)) continue
          if (group) seen.add(group)
          e.dataset.expected = String(count++)
        }
        return count
      })
      const reached: number[] = []
      for (let i = 0; i < expected; i++) {
        await page.keyboard.press('Tab')
        const at = await page.evaluate(() => {
          const e = document.activeElement as HTMLElement
          let shown = false
          for (let a: HTMLElement | null = e; a && !shown; a = a.parentElement) {
            const s = getComputedStyle(a)
            shown = s.boxShadow !== 'none' || (s.outlineStyle !== 'none' && s.outlineWidth !== '0px')
          }
          // The mark of a radio or a checkbox is drawn on its label.
          const label = e.nextElementSibling && getComputedStyle(e.nextElementSibling, '::before')
          shown ||= Boolean(label && label.boxShadow !== 'none')
          return { index: Number(e.dataset.expected), shown, what: e.outerHTML.slice(0, 80) }
        })
        assert.ok(at.shown, `${path}: the focus does not show on ${at.what}`)
        reached.push(at.index)
      }
      assert.deepEqual(
        reached,
        Array.from({ length: expected }, (_, i) => i),
        path,
      )
    }
  })

  test('what belongs to a choice is hidden until it is chosen, and always there without scripts', async (t) => {
    const field = (page: Page) => page.getByLabel('RFC de la empresa')
    const with_ = await openPage(t, browser)
    await with_.goto(`${server.url}/form`)
    assert.equal(await field(with_).isVisible(), false)
    await with_.getByRole('radio', { name: 'Para una empresa' }).check()
    assert.equal(await field(with_).isVisible(), true)
    const without = await openPage(t, browser, { javaScriptEnabled: false })
    await without.goto(`${server.url}/form`)
    assert.equal(await field(without).isVisible(), true)
  })

  test('an error summary takes the focus and leads to its field', async (t) => {
    const page = await openPage(t, browser)
    await page.goto(`${server.url}/form`)
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'govuk-error-summary')
    await page.getByRole('alert').getByRole('link', { name: 'Escriba el día en que nació.' }).click()
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'birth-day')
  })

  test('a wall display takes the new numbers in, and keeps the last ones while the server is away', async (t) => {
    const page = await openPage(t, browser)
    await page.clock.install()
    await page.goto(`${server.url}/offices/1/now`)
    const number = page.locator('.v-now__number').first()
    assert.equal(await number.textContent(), '31')
    const old = String(gallery['/offices/1/now']!())
    let answer = async (route: import('playwright-core').Route) =>
      route.fulfill({ contentType: 'text/html', body: old.replace('>31<', '>38<') })
    await page.route('**/now', (route) => answer(route))
    await page.clock.runFor(600_000)
    await page.waitForFunction(() => document.querySelector('.v-now__number')?.textContent === '38')
    answer = (route) => route.abort()
    await page.clock.runFor(600_000)
    answer = (route) => route.fulfill({ status: 500, contentType: 'text/html', body: '<main>error</main>' })
    await page.clock.runFor(600_000)
    assert.equal(await number.textContent(), '38')
  })

  test('paper carries what proves and nothing to press', async (t) => {
    const page = await openPage(t, browser)
    await page.goto(`${server.url}/receipt`)
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.getByRole('navigation').count(), 0)
    assert.equal(await page.getByRole('button').count(), 0)
    assert.ok(await page.getByText('Demostración').isVisible())
    assert.ok(await page.getByRole('img', { name: 'Código QR para comprobar este papel' }).isVisible())
    const pdf = await page.pdf({ format: 'Letter', preferCSSPageSize: true })
    assert.equal(pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length, 1, 'a receipt is one sheet')
  })
})
