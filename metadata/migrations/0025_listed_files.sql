-- Mirrors that kept files of packages at the package of no name, because no request names theirs. Paths
-- tell it, which no SQL reads: the server that starts next puts such files where they are listed, mirror by
-- mirror, and takes it out of here.
create table unlisted_mirrors (
  repo bigint primary key references repos (id) on delete cascade
);
insert into unlisted_mirrors select id from repos where kind = 'mirror';
