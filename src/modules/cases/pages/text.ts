import { texts } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** The words of the applicants' pages. */
export const text = texts({ es, en })
