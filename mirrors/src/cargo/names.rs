//! Names and versions of crates.

/// Limit on the length of a name. Upstream registries allow less.
const MAX_NAME_BYTES: usize = 128;
const MAX_VERSION_BYTES: usize = 128;

/// The canonical form of a name. Names that differ only in case, `-` and `_` are the same crate.
pub(super) fn canonical(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether text can be the name of a crate.
pub(super) fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    name.len() <= MAX_NAME_BYTES
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
        && name.bytes().all(inner)
}

/// Whether text can be a version of a crate.
pub(super) fn is_version(version: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    version.len() <= MAX_VERSION_BYTES
        && version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(inner)
}

/// The folder of a name in an index: `1`, `2`, `3/a`, `ab/cd` (the Cargo book, "Index files").
pub(super) fn prefix(name: &str) -> String {
    match name.len() {
        0..=2 => name.len().to_string(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    }
}
