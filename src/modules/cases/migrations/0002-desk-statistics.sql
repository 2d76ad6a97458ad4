-- What each desk did lately, for its office's public page: only acts of desks stand in it, so filing costs nothing more.
create index cases_event_desk on cases_event (place, desk, at) where desk is not null;
-- How many turns a line holds.
create index cases_turn_held on cases_turn (place, line) where state = 'held';
