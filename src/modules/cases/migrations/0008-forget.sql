-- Whose applicant had their data erased while a paper of theirs was in force: the case is forgotten when the paper is over.
alter table cases_case add column forget boolean not null default false;
create index cases_case_forget on cases_case (place, id) where forget;
