-- How much a repository may have, or those together whose names fit a pattern, and how much they have.
create table quotas (
  id bigint primary key,
  -- Whose it is; null: that of all hosted repositories which `repositories` fits.
  repo bigint references repos (id) on delete cascade,
  repositories {text} not null,
  max_bytes bigint,
  max_versions bigint,
  bytes bigint not null,
  versions bigint not null,
  -- While a batch changes the counts: as they were before it.
  bytes_before bigint not null,
  versions_before bigint not null,
  -- 1: a batch has changed the counts; 2: it has set the quota itself; 3: it counts anew, and is not done;
  -- 0 once that was judged.
  open bigint not null,
  -- Four fifths are used. 1: that is to be told; 2: it was.
  warning bigint not null,
  created_at bigint not null,
  created_by {text} not null
);
create unique index quotas_repo on quotas (repo);
create index quotas_open on quotas (id) where open <> 0;
create index quotas_warning on quotas (id) where warning = 1;

-- Which quotas a repository has to fit. What is in repositories without one is not counted.
create table quota_repos (
  repo bigint not null,
  quota bigint not null,
  primary key (repo, quota)
) {clustered};
create index quota_repos_quota on quota_repos (quota, repo);

-- What counts in a repository, each once: `bytes`, a digest (of no package); `version`, a version or
-- an image's tag. `refs`: how many rows of files have it.
create table quota_items (
  repo bigint not null,
  kind {text} not null,
  package {text} not null,
  name {text} not null,
  refs bigint not null,
  bytes bigint not null,
  primary key (repo, kind, package, name)
) {clustered};

-- Blobs of images whose last manifest went. Their rows wait for the collector and do not count.
create table quota_released (
  repo bigint not null,
  package {text} not null,
  digest {text} not null,
  primary key (repo, package, digest)
) {clustered};

-- SQLite counts by triggers of a connection of its own (`metadata/src/sqlite/counting.sql`).
--{sqlite
create view quota_matches as select q.id as quota, r.id as repo from quotas q join repos r
  on r.kind = 'hosted' and r.protocol || '/' || r.name
  glob replace(replace(q.repositories, '[', '[[]'), '?', '[?]')
  where q.repo is null;
--}
--{postgres
create view quota_matches as select q.id as quota, r.id as repo from quotas q join repos r
  on r.kind = 'hosted' and r.protocol || '/' || r.name
  like replace(replace(replace(replace(q.repositories, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
  where q.repo is null;

-- Whoever sets a quota has the repository's row to itself until its count is there. A new file has
-- locked that row by its reference, which is checked before this trigger (by its name); all others
-- lock it here. Every statement of a function sees what was committed before it.
create function larder_hold(held_repo bigint, held_kind text, held_package text, held_name text,
  held_bytes bigint) returns void language plpgsql as $$
begin
  insert into quota_items (repo, kind, package, name, refs, bytes)
    values (held_repo, held_kind, held_package, held_name, 1, held_bytes)
    on conflict (repo, kind, package, name) do update set refs = quota_items.refs + 1;
end $$;
create function larder_let_go(held_repo bigint, held_kind text, held_package text, held_name text)
  returns void language plpgsql as $$
begin
  update quota_items set refs = refs - 1 where repo = held_repo and kind = held_kind
    and package = held_package and name = held_name;
  delete from quota_items where repo = held_repo and kind = held_kind
    and package = held_package and name = held_name and refs <= 0;
end $$;
create function larder_file_counted() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from quota_repos where repo = new.repo) then
    return null;
  end if;
  if new.kind <> 'tag' then
    perform larder_hold(new.repo, 'bytes', '', new.digest,
      (select size from blobs where digest = new.digest));
  end if;
  if new.kind = 'tag' and new.version = '' then
    perform larder_hold(new.repo, 'version', new.package, new.path, 0);
  elsif new.kind = 'artifact' and new.version <> '' then
    perform larder_hold(new.repo, 'version', new.package, new.version, 0);
  elsif new.kind = 'manifest' then
    -- Its edges may have come before the quota was there.
    delete from quota_released where repo = new.repo and package = new.package
      and digest in (select child from edges where repo = new.repo and package = new.package
        and parent = new.path and kind <> 'subject');
  end if;
  return null;
end $$;
create trigger files_counted after insert on files for each row
  when (new.kind in ('blob', 'manifest', 'artifact', 'tag') and new.lifetime = '' and new.owner = '')
  execute function larder_file_counted();
create function larder_file_uncounted() returns trigger language plpgsql as $$
begin
  perform 1 from repos where id = old.repo for key share;
  if not exists (select 1 from quota_repos where repo = old.repo) then
    return null;
  end if;
  if old.kind = 'blob' then
    delete from quota_released
      where repo = old.repo and package = old.package and digest = old.path;
  end if;
  if old.kind <> 'tag' then
    perform larder_let_go(old.repo, 'bytes', '', old.digest);
  end if;
  if old.kind = 'tag' and old.version = '' then
    perform larder_let_go(old.repo, 'version', old.package, old.path);
  elsif old.kind = 'artifact' and old.version <> '' then
    perform larder_let_go(old.repo, 'version', old.package, old.version);
  end if;
  return null;
end $$;
create trigger files_uncounted after delete on files for each row
  when (old.kind in ('blob', 'manifest', 'artifact', 'tag') and old.lifetime = '' and old.owner = '')
  execute function larder_file_uncounted();
-- The trigger edges_gone, which comes first by its name, has locked the blob's row.
create function larder_edge_released() returns trigger language plpgsql as $$
begin
  perform 1 from repos where id = old.repo for key share;
  if exists (select 1 from quota_repos where repo = old.repo)
    and not exists (select 1 from edges where child = old.child and repo = old.repo
      and package = old.package and kind <> 'subject') then
    insert into quota_released (repo, package, digest) select repo, package, path from files
      where repo = old.repo and package = old.package and kind = 'blob' and path = old.child
      on conflict (repo, package, digest) do nothing;
  end if;
  return null;
end $$;
create trigger edges_released after delete on edges for each row when (old.kind <> 'subject')
  execute function larder_edge_released();
create function larder_edge_held() returns trigger language plpgsql as $$
begin
  if exists (select 1 from quota_repos where repo = new.repo) then
    perform 1 from files where repo = new.repo and package = new.package and kind = 'blob'
      and path = new.child for share;
    delete from quota_released
      where repo = new.repo and package = new.package and digest = new.child;
  end if;
  return null;
end $$;
create trigger edges_held after insert on edges for each row when (new.kind <> 'subject')
  execute function larder_edge_held();
create function larder_released() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform larder_let_go(new.repo, 'bytes', '', new.digest);
  elsif exists (select 1 from quota_repos where repo = old.repo) then
    perform larder_hold(old.repo, 'bytes', '', old.digest,
      (select size from blobs where digest = old.digest));
  end if;
  return null;
end $$;
create trigger quota_released_changed after insert or delete on quota_released
  for each row execute function larder_released();

-- Counts are moved at the commit alone, in the order of ids: whoever waits for one holds nothing that
-- others still need. A quota that is being set counts by itself.
create function larder_item_counted() returns trigger language plpgsql as $$
declare
  quota_of bigint;
  sign bigint := case tg_op when 'INSERT' then 1 else -1 end;
  item quota_items := case tg_op when 'INSERT' then new else old end;
begin
  for quota_of in select quota from quota_repos where repo = item.repo order by quota loop
    update quotas set bytes = bytes + sign * item.bytes,
      versions = versions + case item.kind when 'version' then sign else 0 end,
      bytes_before = case open when 0 then bytes else bytes_before end,
      versions_before = case open when 0 then versions else versions_before end, open = 1
      where id = quota_of and open < 2;
  end loop;
  return null;
end $$;
create constraint trigger quota_items_counted after insert or delete on quota_items
  deferrable initially deferred for each row execute function larder_item_counted();
-- Fired behind all that the batch counted.
create function larder_quota_judged() returns trigger language plpgsql as $$
declare
  q quotas;
  whose text;
begin
  select * into q from quotas where id = new.id;
  if not found or q.open = 0 then
    return null;
  end if;
  whose := coalesce((select protocol || '/' || name from repos where id = q.repo), q.repositories);
  if q.open = 1 and q.bytes > q.max_bytes and q.bytes > q.bytes_before then
    raise exception 'bytes % % % % %', q.max_bytes, q.bytes_before, q.bytes,
      case when q.repo is null then 'shared' else 'own' end, whose using errcode = 'LR002';
  end if;
  if q.open = 1 and q.versions > q.max_versions and q.versions > q.versions_before then
    raise exception 'versions % % % % %', q.max_versions, q.versions_before, q.versions,
      case when q.repo is null then 'shared' else 'own' end, whose using errcode = 'LR002';
  end if;
  update quotas set open = 0, warning = case
    when (bytes > 0 and bytes * 5 >= max_bytes * 4)
      or (versions > 0 and versions * 5 >= max_versions * 4)
    then case warning when 0 then 1 else warning end else 0 end where id = q.id;
  return null;
end $$;
create constraint trigger quotas_judged after update on quotas
  deferrable initially deferred for each row
  when (new.open = 2 or (new.open = 1 and old.open = 0)) execute function larder_quota_judged();
--}
