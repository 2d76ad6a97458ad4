-- What people say of how they were served. Nothing here joins a rating to a case: the box says for itself what it is about, and is closed with a key that this database does not hold.

-- Which cases have given their rating: one each.
create table voice_given (
  place text not null,
  case_id uuid not null,
  primary key (place, case_id)
);

-- The ratings of months that are not released yet. Random ids, no time but the month.
create table voice_rating (
  id uuid primary key,
  month text not null,
  box bytea not null
);
create index voice_rating_month on voice_rating (month);
