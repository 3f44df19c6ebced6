//! apt: `sources.list`, and the files beside it. Each archive is one upstream: the one that has the suite
//! of the system that runs is the default, the others are for themselves.

use crate::found::{DiscoveredUpstream, file};
use crate::machine::Machine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};

const NAME: &str = "deb";
const LIST: &str = "/etc/apt/sources.list";
const FOLDER: &str = "/etc/apt/sources.list.d";
/// Keys that are trusted where a source names none.
const KEYRING: &str = "/etc/apt/trusted.gpg";
const KEYRINGS: &str = "/etc/apt/trusted.gpg.d";
const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";
const LINE: usize = 64;

/// One source of packages.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Source {
    uri: String,
    suites: Vec<String>,
    /// Paths of keyrings, or keys themselves; empty: those that are trusted anyway.
    signed_by: String,
    path: PathBuf,
}

/// The archives that are switched on.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let codename = machine
        .read(Path::new("/etc/os-release"))
        .as_deref()
        .and_then(codename)
        .unwrap_or_default();
    let mut found: Vec<(bool, DiscoveredUpstream)> = Vec::new();
    for source in sources(machine) {
        let is_default = !codename.is_empty() && source.suites.contains(&codename);
        let Some(mut one) = DiscoveredUpstream::read(NAME, &source.uri, &file(&source.path)) else {
            continue;
        };
        if let Some((known, _)) = found.iter_mut().find(|(_, known)| known.url == one.url) {
            *known |= is_default;
            continue;
        }
        one.trusted_keys = keys(machine, &source.signed_by);
        found.push((is_default, one));
    }
    // The first of several that have the suite, or of all, is what apt would ask first.
    let first = found
        .iter()
        .position(|(is_default, _)| *is_default)
        .unwrap_or(0);
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for (at, (_, one)) in found.into_iter().enumerate() {
        if at == first {
            all.insert(0, one);
            continue;
        }
        let name = name_of(&one.url, &names);
        names.push(name.clone());
        let mut one = one.only(&name);
        one.own_mirror = Some(name);
        all.push(one);
    }
    all
}

/// The last segment of an address, as a name that no other has.
fn name_of(url: &str, names: &[String]) -> String {
    let last = url
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let plain = |char: char| {
        let fits = char.is_ascii_alphanumeric() || ".-_".contains(char);
        if fits { char.to_ascii_lowercase() } else { '-' }
    };
    let base: String = last.chars().map(plain).collect();
    let base = base.trim_matches(['.', '-', '_']);
    let base = if base.is_empty() { "archive" } else { base };
    let taken = |name: &str| {
        matches!(name, "upstream" | "local" | "main") || names.iter().any(|known| known == name)
    };
    let mut name = base.to_owned();
    let mut number = 2;
    while taken(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

fn codename(release: &str) -> Option<String> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    line.map(|value| value.trim_matches('"').to_owned())
}

/// All sources, in the order in which apt reads them.
fn sources(machine: &Machine) -> Vec<Source> {
    let mut all = Vec::new();
    let mut paths = vec![PathBuf::from(LIST)];
    let folder = Path::new(FOLDER);
    paths.extend(
        machine
            .names(folder)
            .into_iter()
            .map(|name| folder.join(name)),
    );
    for path in paths {
        let Some(text) = machine.read(&path) else {
            continue;
        };
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("list") => all.extend(lines(&text, &path)),
            Some("sources") => all.extend(stanzas(&text, &path)),
            _ => {}
        }
    }
    all
}

/// Lines such as `deb [signed-by=/path] https://host/debian suite component`.
fn lines(text: &str, path: &Path) -> Vec<Source> {
    let source = |line: &str| {
        let line = line.split('#').next()?.trim();
        let (kind, rest) = line.split_once(char::is_whitespace)?;
        if !matches!(kind, "deb" | "deb-src") {
            return None;
        }
        let rest = rest.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        let mut options = options.split_whitespace();
        let signed_by = options.find_map(|option| option.strip_prefix("signed-by="));
        Some(Source {
            uri: uri.to_owned(),
            suites: vec![suite.trim_end_matches('/').to_owned()],
            signed_by: signed_by.unwrap_or_default().replace(',', " "),
            path: path.to_owned(),
        })
    };
    text.lines().filter_map(source).collect()
}

/// Stanzas of fields (deb822).
fn stanzas(text: &str, path: &Path) -> Vec<Source> {
    let mut all = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    let ends = std::iter::once("");
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .chain(ends)
    {
        if line.trim().is_empty() {
            all.extend(of_stanza(&std::mem::take(&mut fields), path));
        } else if let Some(more) = line.strip_prefix([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                // A dot alone is an empty line.
                value.push_str(if more.trim() == "." {
                    ""
                } else {
                    more.trim_end()
                });
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    all
}

fn of_stanza(fields: &[(String, String)], path: &Path) -> Vec<Source> {
    let of = |name: &str| {
        let mut named = fields.iter().filter(|(known, _)| known == name);
        named
            .next()
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let is_off = matches!(
        &*of("enabled").to_ascii_lowercase(),
        "no" | "false" | "off" | "0"
    );
    if is_off
        || !of("types")
            .split_whitespace()
            .any(|kind| kind.starts_with("deb"))
    {
        return Vec::new();
    }
    let suites = of("suites").split_whitespace();
    let suites: Vec<String> = suites
        .map(|it| it.trim_end_matches('/').to_owned())
        .collect();
    let source = |uri: &str| Source {
        uri: uri.to_owned(),
        suites: suites.clone(),
        signed_by: of("signed-by").to_owned(),
        path: path.to_owned(),
    };
    of("uris").split_whitespace().map(source).collect()
}

/// The keys that a source is signed by, armored; `None` if there are none that can be read.
fn keys(machine: &Machine, signed_by: &str) -> Option<String> {
    if signed_by.contains(BEGIN) {
        return Some(signed_by.trim().to_owned());
    }
    // Fingerprints choose among the keys that are trusted anyway.
    let named = signed_by
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    let mut paths: Vec<PathBuf> = named.map(PathBuf::from).collect();
    if paths.is_empty() {
        let folder = Path::new(KEYRINGS);
        paths.push(PathBuf::from(KEYRING));
        paths.extend(
            machine
                .names(folder)
                .into_iter()
                .map(|name| folder.join(name)),
        );
    }
    let read = |path: PathBuf| armored(&machine.read_bytes(&path)?);
    let all: Vec<String> = paths.into_iter().filter_map(read).collect();
    Some(all.join("\n")).filter(|text| !text.is_empty())
}

/// Armors a keyring; one that is armored stays as it is.
fn armored(bytes: &[u8]) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.contains(BEGIN).then(|| text.trim().to_owned());
    }
    let body = STANDARD.encode(bytes);
    let mut text = format!("{BEGIN}\n\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    Some(text + END)
}

#[cfg(test)]
mod tests;
