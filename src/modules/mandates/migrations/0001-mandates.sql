-- Who may act for whom. What a mandate says of people (names, numbers, the text that was signed and its signatures) lies sealed; the rest is what each act is checked against.

create table mandates_mandate (
  id uuid primary key,
  -- What people type and say: at a counter, in a letter.
  code text not null unique,
  kind text not null check (kind in ('relative', 'company', 'accountant', 'helper', 'parent')),
  -- Who wrote it down.
  drafted_by uuid not null,
  -- For whom one acts: known once it is signed, or, for a child, once a counter has seen the papers.
  principal uuid,
  -- Who acts: known once they accept.
  representative uuid,
  -- Ids of services, or the beginning of their ids up to a slash. None: every service.
  services text[] not null,
  may_sign boolean not null,
  from_on date not null,
  until_on date not null,
  -- The most a helper may charge, in centavos.
  cap_centavos integer check (cap_centavos >= 0),
  -- A helper acts in one case: this, or the first one they begin.
  one_case text,
  sealed bytea not null,
  drafted_at timestamptz not null,
  signed_at timestamptz,
  -- By a certificate, or by hand before a clerk.
  signed_how text check (signed_how in ('signature', 'paper')),
  -- A clerk saw that the child is theirs.
  confirmed_at timestamptz,
  seen_by uuid,
  office text,
  invite_hash bytea unique,
  accepted_at timestamptz,
  ended_at timestamptz,
  ended_by text check (ended_by in ('principal', 'representative', 'office')),
  check ((signed_at is null) = (signed_how is null)),
  check ((ended_at is null) = (ended_by is null)),
  check (signed_how is distinct from 'paper' or (seen_by is not null and office is not null)),
  check ((kind = 'helper') = (cap_centavos is not null))
);
-- The check of each act, and what a person sees of both sides.
create index mandates_mandate_representative on mandates_mandate (representative, principal);
create index mandates_mandate_principal on mandates_mandate (principal);
create index mandates_mandate_drafted on mandates_mandate (drafted_by);

-- In which cases something was done by which mandate.
create table mandates_case (
  reference text not null,
  mandate uuid not null references mandates_mandate on delete cascade,
  first_at timestamptz not null,
  -- How it was decided, for the register of helpers.
  result text check (result in ('granted', 'refused')),
  primary key (reference, mandate)
);
create index mandates_case_mandate on mandates_case (mandate);

-- The public register of those who help for others: names are public by the licence and stand with the person.
create table mandates_helper (
  person uuid primary key,
  number text not null unique,
  -- Where they help, in words.
  place text not null check (char_length(place) between 1 and 200),
  cap_centavos integer not null check (cap_centavos >= 0),
  licensed_on date not null,
  until_on date not null,
  licensed_by uuid,
  ended_on date,
  ended_why text check (char_length(ended_why) between 1 and 300)
);
