//! Names of packages, versions, tags and tarballs.

use semver::{BuildMetadata, Version};

/// npm's limit on the length of a name, scope included.
const MAX_NAME_BYTES: usize = 214;
/// Limit on the length of a version. It bounds the names of tarballs, too.
const MAX_VERSION_BYTES: usize = 256;

/// Whether text needs no escapes in a URL: only bytes that JavaScript's `encodeURIComponent` does
/// not encode.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
}

/// Whether text can be a scope or the part of a name after it.
pub(super) fn is_part(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && is_plain(part)
}

/// Whether text is a package's name: `name` or `@scope/name`. Names are case-sensitive, and old
/// ones have capitals.
pub(super) fn is_name(name: &str) -> bool {
    let is_valid = match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(Some((scope, base))) => is_part(scope) && is_part(base),
        Some(None) => false,
        None => {
            is_part(name)
                && !name.starts_with('_')
                && !matches!(name, "node_modules" | "favicon.ico")
        }
    };
    is_valid && name.len() <= MAX_NAME_BYTES
}

/// Whether text can be a version in a request. Old versions need not be Semantic Versioning.
pub(super) fn is_version(version: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
    !version.is_empty() && version.len() <= MAX_VERSION_BYTES && version.bytes().all(inner)
}

/// Whether text is the file name of a tarball. It may contain the `+` of a version, too.
pub(super) fn is_file(file: &str) -> bool {
    let stem = file.strip_suffix(".tgz").unwrap_or_default();
    file.len() <= MAX_NAME_BYTES + MAX_VERSION_BYTES && is_part(&stem.replace('+', "-"))
}

/// A name without its scope.
pub(super) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The version in the file name `{base}-{version}.tgz`.
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

/// The file name under which a version's tarball is served: the upstream's, because lockfiles
/// contain it. If the upstream's name does not begin with the package's name, two versions may
/// share it: then `{base}-{version}.tgz`.
pub(super) fn file_of(name: &str, version: &str, url: &str) -> String {
    let file = last_segment(url);
    if is_file(file) && version_of(name, file).is_some() {
        return file.to_owned();
    }
    format!("{}-{version}.tgz", base(name))
}

/// The largest integer that JavaScript represents exactly.
const MAX_NUMBER: u64 = (1 << 53) - 1;
const MAX_TAG_BYTES: usize = 128;

/// Whether a new package may have this name. npm's rules for new names are stricter than those for
/// old ones.
pub(super) fn is_new_name(name: &str) -> bool {
    let strict =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let part = |part: &str| !part.starts_with(['.', '_']) && part.bytes().all(strict);
    is_name(name) && name.strip_prefix('@').unwrap_or(name).split('/').all(part)
}

/// Parses a version that may be published: Semantic Versioning in its only spelling, without build
/// metadata.
pub(super) fn new_version(text: &str) -> Option<Version> {
    let version = Version::parse(text)
        .ok()
        .filter(|version| version.build == BuildMetadata::EMPTY)?;
    let counts = [version.major, version.minor, version.patch]
        .iter()
        .all(|number| *number <= MAX_NUMBER);
    (counts && is_version(text)).then_some(version)
}

/// Whether text can be a tag. Clients must not take it for a version or a range of versions.
pub(super) fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG_BYTES && is_part(text) && !is_range(text)
}

/// Whether text is a version or a range such as `1`, `v1.2.x`, `~1`, `*`, `1.2.3-beta`. Ranges with
/// characters that no tag has need no check.
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
