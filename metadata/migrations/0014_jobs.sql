-- Work that takes a while and outlives the server that does it. A running job is held by one server,
-- which says again and again that it is alive; `fence` grows with every server that takes it over, so
-- that one which was thought dead changes nothing any more.
create table jobs (
  id bigint primary key,
  kind {text} not null,
  state {text} not null,
  dry_run bigint not null,
  -- The repository that it is about, as protocol/name; empty: the whole server.
  repository {text} not null,
  -- What was asked for, as JSON.
  parameters {text} not null,
  created_by {text} not null,
  created_at bigint not null,
  -- 0: not yet.
  started_at bigint not null,
  finished_at bigint not null,
  -- Whether somebody asked it to end.
  cancelled bigint not null,
  fence bigint not null,
  -- Servers that began with it and did not give it back.
  attempts bigint not null,
  -- Until when its server is believed to be alive.
  held_until bigint not null,
  -- JSON; empty: none.
  progress {text} not null,
  result {text} not null,
  error_code {text} not null,
  error_detail {text} not null
);
-- One job of a kind runs at a time, whatever the number of servers.
create unique index jobs_running on jobs (kind) where state = 'running';
create index jobs_kind on jobs (kind, id);
create index jobs_state on jobs (state, id);
create index jobs_kind_state on jobs (kind, state, id);
create index jobs_finished on jobs (finished_at) where finished_at > 0;

-- What a job did, or would do, to each thing.
create table job_items (
  job bigint not null references jobs (id) on delete cascade,
  number bigint not null,
  -- JSON.
  item {text} not null,
  primary key (job, number)
) {clustered};

-- When jobs of a kind begin by themselves.
create table schedules (
  kind {text} primary key,
  cron {text} not null,
  enabled bigint not null,
  -- What was due up to this time was begun: missed runs together once.
  begun_until bigint not null
) {clustered};
