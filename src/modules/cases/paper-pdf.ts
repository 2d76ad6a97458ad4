/** Papers as tagged PDFs (PDF/UA-1): the sheet with its head and foot, the parts that are drawn on it, the record attached, and the place of the seal. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type PDFDocument from 'pdfkit'
import type { Language } from '#kernel/text'
import { assets } from '#look'
import { signaturePlace } from '#signing'
import { paperText as text } from './pages/paper-views.ts'
import { qrCode } from './qr.ts'

const require = createRequire(import.meta.url)
type Weight = '400' | '700'
type Subset = 'latin' | 'latin-ext'
const fontFiles = new Map<string, Buffer>()
function font(subset: Subset, weight: Weight): Buffer {
  const name = `noto-sans-${subset}-${weight}`
  let file = fontFiles.get(name)
  if (!file) fontFiles.set(name, (file = readFileSync(require.resolve(`@fontsource/noto-sans/files/${name}-normal.woff`))))
  return file
}

// The look's own colours on paper (DESIGN.md, Look).
const colours = { ink: '#1b2a2f', soft: '#4b5a5f', agave: '#0e6b5c' }
type Colour = keyof typeof colours
const agaveTint = '#e3f1ec'
const sand = '#f1ebe0'
const amber = '#8a5a00'
const edge = '#d9d0c0'

const margin = 56
const letter = { width: 612, height: 792 }
const width = letter.width - 2 * margin
/** What is kept free at the foot for its line and the page's number. */
const foot = 84

type Doc = InstanceType<typeof PDFDocument>
type Face = { fontkit: { hasGlyphForCodePoint(point: number): boolean } }

/** What a paper is, beside what is drawn. */
export type PaperFile = {
  readonly language: Language
  readonly title: string
  /** What stands above the title and at the foot of each page: which paper this is. */
  readonly label: string
  readonly subject: string
  /** The mark by which the file alone is checked. */
  readonly mark: string
  /** The record as a JSON file. */
  readonly attached: { readonly name: string; readonly bytes: Buffer; readonly madeAt: Date }
  /** When it will be sealed: its place is left. Null without a seal. */
  readonly place: Date | null
}

/** What is drawn from the pen downwards, and over the end of a page onto the next. */
export type Sheet = {
  /** A heading of the second level. */
  heading(words: string): void
  paragraph(words: string, colour?: Colour, size?: number): void
  /** Bold and in amber: what must be read first. */
  warning(words: string): void
  /** The paper's answer on its ground; `good` colours it. */
  panel(answer: { readonly title: string; readonly lead: string; readonly good: boolean; readonly size?: number }): void
  /** Items with a title and a line below, numbered. */
  list(items: readonly { readonly title: string; readonly detail: string }[]): void
  /** Names and values, a table of two columns. */
  facts(rows: readonly { readonly key: string; readonly value: string }[]): void
  /** The code by which the paper is checked (44 mm, each of its modules about half a millimetre), what it leads to, and what is said beside it in small. */
  code(code: { readonly title: string; readonly qr: string; readonly code: string; readonly beside: readonly string[] }): void
  /** A line of small print. */
  small(words: string, size: number, colour?: Colour): void
  /** Room between two parts. */
  gap(points: number): void
}

/** Draws a paper and answers its bytes. `draw` is called once, below the title. */
export async function paperPdf(file: PaperFile, draw: (sheet: Sheet) => void): Promise<Buffer> {
  const { language: l, label, attached } = file
  const options = {
    size: 'LETTER',
    pdfVersion: '1.7',
    subset: 'PDF/UA',
    tagged: true,
    lang: l === 'es' ? 'es-MX' : 'en',
    displayTitle: true,
    autoFirstPage: false,
    bufferPages: true,
    margins: { top: margin, left: margin, right: margin, bottom: foot },
    info: {
      Title: `${file.title} – ${label}`,
      Author: assets().theme.name,
      Subject: file.subject,
      Keywords: file.mark,
      CreationDate: attached.madeAt,
    },
  }
  // Loaded when the first paper is drawn: 16 MB that most processes never need.
  const { default: Document } = await import('pdfkit')
  const doc: Doc = new Document(options as unknown as PDFKit.PDFDocumentOptions)
  const chunks: Buffer[] = []
  const done = new Promise<Buffer>((resolve, reject) => {
    doc.on('data', (c: Buffer) => chunks.push(c))
    doc.on('end', () => resolve(Buffer.concat(chunks)))
    doc.on('error', reject)
  })
  for (const weight of ['400', '700'] as const)
    for (const subset of ['latin', 'latin-ext'] as const) doc.registerFont(`${subset}-${weight}`, font(subset, weight))

  const root = doc.struct('Document', { title: file.title })
  doc.addStructure(root)
  doc.on('pageAdded', () => top(doc))
  doc.addPage()

  /** Words at the pen, in the face that has each letter: names of people have letters that Spanish has not. */
  const say = (words: string, size: number, weight: Weight, colour: string, more: PDFKit.Mixins.TextOptions = {}) => {
    doc.fillColor(colour).fontSize(size).font(`latin-${weight}`)
    const has = (c: string) => (doc as unknown as { _font: { font: Face['fontkit'] } })._font.font.hasGlyphForCodePoint(c.codePointAt(0)!)
    const runs: { words: string; subset: Subset }[] = []
    for (const c of words) {
      const subset: Subset = c === '\n' || has(c) ? 'latin' : 'latin-ext'
      const last = runs.at(-1)
      if (last?.subset === subset) last.words += c
      else runs.push({ words: c, subset })
    }
    for (const [i, run] of runs.entries()) doc.font(`${run.subset}-${weight}`).text(run.words, { ...more, continued: i < runs.length - 1 })
  }
  /** One element of structure around what is drawn in it. */
  const put = (tag: string, words: () => void, parent = root) => {
    parent.add(doc.struct(tag, {}, words))
  }
  const room = (height: number) => {
    if (doc.y + height > letter.height - foot) doc.addPage()
  }
  const layout = (shape: () => void) => {
    doc.markContent('Artifact', { type: 'Layout' })
    shape()
    doc.endMarkedContent()
  }

  const sheet: Sheet = {
    heading(words) {
      room(70)
      doc.moveDown(0.9)
      put('H2', () => say(words, 13, '700', colours.ink, { width }))
      doc.y += 3
    },

    paragraph(words, colour = 'ink', size = 10.5) {
      put('P', () => say(words, size, '400', colours[colour], { width, lineGap: 2 }))
      doc.y += 4
    },

    warning: (words) => put('P', () => say(words, 12, '700', amber, { width })),

    panel({ title, lead, good, size = 18 }) {
      doc.font('latin-700').fontSize(size)
      const inner = width - 40
      const titleHeight = doc.heightOfString(title, { width: inner })
      doc.font('latin-400').fontSize(11)
      const leadHeight = lead ? doc.heightOfString(lead, { width: inner, lineGap: 2 }) + 6 : 0
      const from = doc.y
      const height = 28 + titleHeight + leadHeight
      layout(() => {
        doc.roundedRect(margin, from, width, height, 6).fill(good ? agaveTint : sand)
        doc.rect(margin, from, 5, height).fill(good ? colours.agave : colours.ink)
      })
      doc.x = margin + 20
      doc.y = from + 14
      put('P', () => say(title, size, '700', good ? colours.agave : colours.ink, { width: inner }))
      if (lead) {
        doc.y += 4
        put('P', () => say(lead, 11, '400', colours.ink, { width: inner, lineGap: 2 }))
      }
      doc.x = margin
      doc.y = from + height + 12
    },

    list(items) {
      const list = doc.struct('L')
      root.add(list)
      for (const [i, { title, detail }] of items.entries()) {
        const item = doc.struct('LI')
        list.add(item)
        put('LBody', () => say(`${i + 1}. ${title}`, 10.5, '700', colours.ink, { width, lineGap: 1 }), item)
        if (detail) put('P', () => say(detail, 10, '400', colours.soft, { width, indent: 14 }), item)
        doc.y += 4
        item.end()
      }
      list.end()
    },

    facts(rows) {
      doc.y += 6
      const table = doc.struct('Table')
      root.add(table)
      const column = 150
      for (const { key, value } of rows) {
        doc.font('latin-700').fontSize(10.5)
        const height = Math.max(doc.heightOfString(value, { width: width - column }), doc.heightOfString(key, { width: column - 10 })) + 9
        room(height)
        const y = doc.y
        const row = doc.struct('TR')
        table.add(row)
        put('TH', () => say(key, 10.5, '400', colours.soft, { width: column - 10 }), row)
        doc.x = margin + column
        doc.y = y
        put('TD', () => say(value, 10.5, '700', colours.ink, { width: width - column }), row)
        row.end()
        doc.x = margin
        doc.y = y + height - 4
        layout(() =>
          doc
            .moveTo(margin, doc.y)
            .lineTo(margin + width, doc.y)
            .lineWidth(0.6)
            .stroke(edge),
        )
        doc.y += 4
      }
      table.end()
    },

    code({ title, qr, code: printed, beside: lines }) {
      const picture = 125
      room(picture + 46)
      sheet.heading(title)
      const y = doc.y + 2
      const code = qrCode(qr)
      const module = picture / (code.size + 8)
      root.add(
        doc.struct('Figure', { alt: text(l, 'qr.alt') }, () => {
          for (const r of code.runs) doc.rect(margin + (r.x + 4) * module, y + (r.y + 4) * module, r.width * module, module)
          doc.fill('#000000')
        }),
      )
      doc.x = margin + picture + 16
      doc.y = y + 8
      const beside = width - picture - 16
      put('P', () => say(qr.slice(0, qr.indexOf('#')), 11, '700', colours.agave, { width: beside }))
      doc.y += 4
      put('P', () => say(printed, 20, '700', colours.ink, { width: beside, characterSpacing: 1 }))
      doc.y += 3
      for (const words of lines) {
        doc.y += 3
        put('P', () => say(words, 7.5, '400', colours.soft, { width: beside, lineGap: 1 }))
      }
      doc.x = margin
      doc.y = Math.max(doc.y, y + picture) + 4
    },

    small: (words, size, colour = 'soft') => put('P', () => say(words, size, '400', colours[colour], { width })),

    gap(points) {
      doc.y += points
    },
  }

  put('P', () => say(label.toUpperCase(), 9.5, '700', colours.soft, { width, characterSpacing: 0.8 }))
  doc.y += 4
  put('H1', () => say(file.title, 26, '700', colours.ink, { width, lineGap: -2 }))
  doc.y += 8
  draw(sheet)
  root.end()

  doc.file(attached.bytes, {
    name: attached.name,
    type: 'application/json',
    description: label,
    creationDate: attached.madeAt,
    modifiedDate: attached.madeAt,
  } as never)

  if (file.place) leavePlace(doc, file.place)

  const { start, count } = doc.bufferedPageRange()
  for (let i = start; i < start + count; i++) {
    doc.switchToPage(i)
    doc.page.margins.bottom = 0
    doc.markContent('Artifact', { type: 'Pagination' })
    doc.font('latin-400').fontSize(8.5).fillColor(colours.soft)
    doc.text(label, margin, letter.height - 48, { width: width / 2, lineBreak: false })
    doc.text(text(l, 'decision.page', { page: i - start + 1, of: count }), margin + width / 2, letter.height - 48, {
      width: width / 2,
      align: 'right',
      lineBreak: false,
    })
    doc.endMarkedContent()
  }
  doc.end()
  return done
}

/** A field for the seal on the first page. It is hidden: what it says stands in words, and readers show seals themselves. */
function leavePlace(doc: Doc, at: Date): void {
  const inner = doc as unknown as {
    page: { dictionary: unknown; annotations: unknown[] }
    _root: { data: { AcroForm: { data: Record<string, unknown> } } }
  }
  doc.switchToPage(doc.bufferedPageRange().start)
  /** An object of the document, whole. (Anything handed to `end` would make it a stream.) */
  const object = (values: object) => {
    const made = doc.ref(values)
    ;(made as unknown as { end(): void }).end()
    return made
  }
  const seal = object(signaturePlace(at))
  const hiddenAndLocked = 2 | 128
  const field = object({
    Type: 'Annot',
    Subtype: 'Widget',
    FT: 'Sig',
    // pdfkit writes names as strings and text as String objects.
    T: new String('Sello'),
    Rect: [0, 0, 0, 0],
    F: hiddenAndLocked,
    P: inner.page.dictionary,
    V: seal,
  })
  inner.page.annotations.push(field)
  doc.initForm()
  const form = inner._root.data.AcroForm.data
  // A reader that draws fields anew would change what is signed.
  delete form.NeedAppearances
  Object.assign(form, { SigFlags: 3, Fields: [field] })
}

/** The head of each page: the mark, the name, and the papel picado as its only ornament. Decoration for readers, nothing for their ears. */
function top(doc: Doc): void {
  doc.markContent('Artifact', { type: 'Pagination' })
  const hall = assets().theme.colour.light
  doc.rect(0, 0, letter.width, 34).fill(hall)
  doc.save().translate(margin, 5).scale(0.56)
  doc.path('M4 36V20a16 16 0 0 1 32 0v16zM10 36h20V20a10 10 0 0 0-20 0z').fill('#fbf8f3', 'even-odd')
  doc.path('M1 37h38v5H1z').fill('#fbf8f3')
  doc.circle(20, 22, 4.5).fill('#f3a6cb')
  doc.path('M12.5 36a7.5 7.5 0 0 1 15 0z').fill('#f3a6cb')
  doc.restore()
  doc
    .font('latin-700')
    .fontSize(14)
    .fillColor('#fbf8f3')
    .text(assets().theme.name, margin + 32, 9, { lineBreak: false })
  // Small flags with an arched edge and a hole, as the page's own.
  const flag = 12
  for (let x = 0; x < letter.width; x += flag) {
    const eye = x + flag / 2
    doc.path(`M${x} 34h${flag - 0.6}v3.5a${flag / 2 - 0.3} 5 0 0 1 -${flag - 0.6} 0zM${eye - 1.5} 37.500l1.500 -2l1.500 2l-1.500 2z`)
  }
  doc.fill(hall, 'even-odd')
  doc.endMarkedContent()
  doc.x = margin
  doc.y = margin + 14
}
