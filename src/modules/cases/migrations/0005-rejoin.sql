-- The draft in which the holder of a turn without its case fills it in again, and the receipt's opening of `holder` under that draft's key (rejoin.ts).
alter table cases_lost_turn add column draft uuid, add column opening bytea;
create index cases_lost_turn_draft on cases_lost_turn (draft) where draft is not null;
