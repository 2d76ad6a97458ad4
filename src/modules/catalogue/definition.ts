import { type Static, Type } from 'typebox'

/*
 * The format of a service's definition: `definition.json` in its folder under `services/`, beside `text.es.json`, `text.en.json` and
 * `examples.json`. Words stand in the text files under keys that follow from the ids here (README.md of this module lists them); this file
 * holds none. The fields follow the official record of a trámite (LFPA 69-M) and add questions, steps and examples.
 */

const strict = { additionalProperties: false } as const
const oneOf = <const T extends readonly string[]>(all: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...all] })
const Id = Type.String({ pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 40 })
/** A condition in FEEL over the answers by question id, e.g. `age < 18`. */
const Condition = Type.String({ minLength: 1, maxLength: 300 })

/** Where a figure or a rule comes from. `unverified` is said on the page. */
export const Source = Type.Union([
  Type.Literal('unverified'),
  Type.Object(
    {
      /** The law or document by its legal name, in Spanish. */
      law: Type.String({ minLength: 3, maxLength: 200 }),
      article: Type.Optional(Type.String({ maxLength: 60 })),
      url: Type.Optional(Type.String({ pattern: '^https://', maxLength: 300 })),
      /** When somebody last read it there. */
      read: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    },
    strict,
  ),
])
export type Source = Static<typeof Source>

const Amount = Type.String({ pattern: '^\\d{1,9}(\\.\\d{2})?$' })

/** What it costs. `local`: each adoption fixes it within `adoption.fee`; until then the page says that the figure is missing. */
const Fee = Type.Union([
  Type.Object({ kind: Type.Literal('free'), source: Source }, strict),
  Type.Object({ kind: Type.Literal('fixed'), amount: Amount, source: Source }, strict),
  Type.Object(
    {
      kind: Type.Literal('table'),
      /** The first row whose condition holds; the last has none. `text` key: `fee.<id>`. */
      rows: Type.Array(Type.Object({ id: Id, when: Type.Optional(Condition), amount: Amount }, strict), { minItems: 1, maxItems: 20 }),
      source: Source,
    },
    strict,
  ),
  Type.Object({ kind: Type.Literal('local'), source: Source }, strict),
])

/** The longest lawful term from filing to decision. */
const Term = Type.Object(
  {
    unit: Type.Union([Type.Literal('immediate'), Type.Literal('working-days'), Type.Literal('days'), Type.Literal('months')]),
    /** How many; 0 for `immediate`. */
    count: Type.Integer({ minimum: 0, maximum: 400 }),
    source: Source,
  },
  strict,
)

/** What it means when the office stays silent past the term. */
const Silence = Type.Object({ means: Type.Union([Type.Literal('affirmative'), Type.Literal('negative')]), source: Source }, strict)

/** How long what is issued holds. */
const Validity = Type.Object(
  {
    unit: Type.Union([
      Type.Literal('indefinite'),
      Type.Literal('once'),
      Type.Literal('years'),
      Type.Literal('months'),
      Type.Literal('days'),
    ]),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    source: Source,
  },
  strict,
)

const questionBase = { id: Id, optional: Type.Optional(Type.Boolean()), when: Type.Optional(Condition) }
const plainKinds = [
  'text',
  'long-text',
  'person-name',
  'curp',
  'rfc',
  'email',
  'telephone',
  'postal-code',
  'address',
  'date',
  'birth-date',
  'yes-no',
  'confirm',
  'state',
  'municipality',
  'file',
] as const
/** A question without parts. The kinds are the rows of the table in `questions/`. */
const SingleQuestion = Type.Union([
  Type.Object(
    {
      ...questionBase,
      kind: oneOf(plainKinds),
      maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 4000 })),
    },
    strict,
  ),
  Type.Object(
    {
      ...questionBase,
      kind: Type.Union([Type.Literal('number'), Type.Literal('money')]),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
    },
    strict,
  ),
  Type.Object(
    {
      ...questionBase,
      kind: Type.Union([Type.Literal('choice'), Type.Literal('choices')]),
      options: Type.Array(Id, { minItems: 2, maxItems: 40, uniqueItems: true }),
    },
    strict,
  ),
])
export type SingleQuestion = Static<typeof SingleQuestion>

/** A question, or a group that may be answered several times (children, partners). Answers of a group are a list of objects. */
export const Question = Type.Union([
  SingleQuestion,
  Type.Object(
    {
      ...questionBase,
      kind: Type.Literal('group'),
      min: Type.Integer({ minimum: 0, maximum: 50 }),
      max: Type.Integer({ minimum: 1, maximum: 50 }),
      questions: Type.Array(SingleQuestion, { minItems: 1, maxItems: 12 }),
    },
    strict,
  ),
])
export type Question = Static<typeof Question>

/** One page of the form: a question or a small group. */
const Page = Type.Object({ id: Id, questions: Type.Array(Id, { minItems: 1, maxItems: 8 }), when: Type.Optional(Condition) }, strict)

/** One entry of the closed list of papers. Nobody can be asked for anything else. */
export const Paper = Type.Object(
  {
    id: Id,
    when: Type.Optional(Condition),
    /** `file`: a copy is attached. `shown`: the original is only shown at a counter. */
    how: Type.Union([Type.Literal('file'), Type.Literal('shown')]),
    optional: Type.Optional(Type.Boolean()),
    /** The service of this catalogue that issues it (base id). */
    from: Type.Optional(Type.String({ maxLength: 120 })),
    source: Source,
  },
  strict,
)
export type Paper = Static<typeof Paper>

/** Where a step leads: the first way whose condition holds. `atMost` bounds a way that leads back. */
const Way = Type.Object({ to: Id, when: Type.Optional(Condition), atMost: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })) }, strict)
const Next = Type.Array(Way, { minItems: 1, maxItems: 6 })
const Branch = Type.Object({ id: Id, unit: Type.Optional(Id) }, strict)

/**
 * A step. The first in the list is the `data` step: the filing itself. Conditions of ways see the answers by question id, `result` (of the
 * step just finished) and `results.<step id>`.
 *
 * `unit` names the office that does the step: absent, the office the case was filed at; otherwise that unit of the same jurisdiction (for a federal
 * service another agency), whose office id is `<office>-<unit>`.
 */
export const Step = Type.Union([
  Type.Object({ id: Id, kind: Type.Literal('data'), next: Next }, strict),
  Type.Object({ id: Id, kind: Type.Literal('pay'), next: Next }, strict),
  /**
   * People sign what was filed. `signers`: the group of questions that lists them, each with a CURP or RFC and an e-mail; absent, the applicant alone. `order`: each after the one
   * before in the list (`listed`), or whenever they like (absent).
   */
  Type.Object(
    { id: Id, kind: Type.Literal('sign'), signers: Type.Optional(Id), order: Type.Optional(Type.Literal('listed')), next: Next },
    strict,
  ),
  /** An official examines in turn; result `ok` or `objection`. */
  Type.Object({ id: Id, kind: Type.Literal('review'), unit: Type.Optional(Id), next: Next }, strict),
  /** Several offices examine at once; result `ok` when all say ok, else `objection`. */
  Type.Object({ id: Id, kind: Type.Literal('parallel'), branches: Type.Array(Branch, { minItems: 2, maxItems: 8 }), next: Next }, strict),
  /** An official decides in turn; result `granted` or `refused` (with reasons of the list below). Both end in `next`. `signed`: only with the official's own signature. */
  Type.Object(
    { id: Id, kind: Type.Literal('decide'), unit: Type.Optional(Id), signed: Type.Optional(Type.Literal(true)), next: Next },
    strict,
  ),
  /** The decision's document is made and sealed; ends the case. */
  Type.Object({ id: Id, kind: Type.Literal('issue') }, strict),
  Type.Object({ id: Id, kind: Type.Literal('timer'), workingDays: Type.Integer({ minimum: 1, maximum: 250 }), next: Next }, strict),
])
export type Step = Static<typeof Step>

/** A reason an official may refuse with, and the rule behind it. Text key `reasons.<id>`. */
export const Reason = Type.Object({ id: Id, rule: Source }, strict)

/** What an adoption may change, and within which bounds. What is absent cannot be changed. */
const Bounds = Type.Object(
  {
    fee: Type.Optional(Type.Object({ min: Amount, max: Amount }, strict)),
    /** The office may open longer than this many hours a week, never shorter. */
    hours: Type.Optional(Type.Object({ atLeastPerWeek: Type.Integer({ minimum: 1, maximum: 100 }) }, strict)),
    /** One more paper, itself a service of the catalogue. */
    localPaper: Type.Optional(Type.Boolean()),
    /** A shorter term, never under this many of the base's unit. */
    term: Type.Optional(Type.Object({ atLeast: Type.Integer({ minimum: 0 }) }, strict)),
  },
  strict,
)

export const channels = ['web', 'counter', 'phone', 'kiosk', 'centre'] as const
/** What happens in a life and brings services with it. */
export const lifeEvents = [
  'birth',
  'identity',
  'school',
  'work',
  'business',
  'vehicle',
  'home',
  'health',
  'family',
  'travel',
  'taxes',
  'retirement',
  'death',
  'government',
] as const
/** One of them. */
export type LifeEvent = (typeof lifeEvents)[number]

/** A service's definition (`definition.json`). */
export const Definition = Type.Object(
  {
    format: Type.Literal(1),
    /** The folder under `services/`: `federal/<agency>/<service>`, `state/<service>` or `municipal/<service>`. */
    id: Type.String({ pattern: '^(federal/[a-z0-9-]+|state|municipal)/[a-z0-9-]+$', maxLength: 120 }),
    level: Type.Union([Type.Literal('federal'), Type.Literal('state'), Type.Literal('municipal')]),
    /** Key in `reference/agencies.json`. */
    agency: Id,
    /** The official catalogue key (homoclave), where one is known. */
    homoclave: Type.Optional(Type.String({ maxLength: 30 })),
    lifeEvents: Type.Array(oneOf(lifeEvents), { minItems: 1, uniqueItems: true }),
    applicants: Type.Array(Type.Union([Type.Literal('person'), Type.Literal('company')]), { minItems: 1, uniqueItems: true }),
    /** How surely who files must be known, where that is more than a code by mail: a level of decision 0014. */
    assurance: Type.Optional(Type.Union([Type.Literal(2), Type.Literal(3)])),
    legalBasis: Type.Array(Source, { minItems: 1, maxItems: 12 }),
    fee: Fee,
    term: Term,
    silence: Silence,
    /** Working days the applicant has to bring what was asked for; at least 5 (LFPA 17-A). */
    answerWithin: Type.Object({ workingDays: Type.Integer({ minimum: 5, maximum: 60 }), source: Source }, strict),
    validity: Validity,
    channels: Type.Array(oneOf(channels), { minItems: 1, uniqueItems: true }),
    questions: Type.Array(Question, { minItems: 1, maxItems: 60 }),
    pages: Type.Array(Page, { minItems: 1, maxItems: 40 }),
    papers: Type.Array(Paper, { maxItems: 20 }),
    /** The questions that say what a case is about: a person has one living turn for one matter. Absent, the service itself is the matter. */
    matter: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 4, uniqueItems: true })),
    steps: Type.Array(Step, { minItems: 3, maxItems: 20 }),
    reasons: Type.Array(Reason, { minItems: 1, maxItems: 20 }),
    /** Present in state and municipal bases only. */
    adoption: Type.Optional(Bounds),
  },
  strict,
)
export type Definition = Static<typeof Definition>

/** A base's words, by key; the same keys in every language. */
export type DefinitionTexts = { readonly es: Readonly<Record<string, string>>; readonly en: Readonly<Record<string, string>> }

/** One line of `examples.json`: what somebody answers, and what must follow. */
export const Example = Type.Object(
  {
    /** What the example shows, in English: `a child under one year`. */
    name: Type.String({ minLength: 3, maxLength: 200 }),
    /** The day on which it is tried; the checker has a fixed day where none is given. */
    today: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    answers: Type.Record(Type.String(), Type.Unknown()),
    expect: Type.Object(
      {
        /** Ids of the questions asked, in order. */
        asked: Type.Optional(Type.Array(Type.String())),
        /** Ids of the papers on the closed list for these answers. */
        papers: Type.Optional(Type.Array(Type.String())),
        /** The fee in pesos, or null where it is local and not yet known. */
        fee: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        /** Steps in the order they are reached when every review is ok and the decision is `granted`. */
        steps: Type.Optional(Type.Array(Type.String())),
        /** Pointers of answers that are refused. */
        refused: Type.Optional(Type.Array(Type.String())),
      },
      strict,
    ),
  },
  strict,
)
export type Example = Static<typeof Example>

/** A state's or municipality's small difference to a base, as it stands in `services/adoptions/…json` under the base's id. */
export const Adoption = Type.Object(
  {
    fee: Type.Optional(Type.Object({ amount: Amount, source: Source }, strict)),
    /** Opening hours as the sign on the door says, per weekday 1 (Monday) to 7: [["09:00","15:00"], …]. */
    hours: Type.Optional(Type.Record(Type.String({ pattern: '^[1-7]$' }), Type.Array(Type.Tuple([Type.String(), Type.String()])))),
    localPaper: Type.Optional(Type.Object({ from: Type.String(), source: Source }, strict)),
    term: Type.Optional(Type.Object({ count: Type.Integer({ minimum: 0 }), source: Source }, strict)),
  },
  strict,
)
export type Adoption = Static<typeof Adoption>

const Weekly = Type.Record(Type.String({ pattern: '^[1-7]$' }), Type.Array(Type.Tuple([Type.String(), Type.String()])))

/** What a place says of its own window; it holds as soon as it is approved, for every service there. */
export const OfficeFacts = Type.Object(
  {
    hours: Type.Optional(Weekly),
    address: Type.Optional(Type.String({ minLength: 5, maxLength: 200 })),
    telephone: Type.Optional(Type.String({ pattern: '^\\d{10}$' })),
    email: Type.Optional(Type.String({ pattern: '^[^@\\s<>]+@[^@\\s<>]+$', maxLength: 100 })),
    /** Where payments go: a CLABE of 18 digits. */
    account: Type.Optional(Type.String({ pattern: '^\\d{18}$' })),
    /** Days without work beside those of the whole country. */
    holidays: Type.Optional(Type.Array(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }), { maxItems: 60, uniqueItems: true })),
    /** The window does the steps of every unit: one office and one line for everything. */
    oneLine: Type.Optional(Type.Boolean()),
    source: Source,
  },
  strict,
)
export type OfficeFacts = Static<typeof OfficeFacts>

/** A file of adoptions: `services/adoptions/<state>.json` (code of two digits) or `<state>/<municipality>.json` (key of five). */
export const AdoptionFile = Type.Object(
  {
    format: Type.Literal(1),
    place: Type.String({ pattern: '^\\d{2}(\\d{3})?$' }),
    office: Type.Optional(OfficeFacts),
    services: Type.Record(Type.String(), Adoption),
  },
  strict,
)
export type AdoptionFile = Static<typeof AdoptionFile>
