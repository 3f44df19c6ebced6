//! The zip files that modules come in, by the rules of golang.org/x/mod/zip: what the client refuses
//! to unpack is not kept.

use super::mod_file::ModFile;
use super::paths::is_file_path;
use super::sums::Summing;
use crate::archive::window::Window;
use crate::archive::zip;
use crate::archive::{Fault, Limits};
use crate::publishing::Piece;
use larder_model::{Algorithm, Hasher, Limit};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Limit on a zip file and on all that is in it. Clients take no more, whatever a server says.
pub(super) const MAX_ZIP: Limit = Limit::fixed(500 << 20);
/// Limit on `go.mod` and on `LICENSE`.
const MAX_NAMED: Limit = Limit::fixed(16 << 20);
/// Limit on the names of all files and folders together: folders within folders make many of a few.
const MAX_NAME_BYTES: usize = 64 << 20;
pub(super) const GO_MOD: &str = "go.mod";
pub(super) const LICENSE: &str = "LICENSE";
/// A file that another system for sources writes into what it packs.
const HG_ARCHIVAL: &str = ".hg_archival.txt";

/// A module's zip file that keeps all rules.
pub(super) struct ModuleZip {
    /// The name of the folder, with a slash, that all names begin with.
    prefix: String,
    entries: Vec<zip::Entry>,
}

impl ModuleZip {
    /// Reads the directory of a zip file of a module's version. `unpacked`: what all files may have
    /// together.
    pub(super) fn read(
        file: &mut Window<'_>,
        (path, version): (&str, &str),
        unpacked: Limit,
    ) -> Result<Self, Fault> {
        let unpacked = if unpacked.bytes < MAX_ZIP.bytes {
            unpacked
        } else {
            MAX_ZIP
        };
        let limits = Limits {
            entries: 400_000,
            path_bytes: 4096,
            unpacked,
            ratio: 2000,
        };
        if file.length() > MAX_ZIP.bytes {
            let told = MAX_ZIP.at_end_of("is larger than any client takes");
            return Err(Fault::TooLarge(told.into()));
        }
        let prefix = format!("{path}@{version}/");
        let entries = zip::entries(file, &limits)?;
        let mut names = Names::default();
        for entry in &entries {
            check(entry, &prefix, &mut names)?;
            if entry.is_link() {
                let detail = format!("has a link: {:.200}", entry.name);
                return Err(Fault::refused(detail));
            }
        }
        Ok(Self::of(prefix, entries))
    }

    fn of(prefix: String, mut entries: Vec<zip::Entry>) -> Self {
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Self { prefix, entries }
    }

    /// The zip file that the go command makes of the sources under a tag (golang.org/x/mod/zip,
    /// `Create`). `licence`: the one of the whole repository, for a module in a folder of it.
    pub(super) fn of_sources(
        sources: Sources,
        (path, version): (&str, &str),
        licence: Option<zip::Entry>,
    ) -> Result<Self, Fault> {
        let prefix = format!("{path}@{version}/");
        let licence = licence.filter(|_| !sources.has(LICENSE));
        let is_of_124 = sources.is_of_124;
        let kept = sources.kept.into_iter().filter(|entry| {
            let name = &*entry.name;
            !is_vendored(name, is_of_124) && name != HG_ARCHIVAL
        });
        let (mut names, mut entries) = (Names::default(), Vec::new());
        let mut unpacked = 0_u64;
        for entry in kept.chain(licence) {
            let name = format!("{prefix}{}", entry.name);
            let entry = entry.renamed(name);
            check(&entry, &prefix, &mut names)?;
            if !entry.is_link() {
                unpacked = unpacked.saturating_add(entry.size());
                entries.push(entry);
            }
        }
        if unpacked > MAX_ZIP.bytes {
            let told = MAX_ZIP.at_end_of("unpacks to more than any client takes");
            return Err(Fault::TooLarge(told.into()));
        }
        Ok(Self::of(prefix, entries))
    }

    /// The pieces of a zip file of this.
    pub(super) fn pieces(&self) -> Result<Vec<Piece>, Fault> {
        zip::writer::pieces(&self.entries)
    }

    /// The sum of all that is in it.
    pub(super) fn sum(&self, file: &mut Window<'_>) -> Result<String, Fault> {
        let mut summing = Summing::new();
        for entry in &self.entries {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            zip::each(file, entry, |piece| hasher.update(piece))?;
            summing.add(&entry.name, &hasher.finish());
        }
        Ok(summing.end())
    }

    /// The `go.mod` in it; that of a module without one only says its path.
    pub(super) fn go_mod(&self, file: &mut Window<'_>) -> Result<Vec<u8>, Fault> {
        if let Some(entry) = self.find(GO_MOD) {
            return zip::content(file, entry, MAX_NAMED);
        }
        let path = self.prefix.rsplit_once('@').map_or("", |(path, _)| path);
        Ok(ModFile::only_path(path))
    }

    /// Whether there is a `go.mod` in it.
    pub(super) fn has_go_mod(&self) -> bool {
        self.find(GO_MOD).is_some()
    }

    /// The files right below its folder, by their names there.
    pub(super) fn top(&self) -> impl Iterator<Item = (&str, &zip::Entry)> {
        self.entries.iter().filter_map(|entry| {
            let name = entry.name.strip_prefix(&self.prefix)?;
            (!name.is_empty() && !name.contains('/')).then_some((name, entry))
        })
    }

    fn find(&self, name: &str) -> Option<&zip::Entry> {
        let mut top = self.top();
        top.find(|(top, _)| *top == name).map(|(_, entry)| entry)
    }
}

/// The files of a module in a repository, by their names in its folder, without those of modules below
/// it.
pub(super) struct Sources {
    kept: Vec<zip::Entry>,
    /// Whether its `go.mod` is for version 1.24 of the language or a later one: some rules changed then.
    is_of_124: bool,
}

impl Sources {
    /// Those of a zip file of a repository in which a folder is, at the beginning of a file. `language`:
    /// the version that its `go.mod` tells.
    pub(super) fn read(
        file: &mut Window<'_>,
        folder: &str,
        language: Option<&str>,
    ) -> Result<Self, Fault> {
        // What clients are given of it is checked later.
        let limits = Limits {
            entries: 1_000_000,
            path_bytes: 4096,
            unpacked: Limit::fixed(u64::MAX),
            ratio: u64::MAX,
        };
        let folder = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut kept = Vec::new();
        for entry in zip::entries(file, &limits)? {
            let name = entry.name.strip_prefix(&folder);
            let name = name.filter(|name| !name.is_empty() && !name.ends_with('/'));
            if let Some(name) = name.map(str::to_owned) {
                kept.push(entry.renamed(name));
            }
        }
        let modules = kept.iter().filter(|entry| !entry.is_link());
        let modules = modules.filter_map(|entry| {
            let (folder, file) = entry.name.rsplit_once('/')?;
            file.eq_ignore_ascii_case(GO_MOD).then(|| folder.to_owned())
        });
        let modules: HashSet<String> = modules.collect();
        kept.retain(|entry| !super::paths::above(&entry.name).any(|above| modules.contains(above)));
        Ok(Self {
            kept,
            is_of_124: language.is_some_and(is_of_124),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.kept.iter().any(|entry| entry.name == name)
    }
}

/// Whether a version of the language is 1.24 or later.
fn is_of_124(language: &str) -> bool {
    let mut numbers = language.splitn(3, '.');
    let mut next = || {
        let text = numbers.next()?;
        let end = text.find(|char: char| !char.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse::<u32>().ok()
    };
    next().zip(next()) >= Some((1, 24))
}

/// Whether a file is of a package that is copied into a module. Sums that are known hold on to an old
/// fault of this rule.
fn is_vendored(name: &str, is_of_124: bool) -> bool {
    const FOLDER: &str = "vendor/";
    const BELOW: &str = "/vendor/";
    if is_of_124 && name == "vendor/modules.txt" {
        return true;
    }
    let below = if let Some(rest) = name.strip_prefix(FOLDER) {
        Some(rest)
    } else {
        let at = name.find(BELOW);
        at.and_then(|at| name.get(BELOW.len() + if is_of_124 { at } else { 0 }..))
    };
    below.is_some_and(|rest| rest.contains('/'))
}

/// The names in a zip file, as systems see them that take no notice of case.
#[derive(Default)]
struct Names {
    known: HashMap<String, (String, bool)>,
    bytes: usize,
}

impl Names {
    /// Takes in a name and the folders above it.
    fn add(&mut self, name: &str, is_folder: bool) -> Result<(), Fault> {
        let folders = super::paths::above(name).map(|folder| (folder, true));
        for (name, is_folder) in std::iter::once((name, is_folder)).chain(folders) {
            match self.known.entry(folded(name)) {
                Entry::Vacant(place) => {
                    place.insert((name.to_owned(), is_folder));
                    self.bytes += name.len();
                }
                Entry::Occupied(place) => {
                    let (known, was_folder) = place.get();
                    if known == name && *was_folder == is_folder {
                        return Ok(()); // what is above it is known as well
                    }
                    return Err(Fault::refused(format!(
                        "has two names that are one where case does not count: {known:.200} and \
                         {name:.200}"
                    )));
                }
            }
            if self.bytes > MAX_NAME_BYTES {
                let told = "has files in too many folders within folders";
                return Err(Fault::TooLarge(told.into()));
            }
        }
        Ok(())
    }
}

/// A name as it is where case does not count.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // The capital letter of both the final and the other sigma is one, and so is that of `ſ` and `s`.
    let chars = name.chars().flat_map(char::to_uppercase);
    chars.flat_map(char::to_lowercase).collect()
}

fn check(entry: &zip::Entry, prefix: &str, names: &mut Names) -> Result<(), Fault> {
    let Some(name) = entry.name.strip_prefix(prefix) else {
        return Err(Fault::refused(format!(
            "has a file that is not in the folder {prefix:.200}: {:.200}",
            entry.name
        )));
    };
    if name.is_empty() {
        return Ok(());
    }
    let (name, is_folder) = match name.strip_suffix('/') {
        Some(name) => (name, true),
        None => (name, false),
    };
    if !is_file_path(name) {
        return Err(Fault::refused(format!(
            "has a file whose name not every system takes: {name:.200}"
        )));
    }
    names.add(name, is_folder)?;
    if is_folder {
        return Ok(());
    }
    let file = name.rsplit('/').next().unwrap_or(name);
    if !entry.is_link() && file.eq_ignore_ascii_case(GO_MOD) && name != GO_MOD {
        return Err(Fault::refused(format!(
            "has a go.mod below its folder, or in other letters: {name:.200}"
        )));
    }
    if matches!(name, GO_MOD | LICENSE) && entry.size() > MAX_NAMED.bytes {
        let told = MAX_NAMED.at_end_of(&format!("has a {name} that is too long"));
        return Err(Fault::TooLarge(told.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
