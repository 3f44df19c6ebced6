//! What the audit mark compares: rows that hold bytes, with what the manifests themselves name.

use crate::files::PackageKey;
use crate::{Error, Metadata, Row};
use bytes::Bytes;
use larder_model::Digest;

const PACKAGES: &str = "select p.repo, p.name from packages p \
    where (p.repo, p.name) > (?1, ?2) and exists (select 1 from repos r where r.id = p.repo \
    and r.kind = 'hosted') and exists (select 1 from files f where f.repo = p.repo \
    and f.package = p.name and f.kind in ('blob', 'manifest')) order by p.repo, p.name limit ?3";
const MANIFESTS: &str = "select f.path, f.content_type, b.body from files f \
    join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
    and f.kind = 'manifest' and f.path > ?3 and b.state in ('kept', 'condemned') \
    order by f.path limit ?4";
const EDGES: &str =
    "select child, kind from edges where repo = ?1 and package = ?2 and parent = ?3";
const LINKS: &str = "select path from files \
    where repo = ?1 and package = ?2 and kind = 'blob' and path > ?3 order by path limit ?4";
const IS_QUEUED: &str = "select 1 where exists (select 1 from gc_links \
    where repo = ?1 and package = ?2 and digest = ?3) or exists (select 1 from uploads \
    where repo = ?1 and package = ?2 and digest = ?3 and finished = 1)";
const HAS_FILE: &str = "select 1 from files where repo = ?1 and package = ?2 \
    and kind in ('blob', 'manifest') and path = ?3";
const BLOBS: &str = "select b.digest, b.size, \
    case when exists (select 1 from files f where f.digest = b.digest) \
    or exists (select 1 from trash_files t where t.digest = b.digest) \
    or exists (select 1 from gc_blobs q where q.digest = b.digest) then 1 else 0 end \
    from blobs b where b.digest > ?1 order by b.digest limit ?2";

/// A manifest of an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestRow {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, exactly as it was given.
    pub content_type: Box<str>,
    /// Its bytes.
    pub body: Bytes,
}

/// A blob's row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldBlob {
    /// The digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// A file has it, something in the trash has it, or the collector is to look at it.
    pub known: bool,
}

impl Metadata {
    /// Images that are pushed here, by repository and name, behind `after`.
    pub async fn hosted_images(
        &self,
        after: PackageKey<'_>,
        limit: u64,
    ) -> Result<Vec<(i64, Box<str>)>, Error> {
        let [repo, package] = after.value();
        let values = vec![repo, package, limit.into()];
        let mut rows = self.sql.scan(PACKAGES, values).await?;
        let read = |row: &mut Row| Ok((row.int(0)?, row.text(1)?));
        rows.iter_mut().map(read).collect()
    }

    /// The manifests of a package that are not damaged, by digest, behind the text `after`.
    pub async fn manifests_to_mark(
        &self,
        package: PackageKey<'_>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<ManifestRow>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, after.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(ManifestRow {
                digest: row.parsed(0)?,
                content_type: row.text(1)?,
                body: row.optional_bytes(2)?.unwrap_or_default(),
            })
        };
        let mut rows = self.sql.scan(MANIFESTS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// What a manifest names, as the rows have it: the digest, and `true` where it is the manifest's
    /// subject.
    pub async fn edges_of(
        &self,
        package: PackageKey<'_>,
        manifest: &Digest,
    ) -> Result<Vec<(Digest, bool)>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, manifest.into()];
        let mut rows = self.sql.scan(EDGES, values).await?;
        let read = |row: &mut Row| Ok((row.parsed(0)?, &*row.text(1)? == "subject"));
        rows.iter_mut().map(read).collect()
    }

    /// The blobs of a package, by digest, behind the text `after`.
    pub async fn blobs_of_image(
        &self,
        package: PackageKey<'_>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Digest>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, after.into(), limit.into()];
        let mut rows = self.sql.scan(LINKS, values).await?;
        rows.iter_mut().map(|row| row.parsed(0)).collect()
    }

    /// Whether the collector is to look at a package's row of a blob.
    pub async fn is_link_queued(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, digest.into()];
        Ok(!self.sql.scan(IS_QUEUED, values).await?.is_empty())
    }

    /// Whether a package has a blob or a manifest of this digest.
    pub async fn has_in_image(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let [repo, package] = package.value();
        let values = [repo, package, digest.into()];
        Ok(!self.sql.rows(HAS_FILE, &values).await?.is_empty())
    }

    /// Blobs and whether anything accounts for them, in the order of their digests, behind the text
    /// `after`.
    pub async fn held_blobs(&self, after: &str, limit: u64) -> Result<Vec<HeldBlob>, Error> {
        let values = vec![after.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(HeldBlob {
                digest: row.parsed(0)?,
                size: row.count(1)?,
                known: row.int(2)? != 0,
            })
        };
        let mut rows = self.sql.scan(BLOBS, values).await?;
        rows.iter_mut().map(read).collect()
    }
}

/// All statements that are looked for by key, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[
    (PACKAGES, 3),
    (MANIFESTS, 4),
    (EDGES, 3),
    (LINKS, 4),
    (HAS_FILE, 3),
    (BLOBS, 2),
];
