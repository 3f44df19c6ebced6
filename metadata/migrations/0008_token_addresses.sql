-- From where a token was used, so that a new address can be told of.
create table token_addresses (
  token_id bigint not null references tokens (id) on delete cascade,
  address {text} not null,
  first_used_at bigint not null,
  primary key (token_id, address)
) {clustered};
