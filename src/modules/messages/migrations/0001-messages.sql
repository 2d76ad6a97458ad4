-- What people are told, and whether mail of it arrived. The distribution key is the person.

-- One key a person, wrapped by a key the database does not hold: without its row every message of the person is unreadable for ever.
create table messages_key (
  person uuid primary key,
  wrapped bytea not null
);

create table messages_message (
  person uuid not null,
  id uuid not null,
  template text not null,
  case_reference text,
  -- The template's fields as JSON, sealed under the person's key.
  box bytea not null,
  at timestamptz not null,
  read_at timestamptz,
  primary key (person, id)
);
create index messages_message_at on messages_message (person, at desc, id desc);
create index messages_message_unread on messages_message (person) where read_at is null;

-- One row for each mail that was begun; its id is the message's, or the letter's of the people module.
create table messages_mail (
  id uuid primary key,
  person uuid,
  state text not null check (state in ('queued', 'sent', 'failed', 'bounced', 'none')),
  -- Why not, in a word or a status of SMTP: never an address, never what a server said in its own words.
  reason text,
  tries integer not null,
  -- Until then one process is sending it; null between tries.
  claimed_until timestamptz,
  created_at timestamptz not null,
  done_at timestamptz
);
create index messages_mail_done on messages_mail (done_at) where done_at is not null;

-- Where no mail server is set and this is no production: mail to be looked at on /dev/mail, sealed as everything else.
create table messages_shown (
  id uuid primary key,
  to_hash bytea not null,
  box bytea not null,
  at timestamptz not null
);
create index messages_shown_at on messages_shown (at desc);
create index messages_shown_to on messages_shown (to_hash, at desc);
