/** Forms that bring a signature: made in the page, or a file that was made elsewhere. */
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import type { SummaryError } from '#look'
import { csrfHolds, type Request } from '#web'
import { largestSignature } from './cms.ts'
import { reasonWords } from './signatures.ts'

/** The body a route of such a form takes at most: the signature in base64, and the words of the form. */
export const signedFormLimit = 2 * largestSignature

/** What such a form brings. `signature` is CMS as it came. */
export type SignedForm = { readonly signature: Buffer; readonly fields: Readonly<Record<string, readonly string[]>> }

/** Reads the form, as the panel sends it or with a file. Refuses with `form-expired`, and with `signing/refused` (`none`) where it brings no signature. `name`: the field of what was made in the page. */
export async function readSignedForm(request: Request, name = 'signature'): Promise<SignedForm> {
  let signature: Buffer | null = null
  const fields: Record<string, string[]> = Object.create(null)
  if (!request.isMultipart()) {
    for (const [field, value] of Object.entries((request.body ?? {}) as Record<string, unknown>))
      fields[field] = [value].flat().filter((v) => typeof v === 'string')
    const [made = ''] = fields[name] ?? []
    return { signature: made === '' ? none() : Buffer.from(made, 'base64'), fields }
  }
  let vouched = false
  for await (const part of request.parts({ limits: { fileSize: largestSignature, files: 1, fields: 60 } })) {
    if (part.type === 'field') {
      const { fieldname, value } = part
      if (fieldname === '_csrf') vouched = csrfHolds(request, value)
      else if (typeof value !== 'string') continue
      else (fields[fieldname] ??= []).push(value)
      continue
    }
    const bytes = await part.toBuffer()
    if (bytes.length > 0) signature = bytes
  }
  if (!vouched) throw new Problem('form-expired', 'This form is too old or came from another page.')
  return { signature: signature ?? none(), fields }
}

function none(): never {
  const detail = 'There is no signature.'
  throw new Problem('signing/refused', detail, { fields: [{ pointer: '/signature', code: 'none', detail }] })
}

/** What is wrong with a signature that was refused, in words for the summary of errors; anything else is thrown on. */
export function refusal(l: Language, error: unknown): SummaryError[] {
  if (!(error instanceof Problem)) throw error
  if (error.code === 'signing/other-person') return [{ text: reasonWords(l, 'other-person'), href: '#sign' }]
  if (error.code === 'signing/refused') return error.fields.map((f) => ({ text: reasonWords(l, f.code), href: '#sign' }))
  throw error
}
