-- Counts what is published in repositories that have to fit a quota, and what is deleted there. Triggers of
-- one connection alone, for a statement with a trigger costs more even where the trigger does nothing.
create temp trigger files_counted after insert on main.files
when new.kind in ('blob', 'manifest', 'artifact', 'tag') and new.lifetime = '' and new.owner = ''
  and exists (select 1 from quota_repos where repo = new.repo)
begin
  insert into quota_items (repo, kind, package, name, refs, bytes)
    select new.repo, 'bytes', '', digest, 1, size from blobs
    where digest = new.digest and new.kind <> 'tag'
    on conflict (repo, kind, package, name) do update set refs = refs + 1;
  insert into quota_items (repo, kind, package, name, refs, bytes)
    select new.repo, 'version', new.package,
    case new.kind when 'tag' then new.path else new.version end, 1, 0
    where (new.kind = 'tag' and new.version = '') or (new.kind = 'artifact' and new.version <> '')
    on conflict (repo, kind, package, name) do update set refs = refs + 1;
end;
create temp trigger files_uncounted after delete on main.files
when old.kind in ('blob', 'manifest', 'artifact', 'tag') and old.lifetime = '' and old.owner = ''
  and exists (select 1 from quota_repos where repo = old.repo)
begin
  delete from quota_released
    where repo = old.repo and package = old.package and digest = old.path and old.kind = 'blob';
  update quota_items set refs = refs - 1
    where repo = old.repo and kind = 'bytes' and package = '' and name = old.digest
    and old.kind <> 'tag';
  delete from quota_items
    where repo = old.repo and kind = 'bytes' and package = '' and name = old.digest and refs <= 0;
  update quota_items set refs = refs - 1
    where repo = old.repo and kind = 'version' and package = old.package
    and name = case old.kind when 'tag' then old.path else old.version end
    and ((old.kind = 'tag' and old.version = '') or (old.kind = 'artifact' and old.version <> ''));
  delete from quota_items
    where repo = old.repo and kind = 'version' and package = old.package
    and name = case old.kind when 'tag' then old.path else old.version end and refs <= 0;
end;
create temp trigger edges_released after delete on main.edges
when old.kind <> 'subject' and exists (select 1 from quota_repos where repo = old.repo)
  and not exists (select 1 from edges where child = old.child and repo = old.repo
    and package = old.package and kind <> 'subject')
begin
  insert into quota_released (repo, package, digest) select repo, package, path from files
    where repo = old.repo and package = old.package and kind = 'blob' and path = old.child
    on conflict (repo, package, digest) do nothing;
end;
create temp trigger edges_held after insert on main.edges
when exists (select 1 from quota_released where repo = new.repo and package = new.package
  and digest = new.child and new.kind <> 'subject')
begin
  delete from quota_released
    where repo = new.repo and package = new.package and digest = new.child;
end;
create temp trigger quota_released_new after insert on main.quota_released
begin
  update quota_items set refs = refs - 1
    where repo = new.repo and kind = 'bytes' and package = '' and name = new.digest;
  delete from quota_items
    where repo = new.repo and kind = 'bytes' and package = '' and name = new.digest and refs <= 0;
end;
create temp trigger quota_released_gone after delete on main.quota_released
when exists (select 1 from quota_repos where repo = old.repo)
begin
  insert into quota_items (repo, kind, package, name, refs, bytes)
    select old.repo, 'bytes', '', digest, 1, size from blobs where digest = old.digest
    on conflict (repo, kind, package, name) do update set refs = refs + 1;
end;

-- A quota that is being set counts by itself.
create temp trigger quota_items_new after insert on main.quota_items begin
  update quotas set bytes = bytes + new.bytes, versions = versions + (new.kind = 'version'),
    bytes_before = case open when 0 then bytes else bytes_before end,
    versions_before = case open when 0 then versions else versions_before end, open = 1
    where open < 2 and id in (select quota from quota_repos where repo = new.repo);
end;
create temp trigger quota_items_gone after delete on main.quota_items begin
  update quotas set bytes = bytes - old.bytes, versions = versions - (old.kind = 'version'),
    bytes_before = case open when 0 then bytes else bytes_before end,
    versions_before = case open when 0 then versions else versions_before end, open = 1
    where open < 2 and id in (select quota from quota_repos where repo = old.repo);
end;
