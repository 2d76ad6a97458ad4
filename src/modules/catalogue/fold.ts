/** `text` without accents and capitals, everything but letters and digits as one space: how names and queries are compared. `ñ` becomes `n`, as people type it. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
