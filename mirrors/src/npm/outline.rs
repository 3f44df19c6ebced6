//! What a packument tells of its tarballs, and where in it each version is, so that questions about one
//! of them do not read all of it.

use super::dist::Dists;
use super::names::{file_of, last_segment, version_of};
use super::packument::object_of_texts;
use crate::resource::{Fetch, Part, Table};
use larder_model::Problem;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

type Map<V> = HashMap<Box<str>, V>;

/// The memory of an entry beside its texts.
const ENTRY_BYTES: usize = 64;

/// The outline of a packument.
pub(super) struct Outline {
    package: Box<str>,
    /// Where the manifest of each version is.
    versions: Map<(u32, u32)>,
    tags: Map<Box<str>>,
    tarballs: Vec<Fetch>,
    /// Tarballs by the names under which they are served.
    served: Map<u32>,
    /// Those by their upstream's names, where these are others; `None`: several have the name.
    upstream: Map<Option<u32>>,
}

impl Outline {
    /// Reads a packument that was checked when it was kept.
    pub(super) fn read(package: &str, body: &[u8]) -> Result<Self, Problem> {
        let dists = Dists::read(body)?;
        let mut outline = Self {
            package: package.into(),
            versions: Map::new(),
            tags: object_of_texts(dists.tags),
            tarballs: Vec::new(),
            served: Map::new(),
            upstream: Map::new(),
        };
        for (version, manifest) in dists.manifests() {
            let at = manifest.as_ptr().addr() - body.as_ptr().addr();
            let place = (u32::try_from(at), u32::try_from(manifest.len()));
            if let (Ok(at), Ok(length)) = place {
                outline.versions.insert(version.into(), (at, length));
            }
        }
        for dist in dists.iter() {
            outline.add(dist.version, &dist.url, dist.fetch());
        }
        Ok(outline)
    }

    fn add(&mut self, version: &str, url: &str, fetch: Fetch) {
        let Ok(at) = u32::try_from(self.tarballs.len()) else {
            return;
        };
        self.tarballs.push(fetch);
        let file = file_of(&self.package, version, url);
        let own = version_of(&self.package, &file).is_some_and(|named| *named == *version);
        // Lockfiles may have the upstream's file name. It is served if it is unambiguous.
        let named = last_segment(url);
        if *named != *file {
            match self.upstream.entry(named.into()) {
                Entry::Vacant(free) => drop(free.insert(Some(at))),
                Entry::Occupied(mut taken) => drop(taken.insert(None)),
            }
        }
        match self.served.entry(file.into()) {
            Entry::Vacant(free) => drop(free.insert(at)),
            Entry::Occupied(mut taken) if own => drop(taken.insert(at)),
            Entry::Occupied(_) => {}
        }
    }
}

impl Table for Outline {
    fn find(&self, _: &str, path: &str) -> Option<Fetch> {
        let file = path.strip_prefix("-/")?;
        let served = self.served.get(file).copied();
        let at = served.or_else(|| self.upstream.get(file).copied().flatten())?;
        self.tarballs.get(at as usize).cloned()
    }

    fn named(&self, _: &str) -> Vec<String> {
        Vec::new() // tarballs are found by their packages
    }

    fn part(&self, wanted: &str) -> Result<Part<'_>, Problem> {
        let tagged = || self.versions.get_key_value(&**self.tags.get(wanted)?);
        let found = self.versions.get_key_value(wanted).or_else(tagged);
        let Some((version, (at, length))) = found else {
            let detail = format!("package {} has no version or tag {wanted}", self.package);
            return Err(Problem::not_found("version", detail));
        };
        let (at, length) = (u64::from(*at), u64::from(*length));
        Ok(Part {
            name: version,
            range: at..at + length,
        })
    }

    fn weight(&self) -> usize {
        let texts = |bytes: usize| bytes + ENTRY_BYTES;
        let versions = self.versions.keys().map(|version| texts(version.len()));
        let tags = self.tags.iter();
        let tags = tags.map(|(tag, version)| texts(tag.len() + version.len()));
        let files = self.served.keys().chain(self.upstream.keys());
        let files = files.map(|file| texts(file.len()));
        let fetches = self.tarballs.iter();
        let fetches = fetches.map(|fetch| fetch.url.len() + size_of::<Fetch>());
        versions.chain(tags).chain(files).chain(fetches).sum()
    }
}
