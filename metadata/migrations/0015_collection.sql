-- What may be gone. Triggers note it, so no statement that takes a name away can forget to. `since`
-- is when the last name was seen to go; the collector looks after a while whether none came back.
create table gc_blobs (
  digest {text} primary key,
  since bigint not null
) {clustered};
create index gc_blobs_since on gc_blobs (since, digest);

-- Rows of blobs in hosted images that perhaps no manifest names.
create table gc_links (
  repo bigint not null,
  package {text} not null,
  digest {text} not null,
  since bigint not null,
  primary key (repo, package, digest)
) {clustered};
create index gc_links_since on gc_links (since, repo, package, digest);

-- Objects whose row is gone. Their generation is never used again, so they can be removed at any time.
create table gc_objects (
  digest {text} not null,
  generation bigint not null,
  size bigint not null,
  primary key (digest, generation)
) {clustered};

create index uploads_idle on uploads (touched_at) where finished = 0;
-- What an upload that ended has brought; empty: nothing.
alter table uploads add column digest {text} not null default '';

-- For a blob of a hosted image `checked_at` is the moment at which a client was last told that it is
-- there: for a while the client may name it in a manifest.
update files set checked_at = created_at where kind = 'blob' and checked_at = 0
  and repo in (select id from repos where kind = 'hosted');

insert into gc_blobs select digest, 0 from blobs
  where not exists (select 1 from files where files.digest = blobs.digest);
insert into gc_links select repo, package, digest, 0 from files
  where kind = 'blob' and repo in (select id from repos where kind = 'hosted')
  and not exists (select 1 from edges e where e.child = files.path and e.repo = files.repo
    and e.package = files.package);

--{sqlite
create trigger files_gone after delete on files begin
  insert into gc_blobs (digest, since) values (old.digest, larder_now())
    on conflict (digest) do update set since = excluded.since;
end;
create trigger files_changed after update of digest on files when old.digest <> new.digest begin
  insert into gc_blobs (digest, since) values (old.digest, larder_now())
    on conflict (digest) do update set since = excluded.since;
end;
create trigger edges_gone after delete on edges when old.kind <> 'subject' begin
  update files set checked_at = max(checked_at, larder_now())
    where repo = old.repo and package = old.package and kind = 'blob' and path = old.child;
  insert into gc_links (repo, package, digest, since)
    select repo, package, path, checked_at from files
    where repo = old.repo and package = old.package and kind = 'blob' and path = old.child
    on conflict (repo, package, digest) do update set since = excluded.since;
end;
--}
--{postgres
create function larder_file_gone() returns trigger language plpgsql as $$
begin
  insert into gc_blobs (digest, since)
    values (old.digest, cast(extract(epoch from clock_timestamp()) * 1000000 as bigint))
    on conflict (digest) do update set since = excluded.since;
  return null;
end $$;
create trigger files_gone after delete on files
  for each row execute function larder_file_gone();
create trigger files_changed after update of digest on files
  for each row when (old.digest <> new.digest) execute function larder_file_gone();
create function larder_edge_gone() returns trigger language plpgsql as $$
begin
  update files set checked_at = greatest(checked_at,
      cast(extract(epoch from clock_timestamp()) * 1000000 as bigint))
    where repo = old.repo and package = old.package and kind = 'blob' and path = old.child;
  insert into gc_links (repo, package, digest, since)
    select repo, package, path, checked_at from files
    where repo = old.repo and package = old.package and kind = 'blob' and path = old.child
    on conflict (repo, package, digest) do update set since = excluded.since;
  return null;
end $$;
create trigger edges_gone after delete on edges
  for each row when (old.kind <> 'subject') execute function larder_edge_gone();
--}
