/** Figures as pictures, drawn on the server. Each says in words what it shows; the page puts the table of the same figures beside it. */
import { type Html, html } from '#kernel/html'
import { scrolling } from './parts.ts'

/** A share as a bar, in a cell beside its number: the ear needs it not. `share` is from 0 to 1. */
export function shareBar(share: number): Html {
  return html`<svg class="v-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${round(100 * Math.min(1, Math.max(0, share)))}" height="8"/></svg>`
}

export interface Column {
  /** What stands under it, in a few letters. */
  readonly name: string
  /** Its height; null where nothing may be shown. */
  readonly value: number | null
  /** What it says: its number with its unit. */
  readonly text: string
}

const columnWidth = 72
const columnHeight = 120
const above = 18
const below = 20

/** Values over time side by side, from nothing up; as wide as there are columns, and on a small screen scrolled by itself. `name` says what is drawn. */
export function columnChart({ name, columns }: { readonly name: string; readonly columns: readonly Column[] }): Html {
  const most = Math.max(1, ...columns.map((c) => c.value ?? 0))
  const said = columns.map((c) => `${c.name}: ${c.text}`).join('; ')
  const [width, height] = [columns.length * columnWidth, above + columnHeight + below]
  const drawn = html`<svg class="v-chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${`${name}. ${said}`}">${columns.map(
    (c, i) => {
      const tall = round(((c.value ?? 0) / most) * columnHeight)
      const middle = i * columnWidth + columnWidth / 2
      const top = above + columnHeight - tall
      return html`<rect x="${i * columnWidth + 6}" y="${top}" width="${columnWidth - 12}" height="${Math.max(tall, 1)}"/><text x="${middle}" y="${top - 5}">${c.text}</text><text x="${middle}" y="${above + columnHeight + 15}">${c.name}</text>`
    },
  )}</svg>`
  return scrolling(name, drawn)
}

export interface MapArea {
  readonly id: string
  readonly name: string
  readonly href: string
  /** From 0 (least) to 4 (most); null where nothing may be shown. */
  readonly level: number | null
  readonly text: string
}

/** Where areas lie: their outlines as SVG paths. */
export type MapShapes = { readonly width: number; readonly height: number; readonly states: Readonly<Record<string, string>> }

/** A country in five shades. Each area is a link, to the eye and to the pointer; the keyboard and the ear have the table beside it, which says the same. */
export function stateMap({
  name,
  shapes,
  areas,
}: {
  readonly name: string
  readonly shapes: MapShapes
  readonly areas: readonly MapArea[]
}): Html {
  return html`<svg class="v-map" viewBox="0 0 ${shapes.width} ${shapes.height}" role="img" aria-label="${name}">${areas.map(
    (a) =>
      html`<a href="${a.href}" tabindex="-1" aria-hidden="true"><path class="v-map__${a.level ?? 'none'}" d="${shapes.states[a.id]}"><title>${a.name}: ${a.text}</title></path></a>`,
  )}</svg>`
}

const round = (n: number) => Math.round(n * 10) / 10
