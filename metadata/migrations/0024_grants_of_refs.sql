-- Which refs of a repository a grant lets change; empty: all of them. Grants that differ in nothing
-- else stand beside each other.
create table grants_of_refs (
  id bigint primary key,
  subject {text} not null,
  repository {text} not null,
  package {text} not null,
  refs {text} not null,
  role {text} not null,
  created_at bigint not null,
  created_by {text} not null,
  networks {text} not null,
  unique (subject, repository, package, refs, role)
);
insert into grants_of_refs select id, subject, repository, package, '', role, created_at, created_by,
  networks from grants;
drop table grants;
alter table grants_of_refs rename to grants;
create index grants_subject on grants (subject, repository, id);
create index grants_repository on grants (repository, id);
