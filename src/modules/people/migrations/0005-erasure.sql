-- Who asked that what is kept of them be erased, and when that happens; until then they may think better of it.
create table people_erasure (
  person uuid primary key references people_person on delete cascade,
  asked_at timestamptz not null,
  due_at timestamptz not null
);
create index people_erasure_due on people_erasure (due_at);
