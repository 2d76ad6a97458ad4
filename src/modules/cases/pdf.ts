/** Papers as PDFs: the words of a decision's or a receipt's page, in the order of the page. */

import type { DecisionWords } from './pages/paper-views.ts'
import { paperText as text } from './pages/paper-views.ts'
import { type PaperFile, paperPdf } from './paper-pdf.ts'

type Sealing = Pick<PaperFile, 'attached' | 'place'>

/** A decision's PDF: its bytes, with the record attached and, where `place` says when, the place of a seal. */
export function decisionPdf(w: DecisionWords, sealing: Sealing): Promise<Buffer> {
  const l = w.language
  const label = `${text(l, 'decision.title')} ${w.code}`
  return paperPdf({ language: l, title: w.title, label, subject: w.result, mark: w.mark, ...sealing }, (on) => {
    for (const words of w.warnings) on.warning(words)
    if (w.warnings.length > 0) on.gap(6)
    on.panel({ title: w.result, lead: w.lead, good: w.granted })

    if (w.reasons.length > 0) {
      on.heading(text(l, 'decision.reasons'))
      on.list(w.reasons.map((r) => ({ title: r.words, detail: `${text(l, 'decision.rule')}: ${r.rule}` })))
    }
    if (w.note) {
      on.heading(text(l, 'decision.note'))
      on.paragraph(w.note)
    }
    on.facts(w.facts.map((f) => ({ key: f.key, value: f.unverified ? `${f.value} (${text(l, 'unverified')})` : f.value })))

    on.code({ title: text(l, 'decision.check-title'), qr: w.qr, code: w.code, beside: [w.sealWords, w.head] })
    if (w.signed !== null) on.small(`${text(l, 'decision.signed')}: ${w.signed}`, 8, 'ink')
    on.small(`${text(l, 'decision.seal')}: ${w.seal}`, 6.5)

    on.heading(text(l, 'decision.basis'))
    for (const b of w.basis) on.paragraph(b.words)

    on.heading(text(l, 'decision.turn'))
    on.paragraph(w.turn)
    for (const a of w.acts) on.paragraph(`${a.when} · ${a.title} (${a.index})`)

    on.heading(text(l, 'decision.appeal'))
    for (const words of w.appeal) on.paragraph(words)
    on.paragraph(`${text(l, 'decision.appeal-source')} (${text(l, 'unverified')})`, 'soft', 9.5)
  })
}
