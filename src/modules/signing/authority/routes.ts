/** What the authority answers to programs: OCSP (RFC 6960), lists and certificates (RFC 5280), and timestamps (RFC 3161). No cookies, no account, no limit but the address's. */
import { Type } from 'typebox'
import { keepAnswer, type Reply, type Web } from '#web'
import type { Authority } from './authority.ts'

/** Where each stands. Certificates name the first three. */
export const paths = {
  ocsp: '/pki/ocsp',
  list: '/pki/issuing.crl',
  issuer: '/pki/issuing.cer',
  root: '/pki/root.cer',
  rootList: '/pki/root.crl',
  timestamps: '/pki/tsa',
} as const

const largestAsked = 20_000
/** A request in a URL: base64, with what URLs escape (RFC 6960, A.1). */
const longestInUrl = 300

/** Of what every answer bears, what is for pages alone; `nosniff` stays. */
const pageGuards = [
  'content-security-policy',
  'referrer-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
] as const

/** Adds the routes. */
export function registerAuthority(web: Web, authority: Authority): void {
  const keep = (seconds: number) => `public, max-age=${seconds}, no-transform`
  const send = (reply: Reply, type: string, bytes: Uint8Array, seconds: number) =>
    reply
      .type(type)
      .header('cache-control', seconds === 0 ? 'no-store' : keep(seconds))
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  const ocsp = 'application/ocsp-response'

  // A scope of its own: programs send bytes under their own content types, which no page takes.
  web.app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: largestAsked }, (_request, body, done) => done(null, body))
    const route = (url: string, handler: (body: Buffer, reply: Reply) => Promise<unknown> | unknown) =>
      scope.route({
        method: 'POST',
        url,
        bodyLimit: largestAsked,
        config: { access: 'public', csrf: false, ownSchema: true },
        schema: { hide: true } as object,
        handler: (request, reply) => handler(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), reply),
      })
    route(paths.ocsp, async (body, reply) => send(reply, ocsp, (await authority.answer(body)).response, 0))
    route(paths.timestamps, (body, reply) => send(reply, 'application/timestamp-reply', authority.stampFor(body), 0))
  })

  web.route({
    method: 'GET',
    url: `${paths.ocsp}/*`,
    access: 'public',
    schema: { params: Type.Object({ '*': Type.String({ maxLength: 2_000 }) }) },
    handler: async (request, reply) => {
      // The path is decoded already; base64 may hold slashes.
      const asked = request.params['*']
      const bytes = asked.length > longestInUrl ? Buffer.alloc(0) : Buffer.from(asked, 'base64')
      const { response, freshMs } = await authority.answer(bytes)
      // RFC 5019, 6: caches near by may keep an answer, no longer than we would ourselves.
      const seconds = Math.floor(freshMs / 1000)
      reply.type(ocsp).header('cache-control', seconds > 0 ? keep(seconds) : 'no-store')
      // What guards pages says nothing to programs that read DER, and is as long as the answer.
      for (const name of pageGuards) reply.removeHeader(name)
      const body = Buffer.from(response.buffer, response.byteOffset, response.length)
      keepAnswer(request, reply, body, seconds * 1000)
      return reply.send(body)
    },
  })

  const { folder } = authority
  const file = (url: string, type: string, seconds: number, read: () => Uint8Array | Promise<Uint8Array>) =>
    web.route({
      method: 'GET',
      url,
      access: 'public',
      schema: {},
      handler: async (_request, reply) => send(reply, type, await read(), seconds),
    })
  const certificate = 'application/pkix-cert'
  const list = 'application/pkix-crl'
  file(paths.issuer, certificate, 3600, () => folder.issuing.certificate.der)
  file(paths.root, certificate, 3600, () => folder.root.der)
  file(paths.list, list, 60, () => authority.list())
  const { rootList } = folder
  if (rootList) file(paths.rootList, list, 3600, () => rootList)
}
