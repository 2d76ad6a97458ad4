-- What a recovery found in the published log and not in this database (recover.ts). Both tables are empty where nothing was ever lost.

-- Cases of which something was lost. `filing`: the case itself, or all after its draft; `step`: what a desk found in a step that the log says is over;
-- `decision`: the document of a case that the log says is decided.
create table cases_lost_case (
  pseudonym text primary key,
  what text not null check (what in ('filing', 'step', 'decision')),
  service text not null,
  filed_at text,
  -- Who is to be told, where this database knows it, and under which reference.
  holder uuid,
  reference text,
  told_at timestamptz
);

-- Turns whose case is not known here. Each hangs on a stand-in, a case without contents, until its holder comes with the receipt: that opens `holder`.
create table cases_lost_turn (
  place text not null,
  turn text not null,
  line text not null,
  n bigint not null,
  holder text not null,
  taken_at text not null,
  stand_in uuid not null,
  primary key (turn, place)
);
