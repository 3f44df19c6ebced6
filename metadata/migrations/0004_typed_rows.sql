-- Every file has a kind, which is part of its key: no name that a client chooses meets one of ours.
-- What was squeezed into `etag` and `checked_at` has columns of its own.
create table typed_files (
  repo bigint not null references repos (id),
  package {text} not null,
  kind {text} not null,
  path {text} not null,
  digest {text} not null references blobs (digest),
  content_type {text} not null,
  metadata {text} not null,
  created_at bigint not null,
  created_by {text} not null,
  version {text} not null,
  etag {text} not null,
  modified {text} not null,
  checked_at bigint not null,
  -- What an index promised of an artifact's bytes.
  integrity {text} not null,
  -- The digest of the document that a representation was made from, and the edition of its maker.
  derived_from {text} not null,
  -- The package of a file that has an address in the whole repository.
  owner {text} not null,
  -- How long a document lasts that was composed here.
  lifetime {text} not null,
  -- When a part of an index was in use last; 0: it is.
  retired_at bigint not null,
  used_at bigint not null,
  primary key (repo, package, kind, path)
) {clustered};

-- What a group of rpm repositories composed is composed again.
delete from files where etag in ('composed', 'companion', 'state')
  and repo in (select id from repos where kind = 'group');

insert into typed_files
select f.repo, f.package, f.kind,
  case f.kind
    when 'representation' then substr(f.path, 7)
    when 'manifest' then substr(f.path, 11)
    when 'blob' then substr(f.path, 7)
    when 'tag' then substr(f.path, 6)
    when 'tombstone' then substr(f.path, 6)
    when 'name' then ''
    else f.path
  end,
  f.digest, f.content_type, f.facts, f.created_at, f.created_by, f.version,
  case when f.repo_kind = 'mirror' and f.kind in ('document', 'tag') then f.etag else '' end,
  f.modified,
  case when f.lifetime = 'immutable' then 0 else f.checked_at end,
  case when f.repo_kind = 'mirror' and f.kind in ('artifact', 'manifest', 'blob') then f.etag else '' end,
  case when f.kind = 'representation' then f.etag else '' end,
  case when f.repo_kind = 'hosted' and f.package = '' and f.etag like 'of %' then substr(f.etag, 4) else '' end,
  f.lifetime,
  case when f.lifetime = 'immutable' then f.checked_at else 0 end,
  0
from (select f.*, r.kind as repo_kind,
  case
    when f.path > 'forms/' and f.path < 'forms0' and f.created_by = 'larder' then 'representation'
    when r.protocol = 'oci' and f.path > 'tags/' and f.path < 'tags0' then 'tag'
    when r.protocol = 'oci' and f.path > 'manifests/' and f.path < 'manifests0' then 'manifest'
    when r.protocol = 'oci' and f.path > 'blobs/' and f.path < 'blobs0' then 'blob'
    when r.protocol = 'oci' then 'document'
    when r.kind = 'hosted' and f.etag in ('composed', 'companion') then 'document'
    when r.kind = 'hosted' and f.path = 'owned' and f.package <> '' and f.version = '' and f.facts = ''
      then 'name'
    when r.kind = 'hosted' and f.path > 'gone/' and f.path < 'gone0' then 'tombstone'
    when r.protocol = 'npm' and r.kind = 'hosted' and f.path > 'tags/' and f.path < 'tags0' then 'tag'
    when r.kind = 'mirror' and exists (select 1 from history h
      where h.repo = f.repo and h.package = f.package and h.path = f.path) then 'document'
    else 'artifact'
  end as kind,
  -- An upstream's entity tag may be any text, also one of these.
  case
    when r.kind = 'hosted' and f.etag = 'composed' then 'until_change'
    when r.kind = 'hosted' and f.etag = 'companion' then 'until_next'
    when r.kind = 'hosted' and f.etag = 'state' then 'immutable'
    else ''
  end as lifetime
  from files f join repos r on r.id = f.repo) f;

-- How long a state of a movable name was confirmed, and when it went away (an empty digest). Of the
-- present state `checked_at` is 0: its file has it. Of a past one only the first moment is known.
create table typed_history (
  repo bigint not null,
  package {text} not null,
  kind {text} not null,
  path {text} not null,
  seen_at bigint not null,
  digest {text} not null,
  checked_at bigint not null,
  metadata {text} not null,
  created_by {text} not null,
  primary key (repo, package, kind, path, seen_at)
) {clustered};
insert into typed_history
select h.repo, h.package,
  case when r.protocol = 'oci' and h.path > 'tags/' and h.path < 'tags0' then 'tag' else 'document' end,
  case when r.protocol = 'oci' and h.path > 'tags/' and h.path < 'tags0' then substr(h.path, 6) else h.path end,
  h.seen_at, h.digest,
  case
    when exists (select 1 from history l where l.repo = h.repo and l.package = h.package
      and l.path = h.path and l.seen_at > h.seen_at) then h.seen_at
    when exists (select 1 from files f where f.repo = h.repo and f.package = h.package
      and f.path = h.path and f.digest = h.digest) then 0
    else h.seen_at
  end,
  '', 'upstream'
from history h join repos r on r.id = h.repo;
drop table history;
alter table typed_history rename to history;

drop table files;
alter table typed_files rename to files;
create index files_digest on files (digest);
create index files_version on files (repo, package, version) where version <> '';
create index files_reserved on files (repo, package, kind, path) where kind in ('name', 'tombstone');

-- Members of a group are repositories, not names: one that is deleted leaves a gap that everyone sees.
create table repo_members (
  group_id bigint not null references repos (id) on delete cascade,
  position bigint not null,
  member_id bigint references repos (id) on delete set null,
  member_name {text} not null,
  primary key (group_id, position)
) {clustered};
create index repo_members_member on repo_members (member_id);

-- Published names that outlive their repository.
create table reservations (
  protocol {text} not null,
  repository {text} not null,
  package {text} not null,
  version {text} not null,
  reserved_at bigint not null,
  reserved_by {text} not null,
  primary key (protocol, repository, package, version)
) {clustered};
create index reservations_package on reservations (protocol, package);

-- Whether everyone may read a mirror or a group follows from what it is, or is a setting of it. The
-- grants that the server made for it go; what nobody opened stays closed.
update repos set settings = '{"open":true' || case settings when '{}' then '}' else ',' || substr(settings, 2) end
  where kind = 'group' and exists (select 1 from grants g
    where g.subject = 'anonymous' and g.package = '*' and g.role = 'reader' and g.created_by = 'first start'
    and g.repository = repos.protocol || '/' || repos.name);
update repos set settings = '{"open":false' || case settings when '{}' then '}' else ',' || substr(settings, 2) end
  where kind in ('mirror', 'group') and settings not like '%"password":%' and not exists (select 1 from grants g
    where g.subject = 'anonymous' and g.package = '*' and g.role = 'reader'
    and g.repository = repos.protocol || '/' || repos.name);
delete from grants where subject = 'anonymous' and package = '*' and role = 'reader'
  and exists (select 1 from repos r where grants.repository = r.protocol || '/' || r.name and (
    (r.kind = 'mirror' and r.settings not like '%"password":%')
    or (r.kind = 'group' and grants.created_by = 'first start')));

alter table uploads rename column incarnation to boot_id;
