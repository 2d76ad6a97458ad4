-- What offices say they cost, month by month: every declaration, the last one counts. Public as it stands here; the log has the hash of each state of it.
create table insight_cost (
  office text not null,
  period text not null,
  declarations jsonb not null,
  primary key (office, period)
);
create index insight_cost_period on insight_cost (period);
-- The lines of an office, whose turns a declaration is divided by.
create index insight_line_office on insight_line (office);
