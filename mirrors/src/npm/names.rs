//! Names of packages, versions and tarballs.

/// The registry's limit on names, scope included.
const MOST_NAME_BYTES: usize = 214;
/// A version has at most so many bytes; a tarball's file name holds a name and a version.
const MOST_VERSION_BYTES: usize = 256;

/// Whether text can stand in a URL as it is: the bytes that JavaScript's `encodeURIComponent` leaves alone.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && is_plain(part)
}

/// Whether text is a package's name: `name` or `@scope/name`. Case matters, and old names have capitals.
pub(super) fn is_name(name: &str) -> bool {
    let well_made = match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(Some((scope, base))) => is_part(scope) && is_part(base),
        Some(None) => false,
        None => is_part(name) && !name.starts_with('_') && !matches!(name, "node_modules" | "favicon.ico"),
    };
    well_made && name.len() <= MOST_NAME_BYTES
}

pub(super) fn is_version(version: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
    !version.is_empty() && version.len() <= MOST_VERSION_BYTES && version.bytes().all(inner)
}

/// Whether text is the name of a tarball. It may have the `+` of a version, too.
pub(super) fn is_file(file: &str) -> bool {
    let stem = file.strip_suffix(".tgz").unwrap_or_default();
    file.len() <= MOST_NAME_BYTES + MOST_VERSION_BYTES && is_part(&stem.replace('+', "-"))
}

/// A name without its scope.
pub(super) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What of a file's name follows `{base}-`, without its ending.
pub(super) fn version_of<'a>(name: &str, file: &'a str) -> Option<&'a str> {
    let rest = file.strip_prefix(base(name))?.strip_prefix('-')?;
    rest.strip_suffix(".tgz").filter(|version| !version.is_empty())
}

/// The last segment of a URL.
pub(super) fn last_segment(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}

/// The file name under which a version's tarball is served: the upstream's, for lockfiles have it; the conventional one where
/// the upstream's is not made of the package's name, and so might not be the only one of its kind.
pub(super) fn file_of(name: &str, version: &str, url: &str) -> String {
    let file = last_segment(url);
    if is_file(file) && version_of(name, file).is_some() {
        return file.to_owned();
    }
    format!("{}-{version}.tgz", base(name))
}
