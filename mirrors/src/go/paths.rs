//! Module paths, versions in paths, and paths of files in modules (golang.org/x/mod/module). Module
//! paths are case-sensitive; in addresses a capital letter is `!` and the small one.

/// Limit on a module path. Longer ones do not fit into an address with a version.
const MAX_PATH_BYTES: usize = 400;
/// Names of files that Windows reserves, whatever their ending.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];
/// Punctuation that names of files may have.
const FILE_PUNCTUATION: &str = "!#$%&()+,-.=@[]^_{}~ ";
/// Paths below it end in a dot, `v` and the major version, and may then have `-unstable`.
const DOTTED_MAJOR_HOST: &str = "gopkg.in/";
const UNSTABLE: &str = "-unstable";

/// The path that an address spells; `None` if it is none.
pub(super) fn unescape_path(escaped: &str) -> Option<String> {
    unescape(escaped).filter(|path| is_module_path(path))
}

/// The version, or the name of a branch or commit, that a segment of an address spells; `None` if it
/// is none.
pub(super) fn unescape_version(escaped: &str) -> Option<String> {
    unescape(escaped).filter(|version| is_file_element(version) && !version.contains('!'))
}

/// A path or a version as addresses spell it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(char.to_ascii_lowercase());
    }
    escaped
}

fn unescape(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut after_mark = false;
    for char in escaped.chars() {
        match char {
            'a'..='z' if after_mark => text.push(char.to_ascii_uppercase()),
            _ if after_mark => return None,
            '!' => {}
            'A'..='Z' => return None,
            _ if !char.is_ascii() => return None,
            _ => text.push(char),
        }
        after_mark = char == '!';
    }
    (!after_mark).then_some(text)
}

/// Whether text is the path of a module.
pub(super) fn is_module_path(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let is_host = |byte: u8| {
        matches!(byte, b'-' | b'.') || byte.is_ascii_digit() || byte.is_ascii_lowercase()
    };
    path.len() <= MAX_PATH_BYTES
        && !path.starts_with('-')
        && path.split('/').all(is_module_element)
        && first.contains('.')
        && first.bytes().all(is_host)
        && split_major(path).is_some()
}

fn is_module_element(element: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    // Windows has short names such as `progra~1`.
    let stem = element.split('.').next().unwrap_or_default();
    let is_short_name = stem.rsplit_once('~').is_some_and(|(_, digits)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    !element.starts_with('.')
        && element.bytes().all(is_allowed)
        && is_portable(element)
        && !is_short_name
}

/// Whether text is the path of a file that a module may have.
pub(super) fn is_file_path(path: &str) -> bool {
    path.split('/').all(is_file_element)
}

fn is_file_element(element: &str) -> bool {
    let is_allowed = |char: char| {
        if char.is_ascii() {
            char.is_ascii_alphanumeric() || FILE_PUNCTUATION.contains(char)
        } else {
            char.is_alphabetic()
        }
    };
    element.chars().all(is_allowed) && is_portable(element)
}

/// Whether every system can have a file of this name.
fn is_portable(element: &str) -> bool {
    let stem = element.split('.').next().unwrap_or_default();
    !element.is_empty()
        && !element.ends_with('.')
        && !RESERVED.iter().any(|name| name.eq_ignore_ascii_case(stem))
}

/// A path without its major version, and that: `/v2`, `.v3`, or nothing. `None` if it ends in
/// something that looks like one and is none.
pub(super) fn split_major(path: &str) -> Option<(&str, &str)> {
    let is_dotted = path.starts_with(DOTTED_MAJOR_HOST);
    let bare = if is_dotted {
        path.strip_suffix(UNSTABLE).unwrap_or(path)
    } else {
        path
    };
    let is_digit = |char: char| char.is_ascii_digit() || (!is_dotted && char == '.');
    let digits = &bare[bare.trim_end_matches(is_digit).len()..];
    let mark = if is_dotted { ".v" } else { "/v" };
    let before = bare[..bare.len() - digits.len()].strip_suffix(mark);
    let Some(before) = before.filter(|before| !before.is_empty() && !digits.is_empty()) else {
        return (!is_dotted).then_some((path, ""));
    };
    let is_number = if is_dotted {
        digits == "0" || !digits.starts_with('0')
    } else {
        !digits.contains('.') && !digits.starts_with('0') && digits != "1"
    };
    is_number.then(|| (before, &path[before.len()..]))
}

/// The path above that is a module's as well: of `a.b/c/d` `a.b/c` and `a.b`, the nearest first.
pub(super) fn above(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests;
