-- Versions of a package are listed by name. Images have tags instead, so their many files are not in it.
create index files_version on files (repo, package, version) where version <> '';
