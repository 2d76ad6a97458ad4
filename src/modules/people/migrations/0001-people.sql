-- Who the people are, how they come in, what they may do and who used their data. The distribution key of every table that grows with
-- people's acts is the person: people_use and people_slip are found by it or by a random reference, never by a shared counter.

create table people_person (
  id uuid primary key,
  -- Null until the person says it. Stands in no other module's table.
  name text check (char_length(name) between 1 and 200),
  language text not null check (language in ('es', 'en')),
  created_at timestamptz not null
);

create table people_identity (
  person uuid not null references people_person on delete cascade,
  kind text not null check (kind in ('curp', 'rfc')),
  -- Normalised by identity.ts, so that one person cannot be two by typing it otherwise.
  value text not null,
  set_at timestamptz not null,
  -- When a clerk saw the paper; null when only the person says so.
  shown_at timestamptz,
  primary key (person, kind)
);
create unique index people_identity_value on people_identity (kind, value);

create table people_contact (
  id uuid primary key,
  person uuid not null references people_person on delete cascade,
  email text not null,
  -- An address that nobody has proved is a note of the clerk's: it neither signs in nor gets mail.
  confirmed_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null
);
create unique index people_contact_living on people_contact (email) where confirmed_at is not null and ended_at is null;
create index people_contact_person on people_contact (person);

create table people_session (
  -- SHA-256 of the cookie: who reads this table can act for nobody.
  token_hash bytea primary key,
  -- The session's name for the rest of the system, safe to compare.
  id text not null unique,
  person uuid not null references people_person on delete cascade,
  way text not null check (way in ('email', 'receipt', 'counter', 'invite')),
  device text not null,
  started_at timestamptz not null,
  -- Written at most once a minute.
  seen_at timestamptz not null,
  ends_at timestamptz not null
);
create index people_session_person on people_session (person);
create index people_session_ends on people_session (ends_at);

create table people_code (
  id uuid primary key,
  purpose text not null check (purpose in ('sign-in', 'contact')),
  -- Whose contact the address becomes; null when signing in, where the address itself says who.
  person uuid references people_person on delete cascade,
  email text not null,
  browser_hash bytea not null,
  code_hash bytea not null,
  tries integer not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
-- One living code for a browser and purpose: a new one takes the place of the old.
create unique index people_code_browser on people_code (browser_hash, purpose);
create index people_code_expires on people_code (expires_at);

-- A printed slip: a reference and a secret that sign its person in. No foreign key: rows come 256 at a time on the way of a submission.
create table people_slip (
  reference text primary key,
  person uuid not null,
  kind text not null check (kind in ('receipt', 'counter')),
  secret_hash bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index people_slip_person on people_slip (person);
create index people_slip_expires on people_slip (expires_at);

create table people_grant (
  person uuid not null references people_person on delete cascade,
  role text not null check (role in ('clerk', 'official', 'supervisor', 'analyst', 'control', 'admin')),
  -- '' for the whole portal, so that it can stand in the key.
  office text not null default '',
  given_at timestamptz not null,
  given_by uuid,
  primary key (person, role, office),
  check (office <> '' or role in ('analyst', 'control', 'admin'))
);
create index people_grant_office on people_grant (office, role);

create table people_invite (
  token_hash bytea primary key,
  email text not null,
  role text not null,
  office text not null default '',
  invited_by uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by uuid
);

-- What the messages module sends to an address that has no inbox yet. Sealed; gone when it expires.
create table people_letter (
  id uuid primary key,
  box bytea not null,
  expires_at timestamptz not null
);
create index people_letter_expires on people_letter (expires_at);

create table people_limit (
  -- HMAC of what is limited: neither addresses nor references stand here.
  key bytea primary key,
  count integer not null,
  ends_at timestamptz not null
);
create index people_limit_ends on people_limit (ends_at);

-- Acts on an account by somebody: roles given, a contact ended, a person taken back at a counter. Never changed, never with personal data.
create table people_event (
  id uuid primary key,
  at timestamptz not null,
  subject uuid not null,
  actor uuid,
  what text not null,
  role text,
  office text
);
create index people_event_subject on people_event (subject, id);

-- Who looked at whose data. Written in the transaction that used a case's key. No foreign key: it outlives what it tells of.
create table people_use (
  subject uuid not null,
  id uuid not null,
  at timestamptz not null,
  -- Null: the system itself, as when silence takes effect.
  actor uuid,
  office text,
  case_reference text,
  key_id text,
  purpose text not null,
  primary key (subject, id)
);
