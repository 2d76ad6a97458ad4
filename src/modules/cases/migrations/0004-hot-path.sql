-- The matter first: a batch asks for its matters without their places, and with the place in front each question read the whole index.
drop index cases_turn_matter;
create unique index cases_turn_matter on cases_turn (matter, place) where matter is not null;
-- Room in each page for the row's next version, so that a submission touches no index of its case, and an act none of its line.
alter table cases_case set (fillfactor = 80);
alter table cases_line set (fillfactor = 50);
