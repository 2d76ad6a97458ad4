import { texts } from '#kernel/text'
import en from './text.staff.en.json' with { type: 'json' }
import es from './text.staff.es.json' with { type: 'json' }

/** The words of desks, offices and counters. */
export const text = texts({ es, en })
export type StaffKey = Parameters<typeof text>[1]
