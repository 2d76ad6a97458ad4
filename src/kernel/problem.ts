/**
 * Refusals a person may see. Every code stands here once, with its HTTP status; what people read for it stands in the text files
 * of the web part under `problem.<code>.title` and `problem.<code>.do`, in every language.
 */
export const problems = {
  'bad-request': 400,
  'sign-in-first': 401,
  forbidden: 403,
  'not-found': 404,
  'not-allowed-here': 405,
  conflict: 409,
  gone: 410,
  'too-large': 413,
  'wrong-type': 415,
  invalid: 422,
  'too-many': 429,
  'form-expired': 403,
  unavailable: 503,
  'people/passkey-refused': 422,
  'people/passkey-first': 403,
  'people/step-up': 403,
  'people/code-wrong': 422,
  'people/code-expired': 422,
  'people/invite-used': 410,
  'people/not-identified': 422,
  'people/identity-taken': 409,
  'people/erasure-held': 409,
  'people/helpers-contact': 409,
  'federation/not-confirmed': 502,
  'catalogue/no-such-place': 400,
  'catalogue/not-offered': 409,
  'mandates/other-person': 403,
  'mandates/helper-first': 403,
  'mandates/not-covered': 403,
  'cases/incomplete': 422,
  'cases/not-a-draft': 409,
  'cases/definition-changed': 409,
  'cases/draft-expired': 410,
  'cases/one-living-turn': 409,
  'cases/too-late': 409,
  'cases/not-asked': 409,
  'cases/not-listed': 422,
  'cases/already-asked': 409,
  'cases/not-your-turn': 409,
  'cases/off-duty': 409,
  'cases/desk-busy': 409,
  'cases/desk-changes': 429,
  'cases/taken-by-you': 409,
  'cases/file-refused': 422,
  'cases/file-missing': 410,
  'cases/tampered': 409,
  'cases/not-to-sign': 409,
  'cases/unsigned': 422,
  'signing/refused': 422,
  'signing/other-person': 422,
  'signing/key-used': 409,
  'signing/no-identity': 409,
  'signing/request-refused': 422,
} as const satisfies Record<string, number>

/** A stable code of the table above. */
export type ProblemCode = keyof typeof problems

/** One field that kept a form from being accepted: where (RFC 6901 pointer), why (a short code) and what to do, safe to show. */
export type FieldProblem = { pointer: string; code: string; detail: string }

/**
 * A refusal for the person who asked. `detail` is safe to show; `cause` is only logged. The web part turns it into a page with an error
 * summary or into `application/problem+json` (RFC 9457).
 */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly fields: readonly FieldProblem[]

  constructor(code: ProblemCode, detail: string, more: { fields?: readonly FieldProblem[]; cause?: unknown } = {}) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'Problem'
    this.code = code
    this.status = problems[code]
    this.fields = more.fields ?? []
  }
}
