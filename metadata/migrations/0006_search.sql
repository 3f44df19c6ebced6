-- Packages, versions, tags and files of all repositories are found by what their names begin with.
create index packages_name on packages (name, repo);
-- The last part of a name: `app` of `@acme/app`. Of a name of one part it is the name.
create index packages_last_name on packages
  (substr(name, length(rtrim(name, replace(name, '/', ''))) + 1), repo, name)
  where name like '%/%';
create index files_search_version on files (version, repo, package) where kind = 'artifact' and version <> '';
create index files_search_tag on files (path, repo, package) where kind = 'tag';
