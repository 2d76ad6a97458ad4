import type { SingleQuestion } from '../definition.ts'
import { choice, choices, confirm, file, yesNo } from './choosing.ts'
import { birthDate, date, money, number } from './figures.ts'
import { curp, postalCode, rfc, telephone } from './identity.ts'
import type { Kind } from './kind.ts'
import { municipality, state } from './places.ts'
import { address, email, longText, personName, text } from './words.ts'

/** Every kind of question. A new one is a row here, a literal in `definition.ts` and its examples in the test. */
export const questionKinds: Readonly<Record<SingleQuestion['kind'], Kind>> = {
  text,
  'long-text': longText,
  'person-name': personName,
  curp,
  rfc,
  email,
  telephone,
  'postal-code': postalCode,
  address,
  date,
  'birth-date': birthDate,
  'yes-no': yesNo,
  confirm,
  state,
  municipality,
  file,
  number,
  money,
  choice,
  choices,
}

export type { Answer, AnswerCode, Answers, FileAnswer, Kind, Option, Reading, Shape, World } from './kind.ts'
