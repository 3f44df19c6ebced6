-- Blobs whose bytes are not those of their digest, or are not there. `blobs.state` has two more words:
-- `damaged`, and `lost` of one that is condemned besides. Until its bytes are brought again, nobody
-- reads it. Here is what was found.
create table quarantine (
  digest {text} primary key references blobs (digest) on delete cascade,
  since bigint not null,
  -- `changed`, `size`, `missing`, `unreadable`, `deleted`: what is wrong with its bytes.
  damage {text} not null
) {clustered};

-- How far a scrub has come, for whichever server goes on with the job.
create table scrub_runs (
  job bigint primary key,
  state {text} not null
) {clustered};

-- Objects that no row was seen to name: one that is seen again after a while goes.
create table scrub_orphans (
  digest {text} not null,
  generation bigint not null,
  size bigint not null,
  since bigint not null,
  seen_at bigint not null,
  primary key (digest, generation)
) {clustered};

-- Whoever brings the bytes again makes the row right; what was kept aside then goes.
--{sqlite
create trigger blobs_healed after update of state on blobs
  when old.state in ('damaged', 'lost') and new.state in ('kept', 'condemned') begin
  insert into gc_objects (digest, generation, size)
    select old.digest, old.generation, old.size
    where old.body is null and old.generation <> new.generation and not exists
    (select 1 from quarantine q where q.digest = old.digest and q.damage in ('missing', 'deleted'))
    on conflict (digest, generation) do nothing;
  delete from quarantine where digest = old.digest;
end;
--}
--{postgres
create function larder_blob_healed() returns trigger language plpgsql as $$
begin
  insert into gc_objects (digest, generation, size)
    select old.digest, old.generation, old.size
    where old.body is null and old.generation <> new.generation and not exists
    (select 1 from quarantine q where q.digest = old.digest and q.damage in ('missing', 'deleted'))
    on conflict (digest, generation) do nothing;
  delete from quarantine where digest = old.digest;
  return null;
end $$;
create trigger blobs_healed after update of state on blobs
  for each row when (old.state in ('damaged', 'lost') and new.state in ('kept', 'condemned'))
  execute function larder_blob_healed();
--}
