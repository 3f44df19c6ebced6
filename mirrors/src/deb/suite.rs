//! What the list of a suite tells, in memory: each file of it, and which of them list packages.

use super::paths::{self, Place, architecture_of, archive, ending, place, split};
use super::release::{Entry, Release};
use crate::resource::{Fetch, Member, Table};
use larder_model::Problem;

/// How forms of one list are packed, the one to fetch first.
const PACKED: [&str; 5] = [".xz", ".gz", ".zst", ".bz2", ""];

/// The list of a suite.
pub(super) struct Suite {
    /// Empty, or with a slash at its end.
    root: Box<str>,
    entries: Vec<Entry>,
    has_by_hash: bool,
}

impl Suite {
    /// Reads the list of the suite at a root.
    pub(super) fn read(root: &str, body: &[u8]) -> Result<Self, Problem> {
        let release = Release::read(body)?;
        Ok(Self {
            root: root.into(),
            entries: release.entries,
            has_by_hash: release.has_by_hash,
        })
    }

    fn member_of(&self, entry: &Entry) -> Member {
        entry.member(&self.root, self.has_by_hash)
    }
}

impl Table for Suite {
    fn find(&self, _: &str, _: &str) -> Option<Fetch> {
        None
    }

    fn named(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn member(&self, name: &str) -> Option<Member> {
        let below = name.strip_prefix(&*self.root)?;
        if let Some((folder, _, hex)) = paths::by_hash(below) {
            let is_it = |entry: &&Entry| split(&entry.path).0 == folder && entry.has(hex);
            return self.entries.iter().find(is_it).map(|it| self.member_of(it));
        }
        let at = self
            .entries
            .binary_search_by(|entry| (*entry.path).cmp(below));
        self.entries.get(at.ok()?).map(|it| self.member_of(it))
    }

    fn lists_of(&self, path: &str) -> Vec<Vec<Member>> {
        if place(path) == Place::Member {
            // The suite's own files: only of differences a list of their own tells.
            let list = paths::list_of_differences(path);
            let list = list.and_then(|list| self.member(&list));
            return list.into_iter().map(|list| vec![list]).collect();
        }
        let (folder, file) = split(path);
        let is_binary = matches!(ending(file), "deb" | "udeb" | "ddeb");
        let stem = if is_binary { "Packages" } else { "Sources" };
        let installer = ending(file) == "udeb";
        let architecture = architecture_of(file).filter(|_| is_binary);
        let component = pool_folder(folder);
        // The forms of each list stand together: they have the same name but for its ending.
        let mut lists: Vec<(u8, &str, Vec<&Entry>)> = Vec::new();
        for entry in &self.entries {
            let (folder, name) = split(&entry.path);
            if name.split('.').next() != Some(stem) {
                continue;
            }
            let Some(rank) = rank(folder, architecture, component, installer) else {
                continue;
            };
            match lists.iter_mut().find(|(_, known, _)| *known == folder) {
                Some((.., forms)) => forms.push(entry),
                None => lists.push((rank, folder, vec![entry])),
            }
        }
        lists.sort_by_key(|(rank, ..)| *rank);
        let place = |entry: &&Entry| {
            let (_, name) = split(&entry.path);
            let packed = name.strip_prefix(stem).unwrap_or_default();
            PACKED.iter().position(|known| *known == packed)
        };
        let forms = |(_, _, mut forms): (u8, &str, Vec<&Entry>)| {
            forms.retain(|entry| place(entry).is_some());
            forms.sort_by_key(place);
            let members = forms.into_iter().map(|entry| self.member_of(entry));
            members.collect::<Vec<_>>()
        };
        lists.into_iter().map(forms).collect()
    }

    fn weight(&self) -> usize {
        let entries: usize = self.entries.iter().map(Entry::weight).sum();
        size_of::<Self>() + self.root.len() + entries
    }
}

/// The folder of packages below the archive's root: in `pool/main/h/hello/` the rest after `pool/`.
pub(super) fn pool_folder(folder: &str) -> &str {
    const POOL: &str = "pool/";
    match folder.find("/pool/") {
        _ if folder.starts_with(POOL) => folder.get(POOL.len()..).unwrap_or_default(),
        Some(at) => folder.get(at + 1 + POOL.len()..).unwrap_or_default(),
        None => "",
    }
}

/// How likely a list in a folder of the suite names a file, less being more; `None`: it does not.
fn rank(folder: &str, architecture: Option<&str>, component: &str, installer: bool) -> Option<u8> {
    if folder.contains("debian-installer/") != installer && !folder.is_empty() {
        return None;
    }
    let of = folder
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .and_then(|last| last.strip_prefix("binary-"));
    // Packages for all architectures are in the lists of each, or in one of their own.
    let fits = match (architecture, of) {
        (Some("all") | None, _) | (_, None) => true,
        (Some(wanted), Some(of)) => wanted == of,
    };
    let own = folder
        .split_once("/binary-")
        .or_else(|| folder.split_once("/source"))
        .map_or("", |(own, _)| own);
    let is_of_component = component
        .strip_prefix(own)
        .is_some_and(|rest| own.is_empty() || rest.starts_with('/'));
    fits.then(|| u8::from(!is_of_component))
}

/// The folder below which the files are that a list of a suite at a root names: the archive's.
pub(super) fn base_of(root: &str) -> &str {
    archive(root).map_or(root, |(archive, _)| archive)
}
