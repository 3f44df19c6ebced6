//! What is told of a version: the files in its zip tell it, first of all its `go.mod`.

use super::mod_file::{ModFile, Retracted};
use super::module_zip::{MAX_ZIP, ModuleZip};
use super::paths::is_module_path;
use super::publish::zips;
use super::version::Version;
use crate::archive::folder;
use crate::archive::window::Window;
use crate::archive::zip;
use crate::describing::{About, Dependency, DescribedFile, Describing, MAX_README_BYTES, Readme};
use crate::publishing::Body;
use larder_model::{Problem, StoredFile};
use std::io::Read as _;

/// A longer readme is not read.
const MAX_READ_BYTES: u64 = 4 << 20;

/// Descriptions of modules.
pub(super) struct ModuleAbouts;

impl Describing for ModuleAbouts {
    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        zips(files).next()
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let unreadable = |fault: crate::archive::Fault| fault.problem("zip", "the zip file");
        let mut window = Window::new(body, 0, file.size);
        let module = (file.package, file.version);
        let zip = ModuleZip::read(&mut window, module, MAX_ZIP).map_err(unreadable)?;
        let go_mod = zip.go_mod(&mut window).map_err(unreadable)?;
        let mut about = ModFile::read(&go_mod).map_or_else(About::default, of_go_mod);
        let mut readmes: Vec<_> = zip
            .top()
            .filter(|(name, entry)| folder::is_readme(name) && entry.size() <= MAX_READ_BYTES)
            .collect();
        readmes.sort_by_key(|(name, _)| (!name.to_ascii_lowercase().ends_with(".md"), *name));
        if let Some((name, entry)) = readmes.first() {
            let text = zip::content(&mut window, entry, MAX_READ_BYTES).map_err(unreadable)?;
            let mut beginning = Vec::new();
            // A byte more shows that there is more.
            let mut limited = text.take(MAX_README_BYTES as u64 + 4);
            limited
                .read_to_end(&mut beginning)
                .map_err(Problem::internal)?;
            about.readme = Readme::of_file(name, &beginning);
        }
        let is_web = file.package.split('/').count() > 1;
        if is_web && Version::parse(file.version).is_some_and(|version| !version.is_pseudo()) {
            about.link("homepage", &format!("https://{}", file.package));
        }
        Ok(about)
    }
}

/// What a `go.mod` tells.
fn of_go_mod(file: ModFile<'_>) -> About {
    let mut about = About {
        summary: file.deprecated.map(|why| format!("Deprecated: {why}")),
        ..About::default()
    };
    let needs = file.requires.into_iter();
    about.dependencies = needs
        .filter(|needed| is_module_path(&needed.path))
        .map(|needed| Dependency {
            package: Some(needed.path.clone().into_owned()),
            name: needed.path.into_owned(),
            requirement: needed.version.into_owned(),
            kind: "runtime",
            condition: if needed.indirect { "indirect" } else { "" }.to_owned(),
            ..Dependency::default()
        })
        .collect();
    about.fact("language", file.language.map(str::to_owned));
    about.fact("toolchain", file.toolchain.map(str::to_owned));
    about.fact("retracted", file.retracted.iter().map(told));
    about
}

/// Versions that were taken back, and why.
fn told(retracted: &Retracted<'_>) -> String {
    let Retracted {
        first,
        last,
        reason,
    } = retracted;
    let mut text = first.to_string();
    if first != last {
        text = format!("{first} … {last}");
    }
    if !reason.is_empty() {
        text = format!("{text}: {reason}");
    }
    text
}

#[cfg(test)]
mod tests;
