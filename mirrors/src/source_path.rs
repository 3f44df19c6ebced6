//! Paths of repositories of sources below a repo: which there can be, and how they stand in addresses.

use crate::text::encoded;
use larder_model::percent;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// The most bytes of a path.
pub const MAX_PATH: usize = 255;
/// What an address of a repository may end in, and has here.
pub const ENDING: &str = ".git";
/// What a server or a system on the way may read as something else: as another folder, a drive, a query, or
/// as encoded once more; and what stands for all names in patterns.
const RESERVED: &str = "/\\:?#%*\"<>|`";
/// Nothing stays as it is that a shell reads.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'+')
    .remove(b'@')
    .remove(b'/');

/// The segments of an address, each decoded once, as a path in its one spelling; `None`: no repository can
/// have it.
pub fn read(segments: &[&str]) -> Option<Box<str>> {
    let decoded = segments.iter().map(|segment| {
        let text = percent::decode(segment)?;
        (!text.contains('/')).then_some(text)
    });
    let path = decoded.collect::<Option<Vec<_>>>()?.join("/");
    named(&path).map(Into::into)
}

/// A path in its one spelling: without its ending; `None`: no repository can have it. What still has one
/// would be another spelling of what upstreams have without, past blocks and names that are taken.
pub fn named(path: &str) -> Option<&str> {
    let path = path.strip_suffix(ENDING).unwrap_or(path);
    let is_named = path.len() <= MAX_PATH && path.split('/').all(is_segment);
    (is_named && !has_ending(path)).then_some(path)
}

/// Whether a path has its ending, in whichever letters.
fn has_ending(path: &str) -> bool {
    let begins = path.len().checked_sub(ENDING.len());
    let end = begins.and_then(|at| path.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
}

/// A path as it stands in an address.
pub fn written(path: &str) -> String {
    encoded(path, ENCODED)
}

/// Whether a path can have this between its slashes.
fn is_segment(text: &str) -> bool {
    let is_folder = text.bytes().all(|byte| byte == b'.') || text.eq_ignore_ascii_case(ENDING);
    let is_spaced = text.starts_with(' ') || text.ends_with(' ');
    !is_folder && !is_spaced && !text.contains(is_strange)
}

/// Whether a character stands in no path: it is reserved, or cannot be seen.
fn is_strange(char: char) -> bool {
    let is_unseen = char.is_control()
        || (char.is_whitespace() && char != ' ')
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}');
    is_unseen || RESERVED.contains(char)
}

#[cfg(test)]
mod tests;
