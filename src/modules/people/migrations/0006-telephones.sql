-- A contact is an e-mail address or a telephone number. A number may serve a household, so it has no unique index: accounts.ts counts under a lock.
alter table people_contact alter column email drop not null;
-- E.164, as address.ts writes it.
alter table people_contact add column phone text;
alter table people_contact add constraint people_contact_one check (num_nonnulls(email, phone) = 1);
create index people_contact_phone on people_contact (phone) where phone is not null and ended_at is null;
-- Notes of clerks, which nobody has proved, are counted too.
create index people_contact_email on people_contact (email) where email is not null and ended_at is null;

alter table people_code alter column email drop not null;
alter table people_code add column phone text;
alter table people_code add constraint people_code_one check (num_nonnulls(email, phone) = 1);
-- A fourth purpose: after the right code of a number that several persons share, this browser may say once which of them it is.
alter table people_code drop constraint people_code_purpose_check;
alter table people_code add constraint people_code_purpose_check check (purpose in ('sign-in', 'contact', 'counter', 'choice'));

alter table people_session drop constraint people_session_way_check;
alter table people_session add constraint people_session_way_check check (way in ('email', 'receipt', 'counter', 'invite', 'passkey', 'phone'));
