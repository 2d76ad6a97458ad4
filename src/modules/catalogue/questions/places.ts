import { type Kind, typed } from './kind.ts'

/** A state, stored as its INEGI key of two digits. */
export const state: Kind = {
  type: 'string',
  read(raw, _question, { places }) {
    const written = typed(raw)
    if (written === '') return null
    const code = places.state(written)?.code ?? places.findState(written)?.code
    return code === undefined ? { refused: 'choice' } : { value: code }
  },
  shape: (_question, { places }) => ({ type: 'choice', options: places.states.map((s) => ({ value: s.code, label: s.name })) }),
  show: (value, _label, { places }) => places.state(String(value))?.name ?? String(value),
}

/**
 * A municipality, stored as its INEGI key of five digits. With a state answered before it, a choice among that state's; otherwise a text that must
 * name one place only.
 */
export const municipality: Kind = {
  type: 'string',
  read(raw, _question, { places }) {
    const written = typed(raw)
    if (written === '') return null
    if (/^\d+$/.test(written)) return places.municipality(written) ? { value: written } : { refused: 'choice' }
    const found = places.findMunicipalities(written)
    if (found.length === 1) return { value: found[0]!.code }
    if (found.length === 0) return { refused: 'no-such-place' }
    return {
      refused: 'many-places',
      parameters: {
        names: found
          .slice(0, 4)
          .map((m) => places.nameOf(m.code))
          .join('; '),
      },
    }
  },
  shape: (_question, { places }, _label, state) =>
    state === null
      ? { type: 'text', maxLength: 120, lines: 1, input: 'words' }
      : { type: 'choice', options: places.municipalities(state).map((m) => ({ value: m.code, label: m.name })) },
  show: (value, _label, { places }) => places.nameOf(String(value)),
}
