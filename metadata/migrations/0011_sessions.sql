-- Sessions of persons who signed in with a browser.
create table sessions (
  id bigint primary key,
  owner bigint not null references users (id) on delete cascade,
  -- Of the secret in the browser's cookie.
  hash {text} not null unique,
  created_at bigint not null,
  last_used_at bigint not null,
  -- Moves on with each use, never past `ends_at`.
  expires_at bigint not null,
  ends_at bigint not null,
  -- From where it was used last.
  address {text} not null,
  -- What the browser called itself at the sign-in.
  agent {text} not null
);
create index sessions_owner on sessions (owner, id);
create index sessions_expires on sessions (expires_at);
