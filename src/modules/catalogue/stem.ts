/*
 * A light stemmer for folded Spanish words, after J. Savoy's (UniNE): it takes off plurals and the vowel of gender, and beyond it the endings
 * that tell a verb from its noun where enough of the word stays (`renovar`, `renovación`, `renové`; `renueva` is too far). English plurals and
 * -ing fall with them.
 */

/** Longest first, so that no ending hides within another. */
const endings = [
  'aciones amientos imientos iciones acion amiento imiento icion',
  'adores edores idores adoras edoras idoras ador edor idor adora edora idora',
  'arios arias ario aria aron ieron ando iendo ados adas idos idas ado ada ido ida ing ar er ir',
]
  .join(' ')
  .split(' ')
  .sort((a, b) => b.length - a.length)

/** The stem of one folded word: what words of one family have in common. Idempotent enough for an index: both sides pass it once. */
export function stem(word: string): string {
  let w = word
  if (w.length < 5) return w.length === 4 && w.endsWith('s') ? w.slice(0, -1) : w
  // `inscribirme`, `casarse`: the pronoun that hangs on a verb.
  w = w.replace(/(?<=[aei]r)(me|te|se|nos|lo|la|los|las)$/, '')
  for (const e of endings) {
    if (w.endsWith(e) && w.length - e.length >= 4) return withoutI(w.slice(0, -e.length))
  }
  if (w.endsWith('ces')) w = `${w.slice(0, -3)}z`
  else if (/[aeo]s$/.test(w)) w = w.slice(0, -2)
  else if (w.endsWith('s')) w = w.slice(0, -1)
  else if (/[aeo]$/.test(w)) w = w.slice(0, -1)
  return withoutI(w)
}

/** `perdi` and `fallecio` are of `perder` and `fallecer`; nouns lose the same letter on both sides. */
const withoutI = (w: string) => (w.length > 4 && w.endsWith('i') ? w.slice(0, -1) : w)

/**
 * How a folded word sounds in Mexico, so that `nasimiento` and `nacimiento` are one: `b` and `v`, `s`, `c` and `z`, `ll` and `y`, `j` and `g`
 * are the same, `h` is not there. Not a transcription: only good for comparing.
 */
export function sound(word: string): string {
  return word
    .replace(/ph/g, 'f')
    .replace(/ch/g, '#')
    .replace(/h/g, '')
    .replace(/^ps/, 's')
    .replace(/qu(?=[ei])/g, 'k')
    .replace(/sc(?=[ei])|c(?=[ei])|[zx]/g, 's')
    .replace(/[cq]/g, 'k')
    .replace(/gu(?=[ei])/g, '%')
    .replace(/g(?=[ei])/g, 'j')
    .replace(/%/g, 'g')
    .replace(/[vw]/g, 'b')
    .replace(/ll|y/g, 'i')
    .replace(/n(?=[bp])/g, 'm')
    .replace(/(.)\1+/g, '$1')
}

/** Edits (insert, delete, replace, swap of neighbours) between two words, or `most + 1` where there are more. */
export function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const now = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let d = Math.min(last[j]! + 1, now[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (!same && i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1)
      now.push(d)
      if (d < least) least = d
    }
    if (least > most) return most + 1
    before = last
    last = now
  }
  return last[b.length]!
}
