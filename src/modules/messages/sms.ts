/** Short messages by an HTTP gateway that answers as Kannel's `sendsms` does (Kannel user guide, chapter 9). */
import type { Outcome } from './carrier.ts'

/** A short message ready to go. `to` is E.164. */
export type Sms = { id: string; to: string; text: string }

export interface SmsCarrier {
  send(sms: Sms): Promise<Outcome>
}

// 3GPP TS 23.038, 6.2.1: what fits into 160 letters of seven bits. á í ó ú and their capitals are not among them; é, ñ, ü, ¿ and ¡ are.
const gsm7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€]*$/

/** Whether the text goes out in the alphabet of seven bits, in which a message has room for 160 letters and not 70. */
export function fitsGsm7(text: string): boolean {
  return gsm7.test(text)
}

const tryMs = 30_000
// A gateway's answer is one line.
const mostAnswer = 1000

/** The first letters of the answer; what comes after them is not waited for. */
async function firstLine(answer: Response): Promise<string> {
  if (!answer.body) return ''
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length >= mostAnswer || text.includes('\n')) break
  }
  return text.slice(0, mostAnswer)
}

/** What the answer means for this message. A wrong password or a place that is not there is our own trouble, which may pass; any other 4xx is for good. */
function outcomeOf(status: number, line: string): Outcome {
  const reason = `http ${status}`
  if (status >= 200 && status < 300) {
    // `0: Accepted for delivery`, `3: Queued for later delivery`; gateways that only resemble Kannel say no number.
    const code = /^(\d+):/.exec(line.trim())?.[1]
    return code === undefined || code === '0' || code === '3'
      ? { state: 'sent' }
      : { state: 'again', reason: `${reason} ${code}`.slice(0, 40) }
  }
  const ours = status < 400 || status >= 500 || [401, 403, 404, 405, 407, 408, 425, 429].includes(status)
  return ours ? { state: 'again', reason } : { state: 'bounced', reason }
}

/**
 * Short messages by the gateway of this address: `https://user:password@host:13013/cgi-bin/sendsms`. What its query says (`from`, `smsc`) goes along with each.
 */
export function kannelCarrier(address: string, waitMs: number = tryMs): SmsCarrier {
  const base = new URL(address)
  const { username, password } = base
  base.username = base.password = ''
  return {
    async send({ to, text }) {
      const url = new URL(base)
      url.searchParams.set('username', decodeURIComponent(username))
      url.searchParams.set('password', decodeURIComponent(password))
      url.searchParams.set('to', to)
      url.searchParams.set('text', text)
      url.searchParams.set('charset', 'UTF-8')
      url.searchParams.set('coding', fitsGsm7(text) ? '0' : '2')
      try {
        // A redirect would carry number and text to somebody else.
        const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(waitMs) })
        return outcomeOf(answer.status, await firstLine(answer))
      } catch (error) {
        // The error's own words hold the address with all that is in it.
        const { name, cause } = error as Error & { cause?: { code?: unknown } }
        const code = typeof cause?.code === 'string' ? cause.code : name === 'TimeoutError' ? 'timeout' : 'connection'
        return { state: 'again', reason: code.toLowerCase().slice(0, 40) }
      }
    },
  }
}

/** Production without a gateway: nothing can go out, and each message says so. */
export const noSmsCarrier: SmsCarrier = { send: async () => ({ state: 'again', reason: 'no-sms' }) }
