//! dnf, yum and zypper: files of repositories. Variables such as `$releasever` stay as they are.

use crate::found::{DiscoveredUpstream, file};
use crate::ini;
use crate::machine::Machine;
use std::path::Path;

const NAME: &str = "rpm";
/// Where they look.
const FOLDERS: [&str; 4] = [
    "/etc/yum.repos.d",
    "/etc/yum/repos.d",
    "/etc/distro.repos.d",
    "/etc/zypp/repos.d",
];

/// The repositories that are switched on. The first counts as the default.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let mut all = Vec::new();
    for folder in FOLDERS.map(Path::new) {
        let paths = machine
            .names(folder)
            .into_iter()
            .map(|name| folder.join(name));
        for path in paths.filter(|path| path.extension().is_some_and(|kind| kind == "repo")) {
            all.extend(
                machine
                    .read(&path)
                    .map(|text| repos(&text, &path))
                    .unwrap_or_default(),
            );
        }
    }
    if let Some(first) = all.first_mut() {
        first.default = true;
    }
    all
}

/// The repositories of a file. Of several addresses of one the first counts; one with a list of
/// mirrors only has none.
fn repos(text: &str, path: &Path) -> Vec<DiscoveredUpstream> {
    let entries = ini::read(text, &['=']);
    let mut sections: Vec<&str> = entries.iter().map(|entry| &*entry.section).collect();
    sections.dedup();
    let repo = |section: &&str| {
        let of = |key: &str| {
            let entry = entries
                .iter()
                .rev()
                .find(|entry| entry.section == **section && entry.key == key)?;
            Some(entry.value.clone())
        };
        let off = of("enabled")
            .is_some_and(|value| matches!(&*value.to_lowercase(), "0" | "no" | "false" | "off"));
        let urls = of("baseurl").filter(|_| !off && *section != "main")?;
        let url = urls
            .split([' ', ',', '\n', '\t'])
            .find(|url| !url.is_empty())?;
        Some(
            DiscoveredUpstream::read(NAME, url, &file(path))?
                .with(of("username"), of("password"))
                .only(*section),
        )
    };
    sections.iter().filter_map(repo).collect()
}

#[cfg(test)]
mod tests;
