-- While one of these is fresh, no object of the store is removed: a backup reads those that its state
-- of the database names.
create table backup_holds (
  id bigint primary key,
  -- Who makes the backup.
  held_by {text} not null,
  created_at bigint not null,
  -- Until when its server is believed to be alive.
  held_until bigint not null
);
