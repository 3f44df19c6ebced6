-- What a repository's retention says, as JSON; how long its trash is kept, in microseconds.
create table retention (
  repo bigint primary key references repos (id) on delete cascade,
  policy {text} not null,
  trash_for bigint not null,
  changed_at bigint not null,
  changed_by {text} not null
);

-- What was previewed: which versions would go, as eight bytes of a hash each.
create table retention_previews (
  id {text} primary key,
  repo bigint not null references repos (id) on delete cascade,
  policy {text} not null,
  created_at bigint not null,
  deletions {bytes} not null
);
create index retention_previews_created on retention_previews (created_at);
create index retention_previews_repo on retention_previews (repo);

-- What was deleted and can be restored.
create table trash (
  id bigint primary key,
  repo bigint not null references repos (id),
  package {text} not null,
  what {text} not null,
  version {text} not null,
  digest {text} not null,
  deleted_by {text} not null,
  reason {text} not null,
  deleted_at bigint not null,
  expires_at bigint not null,
  bytes bigint not null,
  files bigint not null
);
create index trash_repo on trash (repo, id);
create index trash_expires on trash (expires_at, id);

-- The rows that an entry puts back. Their digests hold the bytes, so the collector cannot take them.
-- `place`: `gone`, a file that was deleted; `moved`, a tag that was to be set to `moved_to`; `needed`,
-- what the image needs, whether or not it was deleted; `reserved`, a tombstone that the deletion left.
create table trash_files (
  trash bigint not null references trash (id),
  repo bigint not null,
  package {text} not null,
  kind {text} not null,
  path {text} not null,
  place {text} not null,
  moved_to {text} not null,
  digest {text} not null references blobs (digest),
  content_type {text} not null,
  metadata {text} not null,
  created_at bigint not null,
  created_by {text} not null,
  version {text} not null,
  owner {text} not null,
  used_at bigint not null,
  primary key (trash, package, kind, path)
) {clustered};
create index trash_files_digest on trash_files (digest);

create table trash_edges (
  trash bigint not null references trash (id),
  parent {text} not null,
  child {text} not null,
  kind {text} not null,
  primary key (trash, parent, kind, child)
) {clustered};

-- Versions that nobody can move, replace or delete: patterns, as each database matches texts. A tag
-- without a version is that of an image; what a tag of packages points at may change.
create table immutable_versions (
  repo bigint not null references repos (id) on delete cascade,
  pattern {text} not null,
  matcher {text} not null,
  primary key (repo, pattern)
) {clustered};

--{sqlite
-- Bytes of the trash have waited there: the collector need not wait before its first look.
create trigger trash_files_gone after delete on trash_files begin
  insert into gc_blobs (digest, since) values (old.digest, 0) on conflict (digest) do nothing;
end;
create trigger files_immutable_gone before delete on files
when old.kind in ('tag', 'artifact', 'manifest', 'blob') and exists (
  select 1 from immutable_versions i
  where i.repo = old.repo and (
    (old.kind = 'tag' and old.version = '' and old.path glob i.matcher)
    or (old.kind = 'artifact' and old.version <> '' and old.version glob i.matcher)
    or (old.kind = 'manifest' and exists (select 1 from files t
      where t.repo = old.repo and t.package = old.package and t.kind = 'tag'
      and t.path glob i.matcher and (t.digest = old.path or exists (select 1 from edges e
        where e.child = old.path and e.repo = old.repo and e.package = old.package
        and e.kind = 'manifest' and e.parent = t.digest))))
    or (old.kind = 'blob' and exists (select 1 from edges e join files t
      on t.repo = e.repo and t.package = e.package and t.kind = 'tag' and t.path glob i.matcher
      and (t.digest = e.parent or exists (select 1 from edges p where p.child = e.parent
        and p.repo = e.repo and p.package = e.package and p.kind = 'manifest'
        and p.parent = t.digest))
      where e.child = old.path and e.repo = old.repo and e.package = old.package
      and e.kind <> 'subject'))))
begin
  select raise(abort, 'immutable');
end;
create trigger files_immutable_moved before update of digest on files
when old.kind in ('tag', 'artifact') and old.digest <> new.digest and exists (
  select 1 from immutable_versions i
  where i.repo = old.repo and (
    (old.kind = 'tag' and old.version = '' and old.path glob i.matcher)
    or (old.kind = 'artifact' and old.version <> '' and old.version glob i.matcher)))
begin
  select raise(abort, 'immutable');
end;
--}
--{postgres
create function larder_trash_gone() returns trigger language plpgsql as $$
begin
  insert into gc_blobs (digest, since) values (old.digest, 0) on conflict (digest) do nothing;
  return null;
end $$;
create trigger trash_files_gone after delete on trash_files
  for each row execute function larder_trash_gone();
create function larder_immutable_gone() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from immutable_versions i
    where i.repo = old.repo and (
      (old.kind = 'tag' and old.version = '' and old.path like i.matcher)
      or (old.kind = 'artifact' and old.version <> '' and old.version like i.matcher)
      or (old.kind = 'manifest' and exists (select 1 from files t
        where t.repo = old.repo and t.package = old.package and t.kind = 'tag'
        and t.path like i.matcher and (t.digest = old.path or exists (select 1 from edges e
          where e.child = old.path and e.repo = old.repo and e.package = old.package
          and e.kind = 'manifest' and e.parent = t.digest))))
      or (old.kind = 'blob' and exists (select 1 from edges e join files t
        on t.repo = e.repo and t.package = e.package and t.kind = 'tag' and t.path like i.matcher
        and (t.digest = e.parent or exists (select 1 from edges p where p.child = e.parent
          and p.repo = e.repo and p.package = e.package and p.kind = 'manifest'
          and p.parent = t.digest))
        where e.child = old.path and e.repo = old.repo and e.package = old.package
        and e.kind <> 'subject'))))
  then
    raise exception 'immutable' using errcode = 'LR001';
  end if;
  return old;
end $$;
create trigger files_immutable_gone before delete on files
  for each row when (old.kind in ('tag', 'artifact', 'manifest', 'blob'))
  execute function larder_immutable_gone();
create function larder_immutable_moved() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from immutable_versions i
    where i.repo = old.repo and (
      (old.kind = 'tag' and old.version = '' and old.path like i.matcher)
      or (old.kind = 'artifact' and old.version <> '' and old.version like i.matcher)))
  then
    raise exception 'immutable' using errcode = 'LR001';
  end if;
  return new;
end $$;
create trigger files_immutable_moved before update of digest on files
  for each row when (old.kind in ('tag', 'artifact') and old.digest <> new.digest)
  execute function larder_immutable_moved();
--}
