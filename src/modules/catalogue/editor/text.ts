import { texts } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** The words of the editor's pages. */
export const text = texts({ es, en })
export type Key = Parameters<typeof text>[1]
