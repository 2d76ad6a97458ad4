import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { assetFolder, assets, type Manifest } from './assets.ts'
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

test('a build in another folder gives the same bytes under the same names', async (t) => {
  const root = join(import.meta.dirname, '../../..')
  const folders = ['a', 'another-folder-with-a-longer-name'].map((name) => mkdtempSync(join(tmpdir(), name)))
  t.after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const [first, second] = folders.map((folder) => {
    cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true })
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    execFileSync(process.execPath, [join(folder, 'src/platform/look/build.ts')], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    const manifest = JSON.parse(readFileSync(join(folder, '.assets/manifest.json'), 'utf8')) as Manifest
    return { manifest, files: manifest.files.map((file) => readFileSync(join(folder, '.assets', file))) }
  })
  assert.deepEqual(first!.manifest.files, second!.manifest.files)
  assert.deepEqual(first!.files, second!.files)
  // And so it is here: what is served is what anyone builds.
  const { manifest } = await buildAssets()
  assert.deepEqual(manifest.files, first!.manifest.files)
})

test('a page of one file lets in its own script and style and nothing else', async () => {
  const { manifest } = await buildAssets()
  const page = readFileSync(join(assetFolder, manifest.pages.signer!), 'utf8')
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(page)![1]!
  const hashOf = (element: string) =>
    createHash('sha256')
      .update(new RegExp(`<${element}[^>]*>([\\s\\S]*?)</${element}>`).exec(page)![1]!)
      .digest('base64')
  assert.equal(
    policy,
    `default-src 'none'; script-src 'sha256-${hashOf('script')}'; style-src 'sha256-${hashOf('style')}'; base-uri 'none'; form-action 'none'`,
  )
  assert.doesNotMatch(page, /\b(?:src|href)="(?!#)|https?:\/\/|@import|url\(|\sstyle=|\son[a-z]+=/)
})
