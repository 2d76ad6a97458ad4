-- Every table that grows with people's acts carries the jurisdiction (`place`) in its primary key, so that it can be distributed.

create table cases_case (
  place text not null,
  id uuid not null,
  reference text not null,
  -- The random public name in the log: neither the turn nor the reference.
  pseudonym text not null,
  service text not null,
  office text not null,
  applicant uuid not null,
  state text not null check (state in ('draft', 'open', 'asked', 'decided', 'withdrawn', 'lapsed')),
  channel text not null,
  -- The hash a draft was written against; once submitted, the pinned one.
  definition text not null,
  -- The steps' state (catalogue/advance): no answer stands in it.
  steps jsonb,
  -- The case's data key, wrapped by a key that this database does not hold.
  key bytea not null,
  -- Answers, attachments' descriptions and openings, under the data key.
  answers bytea not null,
  -- The definition these answers are complete for, or null. Kept with each save, so that submitting need not open them.
  complete_for text,
  -- Salted commitment to the filing as saved; its opening lies in `answers`.
  filing text,
  -- Keyed digest of what the case is about: one living turn for one matter.
  matter text,
  class text not null default 'general' check (class in ('general', 'priority')),
  taken_by uuid,
  created_at timestamptz not null,
  saved_at timestamptz not null,
  submitted_at timestamptz,
  -- The legal clock, in the office's local dates.
  filed_on date,
  due_on date,
  ask_by date,
  asked_on date,
  answer_by date,
  already_there boolean not null default false,
  -- The receipt's printed secret, under the case's key.
  receipt bytea,
  ended_at timestamptz,
  -- How many events it has; the next takes the next number.
  events integer not null default 0,
  primary key (place, id)
);
create index cases_case_applicant on cases_case (applicant, saved_at desc);

create table cases_reference (
  reference text primary key,
  place text not null,
  id uuid not null
);

-- What happened, in order; `entries` are ids of the public log. `sealed` holds words, under the case's key.
create table cases_event (
  place text not null,
  case_id uuid not null,
  seq integer not null,
  at timestamptz not null,
  kind text not null,
  turn text,
  desk text,
  data jsonb not null default '{}',
  sealed bytea,
  entries bigint[] not null default '{}',
  primary key (place, case_id, seq)
);
create index cases_event_turn on cases_event (turn) where turn is not null;

-- Proofs and promises as people keep them: public, and addressed by their case.
create table cases_proof (
  place text not null,
  case_id uuid not null,
  -- `filing` or `decision`.
  about text not null,
  proof text not null,
  primary key (place, case_id, about)
);

create table cases_line (
  place text not null,
  id text not null,
  office text not null,
  covers text[] not null,
  rule jsonb not null,
  presence boolean not null,
  quiet boolean not null,
  -- Changes that are published and not yet in force, earliest first.
  announced jsonb not null default '[]',
  -- The number of the last act, and its time.
  n bigint not null,
  at text not null,
  -- The line's calls less its returns, for a shared rule.
  count bigint not null default 0,
  -- Turns that are waiting, called or held; desks on duty.
  living bigint not null default 0,
  desks integer not null default 0,
  closed boolean not null default false,
  primary key (place, id)
);
create index cases_line_office on cases_line (office);

create table cases_turn (
  place text not null,
  line text not null,
  turn text not null,
  class text not null,
  -- Its place in the line: an act's number.
  at_place bigint not null,
  state text not null check (state in ('waiting', 'called', 'held', 'left', 'finished')),
  case_id uuid not null,
  step text not null,
  branch text,
  applicant uuid not null,
  matter text,
  desk text,
  until date,
  held text[] not null default '{}',
  absent boolean not null default false,
  taken_at timestamptz not null,
  called_at timestamptz,
  -- The last sign of work on it while called.
  touched_at timestamptz,
  ended_at timestamptz,
  outcome text,
  -- The opening of `holder`, under the case's key.
  opening bytea not null,
  told_near boolean not null default false,
  -- The turn first: a paper names its turn and not its place.
  primary key (turn, place)
);
-- The lowest waiting place of a class: the only way a turn is found for a desk.
create index cases_turn_waiting on cases_turn (place, line, class, at_place) where state = 'waiting';
create index cases_turn_case on cases_turn (place, case_id);
create index cases_turn_line_over on cases_turn (place, line, ended_at desc) where state in ('left', 'finished');
create unique index cases_turn_matter on cases_turn (place, matter) where matter is not null;
create unique index cases_turn_desk on cases_turn (place, line, desk) where state = 'called';
create index cases_turn_called on cases_turn (touched_at) where state = 'called';

create table cases_pass (
  place text not null,
  turn text not null,
  desk text not null,
  primary key (place, turn, desk)
);

create table cases_desk (
  place text not null,
  office text not null,
  desk text not null,
  person uuid not null,
  -- Where it is on duty, and where it last was.
  line text,
  last_line text,
  -- Lines changed on this day (UTC, as the log's entries carry it).
  changed_on date,
  changes integer not null default 0,
  turn text,
  primary key (place, desk)
);
create unique index cases_desk_person on cases_desk (office, person);

-- Declared in advance by an official: persons or companies whose turns this desk may not serve.
create table cases_conflict (
  place text not null,
  desk text not null,
  -- Keyed digest of the CURP or RFC.
  subject text not null,
  declared_at timestamptz not null,
  withdrawn_at timestamptz,
  primary key (place, desk, subject, declared_at)
);

create table cases_decision (
  place text not null,
  case_id uuid not null,
  -- A short code that people type: eight characters and a check character.
  code text not null,
  turn text not null,
  how text not null check (how in ('act', 'silence')),
  -- The decision's canonical bytes, its opening and its seal, under the case's key.
  sealed bytea not null,
  valid_until date,
  withdrawn_on date,
  decided_at timestamptz not null,
  primary key (place, case_id)
);
create unique index cases_decision_code on cases_decision (code);
create index cases_decision_turn on cases_decision (turn);

create table cases_message (
  place text not null,
  case_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  -- `applicant`, or the desk that wrote.
  author text not null,
  sealed bytea not null,
  primary key (place, case_id, id)
);

create table cases_file (
  place text not null,
  case_id uuid not null,
  id text not null,
  paper text not null,
  size bigint not null,
  -- Name, type and digest, under the case's key.
  sealed bytea not null,
  added_at timestamptz not null,
  primary key (place, case_id, id)
);
create index cases_file_id on cases_file (id);

-- *Me pidieron dinero*: sealed to the control body's public key; the office never sees it. Only its day, office and step are read for the public count.
create table cases_report (
  place text not null,
  id uuid not null,
  office text not null,
  step text,
  day date not null,
  sealed bytea not null,
  primary key (place, id)
);
create index cases_report_office on cases_report (office, day);

-- What must happen by itself. One poller takes what is due.
create table cases_timer (
  place text not null,
  case_id uuid not null,
  kind text not null,
  key text not null default '',
  due timestamptz not null,
  primary key (place, case_id, kind, key)
);
create index cases_timer_due on cases_timer (due);
