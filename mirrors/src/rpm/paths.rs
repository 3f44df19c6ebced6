//! Paths of a repository: metadata, packages, and the parts of their names.

use crate::Document;
use crate::names::FileName;

/// Limit on the directories above a package in which its repository is searched.
pub(super) const MAX_ROOTS: usize = 5;
/// Directories that by convention contain packages and no metadata.
const PACKAGE_DIRECTORIES: [&str; 6] = [
    "Packages",
    "packages",
    "RPMS",
    "rpms",
    "drpms",
    "getPackage",
];

/// Splits a path below a `repodata/`: the repository's root, and the rest after that directory.
pub(super) fn metadata(path: &str) -> Option<(&str, &str)> {
    const WITHIN: &str = "/repodata/";
    match path.rfind(WITHIN) {
        Some(at) => Some((path.get(..=at)?, path.get(at + WITHIN.len()..)?)),
        None => Some(("", path.strip_prefix(&WITHIN[1..])?)),
    }
}

/// Whether the name of a list begins with a digest of its bytes.
pub(super) fn has_digest(name: &str) -> bool {
    let digest = name.split('-').next().unwrap_or_default();
    digest.len() >= 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The `repomd.xml` of the repository at a root.
pub(super) fn repomd_of(root: &str) -> Document {
    Document::new("", format!("{root}repodata/repomd.xml"))
}

/// The path below the upstream's address to which a location leads from a root; `None` if that is
/// above the address.
pub(super) fn joined(root: &str, location: &str) -> Option<String> {
    let mut segments: Vec<&str> = root.split('/').filter(|name| !name.is_empty()).collect();
    for segment in location.split('/') {
        if segment == ".." {
            segments.pop()?;
        } else {
            segments.push(segment);
        }
    }
    Some(segments.join("/"))
}

/// The locations by which a list at a root may name a path: below the root, or up from it.
pub(super) fn locations<'a>(root: &'a str, path: &'a str) -> impl Iterator<Item = String> + 'a {
    let above = |folder: &&'a str| {
        let folder = folder.strip_suffix('/')?;
        Some(folder.rfind('/').map_or("", |at| &folder[..=at]))
    };
    let folders = std::iter::successors(Some(root), above).enumerate();
    folders.filter_map(move |(steps, folder)| {
        let rest = path.strip_prefix(folder)?;
        Some("../".repeat(steps) + rest)
    })
}

/// The ending of a file's name, after its last dot; empty if there is none.
pub(super) fn ending(path: &str) -> &str {
    path.rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map_or("", |(_, ending)| ending)
}

/// Whether a path is the path of a package.
pub(super) fn is_package(path: &str) -> bool {
    matches!(ending(path), "rpm" | "drpm")
}

/// The package's name in `dir/name-version-release.arch.rpm`, or in
/// `dir/name-version-release_version-release.arch.drpm`. A file name of another form is the
/// name; a file that is not a package has none.
pub(super) fn name_of(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    let (stem, dashes) = match (file.strip_suffix(".rpm"), file.strip_suffix(".drpm")) {
        (Some(stem), _) => (stem, 2),
        (None, Some(stem)) => (stem, 3),
        (None, None) => return "",
    };
    let name = stem
        .rmatch_indices('-')
        .nth(dashes - 1)
        .map_or(stem, |(at, _)| &stem[..at]);
    if name.is_empty() { stem } else { name }
}

/// What the path of a package tells of it: its name and its edition, without an epoch, which no name of a
/// file has. Of a difference that is the edition that it makes. `None`: it is no package.
pub(super) fn file_name(path: &str) -> Option<FileName<'_>> {
    let package = name_of(path);
    if package.is_empty() || metadata(path).is_some() {
        return None;
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
    let edition = stem.get(package.len()..)?.strip_prefix('-');
    let version = match edition.unwrap_or_default() {
        // `version-release_version-release.arch`
        edition if ending == "drpm" => {
            let end = edition.rfind('-').unwrap_or_default();
            let middle = edition[..end].rfind('_');
            middle.map_or("", |at| &edition[at + 1..])
        }
        edition => edition,
    };
    Some(FileName { package, version })
}

/// Everything of a package but its name: `epoch:version-release.arch`, without an epoch that is 0 or empty.
pub(super) fn edition([epoch, version, release]: [&str; 3], arch: &str) -> String {
    let epoch = match epoch {
        "" | "0" => String::new(),
        epoch => format!("{epoch}:"),
    };
    format!("{epoch}{version}-{release}.{arch}")
}

/// The edition that a list has for a package, if the name of its file tells another.
pub(super) fn edition_of(evr: &[String; 3], arch: &str, path: &str) -> Option<String> {
    const MAX_BYTES: usize = 200;
    let [epoch, version, release] = evr.each_ref().map(String::as_str);
    let edition = edition([epoch, version, release], arch);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~^:_-".contains(&byte);
    let is_whole = ![version, release, arch].contains(&"");
    let is_plain = edition.len() <= MAX_BYTES && edition.bytes().all(plain);
    let is_news = is_whole && is_plain && file_name(path)?.version != edition;
    is_news.then_some(edition)
}

/// The possible roots of a package's repository, the most likely first: directly above a directory of
/// packages, then the nearest.
pub(super) fn roots(path: &str) -> Vec<&str> {
    let mut roots: Vec<&str> = path
        .match_indices('/')
        .filter_map(|(at, _)| path.get(..=at))
        .collect();
    roots.reverse();
    roots.push("");
    roots.sort_by_key(|root| {
        let below = path.get(root.len()..).and_then(|rest| rest.split_once('/'));
        !below.is_some_and(|(first, _)| PACKAGE_DIRECTORIES.contains(&first))
    });
    if roots.len() > MAX_ROOTS {
        roots.truncate(MAX_ROOTS - 1);
        // The configured URL is always one of them.
        if !roots.contains(&"") {
            roots.push("");
        }
    }
    roots
}
