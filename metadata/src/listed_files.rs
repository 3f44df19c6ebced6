//! Files of packages that an earlier version of this server kept at the package of no name, because no
//! request for them names theirs: put where a mirror keeps and lists them now.
//!
//! Done once, before anything is served: what is kept is looked for at its new place alone. Page by page,
//! each all or nothing, so that a start that is cut off goes on with the rest.

use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Row, Value};
use larder_model::ProtocolName;
use std::collections::BTreeSet;

const MIRRORS: &str = "select r.id, r.protocol, r.name from unlisted_mirrors u \
    join repos r on r.id = u.repo order by r.id";
const DONE: &str = "delete from unlisted_mirrors where repo = ?1";
const FILES: &str = "select path from files where repo = ?1 and package = '' \
    and kind = 'artifact' and path > ?2 order by path limit ?3";
/// What is told of files that are gone: the first bytes of those of which nothing is promised.
const PAST: &str = "select distinct path from history where repo = ?1 and package = '' \
    and kind = 'artifact' and path > ?2 order by path limit ?3";
/// What was kept again meanwhile is the newer one.
const DROP_OLDER: &str = "delete from files where repo = ?1 and package = '' \
    and kind = 'artifact' and path = ?2 and exists (select 1 from files \
    where repo = ?1 and package = ?3 and kind = 'artifact' and path = ?2)";
const MOVE: &str = "update files set package = ?3, version = ?4 where repo = ?1 \
    and package = '' and kind = 'artifact' and path = ?2 and owner = '' and lifetime = ''";
const MOVE_PAST: &str = "update history set package = ?3 where repo = ?1 and package = '' \
    and kind = 'artifact' and path = ?2 and not exists (select 1 from history h \
    where h.repo = ?1 and h.package = ?3 and h.kind = 'artifact' and h.path = ?2 \
    and h.seen_at = history.seen_at)";
const NAME: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    select repo, package, ?3, ?4, max(created_at) from files \
    where repo = ?1 and package = ?2 group by repo, package \
    on conflict (repo, name) do update set updated_at = excluded.updated_at, \
    revision = packages.revision + 1";

/// Files moved in one commit.
const PAGE: u64 = 500;

/// The package of a file and its version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedFile {
    /// The package's name.
    pub package: String,
    /// The version; empty: it is not known.
    pub version: String,
}

/// What the path of a file of a protocol's mirrors tells; `None`: it is of no package.
pub type Listing<'a> = &'a (dyn Fn(ProtocolName, &str) -> Option<ListedFile> + Send + Sync);

/// A mirror that is gone through.
struct Mirror {
    repo: i64,
    protocol: ProtocolName,
    name: Box<str>,
}

impl Metadata {
    /// Puts what mirrors keep of packages where it is listed. How many files that were.
    pub async fn list_kept_files(&self, listing: Listing<'_>) -> Result<u64, Error> {
        let mut moved = 0;
        for row in &mut self.sql.scan(MIRRORS, Vec::new()).await? {
            let mirror = Mirror {
                repo: row.int(0)?,
                protocol: row.parsed(1)?,
                name: row.text(2)?,
            };
            moved += self.list_files_of(&mirror, listing).await?;
            self.list_past_of(&mirror, listing).await?;
            let mut batch = Batch::default();
            batch.run(DONE, [mirror.repo.into()]);
            self.sql.apply(batch).await?;
        }
        Ok(moved)
    }

    async fn list_files_of(&self, mirror: &Mirror, listing: Listing<'_>) -> Result<u64, Error> {
        let (mut after, mut moved) = (Box::<str>::from(""), 0);
        loop {
            let paths = self.paths(FILES, mirror, &after).await?;
            let Some(last) = paths.last().cloned() else {
                return Ok(moved);
            };
            after = last;
            let mut batch = Batch::at(mirror.package(""));
            let mut packages = BTreeSet::new();
            for path in &paths {
                let Some(file) = listing(mirror.protocol, path) else {
                    continue;
                };
                moved += 1;
                let [repo, name] = mirror.package(&file.package).value();
                let place = [repo.clone(), (&**path).into(), name.clone()];
                batch.run(DROP_OLDER, place);
                batch.run(MOVE, [repo, (&**path).into(), name, file.version.into()]);
                packages.insert(file.package);
            }
            if packages.is_empty() {
                continue;
            }
            for package in &packages {
                let key = mirror.package(package);
                batch.touch(key);
                let full_name = format!("{}/{}/{package}", mirror.protocol, mirror.name);
                let [repo, name] = key.value();
                batch.run(NAME, [repo, name, full_name.into(), self.new_id().into()]);
            }
            self.sql.apply(batch).await?;
        }
    }

    async fn list_past_of(&self, mirror: &Mirror, listing: Listing<'_>) -> Result<(), Error> {
        let mut after = Box::<str>::from("");
        loop {
            let paths = self.paths(PAST, mirror, &after).await?;
            let Some(last) = paths.last().cloned() else {
                return Ok(());
            };
            after = last;
            let mut batch = Batch::default();
            for path in &paths {
                if let Some(file) = listing(mirror.protocol, path) {
                    let [repo, name] = mirror.package(&file.package).value();
                    batch.run(MOVE_PAST, [repo, (&**path).into(), name]);
                }
            }
            self.sql.apply(batch).await?;
        }
    }

    /// Paths after one, in their order.
    async fn paths(
        &self,
        text: &'static str,
        mirror: &Mirror,
        after: &str,
    ) -> Result<Vec<Box<str>>, Error> {
        let values: Vec<Value> = vec![mirror.repo.into(), after.into(), PAGE.into()];
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(|row: &mut Row| row.text(0)).collect()
    }
}

impl Mirror {
    const fn package<'a>(&self, package: &'a str) -> PackageKey<'a> {
        PackageKey {
            repo: self.repo,
            package,
        }
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, usize)] = &[
    (DONE, 1),
    (FILES, 3),
    (PAST, 3),
    (DROP_OLDER, 3),
    (MOVE, 4),
    (MOVE_PAST, 3),
    (NAME, 4),
];
