-- The token by which a login was got, which ends with it; null: it was got by a password.
alter table tokens add column bought_with bigint;
