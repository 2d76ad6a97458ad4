import { texts, type Words } from '#kernel/text'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

/** The words of what goes out to other systems. */
export const label = texts({ es, en })

/** The same words in every language. */
export function labels(key: Parameters<typeof label>[1], holes?: Parameters<typeof label>[2]): Words {
  return { es: label('es', key, holes), en: label('en', key, holes) }
}
