-- The public log (DESIGN.md). Entries wait in `pending`; the sequencer moves them into `batch`, and from then on their order is fixed.

-- Committed entries that have no index yet. Ids come from a sequence without a cache: within one line they rise as the acts do, because an act
-- takes its id under the line's row lock. A cache would hand ids to each session in blocks and break that.
create table publiclog_pending (
  id bigint generated always as identity (cache 1) primary key,
  bytes bytea not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Entries with their indexes, as many as one taking found: entry `ids[i]` (from 1) stands at index `first + i - 1`, its bytes are the i-th of
-- `entries`, which is written as a bundle of tlog-tiles (each behind its length, big-endian uint16). One row for thousands of entries keeps the
-- cost of an entry low: its pending row is deleted, and no row and no index entry of its own is made again. Never updated, never deleted.
create table publiclog_batch (
  first bigint primary key,
  count integer not null check (count > 0 and count = cardinality(ids)),
  -- From the lowest to the highest id. Those of two batches overlap only where transactions did.
  span int8range not null,
  ids bigint[] not null,
  entries bytea not null
);
-- Compressing here would cost more than all the rest.
alter table publiclog_batch alter column ids set storage external, alter column entries set storage external;
create index publiclog_batch_span on publiclog_batch using gist (span);

-- One row. `indexed`: how many entries have an index. `size`, `root`, `note`: the newest tree head that was signed, never more than `indexed`; a
-- size is signed once. `note` is null until the first. `origin` is set once: a log cannot become another.
create table publiclog_head (
  one boolean primary key default true check (one),
  origin text,
  indexed bigint not null default 0,
  size bigint not null default 0 check (size <= indexed),
  root bytea,
  note text
);
insert into publiclog_head default values;

-- As a witness: the newest tree head of each other log that we cosigned.
create table publiclog_witnessed (
  origin text primary key,
  size bigint not null,
  root bytea not null,
  note text not null,
  at timestamptz not null
);
