-- Certificates of our own authority, who asks for one, and the lists of what was revoked.

create table signing_certificate (
  -- Hexadecimal of 16 random bytes: no process waits for another's counter.
  serial text primary key,
  -- Whose it is; null for what is not a person's. A certificate outlives the account: who signed must be known as long as signatures count.
  person uuid,
  der bytea not null,
  -- SHA-256 of the public key: one key has one certificate, so that revoking it ends the key.
  key_hash bytea not null unique,
  issued_at timestamptz not null,
  not_after timestamptz not null,
  -- How the person was known: a clerk saw them, or a signature with a certificate that was trusted.
  how text not null check (how in ('counter', 'signature')),
  seen_by uuid,
  office text,
  revoked_at timestamptz,
  reason text,
  check ((how = 'counter') = (seen_by is not null and office is not null)),
  check ((revoked_at is null) = (reason is null))
);
create index signing_certificate_person on signing_certificate (person);
-- The list is made from these alone.
create index signing_certificate_revoked on signing_certificate (not_after) where revoked_at is not null;

-- A request that waits: one for each person. The code is what a clerk types.
create table signing_request (
  person uuid primary key,
  code text not null unique,
  request bytea not null,
  -- What is signed where the person proves themself by a signature.
  statement bytea not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null
);
create index signing_request_expires on signing_request (expires_at);

create sequence signing_list_number;
create table signing_list (
  number bigint primary key,
  der bytea not null,
  this_update timestamptz not null,
  next_update timestamptz not null
);
