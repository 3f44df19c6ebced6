-- Entries of the audit trail that wait are a table of their own. A change adds one row at its end,
-- without an index; it is moved to the sealed ones, which have the order of the chain.
alter table audit rename to audit_before;
drop index audit_waiting;
drop index audit_seq;
drop index audit_actor;
drop index audit_action;
drop index audit_object;
drop index audit_result;

create table audit_waiting (
  id {rowid} primary key,
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
  open_until bigint not null
);
insert into audit_waiting select id, at, actor, action, object, result, address, request_id,
  details, count, open_until from audit_before where seq is null;

create table audit (
  -- Its place in the chain.
  seq {rowid} primary key,
  hash {text} not null,
  id bigint not null,
  at bigint not null,
  actor {text} not null,
  action {text} not null,
  object {text} not null,
  result {text} not null,
  address {text} not null,
  request_id {text} not null,
  details {text} not null,
  count bigint not null
);
insert into audit select seq, hash, id, at, actor, action, object, result, address, request_id,
  details, count from audit_before where seq is not null;
drop table audit_before;
create unique index audit_id on audit (id);
create index audit_actor on audit (actor, id);
create index audit_action on audit (action, id);
create index audit_object on audit (object, id);
create index audit_result on audit (result, id) where result <> 'ok';
