-- The page at which a draft would be taken up again, and how many drafts were given up at which page: counted when one is thrown away or forgotten, with nothing of whose it was.

alter table cases_case add column stop text;

create table cases_left (
  place text not null,
  service text not null,
  -- The month of UTC in which it was given up, `2026-11`.
  month text not null,
  -- `start`, a page of the form, `papers` or `review`.
  stop text not null,
  n integer not null,
  primary key (place, service, month, stop)
);
create index cases_left_month on cases_left (month);
