-- Other systems sign people in by this portal, and this portal by another. What a token is worth stands here only as a hash; what belongs to it is sealed with
-- a key that this database does not hold.

create table federation_client (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name text not null check (char_length(name) between 2 and 120),
  -- Who answers for it, in words.
  agency text not null check (char_length(agency) between 2 and 200),
  redirect_uris text[] not null check (cardinality(redirect_uris) between 1 and 20),
  post_logout_uris text[] not null,
  backchannel_logout_uri text,
  scopes text[] not null,
  auth text not null check (auth in ('private_key_jwt', 'client_secret_basic', 'none')),
  -- SHA-256 of a secret of 256 random bits, which was shown once.
  secret_hash bytea,
  jwks jsonb,
  dpop boolean not null,
  id_token_alg text not null check (id_token_alg in ('ES256', 'RS256')),
  created_at timestamptz not null,
  disabled_at timestamptz,
  check ((auth = 'client_secret_basic') = (secret_hash is not null) and (auth = 'private_key_jwt') = (jwks is not null))
);

-- What the protocol keeps for a while: sessions, requests pushed ahead, codes, tokens. Of a token that its holder has, only the hash.
create table federation_artifact (
  kind text not null,
  id_hash bytea not null,
  box bytea not null,
  -- By which others are found: all tokens of one consent, a session by its second name, all that a person gave a client, all that began in a session of the portal.
  grant_hash bytea,
  uid_hash bytea,
  person uuid,
  client text,
  portal_session text,
  -- A code or token that is used once: set by whoever was first.
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (kind, id_hash)
);
create index federation_artifact_expires on federation_artifact (expires_at);
create index federation_artifact_grant on federation_artifact (grant_hash) where grant_hash is not null;
create index federation_artifact_uid on federation_artifact (uid_hash) where uid_hash is not null;
create index federation_artifact_given on federation_artifact (person, client) where person is not null;
create index federation_artifact_session on federation_artifact (portal_session) where portal_session is not null;

-- What a person agreed that a client may know.
create table federation_consent (
  person uuid not null,
  client text not null references federation_client on delete cascade,
  scopes text[] not null,
  given_at timestamptz not null,
  primary key (person, client)
);

-- The keys that tokens are signed with; the private half is sealed. The newest whose time has come signs, the others are published until their tokens are over.
create table federation_key (
  kid text primary key,
  alg text not null check (alg in ('ES256', 'RS256')),
  box bytea not null,
  made_at timestamptz not null,
  signs_from timestamptz not null,
  -- Set when a later one takes its place.
  ends_at timestamptz
);

-- Whom an outside provider knows under which name.
create table federation_link (
  issuer text not null,
  subject text not null,
  person uuid not null,
  linked_at timestamptz not null,
  primary key (issuer, subject)
);
create unique index federation_link_person on federation_link (person, issuer);

-- How surely the outside provider knew who began a session of the portal, and since when; until that session ends.
create table federation_outside_session (
  session text primary key,
  level smallint not null check (level between 1 and 3),
  authenticated_at timestamptz not null,
  ends_at timestamptz not null
);
create index federation_outside_session_ends on federation_outside_session (ends_at);
