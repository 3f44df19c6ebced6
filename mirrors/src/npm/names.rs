//! Names of packages, versions, tags and tarballs.

use semver::{BuildMetadata, Version};

/// The registry's limit on names, scope included.
const MAX_NAME_BYTES: usize = 214;
/// A version has at most so many bytes; a tarball's file name holds a name and a version.
const MAX_VERSION_BYTES: usize = 256;

/// Whether text can stand in a URL as it is: the bytes that JavaScript's `encodeURIComponent`
/// leaves alone.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
}

pub(super) fn is_part(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && is_plain(part)
}

/// Whether text is a package's name: `name` or `@scope/name`. Case matters, and old names have
/// capitals.
pub(super) fn is_name(name: &str) -> bool {
    let well_made = match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(Some((scope, base))) => is_part(scope) && is_part(base),
        Some(None) => false,
        None => {
            is_part(name)
                && !name.starts_with('_')
                && !matches!(name, "node_modules" | "favicon.ico")
        }
    };
    well_made && name.len() <= MAX_NAME_BYTES
}

pub(super) fn is_version(version: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
    !version.is_empty() && version.len() <= MAX_VERSION_BYTES && version.bytes().all(inner)
}

/// Whether text is the name of a tarball. It may have the `+` of a version, too.
pub(super) fn is_file(file: &str) -> bool {
    let stem = file.strip_suffix(".tgz").unwrap_or_default();
    file.len() <= MAX_NAME_BYTES + MAX_VERSION_BYTES && is_part(&stem.replace('+', "-"))
}

/// A name without its scope.
pub(super) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What of a file's name follows `{base}-`, without its ending.
pub(super) fn version_of<'a>(name: &str, file: &'a str) -> Option<&'a str> {
    let rest = file.strip_prefix(base(name))?.strip_prefix('-')?;
    rest.strip_suffix(".tgz")
        .filter(|version| !version.is_empty())
}

/// The last segment of a URL.
pub(super) fn last_segment(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}

/// The file name under which a version's tarball is served: the upstream's, for lockfiles have it;
/// the conventional one where the upstream's is not made of the package's name, and so might not be
/// the only one of its kind.
pub(super) fn file_of(name: &str, version: &str, url: &str) -> String {
    let file = last_segment(url);
    if is_file(file) && version_of(name, file).is_some() {
        return file.to_owned();
    }
    format!("{}-{version}.tgz", base(name))
}

/// The largest number in a version that JavaScript counts exactly.
const MAX_NUMBER: u64 = (1 << 53) - 1;
const MAX_TAG_BYTES: usize = 128;

/// Whether a name may be given to a new package: the rules are stricter than those that old names
/// were made under.
pub(super) fn is_new_name(name: &str) -> bool {
    let strict =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let part = |part: &str| !part.starts_with(['.', '_']) && part.bytes().all(strict);
    is_name(name) && name.strip_prefix('@').unwrap_or(name).split('/').all(part)
}

/// A version that may be published: one that is written in no other way.
pub(super) fn new_version(text: &str) -> Option<Version> {
    let version = Version::parse(text)
        .ok()
        .filter(|version| version.build == BuildMetadata::EMPTY)?;
    let counts = [version.major, version.minor, version.patch]
        .iter()
        .all(|number| *number <= MAX_NUMBER);
    (counts && is_version(text)).then_some(version)
}

/// Whether text can be a tag: nothing that clients would read as a version or a range of versions.
pub(super) fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG_BYTES && is_part(text) && !is_range(text)
}

/// Of the ranges those that have only characters that a tag may have: `1`, `v1.2.x`, `~1`, `*`,
/// `1.2.3-beta`.
fn is_range(text: &str) -> bool {
    let text = text.trim_start_matches(['~', 'v', 'V']);
    let mut parts = text.splitn(3, '.');
    let counts = |part: &str| {
        matches!(part, "x" | "X" | "*") || part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let last = |part: &str| counts(part.split(['-', '+']).next().unwrap_or_default());
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    counts(first) && second.is_none_or(counts) && third.is_none_or(last)
}
