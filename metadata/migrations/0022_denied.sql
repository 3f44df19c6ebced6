-- Requests that a rule refused, each with the id that its client was told. `seq` is made by us and grows
-- with time. The like of a minute are one row, whose texts are those of the first.
create table denied (
  seq bigint primary key,
  id {text} not null unique,
  last_at bigint not null,
  count bigint not null,
  actor {text} not null,
  address {text} not null,
  verb {text} not null,
  repository {text} not null,
  package {text} not null,
  reference {text} not null,
  rule {text} not null,
  detail {text} not null,
  status bigint not null
) {clustered};
create index denied_like on denied (repository, package, rule, seq);
create index denied_repository on denied (repository, seq);
create index denied_rule on denied (rule, seq);
