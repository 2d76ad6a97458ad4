-- What offices say they cost, month by month: every declaration, the last one counts. Public as it stands here; the log has the hash of each state of it.
create table insight_cost (
  office text not null,
  period text not null,
  declarations jsonb not null,
  primary key (office, period)
);
create index insight_cost_period on insight_cost (period);
