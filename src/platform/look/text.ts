import { texts } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** The words of the look itself. Everything else that people read is given by the caller. */
export const text = texts({ es, en })
