-- Words of today.
alter table files rename column facts to metadata;
alter table uploads rename column incarnation to boot_id;
