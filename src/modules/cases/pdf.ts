/** Papers as PDFs: the words of a decision's or a receipt's page, in the order of the page. */

import { closedListWords, turnWords } from '#look'
import type { DecisionWords, ReceiptWords } from './pages/paper-views.ts'
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

/** What a receipt's PDF says beside the words of its page: the institution's seal, and what the log signed of the turn; null where there is neither a proof nor a promise. */
export type ReceiptSigned = { readonly seal: string; readonly digest: string; readonly proof: string | null }

/** A receipt's PDF: its bytes, with the record attached and, where `place` says when, the place of a seal. It never bears the secret: a file is handed on, and who has the secret has the case. */
export function receiptPdf(w: ReceiptWords, signed: ReceiptSigned, demo: boolean, sealing: Sealing): Promise<Buffer> {
  const l = w.language
  const label = `${text(l, 'receipt.title')} ${w.reference}`
  const number = text(l, 'receipt.pdf-number', { number: w.number })
  return paperPdf({ language: l, title: w.title, label, subject: number, mark: w.mark, ...sealing }, (on) => {
    if (demo) {
      on.warning(text(l, 'decision.demo'))
      on.gap(6)
    }
    const { language, state, ahead, waitRange, desk } = { ...w, ...w.waitRange, waitRange: w.waitRange?.waitRange }
    const stands = [...turnWords({ language, state, ahead, waitRange, desk }), w.where, text(l, 'receipt.no-number')]
    on.panel({ title: number, lead: stands.join('\n'), good: true, size: 26 })
    on.paragraph(w.cost)
    on.facts([
      { key: text(l, 'receipt.reference'), value: w.reference },
      { key: text(l, 'receipt.name'), value: w.name },
      { key: text(l, 'receipt.filed'), value: w.filed },
      { key: w.due.key, value: `${w.due.value}\n${w.due.silence}` },
    ])

    const papers = closedListWords(l)
    on.heading(text(l, 'receipt.papers'))
    if (w.papers.length === 0) on.paragraph(papers.none)
    else
      on.list(
        w.papers.map((p) => {
          const state = p.state && papers[p.state]
          const handed =
            p.digests.length > 0 ? text(l, 'receipt.pdf-digest', { state: papers.received, digests: p.digests.join(', ') }) : state
          return { title: p.name, detail: [p.hint, handed].filter(Boolean).join('\n') }
        }),
      )
    on.paragraph(papers.closed)

    on.code({
      title: text(l, 'receipt.check-title'),
      qr: w.qr,
      code: w.reference,
      beside: [text(l, 'receipt.seal-text', { digest: signed.digest }), w.head],
    })
    on.small(`${text(l, 'decision.seal')}: ${signed.seal}`, 6.5)

    on.heading(text(l, 'receipt.proof-title'))
    on.paragraph(w.proof)
    if (signed.proof !== null) {
      on.small(text(l, 'receipt.pdf-proof'), 8, 'ink')
      on.gap(2)
      on.small(signed.proof.trim(), 6.5)
    }

    on.heading(text(l, 'receipt.secret-title'))
    on.paragraph(text(l, 'receipt.pdf-secret'))
    on.heading(text(l, 'receipt.report-title'))
    on.paragraph(text(l, 'receipt.report-print'))
  })
}
