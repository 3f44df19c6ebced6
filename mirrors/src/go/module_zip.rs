//! The zip files that modules come in, by the rules of golang.org/x/mod/zip: what the client refuses
//! to unpack is not kept.

use super::mod_file::ModFile;
use super::paths::is_file_path;
use super::sums::Summing;
use crate::archive::window::Window;
use crate::archive::zip;
use crate::archive::{Fault, Limits};
use larder_model::{Algorithm, Hasher, Limit};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Limit on a zip file and on all that is in it. Clients take no more, whatever a server says.
pub(super) const MAX_ZIP: Limit = Limit::fixed(500 << 20);
/// Limit on `go.mod` and on `LICENSE`.
const MAX_NAMED: Limit = Limit::fixed(16 << 20);
/// Limit on the names of all files and folders together: folders within folders make many of a few.
const MAX_NAME_BYTES: usize = 64 << 20;
const GO_MOD: &str = "go.mod";
const LICENSE: &str = "LICENSE";

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
        let mut entries = zip::entries(file, &limits)?;
        let mut names = Names::default();
        for entry in &entries {
            check(entry, &prefix, &mut names)?;
        }
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { prefix, entries })
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
    if entry.is_link() {
        let detail = format!("has a link: {:.200}", entry.name);
        return Err(Fault::refused(detail));
    }
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
    if file.eq_ignore_ascii_case(GO_MOD) && name != GO_MOD {
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
