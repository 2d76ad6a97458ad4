-- What this database is, said once when it is first used: a demonstration can never become a real one.
create table db_installation (
  "only" boolean primary key default true check ("only"),
  demo boolean not null,
  -- The public log's name, which never changes.
  log_origin text not null,
  made_at timestamptz not null
);
