//! Names of projects in their canonical form, and the parts of file names.

/// Limit on the length of a name. Upstream indexes allow less.
const MAX_PROJECT_BYTES: usize = 128;
/// Limit on the length of a file name: that of common file systems.
const MAX_FILE_BYTES: usize = 255;
/// Endings of source archives, the most common today first.
const SOURCES: [&str; 7] = [
    ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tar.Z", ".tgz", ".tar",
];
/// Endings of all other distributions.
const BUILDS: [&str; 7] = [".whl", ".egg", ".exe", ".msi", ".rpm", ".deb", ".dmg"];

/// The suffix of the path of a file's metadata.
pub(super) const METADATA: &str = ".metadata";

/// A project's name in its canonical form (packaging specifications, "Name normalization").
pub(super) fn normalised(name: &str) -> String {
    let mut one = String::with_capacity(name.len());
    for char in name.chars() {
        match char {
            '-' | '_' | '.' if one.ends_with('-') => {}
            '-' | '_' | '.' => one.push('-'),
            _ => one.push(char.to_ascii_lowercase()),
        }
    }
    one
}

/// Whether text can be the name of a project, in any spelling.
pub(super) fn is_project(name: &str) -> bool {
    let plain = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= MAX_PROJECT_BYTES
        && plain(name.bytes().next())
        && plain(name.bytes().last())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether text can be the last segment of a path here, and a file name on a client.
pub(super) fn is_file(name: &str) -> bool {
    let bad = |char: char| char.is_control() || matches!(char, '/' | '\\' | '%' | ';');
    !name.is_empty()
        && name.len() <= MAX_FILE_BYTES
        && !name.starts_with('.')
        && !name.contains(bad)
}

/// Whether a file's name ends as distributions do.
pub(super) fn is_distribution(file: &str) -> bool {
    is_file(file)
        && SOURCES
            .iter()
            .chain(&BUILDS)
            .any(|end| file.len() > end.len() && file.ends_with(end))
}

/// Whether a file's name begins with that of the project.
pub(super) fn belongs(project: &str, file: &str) -> bool {
    normalised(file)
        .strip_prefix(project)
        .is_some_and(|rest| rest.starts_with('-'))
}

/// The version in the name of a wheel or a source archive, where it is unambiguous.
pub(super) fn version_of<'f>(project: &str, file: &'f str) -> Option<&'f str> {
    if let Some(stem) = file.strip_suffix(".whl") {
        let fields: Vec<&str> = stem.split('-').collect();
        let known = matches!(fields.len(), 5 | 6)
            && normalised(fields[0]) == project
            && is_version(fields[1]);
        return known.then(|| fields[1]);
    }
    let stem = SOURCES.iter().find_map(|end| file.strip_suffix(end))?;
    let mut splits = stem
        .match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    let (_, version) = splits.find(|(name, _)| normalised(name) == project)?;
    is_version(version).then_some(version)
}

fn is_version(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".+!_-".contains(&byte);
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(inner)
}
