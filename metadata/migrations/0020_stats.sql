-- How often a version of a package was downloaded: by day, as days since 1970 in UTC, and under 0 on
-- all days together. Of images, a version is a tag or the digest of a manifest.
create table downloads (
  repo bigint not null references repos (id) on delete cascade,
  package {text} not null,
  version {text} not null,
  day bigint not null,
  count bigint not null,
  primary key (repo, package, version, day)
) {clustered};
create index downloads_day on downloads (day) where day > 0;

-- What servers counted, by hour. `at` is the hour's beginning; `label` whose part of it this is, as a
-- protocol or an upstream; `part` tells the parts of a distribution apart.
create table series (
  name {text} not null,
  at bigint not null,
  label {text} not null,
  part {text} not null,
  value bigint not null,
  primary key (name, at, label, part)
) {clustered};

-- What was last counted of the bytes that names hold. Distinct digests count once each; `unique_bytes`
-- are those that nothing else of the same rank names. Of `usage_sums`, an empty scope is all together,
-- any other one a protocol.
create table usage_sums (
  scope {text} primary key,
  bytes bigint not null,
  unique_bytes bigint not null,
  blobs bigint not null,
  repositories bigint not null,
  packages bigint not null,
  versions bigint not null,
  -- The bytes that would be kept in addition if each package had its own.
  saved_bytes bigint not null,
  -- Bytes of blobs that no file names.
  unnamed_bytes bigint not null,
  as_of bigint not null
) {clustered};
create table usage_repos (
  repo bigint primary key references repos (id) on delete cascade,
  bytes bigint not null,
  unique_bytes bigint not null,
  blobs bigint not null,
  packages bigint not null,
  versions bigint not null
);
create index usage_repos_bytes on usage_repos (bytes, repo);
create table usage_packages (
  repo bigint not null references repos (id) on delete cascade,
  package {text} not null,
  bytes bigint not null,
  unique_bytes bigint not null,
  versions bigint not null,
  primary key (repo, package)
) {clustered};
create index usage_packages_bytes on usage_packages (bytes, repo, package);
create index usage_packages_repo on usage_packages (repo, bytes, package);
