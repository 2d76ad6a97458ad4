import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that `npm run assets` writes and the web serves under `/assets/`: every name in it but `manifest.json` holds a hash of its content. */
export const assetFolder = fileURLToPath(new URL('../../../.assets/', import.meta.url))

/** What the build wrote: file names inside `assetFolder`, and what the layout needs of the theme. */
export interface Manifest {
  /** SHA-256 of all that went in; the build is skipped while it is the same. */
  readonly inputs: string
  /** The files that the scripts were bundled from, as paths from the root. */
  readonly sources: readonly string[]
  readonly css: string
  readonly js: string
  /** Scripts of single pages, by the name of their file under a module's `browser/`. */
  readonly scripts: Readonly<Record<string, string>>
  /** Pages of one file, complete with script and style, by the same name; to be given out as downloads. */
  readonly pages: Readonly<Record<string, string>>
  readonly icon: string
  /** Fonts every page needs at once, to be fetched beside the style sheet. */
  readonly preload: readonly string[]
  readonly files: readonly string[]
  readonly theme: ManifestTheme
}

export interface ManifestTheme {
  readonly name: string
  readonly issuer: Readonly<Record<string, string>>
  readonly arms: { readonly file: string; readonly alt: Readonly<Record<string, string>> } | null
  readonly colour: { readonly light: string; readonly dark: string }
}

/** The addresses of what was built. */
export interface Assets {
  readonly css: string
  readonly js: string
  readonly scripts: Readonly<Record<string, string>>
  readonly pages: Readonly<Record<string, string>>
  readonly icon: string
  readonly preload: readonly string[]
  readonly theme: ManifestTheme
}

let known: Assets | undefined

/** Addresses from the manifest, read once. Where nothing was built yet (a test, a fresh clone) the build runs first, in a process of its own. */
export function assets(): Assets {
  if (known) return known
  const read = () => JSON.parse(readFileSync(`${assetFolder}manifest.json`, 'utf8')) as Manifest
  let manifest: Manifest | undefined
  try {
    manifest = read()
  } catch {}
  // What an older release built has no pages and counts as nothing.
  if (!manifest?.pages) {
    execFileSync(process.execPath, [fileURLToPath(new URL('./build.ts', import.meta.url))], { stdio: ['ignore', 'ignore', 'inherit'] })
    manifest = read()
  }
  const url = (file: string) => `/assets/${file}`
  const urls = (files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, url(file)]))
  known = {
    css: url(manifest.css),
    js: url(manifest.js),
    scripts: urls(manifest.scripts),
    pages: urls(manifest.pages),
    icon: url(manifest.icon),
    preload: manifest.preload.map(url),
    theme: manifest.theme.arms
      ? { ...manifest.theme, arms: { ...manifest.theme.arms, file: url(manifest.theme.arms.file) } }
      : manifest.theme,
  }
  return known
}
