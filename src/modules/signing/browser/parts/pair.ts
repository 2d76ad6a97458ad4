/** The part of a form where a person opens their certificate and key. */
import { openPair, type Pair, readCertificate } from '../../pair.ts'
import { type Reason, Refused } from '../../refused.ts'
import { dateInWords, openForm, type Say } from './form.ts'

const fields = ['certificate', 'key', 'passphrase'] as const

/** `openForm` of a form with the fields certificate, key and passphrase, and the parts `holder`, a live region, and `convert`, the help for keys that do not open. */
export function openPairForm(root: HTMLElement, say: Say, now: () => Date) {
  const form = openForm(root, say)
  const { part, field } = form

  const holder = part('holder')
  field('certificate')!.addEventListener('change', async () => {
    holder.textContent = ''
    try {
      const { holder: person, until } = readCertificate(await form.file('certificate'), now())
      holder.textContent = say('panel.holder', {
        holder: [person.name, person.id].filter(Boolean).join(' · '),
        date: dateInWords(until),
      })
    } catch (fault) {
      if (fault instanceof Refused && fault.reason !== 'certificate-missing') holder.textContent = form.sentenceOf(fault)
    }
  })

  function forget(): void {
    for (const name of fields) field(name)!.value = ''
    holder.textContent = ''
    part('status').textContent = ''
  }
  // The browser may keep the page as it is and bring it back to whoever comes next.
  addEventListener('pagehide', forget)

  return {
    ...form,

    /** What is not filled in. */
    missing: (): Reason[] => fields.flatMap((name) => (field(name)!.value ? [] : [`${name}-missing` as const])),

    /** Opens what was chosen. Throws `Refused`; a wrong passphrase does not stay in its field, and what a key's refusal speaks of is opened. */
    async pair(at: Date): Promise<Pair> {
      const certificate = readCertificate(await form.file('certificate'), at)
      try {
        return await openPair(certificate, await form.file('key'), field('passphrase')!.value)
      } catch (fault) {
        if (fault instanceof Refused && fault.reason === 'passphrase-wrong') field('passphrase')!.value = ''
        if (fault instanceof Refused && say(`refused.${fault.reason}`).includes(say('panel.convert')))
          part<HTMLDetailsElement>('convert').open = true
        throw fault
      }
    },

    /** Empties the fields. */
    forget,
  }
}
