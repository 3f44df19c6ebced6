-- When a person's password became what it is; 0: it is the first one. What was got by an older one is
-- taken no more.
alter table users add column password_changed_at bigint not null default 0;
