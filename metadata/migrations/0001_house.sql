-- Names, people and rules. {text} is text in byte order, {bytes} binary, {clustered} a table laid out by its key.
create table settings (
  key {text} primary key,
  value {text} not null
) {clustered};

create table repos (
  id bigint primary key,
  protocol {text} not null,
  name {text} not null,
  kind {text} not null,
  description {text} not null,
  settings {text} not null,
  created_at bigint not null,
  unique (protocol, name)
);

create table users (
  id bigint primary key,
  name {text} not null unique,
  kind {text} not null,
  password {text},
  superuser bigint not null,
  disabled bigint not null,
  created_at bigint not null
);

create table groups (
  id bigint primary key,
  name {text} not null unique,
  created_at bigint not null
);

create table members (
  group_id bigint not null references groups (id) on delete cascade,
  user_id bigint not null references users (id) on delete cascade,
  primary key (group_id, user_id)
) {clustered};

create table tokens (
  id bigint primary key,
  owner bigint not null references users (id) on delete cascade,
  name {text} not null,
  kind {text} not null,
  hash {text} not null unique,
  grants {text},
  created_at bigint not null,
  expires_at bigint
);
create index tokens_owner on tokens (owner, id);

create table grants (
  id bigint primary key,
  subject {text} not null,
  repository {text} not null,
  package {text} not null,
  role {text} not null,
  created_at bigint not null,
  created_by {text} not null,
  unique (subject, repository, package, role)
);

create table blobs (
  digest {text} primary key,
  size bigint not null,
  generation bigint not null,
  state {text} not null,
  touched_at bigint not null,
  body {bytes}
);

create table files (
  repo bigint not null references repos (id),
  package {text} not null,
  path {text} not null,
  digest {text} not null references blobs (digest),
  content_type {text} not null,
  facts {text} not null,
  created_at bigint not null,
  created_by {text} not null,
  primary key (repo, package, path)
) {clustered};
create index files_digest on files (digest);

create table packages (
  repo bigint not null references repos (id),
  name {text} not null,
  full_name {text} not null,
  revision bigint not null,
  updated_at bigint not null,
  primary key (repo, name)
) {clustered};
create unique index packages_full_name on packages (full_name);

create table edges (
  repo bigint not null,
  package {text} not null,
  parent {text} not null,
  child {text} not null,
  kind {text} not null,
  primary key (repo, package, parent, kind, child)
) {clustered};
create index edges_child on edges (child, repo, package, kind, parent);

create table uploads (
  id {text} primary key,
  repo bigint not null,
  package {text} not null,
  principal {text} not null,
  algorithm {text} not null,
  received bigint not null,
  hash_state {bytes},
  incarnation {text} not null,
  version bigint not null,
  created_at bigint not null,
  touched_at bigint not null,
  finished bigint not null
) {clustered};
create index uploads_touched on uploads (touched_at);
