-- What was counted from the public log, and the tables made of it. Ids carry the jurisdiction and come first in every key, so that these tables can be distributed by them.

-- How many entries of the log were counted. One row.
create table insight_state (
  one boolean primary key default true check (one),
  next bigint not null default 0
);
insert into insight_state default values;

create table insight_count (
  id text not null,
  about text not null check (about in ('service', 'line')),
  month text not null,
  measure text not null,
  bucket text not null,
  n bigint not null,
  primary key (id, about, month, measure, bucket)
);
create index insight_count_month on insight_count (month);

-- What must be remembered of entries counted before: cases not decided yet, turns never called, lines. Public names only.
create table insight_case (
  id text primary key,
  service text not null,
  at text not null
);
create table insight_turn (
  id text primary key,
  line text not null,
  at text not null
);
create table insight_line (
  id text primary key,
  office text not null,
  covers text[] not null,
  -- Desks on duty, and since when.
  on_duty jsonb not null
);

-- The published tables, whole, as canonical JSON (gzip). Of a month that is over it is released once and never changes.
create table insight_table (
  set_name text not null,
  period text not null,
  size bigint not null,
  sha256 text not null,
  content bytea not null,
  released_at timestamptz,
  primary key (set_name, period)
);

-- The rows of released tables one by one, for the pages that show one thing over months.
create table insight_row (
  id text not null,
  scope text not null,
  period text not null,
  data jsonb not null,
  primary key (id, scope, period)
);
