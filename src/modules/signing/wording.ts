/**
 * What a person signs, in plain words: one `name: value` a line. The bytes of this text are what is signed, so a person reads just what they sign, and service, case, purpose, content
 * and a random number inside it keep the signature from meaning anything else anywhere else.
 */
import { formatDate, type Language, texts } from '#kernel/text'
import { dateIn } from '#kernel/time'
import en from './text.statement.en.json' with { type: 'json' }
import es from './text.statement.es.json' with { type: 'json' }

const text = texts({ es, en })

/** What a signature may be for. */
export type Purpose = 'file' | 'decide'

/** What a statement says. Strings are taken as they are; what could mislead a reader is written out (see `plain`). */
export type Statement = {
  readonly purpose: Purpose
  /** The portal's address: a signature for one portal says nothing at another. */
  readonly portal: string
  readonly demo: boolean
  readonly service: string
  readonly serviceName: string
  /** The pinned version of the definition. */
  readonly definition: string
  readonly reference: string
  readonly step: string
  /** Who asks or decides, in words. */
  readonly by: string
  /** What is declared, in the order of the form. */
  readonly rows: readonly { readonly label: string; readonly value: string }[]
  /** Attached documents; SHA-256 in hex. */
  readonly documents: readonly { readonly label: string; readonly name: string; readonly sha256: string }[]
  /** What the public log committed to, or SHA-256 of the record. */
  readonly content: string
  readonly at: Date
  /** IANA zone in which `at` is written. */
  readonly zone: string
  /** 128 random bits in base64url. */
  readonly unique: string
}

/**
 * One line of text that shows what it holds: composed (NFC), line breaks as ` / `, and every control character, bidirectional override and character of no width written
 * out as `\u{…}`. Two texts that look alike on a page may still differ in letters of other alphabets, as on any page.
 */
export function plain(value: string): string {
  return value
    .normalize('NFC')
    .replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' / ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`)
    .replace(/[^\S ]/gu, ' ')
    .trim()
}

/** The text that is signed; its UTF-8 bytes are the content of the signature. Ends with a line break. */
export function statementText(language: Language, s: Statement): string {
  const line = (label: string, value: string) => `${plain(label)}: ${plain(value)}`
  return [
    line('Ventanilla', text(language, 'statement.title')),
    s.demo && line(text(language, 'statement.demo'), text(language, 'statement.demo-words')),
    line(text(language, 'statement.purpose'), text(language, `statement.purpose.${s.purpose}`)),
    line(text(language, 'statement.portal'), s.portal),
    line(text(language, 'statement.service'), `${s.serviceName} (${s.service})`),
    line(text(language, 'statement.definition'), s.definition),
    line(text(language, 'statement.reference'), s.reference),
    line(text(language, 'statement.step'), s.step),
    line(text(language, `statement.by.${s.purpose}`), s.by),
    '',
    ...s.rows.map((r) => line(r.label, r.value)),
    ...(s.documents.length > 0
      ? [
          '',
          `${text(language, 'statement.documents')}:`,
          ...s.documents.map((d) => `  ${plain(d.label)}: ${plain(d.name)}, SHA-256 ${d.sha256}`),
        ]
      : []),
    '',
    line(text(language, 'statement.content'), s.content),
    line(text(language, 'statement.at'), `${formatDate(language, dateIn(s.at, s.zone))} (${s.at.toISOString().slice(0, 19)}Z)`),
    line(text(language, 'statement.unique'), s.unique),
    '',
  ]
    .filter((l) => l !== false)
    .join('\n')
}

/** What a person signs who asks for a certificate and is known by a certificate they have. */
export type EnrolmentStatement = {
  readonly portal: string
  readonly demo: boolean
  readonly name: string
  readonly curp: string | null
  readonly rfc: string | null
  /** SHA-256 of the public key, hexadecimal. */
  readonly key: string
  readonly code: string
  readonly at: Date
  readonly unique: string
}

/** The text that is signed for a certificate; its UTF-8 bytes are the content of the signature. Ends with a line break. */
export function enrolmentText(language: Language, s: EnrolmentStatement): string {
  return declarationText(language, {
    ...s,
    purpose: text(language, 'statement.purpose.enrol'),
    rows: [
      { label: text(language, 'statement.name'), value: s.name },
      ...(s.curp === null ? [] : [{ label: 'CURP', value: s.curp }]),
      ...(s.rfc === null ? [] : [{ label: 'RFC', value: s.rfc }]),
      { label: text(language, 'statement.key'), value: s.key },
      { label: text(language, 'statement.code'), value: s.code },
    ],
  })
}

/** What a person signs that is no part of a case. `purpose` in words: a signature for one purpose says nothing for another. */
export type Declaration = {
  readonly purpose: string
  readonly portal: string
  readonly demo: boolean
  readonly rows: readonly { readonly label: string; readonly value: string }[]
  readonly at: Date
  /** 128 random bits in base64url. */
  readonly unique: string
}

/** The text of a declaration; its UTF-8 bytes are the content of the signature. Ends with a line break. */
export function declarationText(language: Language, d: Declaration): string {
  const line = (label: string, value: string) => `${plain(label)}: ${plain(value)}`
  return [
    line('Ventanilla', text(language, 'statement.title')),
    d.demo && line(text(language, 'statement.demo'), text(language, 'statement.demo-words')),
    line(text(language, 'statement.purpose'), d.purpose),
    line(text(language, 'statement.portal'), d.portal),
    ...d.rows.map((r) => line(r.label, r.value)),
    line(text(language, 'statement.at'), `${d.at.toISOString().slice(0, 19)}Z`),
    line(text(language, 'statement.unique'), d.unique),
    '',
  ]
    .filter((l) => l !== false)
    .join('\n')
}
