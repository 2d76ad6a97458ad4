-- What analysts write before it is published, with every saved state; and the files that what is published came from.

create table catalogue_draft (
  id uuid primary key,
  -- The base's id under services/; '' for the adoptions of a place.
  base text not null,
  -- INEGI key of the place whose adoptions these are; '' for a base.
  place text not null,
  state text not null check (state in ('open', 'sent', 'published', 'dropped')),
  -- Hash of what was newest when it was begun, by which a later publication of somebody else is noticed; null where there was nothing.
  begun_from text,
  -- The newest saved state.
  n integer not null,
  changed_at timestamptz not null,
  check ((base = '') <> (place = ''))
);
create index catalogue_draft_state on catalogue_draft (state, changed_at);

-- Never changed. Undo writes an older state anew, with the number it went back to.
create table catalogue_draft_save (
  draft uuid not null references catalogue_draft,
  n integer not null,
  at timestamptz not null,
  person uuid not null,
  -- The page on which it was saved.
  part text not null,
  back_to integer,
  content text not null,
  primary key (draft, n)
);

-- Sent, sent back with words, approved, taken back, dropped: who, when, and on which state.
create table catalogue_draft_act (
  draft uuid not null references catalogue_draft,
  id bigint generated always as identity,
  at timestamptz not null,
  person uuid not null,
  what text not null check (what in ('sent', 'returned', 'approved', 'taken-back', 'dropped')),
  n integer not null,
  note text not null default '',
  primary key (draft, id)
);

-- Of each base, and of each place ('' as base), the files as they were brought or published last; and what the folder brought last.
create table catalogue_source (
  base text not null,
  place text not null,
  -- JSON: file name -> text. Null for a base in a place, which is a part of the place's file.
  files text,
  -- Hash of what the folder brought last; null where it never brought any.
  seed text,
  -- The folder's files where something else is in force.
  seed_files text,
  primary key (base, place)
);

-- Two towns that approve for one another; agreed when both have said so.
create table catalogue_pairing (
  place text not null,
  partner text not null,
  said_by uuid not null,
  said_at timestamptz not null,
  primary key (place, partner),
  check (place <> partner)
);

-- Read the folder once more, so that its files are known.
update catalogue_state set folder = null;
