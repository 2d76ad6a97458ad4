import { texts } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** This module's words. */
export const words = texts({ es, en })
