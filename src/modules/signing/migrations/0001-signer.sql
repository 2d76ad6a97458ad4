-- Which signers have stood on our pages: the digest of each file, once. It is in the public log since then.
create table signing_signer (
  file text not null check (file in ('script', 'offline')),
  sha256 text not null,
  published_at timestamptz not null,
  primary key (file, sha256)
);
