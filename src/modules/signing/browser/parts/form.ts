/**
 * What the scripts of this module share: a form whose fields have no names and are read here, and that says in the page's own words and markup what is wrong with them.
 *
 * The markup: a root with `data-module` and an id; fields with the id `<root>-<field>` in a group; `template[data-part="summary"]` and `template[data-part="error"]`
 * with the look's error summary (one item) and error message; `[data-part="status"]`, a live region.
 */
import { mostFileBytes } from '../../key-file.ts'
import { type Reason, Refused, reasons } from '../../refused.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Words by key; `{name}` is filled. */
export type Say = (key: string, holes?: Readonly<Record<string, string>>) => string

/** `say` over a table of words. */
export const sayFrom =
  (words: () => Readonly<Record<string, string>>): Say =>
  (key, holes = {}) =>
    (words()[key] ?? '').replace(/\{(\w+)\}/g, (whole, name: string) => holes[name] ?? whole)

/** A date in words, as the page's language writes it. */
export function dateInWords(at: Date): string {
  const language = document.documentElement.lang
  return new Intl.DateTimeFormat(language === 'es' ? 'es-MX' : language, { dateStyle: 'long' }).format(at)
}

/** Base64 of bytes, and back. */
export const toBase64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
export const fromBase64 = (text: string): Bytes => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))

/** Opens the form inside `root`. */
export function openForm(root: HTMLElement, say: Say) {
  const part = <E extends HTMLElement = HTMLElement>(name: string) => root.querySelector<E>(`[data-part="${name}"]`)!
  const field = (name: string) => document.getElementById(`${root.id}-${name}`) as HTMLInputElement | null
  const fromTemplate = (name: string) => part<HTMLTemplateElement>(name).content.firstElementChild!.cloneNode(true) as HTMLElement
  const sentenceOf = ({ reason, at }: Refused) => say(`refused.${reason}`, at && { date: dateInWords(at) })

  function clearErrors(): void {
    for (const old of document.querySelectorAll('.govuk-error-summary')) old.remove()
    for (const message of root.querySelectorAll('.govuk-error-message')) message.remove()
    for (const mark of root.querySelectorAll('[class*="--error"]')) mark.className = mark.className.replace(/ [\w-]+--error/g, '')
    for (const described of root.querySelectorAll('[aria-describedby]')) {
      const ids = described.getAttribute('aria-describedby')!.split(' ')
      const left = ids.filter((id) => !id.endsWith('-error')).join(' ')
      if (left) described.setAttribute('aria-describedby', left)
      else described.removeAttribute('aria-describedby')
    }
    document.title = document.title.replace(/^Error: /, '')
  }

  /** Says all that is wrong, at the top of the page and beside each field, and moves the focus there. */
  function tell(refusals: readonly Refused[]): void {
    clearErrors()
    part('status').textContent = ''
    const summary = fromTemplate('summary')
    const item = summary.querySelector('li')!
    for (const refusal of refusals) {
      const sentence = sentenceOf(refusal)
      const line = item.cloneNode(true) as HTMLElement
      const input = field(reasons[refusal.reason])
      if (input) {
        const link = line.querySelector('a')!
        link.textContent = sentence
        link.href = `#${input.id}`
        const message = fromTemplate('error')
        message.id = `${input.id}-error`
        message.append(sentence)
        input.before(message)
        input.className += ` ${input.classList[0]}--error`
        input.closest('.govuk-form-group')!.className += ' govuk-form-group--error'
        input.setAttribute('aria-describedby', `${input.getAttribute('aria-describedby') ?? ''} ${message.id}`.trim())
      } else line.textContent = sentence
      item.before(line)
    }
    item.remove()
    summary.tabIndex = -1
    ;(root.closest('main') ?? root).prepend(summary)
    document.title = `Error: ${document.title}`
    summary.focus()
  }

  let busy = false
  // Whoever comes back to a page that the browser has kept may send it again.
  addEventListener('pageshow', () => {
    busy = false
  })

  return {
    part,
    field,
    sentenceOf,
    clearErrors,
    tell,

    /** The file chosen in a field. Throws `Refused` for none, and for one that is larger than any key. */
    async file(name: 'certificate' | 'key'): Promise<Bytes> {
      const chosen = field(name)!.files?.[0]
      if (!chosen) throw new Refused(`${name}-missing`)
      if (chosen.size > mostFileBytes) throw new Refused(`${name}-unreadable`)
      try {
        return new Uint8Array(await chosen.arrayBuffer())
      } catch {
        // Moved away since it was chosen.
        throw new Refused(`${name}-unreadable`)
      }
    },

    /**
     * Does `work` when the form is sent, once at a time, and tells what it refuses. `check` finds what is missing, all at once. What fails in any other way is told
     * as such; nothing of it reaches the page's console. `work` says `leaving` when the page will be another.
     */
    onSubmit(check: () => Reason[], work: () => Promise<'leaving' | 'staying'>, working: () => string): void {
      root.querySelector('form')!.addEventListener('submit', async (event) => {
        event.preventDefault()
        if (busy) return
        busy = true
        try {
          if (!globalThis.crypto?.subtle) throw new Refused('no-crypto')
          const missing = check()
          if (missing.length > 0) {
            busy = false
            return tell(missing.map((reason) => new Refused(reason)))
          }
          clearErrors()
          part('status').textContent = working()
          busy = (await work()) === 'leaving'
        } catch (fault) {
          busy = false
          tell([fault instanceof Refused ? fault : new Refused('failed')])
        }
      })
    },
  }
}
