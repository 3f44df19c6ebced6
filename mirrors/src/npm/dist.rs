//! Where the tarballs of a package are, and what was promised of them: the packument, read no
//! further than the search needs.

use super::packument::{WHAT, utf8};
use crate::Integrity;
use crate::json::{Object, object, unreadable};
use crate::resource::Fetch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Problem, hex};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The versions of a packument, each as raw text until it is looked at.
#[derive(serde::Deserialize)]
pub(super) struct Dists<'a> {
    #[serde(borrow, rename = "dist-tags")]
    pub(super) tags: Option<&'a RawValue>,
    #[serde(borrow)]
    versions: Option<Object<'a>>,
}

impl<'a> Dists<'a> {
    /// Reads a packument that was checked when it was kept.
    pub(super) fn read(packument: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_str(utf8(packument)?).map_err(|error| unreadable(WHAT, error))
    }

    /// The raw manifests of versions.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&str, &'a str)> {
        let versions = self.versions.iter().flat_map(Object::iter);
        let manifests = versions.map(|(version, manifest)| (version, manifest.get()));
        manifests.filter(|(_, manifest)| manifest.starts_with('{'))
    }

    /// The tarballs of all versions that have one.
    pub(super) fn iter(&self) -> impl Iterator<Item = Dist<'_>> {
        let versions = self.versions.iter().flat_map(Object::iter);
        versions.filter_map(|(version, entries)| Dist::read(version, entries))
    }

    /// The URL and the hash of a version's tarball.
    pub(super) fn fetch_of(&self, version: &str) -> Option<Fetch> {
        let dist = Dist::read(version, self.versions.as_ref()?.raw(version)?)?;
        Some(dist.fetch())
    }
}

/// The `dist` of a version.
pub(super) struct Dist<'a> {
    pub(super) version: &'a str,
    pub(super) url: Cow<'a, str>,
    entries: Object<'a>,
}

impl<'a> Dist<'a> {
    fn read(version: &'a str, version_entries: &'a RawValue) -> Option<Self> {
        let entries = object(object(version_entries)?.raw("dist")?)?;
        let url = entries.text("tarball")?;
        Some(Self {
            version,
            url,
            entries,
        })
    }

    /// The URL and the hash of the tarball.
    pub(super) fn fetch(&self) -> Fetch {
        Fetch::new(&*self.url, integrity(&self.entries))
    }
}

/// The strongest hash in a `dist`.
fn integrity(dist: &Object<'_>) -> Integrity {
    let integrity = dist.text("integrity").unwrap_or_default();
    let sri = |algorithm: &str| {
        integrity.split_whitespace().find_map(|item| {
            let encoded = item.strip_prefix(algorithm)?.strip_prefix('-')?;
            STANDARD.decode(encoded.split('?').next()?).ok() // options follow the question mark
        })
    };
    let digest = |algorithm: &str| {
        format!("{algorithm}:{}", hex::encode(&sri(algorithm)?))
            .parse()
            .ok()
    };
    if let Some(digest) = digest("sha512").or_else(|| digest("sha256")) {
        return Integrity::Digest(digest);
    }
    let shasum = || {
        let mut bytes = [0; 20];
        hex::decode_into(&dist.text("shasum")?.to_ascii_lowercase(), &mut bytes).map(|()| bytes)
    };
    let sha1 = sri("sha1")
        .and_then(|bytes| bytes.try_into().ok())
        .or_else(shasum);
    sha1.map_or(Integrity::None, Integrity::Sha1)
}
