-- Few users may do nothing, and few may do everything: they are sought among all, by name.
create index users_disabled on users (kind, name) where disabled = 1;
create index users_superuser on users (kind, name) where superuser = 1;
-- The robots of an owner are listed by name.
drop index users_owner;
create index users_owner on users (owner, name) where owner is not null;
