-- Definitions and adoptions for ever, by hash; what is published from when; and the one row that processes watch.

create table catalogue_definition (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  base text not null,
  -- Canonical JSON {definition, text}; its SHA-256 is the hash.
  content text not null,
  stored_at timestamptz not null default now()
);

create table catalogue_adoption (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  content text not null,
  stored_at timestamptz not null default now()
);

-- A base, or a place's difference to it (adoption null: the place has none any more). The newest row with from_date not after today is in force.
create table catalogue_published (
  base text not null,
  place text not null,
  from_date date not null,
  n bigint generated always as identity,
  definition_hash text references catalogue_definition,
  adoption_hash text references catalogue_adoption,
  entry bigint,
  primary key (base, place, n),
  check (place = '' or definition_hash is null)
);

-- Which parts a pinned hash stands for. A service without a difference is pinned without a row of its place: the place is the case's.
create table catalogue_version (
  hash text primary key,
  definition_hash text not null references catalogue_definition,
  adoption_hash text references catalogue_adoption
);

create table catalogue_state (
  one smallint primary key default 1 check (one = 1),
  version bigint not null default 0,
  -- SHA-256 over the files of the folder last loaded: the same folder is not checked again.
  folder text
);
insert into catalogue_state default values;
