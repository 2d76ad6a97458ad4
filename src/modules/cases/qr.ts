/** A QR code as SVG for pages and as squares for a PDF. */
import qrcode from 'qrcode'
import { type Html, trustedHtml } from '#kernel/html'

/** The dark runs of a code, row by row, in modules from its corner; without the quiet edge. */
export type QrCode = { readonly size: number; readonly runs: readonly { readonly x: number; readonly y: number; readonly width: number }[] }

/** The code of a text. Medium correction (15 %): a folded and stained sheet still scans. Throws for more than 2,331 bytes. */
export function qrCode(text: string): QrCode {
  const { modules } = qrcode.create(text, { errorCorrectionLevel: 'M' })
  const { size } = modules
  const runs: { x: number; y: number; width: number }[] = []
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!modules.get(y, x)) continue
      const from = x
      while (x < size && modules.get(y, x)) x++
      runs.push({ x: from, y, width: x - from })
    }
  }
  return { size, runs }
}

/** The code as one path, with the quiet edge of four modules that scanners need. */
export function qrSvg(text: string): Html {
  const { size, runs } = qrCode(text)
  const whole = size + 8
  // Strokes along the middle of each row, from where the last one ended: half the bytes of squares, and a decision's page keeps to 10 kB.
  let d = ''
  let row = -1
  let at = 0
  for (const r of runs) {
    d += r.y === row ? `m${r.x - at} 0h${r.width}` : `M${r.x + 4} ${r.y + 4.5}h${r.width}`
    row = r.y
    at = r.x + r.width
  }
  return trustedHtml(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${whole}" width="${whole}" height="${whole}" shape-rendering="crispEdges" aria-hidden="true" focusable="false"><path fill="#fff" d="M0 0h${whole}v${whole}H0z"/><path stroke="#000" d="${d}"/></svg>`,
  )
}
