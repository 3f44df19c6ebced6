-- Robots have an owner, groups hold users, robots and groups.
alter table users add column description {text} not null default '';
-- The user who answers for a robot; null: a person.
alter table users add column owner bigint;
update users set owner = (select min(o.id) from users o where o.kind = 'person' and o.superuser = 1)
  where kind = 'robot';
create index users_owner on users (owner) where owner is not null;
create index users_kind on users (kind, name);

alter table groups add column description {text} not null default '';

create table group_members (
  group_id bigint not null references groups (id) on delete cascade,
  -- 'user' (a person or a robot) or 'group'
  kind {text} not null,
  member_id bigint not null,
  added_at bigint not null,
  added_by {text} not null,
  primary key (group_id, kind, member_id)
) {clustered};
create index group_members_member on group_members (kind, member_id);
insert into group_members select m.group_id, 'user', m.user_id, g.created_at, ''
  from members m join groups g on g.id = m.group_id;
drop table members;

-- From where a grant to `anonymous` counts, separated by spaces; empty: from everywhere.
alter table grants add column networks {text} not null default '';
create index grants_subject on grants (subject, repository, id);

-- 0 and empty: never.
alter table tokens add column last_used_at bigint not null default 0;
alter table tokens add column last_used_from {text} not null default '';
