-- A third purpose: somebody with a contact confirms at a counter what a clerk typed for them.
alter table people_code drop constraint people_code_purpose_check;
alter table people_code add constraint people_code_purpose_check check (purpose in ('sign-in', 'contact', 'counter'));
