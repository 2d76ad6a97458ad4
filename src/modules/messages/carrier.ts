/** Ways a mail leaves. Each is one function; whoever calls it decides on retries. */
import type nodemailer from 'nodemailer'

/** A mail ready to go. `id` makes its Message-ID, the same at each try, so that a mailbox that got it twice shows it once. */
export type Mail = { id: string; to: string; language: string; subject: string; text: string; html: string }

/** What a carrier knows afterwards. `reason` is a status or a word, never an address or a server's own words. */
export type Outcome = { state: 'sent' } | { state: 'bounced'; reason: string } | { state: 'again'; reason: string }

export interface Carrier {
  send(mail: Mail): Promise<Outcome>
  close(): void
}

/** Longer than any one try can take; what is claimed longer was left by a process that died. */
export const longestTryMs = 180_000

type SmtpError = Error & { code?: string; command?: string; responseCode?: number; response?: string }

/** What an SMTP failure means for this mail (RFC 5321, 4.2.1): 5xx to the recipient or the content is for good, all else may pass. */
function outcomeOf(error: SmtpError): Outcome {
  const { responseCode, command = '', response = '' } = error
  if (responseCode === undefined) return { state: 'again', reason: (error.code ?? 'connection').toLowerCase().slice(0, 40) }
  // The enhanced status (RFC 3463) says more than the code and names nobody.
  const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1]
  const reason = enhanced ? `${responseCode} ${enhanced}` : String(responseCode)
  // A 5xx to our greeting or our password is our own trouble, not the recipient's.
  const aboutThisMail = /^(RCPT TO|MAIL FROM|DATA)/.test(command)
  return responseCode >= 500 && aboutThisMail ? { state: 'bounced', reason } : { state: 'again', reason }
}

/** Mail by SMTP. `url` as nodemailer takes it: `smtp://user:password@host:587`, `smtps://…`. */
export function smtpCarrier(url: string, from: string, domain: string): Carrier {
  const options = {
    url,
    pool: true,
    maxConnections: 5,
    connectionTimeout: 20_000,
    greetingTimeout: 20_000,
    socketTimeout: 60_000,
    // A template never names a file or an address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  } as Parameters<typeof nodemailer.createTransport>[0]
  // Loaded with the first mail: most processes send none.
  let transport: Promise<ReturnType<typeof nodemailer.createTransport>> | null = null
  const open = () => (transport ??= import('nodemailer').then((library) => library.default.createTransport(options)))
  return {
    async send({ id, to, language, subject, text, html }) {
      try {
        await (await open()).sendMail({
          // As objects: a text would be parsed for several addresses.
          from,
          to: { name: '', address: to },
          subject,
          text,
          html,
          messageId: `<${id}@${domain}>`,
          headers: { 'Content-Language': language, 'Auto-Submitted': 'auto-generated' },
        })
        return { state: 'sent' }
      } catch (error) {
        return outcomeOf(error as SmtpError)
      }
    },
    close: () => void transport?.then((t) => t.close()),
  }
}

/** Production without a mail server: nothing can go out, and each mail says so. */
export const noCarrier: Carrier = {
  send: async () => ({ state: 'again', reason: 'no-smtp' }),
  close() {},
}
