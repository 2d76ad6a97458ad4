import { texts } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** The words of mandates and of the register of helpers. */
export const text = texts({ es, en })
