-- The actor did it for the subject, by a mandate: the subject reads their name.
alter table people_use add column represents boolean not null default false;
