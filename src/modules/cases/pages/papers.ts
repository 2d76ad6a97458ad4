/** Routes of papers: the receipt and its proof, the decision in its three forms, and the check that anybody may make. */
import { Type } from 'typebox'
import { canonicalBytes } from '#kernel/canonical'
import { parseReference, type Reference, type ServiceId, type TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { formatDate, type Language } from '#kernel/text'
import { csrfHolds, type Request, signedIn, type Web } from '#web'
import { type Checks, mostPaperBytes, type PaperContent, paperMark, unpackOpenings, type Verdict } from '../check.ts'
import type { DecisionSignature } from '../decision.ts'
import type { Deps } from '../deps.ts'
import type { Filings, OpenCase } from '../filing.ts'
import { decisionPdf, receiptPdf } from '../pdf.ts'
import type { Read, ReceiptStanding, Receipts } from '../receipt.ts'
import { receiptRecord, sealReceipt } from '../receipt-record.ts'
import { signingStep } from '../sign.ts'
import * as views from './paper-views.ts'
import { paperText as text } from './paper-views.ts'

/** What the pages of papers call. */
export type PaperParts = { readonly filings: Filings; readonly receipts: Receipts; readonly checks: Checks }

const OneCase = Type.Object({ reference: Type.String({ maxLength: 20 }) })

function referenceOf(params: { reference: string }): Reference {
  const reference = parseReference(params.reference)
  if (!reference) throw new Problem('not-found', 'There is no such case.')
  return reference
}

/** Adds the routes of papers. */
export function registerPapers(web: Web, deps: Deps, { filings, receipts, checks }: PaperParts): void {
  /** The case, or null when what is stored of it does not open: somebody changed it behind its owner. */
  async function open(request: Request, reference: Reference): Promise<Read | null> {
    try {
      return await receipts.read(signedIn(request), reference)
    } catch (error) {
      // AES-GCM's refusal, as Node words it; anything else is another matter.
      if (error instanceof Error && /unable to authenticate/.test(error.message)) return null
      throw error
    }
  }

  /** What stands instead of a receipt: another page, or that what is stored is not the case's own. */
  type Instead = { readonly see: string } | { readonly swapped: OpenCase['c'] }

  /** The receipt of a case the visitor may read, for its page and its file alike. */
  async function receiptOf(
    request: Request,
    reference: Reference,
  ): Promise<{ readonly o: OpenCase; readonly s: ReceiptStanding } | Instead> {
    const read = await open(request, reference)
    if (!read) return { swapped: await filings.peek(signedIn(request), reference) }
    const { o, s } = read
    if (o.c.state === 'draft') return { see: `/cases/${reference}` }
    // Filed and still to be signed: it takes its turn when it is.
    if (!s.turn && signingStep(o.c, o.service)) return { see: `/cases/${reference}/sign` }
    if (!s.turn || !s.receipt) return { swapped: o.c }
    return { o, s: { ...s, turn: s.turn, receipt: s.receipt } }
  }

  web.route({
    method: 'GET',
    url: '/cases/:reference/receipt',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const found = await receiptOf(request, referenceOf(request.params))
      if ('see' in found) return reply.redirect(found.see, 303)
      if ('swapped' in found) return views.swappedPage(request, reply, deps, found.swapped, 'turn')
      return views.receiptPage(request, reply, deps, found.o, found.s)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/receipt.pdf',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const found = await receiptOf(request, referenceOf(request.params))
      if ('see' in found) return reply.redirect(found.see, 303)
      if ('swapped' in found) throw new Problem('conflict', 'The turn does not belong to this application.')
      const { o, s } = found
      const proof = await receipts.proof(o)
      const { bytes, seal, digest } = sealReceipt(deps, receiptRecord(deps, o, s, proof), s.receipt.openings)
      const madeAt = deps.clock.now()
      const pdf = await receiptPdf(
        views.receiptWords(request.visitor.language, deps, o, s),
        { seal, digest, proof: proof?.text ?? null },
        deps.demo,
        { attached: { name: `${o.c.reference}.json`, bytes, madeAt }, place: deps.signing.issues ? madeAt : null },
      )
      reply.type('application/pdf').header('content-disposition', `attachment; filename="${o.c.reference}.pdf"`)
      return deps.signing.sealPdf(pdf) ?? pdf
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/proof',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      const c = await filings.peek(signedIn(request), reference)
      const proof = await receipts.proof({ c })
      if (!proof) throw new Problem('not-found', 'This case has no turn yet.')
      reply.type('text/plain; charset=utf-8')
      reply.header('content-disposition', `attachment; filename="${reference}.${proof.kind === 'proof' ? 'tlog-proof' : 'promise'}"`)
      return proof.text
    },
  })

  /** The decision of the visitor's case. */
  async function decided(
    request: Request,
    reference: Reference,
  ): Promise<{ o: OpenCase; d: views.Decided; w: views.DecisionWords; ownTurn: boolean } | 'differs'> {
    const read = await open(request, reference)
    if (!read || read.s.decisionDiffers) return 'differs'
    const { o, s } = read
    if (!s.decision) throw new Problem('not-found', 'There is no decision yet.')
    const { all } = await checks.history(s.decision.record.turn as TurnId)
    return {
      o,
      d: s.decision,
      w: views.decisionWords(request.visitor.language, deps, o.service, s.decision, all, s.head),
      ownTurn: s.receipt !== null,
    }
  }
  const shown = async (request: Request, reference: Reference) => {
    const found = await decided(request, reference)
    if (found === 'differs') throw new Problem('conflict', 'The stored decision does not belong to this application.')
    return found
  }
  /** The decision for programs: its record, the seal over the record's canonical bytes, and what opens the log's commitments. */
  function jsonOf(d: views.Decided): Buffer {
    const openings = unpackOpenings(d.openings)!
    // The official's signature travels with the record: its statement carries the record's digest.
    const signature = d.signature && { statement: d.signature.statement, cms: d.signature.cms }
    const sealed = d.sealed === undefined ? {} : { sealed: d.sealed }
    return canonicalBytes({
      record: d.record,
      seal: d.seal,
      ...sealed,
      openings,
      mark: paperMark(openings),
      ...(signature ? { signature } : {}),
    })
  }

  web.route({
    method: 'GET',
    url: '/cases/:reference/decision',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      const found = await decided(request, reference)
      if (found === 'differs') return views.swappedPage(request, reply, deps, await filings.peek(signedIn(request), reference), 'decision')
      // The document stays to be downloaded: it is what was sealed. The page says first what is wrong with the case.
      return found.ownTurn
        ? views.decisionPage(request, deps, found.o, found.d, found.w)
        : views.swappedPage(request, reply, deps, found.o.c, 'turn')
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/decision.pdf',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const { o, d, w } = await shown(request, referenceOf(request.params))
      const name = `${o.c.reference}-${d.code}`
      reply.type('application/pdf').header('content-disposition', `attachment; filename="${name}.pdf"`)
      const attached = { name: `${name}.json`, bytes: jsonOf(d), madeAt: o.c.endedAt ?? deps.clock.now() }
      const pdf = await decisionPdf(w, { attached, place: deps.signing.issues ? deps.clock.now() : null })
      return deps.signing.sealPdf(pdf) ?? pdf
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/decision.json',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const { o, d } = await shown(request, referenceOf(request.params))
      reply.type('application/json').header('content-disposition', `attachment; filename="${o.c.reference}-${d.code}.json"`)
      return jsonOf(d)
    },
  })

  for (const { url, type, name, bytes } of [
    {
      url: '/cases/:reference/decision.p7s',
      type: 'application/pkcs7-signature',
      name: 'p7s',
      bytes: (s: DecisionSignature) => Buffer.from(s.cms, 'base64'),
    },
    {
      url: '/cases/:reference/decision.txt',
      type: 'text/plain; charset=utf-8',
      name: 'txt',
      bytes: (s: DecisionSignature) => Buffer.from(s.statement, 'utf8'),
    },
  ])
    web.route({
      method: 'GET',
      url,
      access: 'signed-in',
      schema: { params: OneCase },
      handler: async (request, reply) => {
        const { o, d } = await shown(request, referenceOf(request.params))
        if (!d.signature) throw new Problem('not-found', 'No official signed this decision.')
        reply.type(type).header('content-disposition', `attachment; filename="${o.c.reference}-${d.code}.${name}"`)
        return bytes(d.signature)
      },
    })

  /** What a paper says, in words. */
  function saysOf(l: Language, says: PaperContent | null): views.Says | null {
    if (!says) return null
    const office = deps.catalogue.office(says.office)
    return {
      result: text(l, says.result === 'granted' ? 'check.granted' : 'check.refused'),
      person: says.person,
      identity: says.identity,
      service: deps.catalogue.get(says.service as ServiceId)?.text(l, 'name') ?? says.service,
      office: office?.name(l) ?? says.office,
      decided: formatDate(l, says.decided),
      until: says.until === null ? text(l, 'decision.until-none') : formatDate(l, says.until),
      reference: says.reference,
      code: says.code,
    }
  }
  const zoneOf = (verdict: Verdict) =>
    verdict.acts[0]?.entry.line
      .split('/')
      .map((part) => deps.catalogue.office(part))
      .find((office) => office !== null)?.zone

  web.route({
    method: 'GET',
    url: '/check',
    access: 'public',
    schema: {
      querystring: Type.Object({ code: Type.Optional(Type.String({ maxLength: 40 })), lang: Type.Optional(Type.String({ maxLength: 5 })) }),
    },
    handler: (request, reply) => {
      const { code } = request.query
      if (code === undefined) return views.checkPage(request, reply, deps)
      const reference = parseReference(code)
      // A code is random and tells nothing of a person: it may stand in an address.
      if (reference) return reply.redirect(`/check/${reference}`, 303)
      reply.code(422)
      return views.checkPage(request, reply, deps, { code, wrong: 'code' })
    },
  })

  web.route({
    method: 'GET',
    url: '/check/:code',
    access: 'public',
    schema: { params: Type.Object({ code: Type.String({ maxLength: 40 }) }) },
    handler: async (request, reply) => {
      const verdict = await checks.code(request.params.code)
      if (verdict.why === 'no-such-code') reply.code(404)
      return views.checkPage(request, reply, deps, { verdict, code: request.params.code, zone: zoneOf(verdict) })
    },
  })

  web.route({
    method: 'POST',
    url: '/check',
    access: 'public',
    schema: {},
    bodyLimit: mostPaperBytes + 64 * 1024,
    handler: async (request, reply) => {
      if (!request.isMultipart()) throw new Problem('wrong-type', 'Send the file with the form.')
      let vouched = false
      let given: string | Buffer | null = null
      for await (const part of request.parts({ limits: { fileSize: mostPaperBytes, files: 1, fields: 10 } })) {
        if (part.type === 'field') {
          if (part.fieldname === '_csrf') vouched = csrfHolds(request, part.value)
          else if (part.fieldname === 'text' && typeof part.value === 'string' && part.value.trim() !== '') given ??= part.value
          continue
        }
        // Read into memory, judged, forgotten.
        const bytes = await part.toBuffer()
        if (bytes.length > 0) given = bytes
      }
      if (!vouched) throw new Problem('form-expired', 'This form is too old or came from another page.')
      if (given === null) {
        reply.code(422)
        return views.checkPage(request, reply, deps, { wrong: 'file' })
      }
      const verdict = await checks.paper(given)
      return views.checkPage(request, reply, deps, { verdict, says: saysOf(request.visitor.language, verdict.says), zone: zoneOf(verdict) })
    },
  })

  const Entry = Type.Object({ index: Type.Integer({ minimum: 0 }), entry: Type.Unknown() })
  web.route({
    method: 'GET',
    url: '/api/turns/:turn',
    access: 'public',
    schema: {
      params: Type.Object({ turn: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) }),
      api: {
        summary: 'What the public log says of a turn: its entries as published, each with its index in the log.',
        response: {
          200: Type.Object({
            turn: Type.String(),
            today: Type.String(),
            zone: Type.String(),
            office: Type.Union([Type.String(), Type.Null()]),
            withdrawnOn: Type.Union([Type.String(), Type.Null()]),
            entries: Type.Array(Entry),
          }),
        },
      },
    },
    handler: async (request, reply) => {
      const found = await checks.turn(request.params.turn as TurnId)
      if (!found) throw new Problem('not-found', 'The public log has no such turn.')
      reply.header('cache-control', 'public, max-age=2')
      return { ...found, office: found.office && (deps.catalogue.office(found.office)?.name(request.visitor.language) ?? null) }
    },
  })
}
