-- Other forms of documents: those that nobody has asked for longest come first, and those of a state
-- that is gone are found by it. A form begins its time when it is made.
update files set used_at = created_at where kind = 'representation' and used_at < created_at;
create index files_forms_used on files (used_at, repo, package, path) where kind = 'representation';
create index files_forms_of on files (derived_from) where kind = 'representation';

-- What a state of an index named that is past: clients that began with it may still ask for it.
create index files_retired on files (retired_at, repo, package, kind, path)
  where retired_at > 0 and lifetime in ('', 'immutable');

-- Past states of what upstreams named, by when they ended.
create index history_past on history
  ((case digest when '' then seen_at else checked_at end), repo, package, kind, path, seen_at)
  where created_by = 'upstream' and (digest = '' or checked_at > 0);
