/** A theme is one JSON file: names, font, and the same colours twice, for light and for dark. A state or a city brings its own. */

export interface Theme {
  readonly name: string
  /** Who stands behind the window, in each language. */
  readonly issuer: Readonly<Record<string, string>>
  /** The official coat of arms, a file beside the theme. None is shipped: their use is regulated by law. */
  readonly arms: { readonly file: string; readonly alt: Readonly<Record<string, string>> } | null
  readonly font: {
    readonly family: string
    readonly package: string
    readonly subsets: readonly string[]
    readonly weights: readonly number[]
  }
  readonly radius: string
  readonly light: Readonly<Record<string, string>>
  readonly dark: Readonly<Record<string, string>>
}

/** Every colour a theme names, and what it must be readable on (WCAG 2.2: 4.5 for text, 3 for what only has to be seen). */
const colours: Readonly<Record<string, readonly { readonly on: string; readonly atLeast: number }[]>> = {
  ink: [
    { on: 'paper', atLeast: 7 },
    { on: 'surface', atLeast: 7 },
    { on: 'sand', atLeast: 7 },
    { on: 'amber-tint', atLeast: 4.5 },
    { on: 'agave-tint', atLeast: 4.5 },
    { on: 'bougainvillea-tint', atLeast: 4.5 },
    { on: 'wrong-tint', atLeast: 4.5 },
  ],
  'ink-soft': [
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
    { on: 'sand', atLeast: 4.5 },
  ],
  paper: [],
  surface: [],
  sand: [],
  edge: [],
  'field-edge': [
    { on: 'paper', atLeast: 3 },
    { on: 'surface', atLeast: 3 },
  ],
  hall: [],
  'hall-ink': [{ on: 'hall', atLeast: 4.5 }],
  'hall-soft': [{ on: 'hall', atLeast: 4.5 }],
  bougainvillea: [
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
    { on: 'bougainvillea-tint', atLeast: 4.5 },
  ],
  'bougainvillea-deep': [{ on: 'paper', atLeast: 4.5 }],
  'bougainvillea-tint': [],
  'on-bougainvillea': [
    { on: 'bougainvillea', atLeast: 4.5 },
    { on: 'bougainvillea-deep', atLeast: 4.5 },
  ],
  agave: [
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
    { on: 'sand', atLeast: 4.5 },
    { on: 'agave-tint', atLeast: 4.5 },
  ],
  'agave-deep': [
    { on: 'paper', atLeast: 4.5 },
    { on: 'sand', atLeast: 4.5 },
    { on: 'agave-tint', atLeast: 4.5 },
  ],
  'agave-tint': [],
  'on-agave': [{ on: 'agave', atLeast: 4.5 }],
  amber: [
    { on: 'amber-tint', atLeast: 4.5 },
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
  ],
  'amber-tint': [],
  wrong: [
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
    { on: 'wrong-tint', atLeast: 4.5 },
  ],
  'wrong-tint': [],
  visited: [
    { on: 'paper', atLeast: 4.5 },
    { on: 'surface', atLeast: 4.5 },
    { on: 'sand', atLeast: 4.5 },
  ],
  focus: [],
  'focus-ink': [{ on: 'focus', atLeast: 4.5 }],
}

function luminance(hex: string): number {
  const channel = (i: number) => {
    const c = Number.parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

/** The contrast of two colours `#rrggbb`, 1 to 21, as WCAG 2.2 defines it. */
export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

/** A theme, checked: every colour is there, no other, and every pair can be read. Throws one sentence for each fault. */
export function readTheme(text: string, file: string): Theme {
  const theme = JSON.parse(text) as Theme
  const faults: string[] = []
  for (const mode of ['light', 'dark'] as const) {
    const given = theme[mode] ?? {}
    for (const name of Object.keys(given)) if (!(name in colours)) faults.push(`${mode}.${name} is no colour of a theme.`)
    for (const name of Object.keys(colours)) {
      if (!/^#[0-9a-f]{6}$/.test(given[name] ?? '')) faults.push(`${mode}.${name} must be a colour written #rrggbb.`)
    }
    if (faults.length > 0) continue
    for (const [name, grounds] of Object.entries(colours)) {
      for (const { on, atLeast } of grounds) {
        const is = contrast(given[name]!, given[on]!)
        if (is < atLeast)
          faults.push(`${mode}.${name} (${given[name]}) on ${on} (${given[on]}) has a contrast of ${is.toFixed(2)} and needs ${atLeast}.`)
      }
    }
  }
  if (faults.length > 0) throw new Error(`The theme ${file} cannot be used:\n${faults.join('\n')}`)
  return theme
}

/** The theme as the Sass module `theme`: maps `$light` and `$dark`, the font and the radius. */
export function themeSass(theme: Theme): string {
  const map = (all: Readonly<Record<string, string>>) =>
    `(${Object.entries(all)
      .map(([k, v]) => `"${k}": ${v}`)
      .join(', ')})`
  return `$light: ${map(theme.light)};\n$dark: ${map(theme.dark)};\n$font: "${theme.font.family}", system-ui, sans-serif;\n$radius: ${theme.radius};\n`
}
