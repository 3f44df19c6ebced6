-- What a mirror knows of a file: the upstream's validators, when it last mark_checked for it, which version it belongs to.
-- Of a file that was made here from another, `etag` names what it was made from.
alter table files add column version {text} not null default '';
alter table files add column etag {text} not null default '';
alter table files add column modified {text} not null default '';
alter table files add column checked_at bigint not null default 0;

-- Every state of a document that was ever served.
create table history (
  repo bigint not null,
  package {text} not null,
  path {text} not null,
  seen_at bigint not null,
  digest {text} not null,
  primary key (repo, package, path, seen_at)
) {clustered};
