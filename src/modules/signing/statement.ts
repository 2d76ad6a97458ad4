/** Statements as people read them: what is shown must be what is signed, to the byte. */

// Controls and what turns the direction of writing: with them a text reads otherwise than its bytes. The two joiners only shape letters.
const unshowable = /(?![\n\u200c\u200d])\p{C}|\p{Zl}|\p{Zp}/u

/** The text of a statement, or null where a page could not show exactly these bytes: no UTF-8, empty, with a control or an invisible sign, or an empty first line. */
export function readStatement(bytes: Uint8Array): string | null {
  try {
    // A mark of byte order stays in the text, and is found.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text === '' || text.startsWith('\n') || unshowable.test(text) ? null : text
  } catch {
    return null
  }
}

/** The lines of a statement for showing, each as its name with the colon (empty where it has none) and the rest with its end of line: together, the text again. */
export const linesOf = (text: string): { readonly name: string; readonly rest: string }[] =>
  (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
    const end = line.indexOf(':') + 1
    return { name: line.slice(0, end), rest: line.slice(end) }
  })
