//! Names of packages, and the parts of the addresses of their archives.

use sha1::{Digest as _, Sha1};

/// Limit on the length of a vendor's or a project's name.
const MAX_PART_BYTES: usize = 128;
/// Limit on the length of a version.
const MAX_VERSION_BYTES: usize = 200;
/// Limit on what tells an archive from others in its address.
const MAX_IDENTITY_BYTES: usize = 100;
/// Names of branches have slashes, and no tildes (git-check-ref-format): in an address the one stands
/// for the other, because many programs take an encoded slash for a plain one.
const SLASH: &str = "~";

/// The canonical form of a name: the client asks for names in lower case alone.
pub(super) fn canonical(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Whether text can be the name of a package, in any case (Composer's schema, `name`; some older
/// packages have more than one separator in a row).
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        part.len() <= MAX_PART_BYTES
            && part.bytes().all(inner)
            && part.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    name.split_once('/')
        .is_some_and(|(vendor, project)| is_part(vendor) && is_part(project))
}

/// Whether a package of this name can be published: lower case, and single separators (Composer's
/// schema, `name`).
pub(super) fn is_new_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str, double_dash: bool| {
        let bytes = part.as_bytes();
        let separated = part.split(['_', '.', '-']).all(|word| !word.is_empty());
        let separated = separated
            || double_dash
                && !part.contains("---")
                && part
                    .replace("--", "-")
                    .split(['_', '.', '-'])
                    .all(|word| !word.is_empty());
        bytes
            .iter()
            .all(|byte| is_plain(*byte) || b"_.-".contains(byte))
            && separated
    };
    is_name(name)
        && name
            .split_once('/')
            .is_some_and(|(vendor, project)| is_part(vendor, false) && is_part(project, true))
}

/// Whether text can be a version in an address.
pub(super) fn is_version(version: &str) -> bool {
    let is_bad = |char: char| char.is_control() || char.is_whitespace() || "\\%;~".contains(char);
    let parts = |part: &str| !matches!(part, "" | "." | "..");
    !version.is_empty()
        && version.len() <= MAX_VERSION_BYTES
        && !version.contains(is_bad)
        && version.split('/').all(parts)
}

/// A version as a segment of an address.
pub(super) fn version_segment(version: &str) -> String {
    crate::text::segment(&version.replace('/', SLASH))
}

/// The version that a segment of an address stands for.
pub(super) fn version_of(segment: &str) -> String {
    segment.replace(SLASH, "/")
}

/// Whether text can be the name of an archive in an address.
pub(super) fn is_file(name: &str) -> bool {
    name.split_once('.').is_some()
        && name.len() <= 2 * MAX_IDENTITY_BYTES
        && name.bytes().all(is_plain)
        && !name.starts_with('.')
}

/// Text as a part of an archive's name: as it is, if it can be one; else what stands for it.
pub(super) fn identity(text: &str) -> String {
    let is_one = !text.is_empty()
        && text.len() <= MAX_IDENTITY_BYTES
        && text.bytes().all(is_plain)
        && !text.starts_with(['.', '-']);
    if is_one {
        return text.to_owned();
    }
    format!("x{}", larder_model::hex::encode(&Sha1::digest(text)))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-+".contains(&byte)
}

#[cfg(test)]
mod tests;
