-- Passkeys (WebAuthn), what is asked of them, and how somebody who lost theirs comes to another.

create table people_passkey (
  -- The credential's id, base64url.
  id text primary key,
  person uuid not null references people_person on delete cascade,
  -- COSE, as the authenticator gave it.
  public_key bytea not null,
  -- Only grows, where the authenticator counts at all: one that does not grow was copied.
  counter bigint not null,
  transports text[] not null,
  -- Kept by its maker on several devices; otherwise it cannot leave the one.
  backed_up boolean not null,
  name text not null check (char_length(name) between 1 and 60),
  created_at timestamptz not null,
  used_at timestamptz
);
create index people_passkey_person on people_passkey (person);

-- What a browser is to sign, once. One for a browser and purpose: a new one takes the place of the old.
create table people_challenge (
  browser_hash bytea not null,
  purpose text not null check (purpose in ('add', 'enter')),
  challenge text not null,
  person uuid references people_person on delete cascade,
  expires_at timestamptz not null,
  primary key (browser_hash, purpose)
);
create index people_challenge_expires on people_challenge (expires_at);

-- Codes on paper for who loses every passkey; each works once.
create table people_recovery (
  code_hash bytea primary key,
  person uuid not null references people_person on delete cascade
);
create index people_recovery_person on people_recovery (person);

-- Somebody may add a passkey without showing another: from when, and until when. By a recovery code after a day in which its owner can stop it, or by an administrator's invitation at once.
create table people_enrolment (
  person uuid primary key references people_person on delete cascade,
  from_at timestamptz not null,
  until_at timestamptz not null
);

alter table people_session drop constraint people_session_way_check;
alter table people_session add constraint people_session_way_check check (way in ('email', 'receipt', 'counter', 'invite', 'passkey'));
-- The passkey by which it began: it ends with it.
alter table people_session add column passkey text;
