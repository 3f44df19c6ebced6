-- What was done, asked and refused: rows are only added, and only the oldest are deleted. An entry
-- waits until it is sealed: then it has its place in the chain and a hash over itself and the entry
-- before it.
create table audit (
  id bigint primary key,
  at bigint not null,
  actor {text} not null,
  action {text} not null,
  object {text} not null,
  result {text} not null,
  address {text} not null,
  request_id {text} not null,
  details {text} not null,
  -- How many of the like it stands for.
  count bigint not null,
  -- Until when more of the like may be counted into it; 0: it is one change.
  open_until bigint not null,
  seq bigint,
  hash {text}
) {clustered};
-- An entry that comes in costs a row and this index alone; sealing it adds the others.
create index audit_waiting on audit (open_until, id) where seq is null;
create unique index audit_seq on audit (seq) where seq is not null;
create index audit_actor on audit (actor, id) where seq is not null;
create index audit_action on audit (action, id) where seq is not null;
create index audit_object on audit (object, id) where seq is not null;
create index audit_result on audit (result, id) where seq is not null and result <> 'ok';

-- The newest sealed entry, and the last one that was deleted; before the first entry stands the
-- digest of nothing.
create table audit_chain (
  one bigint primary key,
  seq bigint not null,
  hash {text} not null,
  anchor_seq bigint not null,
  anchor_hash {text} not null
);
insert into audit_chain values (1,
  0, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  0, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
