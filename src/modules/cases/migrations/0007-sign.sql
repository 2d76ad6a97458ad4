-- Steps that people sign: what is signed, who must, and their signatures. All content lies under the case's key.

create table cases_signing (
  place text not null,
  case_id uuid not null,
  step text not null,
  -- When the step was opened, as the case's steps say: a step that comes again is signed again.
  opened text not null,
  -- The exact bytes that are signed.
  statement bytea not null,
  -- The last day on which signatures are taken.
  until date not null,
  primary key (place, case_id, step, opened)
);

create table cases_signer (
  place text not null,
  case_id uuid not null,
  step text not null,
  opened text not null,
  -- The place in the list, from 1; in an ordered step nobody signs before those in front.
  n integer not null,
  -- Who: name, identities and e-mail as the filing gives them.
  sealed bytea not null,
  -- SHA-256 of the secret in the newest invitation.
  token_hash bytea,
  invited_at timestamptz,
  declined_at timestamptz,
  signed_at timestamptz,
  -- The signature (CMS), raised later by timestamps and answers about revocation; and what it says, in words.
  signature bytea,
  level text check (level in ('B-B', 'B-T', 'B-LT')),
  primary key (place, case_id, step, opened, n),
  check ((signed_at is null) = (signature is null) and (signature is null) = (level is null))
);
create unique index cases_signer_token on cases_signer (token_hash);
