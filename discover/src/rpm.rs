//! dnf, yum and zypper: files of repositories. Variables such as `$releasever` stay as they are.

use crate::found::{Found, file};
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
pub(crate) fn look(machine: &Machine) -> Vec<Found> {
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
fn repos(text: &str, path: &Path) -> Vec<Found> {
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
            Found::read(NAME, url, &file(path))?
                .with(of("username"), of("password"))
                .only(*section),
        )
    };
    sections.iter().filter_map(repo).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::folder;

    #[test]
    fn repositories_that_are_on() {
        let base = "[main]\nbaseurl=https://no.example/\n[baseos]\nname=Base $releasever\nenabled = 1\n\
                    baseurl=https://registry.example/$releasever/$basearch/os\n    https://second.example/\n\
                    username=me\npassword=hunter2\n[source]\nbaseurl=https://source.example/\nenabled=0\n";
        let extra =
            "[list]\nmetalink=https://list.example/?x\n[extra]\nbaseurl=http://extra.example/\n";
        let files = [
            ("/etc/yum.repos.d/a.repo", base),
            ("/etc/yum.repos.d/b.repo", extra),
            ("/etc/yum.repos.d/c", base),
        ];
        let folder = folder(&files);
        let found = look(&Machine::below(folder.path(), &[], "/"));
        let line = |found: &Found| {
            let secret = found.password.is_some();
            format!(
                "{} {} {} {secret}",
                found.only.as_deref().unwrap_or_default(),
                found.url,
                found.default
            )
        };
        let expected = [
            "baseos https://registry.example/$releasever/$basearch/os/ true true",
            "extra http://extra.example/ false false",
        ];
        assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected);
        assert_eq!(found[0].address(), Some("https://registry.example/"));
        assert_eq!(look(&Machine::below(Path::new("/nowhere"), &[], "/")), []);
    }
}
