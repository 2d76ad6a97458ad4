/**
 * `npm run assets`: the theme, our styles and the scripts become content-named files in `.assets/`. Nothing is done while the inputs are the same.
 * Fails when a budget or a contrast is missed, and says by how much.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { argv, stderr } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { dayMs } from '#kernel/time'
import { assetFolder, type Manifest } from './assets.ts'
import { readTheme, type Theme, themeSass } from './theme.ts'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../..')
const require = createRequire(import.meta.url)

/** Bytes after gzip. DESIGN.md: CSS at most 16 kB; scripts only enhance, and each may be 10 kB. A page loads the look's and at most one of its own. */
export const budgets = { css: 16_000, js: 10_000 } as const

/** The theme that ships; another is given to the build as its first argument. */
export const ownTheme = join(here, 'theme/theme.json')

const sha256 = (...all: readonly (string | Buffer)[]) => {
  const h = createHash('sha256')
  for (const a of all) h.update(a).update('\0')
  return h.digest('hex')
}

/**
 * One hash over everything the output depends on: our sources, the theme, the exact versions of the packages, and the files that the scripts
 * were bundled from (paths from the root, as the manifest of the last build names them).
 */
export function hashInputs(themeFile = ownTheme, sources: readonly string[] = built()?.sources ?? []): string {
  const all: (string | Buffer)[] = [
    readFileSync(join(root, 'package.json'), 'utf8')
      .match(/"(govuk-frontend|@fontsource[^"]*|sass|esbuild|canonicalize)": "[^"]+"/g)!
      .join(),
  ]
  for (const folder of ['.', 'styles', 'scripts']) {
    for (const name of readdirSync(join(here, folder)).sort()) {
      if (/\.(scss|svg)$|^(build|theme)\.ts$/.test(name) || (folder === 'scripts' && name.endsWith('.ts')))
        all.push(name, readFileSync(join(here, folder, name)))
    }
  }
  for (const { name, file, page } of moduleScripts())
    all.push(name, readFileSync(file), ...(page ? [readFileSync(page), readFileSync(styleOf(page))] : []))
  // What those scripts share with the server is known from the build before; one that is gone makes another hash too.
  for (const name of sources) all.push(name, existsSync(join(root, name)) ? readFileSync(join(root, name)) : '')
  all.push(themeFile, readFileSync(themeFile))
  return sha256(...all)
}

/**
 * Scripts of single pages: each file `browser/<name>.ts` of a module becomes a module of its own. Found by where they lie, so that nothing here imports upward.
 * With `<name>.html` and `<name>.css` beside it, it becomes a page of one file instead.
 */
function moduleScripts(): { name: string; file: string; page: string | null }[] {
  const modules = join(root, 'src/modules')
  return readdirSync(modules)
    .sort()
    .flatMap((module) => {
      const folder = join(modules, module, 'browser')
      if (!existsSync(folder)) return []
      const names = readdirSync(folder).filter((n) => n.endsWith('.ts') && !n.endsWith('.test.ts'))
      return names.sort().map((n) => {
        const page = join(folder, `${n.slice(0, -3)}.html`)
        return { name: n.slice(0, -3), file: join(folder, n), page: existsSync(page) ? page : null }
      })
    })
}

const styleOf = (page: string) => page.replace(/html$/, 'css')

/** A page that needs nothing beside itself: its script and style stand in it, and its own policy lets in these two alone and nothing out. */
function onePage(template: string, script: string, style: string): string {
  if (/<\/(script|style)|<!--/i.test(script + style)) throw new Error('What is put into a page of one file would end its element.')
  const only = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const parts: Record<string, string> = {
    csp: `default-src 'none'; script-src ${only(script)}; style-src ${only(style)}; base-uri 'none'; form-action 'none'`,
    script,
    style,
  }
  return template.replace(/%(csp|script|style)%/g, (_, name: string) => parts[name]!)
}

/** The theme's colours as custom properties, for pages that do not load the style sheet. */
function themeCss(theme: Theme): string {
  const all = (colours: Theme['light']) => Object.entries(colours).map(([name, value]) => `--${name}:${value}`)
  return `:root{${all(theme.light).join(';')}}@media screen and (prefers-color-scheme:dark){:root{${all(theme.dark).join(';')}}}`
}

/** What `assetFolder` holds now, or null. */
function built(): Manifest | null {
  try {
    return JSON.parse(readFileSync(join(assetFolder, 'manifest.json'), 'utf8')) as Manifest
  } catch {
    return null
  }
}

// A reader may meet the folder at any moment: every file is whole when its name appears, and the manifest comes last.
function write(name: string, data: string | Buffer): void {
  const temporary = join(assetFolder, `.${name}.${process.pid}`)
  writeFileSync(temporary, data)
  renameSync(temporary, join(assetFolder, name))
}

function fontFaces(theme: Theme, add: (name: string, data: Buffer, extension: string) => string): { css: string; preload: string[] } {
  const preload: string[] = []
  let css = ''
  const ranges = JSON.parse(readFileSync(require.resolve(`${theme.font.package}/unicode.json`), 'utf8')) as Record<string, string>
  const family = theme.font.package.split('/')[1]!
  for (const weight of theme.font.weights) {
    for (const subset of theme.font.subsets) {
      const file = require.resolve(`${theme.font.package}/files/${family}-${subset}-${weight}-normal.woff2`)
      const name = add(`${family}-${subset}-${weight}`, readFileSync(file), 'woff2')
      // Spanish lies wholly in `latin`; `latin-ext` is fetched only where a page has such a letter.
      if (subset === theme.font.subsets[0]) preload.push(name)
      css += `@font-face{font-family:"${theme.font.family}";font-weight:${weight};font-display:swap;src:url(${name}) format("woff2");unicode-range:${ranges[subset]}}`
    }
  }
  return { css, preload }
}

export interface Built {
  /** False: the inputs were the same and nothing was done. */
  readonly done: boolean
  readonly manifest: Manifest
  /** Bytes after gzip; null where nothing was done. */
  readonly sizes: { readonly css: number; readonly js: number } | null
}

/** Builds what is out of date. Throws with a sentence when a budget or a contrast of the theme is missed. */
export async function buildAssets(themeFile = ownTheme): Promise<Built> {
  const inputs = hashInputs(themeFile)
  const before = built()
  if (before?.inputs === inputs) return { done: false, manifest: before, sizes: null }

  const theme = readTheme(readFileSync(themeFile, 'utf8'), themeFile)
  const files: string[] = []
  mkdirSync(assetFolder, { recursive: true })
  const add = (name: string, data: string | Buffer, extension: string): string => {
    const file = `${name}-${sha256(data).slice(0, 12)}.${extension}`
    write(file, data)
    files.push(file)
    return file
  }

  // Loaded only now: a start that finds everything built does not pay for two compilers.
  const [sass, esbuild] = await Promise.all([import('sass'), import('esbuild')])
  const fonts = fontFaces(theme, add)
  const { css: compiled } = sass.compile(join(here, 'styles/look.scss'), {
    style: 'expanded',
    loadPaths: [join(root, 'node_modules')],
    importers: [
      {
        canonicalize: (url) => (url === 'theme' ? new URL('ventanilla:theme') : null),
        load: () => ({ contents: themeSass(theme), syntax: 'scss' }),
      },
    ],
    quietDeps: true,
  })
  const minified = async (styles: string) =>
    (await esbuild.transform(styles, { loader: 'css', minify: true, target: 'es2020', legalComments: 'none' })).code
  const css = await minified(fonts.css + compiled)
  const sources = new Set<string>()
  const bundle = async (file: string, target: string) => {
    const { outputFiles, metafile } = await esbuild.build({
      entryPoints: [file],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      absWorkingDir: root,
      format: 'esm',
      target,
      legalComments: 'none',
    })
    for (const source of Object.keys(metafile.inputs)) if (!source.startsWith('node_modules/')) sources.add(source)
    return Buffer.from(outputFiles[0]!.contents)
  }
  const js = await bundle(join(here, 'scripts/look.ts'), 'es2020')
  const all = await Promise.all(moduleScripts().map(async ({ name, file, page }) => ({ name, page, code: await bundle(file, 'es2022') })))
  const own = all.filter((o) => o.page === null)
  const zipped = (data: string | Buffer) => gzipSync(data, { level: 9 }).length
  // A page loads the look's script and at most one of its own.
  const sizes = { css: zipped(css), js: zipped(js) + Math.max(0, ...own.map((o) => zipped(o.code))) }
  for (const [name, data, budget] of [
    ['look.css', css, budgets.css],
    ['look.js', js, budgets.js],
    ...own.map((o) => [`${o.name}.js`, o.code, budgets.js] as const),
  ] as const) {
    if (zipped(data) > budget)
      throw new Error(`${name} is ${zipped(data)} bytes after gzip and may be ${budget}: take something out of it.`)
  }

  const pages = await Promise.all(
    all.flatMap(({ name, page, code }) =>
      page === null
        ? []
        : (async () => {
            const style = await minified(themeCss(theme) + readFileSync(styleOf(page), 'utf8'))
            return [name, onePage(readFileSync(page, 'utf8'), code.toString(), style)] as const
          })(),
    ),
  )
  const arms = theme.arms && {
    file: add('arms', readFileSync(resolve(dirname(themeFile), theme.arms.file)), theme.arms.file.split('.').pop()!),
    alt: theme.arms.alt,
  }
  const manifest: Manifest = {
    inputs: hashInputs(themeFile, [...sources].sort()),
    sources: [...sources].sort(),
    css: add('look', css, 'css'),
    js: add('look', js, 'js'),
    scripts: Object.fromEntries(own.map((o) => [o.name, add(o.name, o.code, 'js')])),
    pages: Object.fromEntries(pages.map(([name, page]) => [name, add(name, page, 'html')])),
    icon: add('icon', readFileSync(join(here, 'styles/icon.svg')), 'svg'),
    preload: fonts.preload,
    files,
    theme: { name: theme.name, issuer: theme.issuer, arms, colour: { light: theme.light.hall!, dark: theme.dark.hall! } },
  }
  write('manifest.json', JSON.stringify(manifest, null, 1))
  // The names of the build before stay, and those of a day: pages that are open in browsers ask for them, and so do processes that started before this build.
  const keep = new Set([...files, ...(before?.files ?? []), 'manifest.json'])
  const dayAgo = Date.now() - dayMs
  for (const name of readdirSync(assetFolder)) {
    const old = !keep.has(name) && !name.startsWith('.') && statSync(join(assetFolder, name)).mtimeMs < dayAgo
    if (old) rmSync(join(assetFolder, name), { force: true })
  }
  return { done: true, manifest, sizes }
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const startedAt = performance.now()
  try {
    const { done, sizes } = await buildAssets(argv[2] ? resolve(argv[2]) : undefined)
    const ms = Math.round(performance.now() - startedAt)
    stderr.write(
      done
        ? `Assets built in ${ms} ms: css ${sizes!.css} bytes, script ${sizes!.js} bytes after gzip.\n`
        : `Assets are up to date (${ms} ms).\n`,
    )
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  }
}
