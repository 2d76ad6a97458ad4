import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { assetFolder, assets } from './assets.ts'
import { budgets, buildAssets, hashInputs } from './build.ts'

test('the second build does nothing and looks for less than 30 ms', async () => {
  await buildAssets()
  assert.equal((await buildAssets()).done, false)
  const times = Array.from({ length: 9 }, () => {
    const at = performance.now()
    hashInputs()
    return performance.now() - at
  }).sort((a, b) => a - b)
  assert.ok(times[4]! < 30, `${times[4]} ms`)
})

test('every address in the manifest is a file, inside the budgets, and nothing leads outside', async () => {
  await buildAssets()
  const { css, js, icon, preload, scripts, pages } = assets()
  const fileOf = (url: string) => join(assetFolder, url.replace('/assets/', ''))
  for (const url of [css, js, icon, ...preload, ...Object.values(scripts), ...Object.values(pages)]) assert.ok(existsSync(fileOf(url)), url)
  const styles = readFileSync(fileOf(css), 'utf8')
  assert.ok(gzipSync(styles).length <= budgets.css)
  for (const url of [js, ...Object.values(scripts)]) assert.ok(gzipSync(readFileSync(fileOf(url))).length <= budgets.js, url)
  // Neither another server nor the other country's typeface.
  assert.doesNotMatch(styles, /url\(\W*https?:|@import|GDS Transport/)
  for (const [, file] of styles.matchAll(/url\(["']?([\w.-]+\.woff2)/g)) assert.ok(existsSync(join(assetFolder, file!)), file)
})
