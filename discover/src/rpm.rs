//! dnf, yum and zypper: files of repositories. Variables such as `$releasever` stay as they are in
//! addresses, which end above them; in those of lists of mirrors they stand for what they do here.

use crate::found::{Certificates, DiscoveredUpstream, file, pem_file};
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

/// Where values of variables are.
const VARIABLES: [&str; 2] = ["/etc/dnf/vars", "/etc/yum/vars"];

/// The repositories that are switched on. The first counts as the default.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let variables = variables(machine);
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
                    .map(|text| repos(&text, &path, &variables))
                    .unwrap_or_default(),
            );
        }
    }
    if let Some(first) = all.first_mut() {
        first.default = true;
    }
    all
}

/// The repositories of a file. Of several addresses of one the first counts; one without an address has a
/// list of mirrors.
fn repos(text: &str, path: &Path, variables: &[(String, String)]) -> Vec<DiscoveredUpstream> {
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
        if off || *section == "main" {
            return None;
        }
        let urls = of("baseurl").unwrap_or_default();
        let url = urls
            .split([' ', ',', '\n', '\t'])
            .find(|url| !url.is_empty());
        let place = file(path);
        let found = if let Some(url) = url {
            DiscoveredUpstream::read(NAME, url, &place)
        } else {
            let list = of("metalink").or_else(|| of("mirrorlist"))?;
            DiscoveredUpstream::of_list(NAME, &expanded(&list, variables), &place)
        };
        Some(
            found?
                .with(of("username"), of("password"))
                .certified(certificates(of))
                .only(*section),
        )
    };
    sections.iter().filter_map(repo).collect()
}

/// The values of variables that lists of mirrors are asked with: those of files, else of the system.
fn variables(machine: &Machine) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for folder in VARIABLES.map(Path::new) {
        for name in machine.names(folder) {
            let value = machine.read(&folder.join(&name)).unwrap_or_default();
            let value = value.lines().next().unwrap_or_default().trim().to_owned();
            variables.push((name, value));
        }
    }
    let release = machine
        .read(Path::new("/etc/os-release"))
        .unwrap_or_default();
    let version = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_ID="));
    if let Some(version) = version {
        // Of 9.4 the repositories are those of 9.
        let version = version
            .trim_matches('"')
            .split('.')
            .next()
            .unwrap_or_default();
        variables.push(("releasever".to_owned(), version.to_owned()));
    }
    let arch = match std::env::consts::ARCH {
        "x86" => "i386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        arch => arch,
    };
    variables.push(("basearch".to_owned(), arch.to_owned()));
    variables.push(("arch".to_owned(), arch.to_owned()));
    variables.retain(|(_, value)| !value.is_empty());
    variables
}

/// An address with the values of its variables, `$name` or `${name}`; what has none stays as it is.
fn expanded(text: &str, variables: &[(String, String)]) -> String {
    let mut pieces = text.split('$');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let bare = piece.strip_prefix('{');
        let inner = bare.unwrap_or(piece);
        let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let (name, rest) = inner.split_at(inner.find(|char| !is_part(char)).unwrap_or(inner.len()));
        let rest = if bare.is_some() {
            rest.strip_prefix('}')
        } else {
            Some(rest)
        };
        let value = variables.iter().find(|(known, _)| known == name);
        match value.zip(rest) {
            Some(((_, value), rest)) => out.extend([value.as_str(), rest]),
            None => out.extend(["$", piece]),
        }
    }
    out
}

/// What `sslclientcert`, `sslclientkey` and `sslcacert` name. Without a key of its own the certificate
/// has it in the same file.
fn certificates(of: impl Fn(&str) -> Option<String>) -> Certificates {
    let file = |key: &str| pem_file(&of(key)?);
    let client = file("sslclientcert");
    Certificates {
        client: client.map(|it| (it.clone(), file("sslclientkey").unwrap_or(it))),
        authorities: file("sslcacert"),
    }
}

#[cfg(test)]
mod tests;
