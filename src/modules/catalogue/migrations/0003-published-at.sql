-- When each row was published, for the feed of changes. Rows from before get the time their content was first stored.
alter table catalogue_published add column published_at timestamptz not null default now();

update catalogue_published p set published_at = coalesce(
  (select d.stored_at from catalogue_definition d where d.hash = p.definition_hash),
  (select a.stored_at from catalogue_adoption a where a.hash = p.adoption_hash),
  p.from_date::timestamptz
);

create index catalogue_published_n on catalogue_published (n);
