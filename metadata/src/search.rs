//! Finds packages, versions, tags and files of all repos by what they begin with. Each way has an
//! index of its own, in whose order the pages go; who may see what is found is decided elsewhere.

use crate::files::after_prefix;
use crate::{Error, Metadata, Row, Value};
use larder_model::Digest;

/// A name or a tombstone alone is nothing to be found.
macro_rules! is_live {
    () => {
        "exists (select 1 from files f where f.repo = p.repo and f.package = p.name \
         and f.kind not in ('name', 'tombstone', 'representation'))"
    };
}
/// The last part of a package's name, as its index has it.
macro_rules! last_name {
    () => {
        "substr(p.name, length(rtrim(p.name, replace(p.name, '/', ''))) + 1)"
    };
}

const NAMES: &str = concat!(
    "select p.name, p.repo, p.name, '', '', '', '' from packages p \
     where (p.name, p.repo) > (?1, ?2) and p.name < ?3 and ",
    is_live!(),
    " order by p.name, p.repo limit ?4"
);
const LAST_NAMES: &str = concat!(
    "select ",
    last_name!(),
    ", p.repo, p.name, '', '', '', '' from packages p where (",
    last_name!(),
    ", p.repo, p.name) > (?1, ?2, ?5) and ",
    last_name!(),
    " < ?3 and p.name like '%/%' and ",
    is_live!(),
    " order by ",
    last_name!(),
    ", p.repo, p.name limit ?4"
);
const VERSIONS: &str = "select f.version, f.repo, f.package, '', '', f.version, '' from files f \
    where (f.version, f.repo, f.package) > (?1, ?2, ?5) and f.version < ?3 \
    and f.kind = 'artifact' and f.version <> '' \
    group by f.version, f.repo, f.package order by f.version, f.repo, f.package limit ?4";
const TAGS: &str = "select f.path, f.repo, f.package, f.kind, f.path, f.path, f.digest \
    from files f where (f.path, f.repo, f.package) > (?1, ?2, ?5) and f.path < ?3 \
    and f.kind = 'tag' order by f.path, f.repo, f.package limit ?4";
const DIGESTS: &str = "select f.digest, f.repo, f.package, f.kind, f.path, f.version, f.digest \
    from files f where (f.digest, f.repo, f.package, f.kind, f.path) > (?1, ?2, ?5, ?6, ?7) \
    and f.digest < ?3 and f.kind in ('artifact', 'blob', 'manifest') and f.package <> '' \
    order by f.digest, f.repo, f.package, f.kind, f.path limit ?4";

/// What is compared with the text that is sought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SearchBy {
    /// The names of packages.
    Name,
    /// The last part of the names of packages that have several: what is behind the last slash.
    LastName,
    /// The versions of packages.
    Version,
    /// Tags.
    Tag,
    /// The digests of artifacts, blobs and manifests, as `sha256:…`.
    Digest,
}

/// Where a search goes on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchKey {
    /// The name, version, tag or digest that was found last.
    pub text: Box<str>,
    /// The id of its repo.
    pub repo: i64,
    /// Its package.
    pub package: Box<str>,
    /// Its kind, where a digest was sought.
    pub kind: Box<str>,
    /// Its path, where a digest was sought.
    pub path: Box<str>,
}

/// Something that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its place in the search.
    pub key: SearchKey,
    /// Its version or tag; empty for a package, or if a file has none.
    pub version: Box<str>,
    /// Of a tag or a file: its digest.
    pub digest: Option<Digest>,
}

impl Metadata {
    /// What begins with `prefix` after `after`, in the order of the keys, at most `limit`. Without
    /// `after`, the first.
    pub async fn search(
        &self,
        by: SearchBy,
        prefix: &str,
        after: Option<&SearchKey>,
        limit: u64,
    ) -> Result<Vec<Found>, Error> {
        // No repo has this id: the key is before all that begin with the prefix.
        let first = SearchKey {
            text: prefix.into(),
            repo: -1,
            ..SearchKey::default()
        };
        let after = after.unwrap_or(&first);
        let end = after_prefix(prefix);
        let mut values: Vec<Value> = vec![
            (&*after.text).into(),
            after.repo.into(),
            end.into(),
            limit.into(),
        ];
        let rest = [&after.package, &after.kind, &after.path].map(|text| Value::from(&**text));
        let (text, more) = match by {
            SearchBy::Name => (NAMES, 0),
            SearchBy::LastName => (LAST_NAMES, 1),
            SearchBy::Version => (VERSIONS, 1),
            SearchBy::Tag => (TAGS, 1),
            SearchBy::Digest => (DIGESTS, 3),
        };
        values.extend(rest.into_iter().take(more));
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(read).collect()
    }
}

fn read(row: &mut Row) -> Result<Found, Error> {
    let key = SearchKey {
        text: row.text(0)?,
        repo: row.int(1)?,
        package: row.text(2)?,
        kind: row.text(3)?,
        path: row.text(4)?,
    };
    let digest = row.text(6)?;
    let digest = (!digest.is_empty()).then(|| digest.parse());
    Ok(Found {
        key,
        version: row.text(5)?,
        digest: digest
            .transpose()
            .map_err(|_| Error::Shape("a file of no digest".to_owned()))?,
    })
}

#[cfg(test)]
pub(crate) const STATEMENTS: [(&str, usize, &str); 5] = [
    (NAMES, 4, "packages_name"),
    (LAST_NAMES, 5, "packages_last_name"),
    (VERSIONS, 5, "files_search_version"),
    (TAGS, 5, "files_search_tag"),
    (DIGESTS, 7, "files_digest"),
];

#[cfg(test)]
mod tests;
