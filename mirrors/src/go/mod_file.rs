//! `go.mod` files (go.dev/ref/mod, "go.mod files"), read leniently, as those of dependencies are: what
//! a newer client knows is passed over.

use super::version::is_language_version;
use std::borrow::Cow;

/// What the comment of a module begins with that its authors have given up.
const DEPRECATED: &str = "Deprecated:";

/// What a `go.mod` says.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct ModFile<'a> {
    /// The path of its module.
    pub(super) module: Cow<'a, str>,
    /// Why not to use it any more, if its authors say so.
    pub(super) deprecated: Option<String>,
    /// The version of the language, if it has one.
    pub(super) language: Option<&'a str>,
    /// The toolchain that it suggests.
    pub(super) toolchain: Option<&'a str>,
    /// What it needs.
    pub(super) requires: Vec<Require<'a>>,
    /// Versions that its authors took back.
    pub(super) retracted: Vec<Retracted<'a>>,
}

/// A module that is needed.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Require<'a> {
    pub(super) path: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    /// Only what is needed needs it.
    pub(super) indirect: bool,
}

/// Versions that were taken back: all from the first to the last.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Retracted<'a> {
    pub(super) first: Cow<'a, str>,
    pub(super) last: Cow<'a, str>,
    /// Why; may be empty.
    pub(super) reason: String,
}

impl<'a> ModFile<'a> {
    /// Reads a file; `None` if it has no module, or two.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(body).ok()?;
        let mut file = Self::default();
        let mut block: Option<&str> = None;
        // Comments right above a line are about it; those above a block are about all lines in it
        // that have none of their own.
        let (mut above, mut above_block) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let (tokens, comment) = tokens(line)?;
            match (tokens.as_slice(), block) {
                ([], _) if comment.is_empty() => {
                    above.clear();
                    continue;
                }
                ([], _) => {
                    above.push(comment);
                    continue;
                }
                ([close], Some(_)) if close == ")" => block = None,
                ([verb, open], None) if open == "(" => {
                    block = line.split_whitespace().next().filter(|it| it == verb);
                    block?;
                    above_block = std::mem::take(&mut above);
                }
                (values, Some(verb)) => {
                    let about = if above.is_empty() && comment.is_empty() {
                        &above_block
                    } else {
                        &above
                    };
                    file.take(verb, values, (about, comment))?;
                }
                ([verb, values @ ..], None) => file.take(verb, values, (&above, comment))?,
            }
            above.clear();
        }
        (!file.module.is_empty()).then_some(file)
    }

    /// The file of a module that has none.
    pub(super) fn only_path(path: &str) -> Vec<u8> {
        format!("module {path}\n").into_bytes()
    }

    /// Takes in a line. `None` if it contradicts another.
    fn take(
        &mut self,
        verb: &str,
        values: &[Cow<'a, str>],
        (above, beside): (&[&str], &str),
    ) -> Option<()> {
        let plain = |value: &Cow<'a, str>| match value {
            Cow::Borrowed(text) => Some(*text),
            Cow::Owned(_) => None,
        };
        match (verb, values) {
            ("module", [path]) if self.module.is_empty() => {
                self.module.clone_from(path);
                self.deprecated = deprecated(above, beside);
            }
            ("module", _) => return None,
            ("go", [version]) => {
                self.language = plain(version).filter(|text| is_language_version(text));
            }
            ("toolchain", [name]) => self.toolchain = plain(name),
            ("require", [path, version]) => self.requires.push(Require {
                path: path.clone(),
                version: version.clone(),
                indirect: beside == "indirect" || beside.starts_with("indirect;"),
            }),
            ("retract", values) => self.retract(values, reason(above, beside)),
            _ => {}
        }
        Some(())
    }

    /// `v1.0.0`, or `[v1.0.0, v1.9.9]`.
    fn retract(&mut self, values: &[Cow<'a, str>], reason: String) {
        let mut all = values.iter().flat_map(|value| value.split(['[', ']', ',']));
        let mut next = || {
            let text = all.find(|text| !text.is_empty())?;
            Some(Cow::<'a, str>::Owned(text.to_owned()))
        };
        let Some(first) = next() else { return };
        let last = next().unwrap_or_else(|| first.clone());
        self.retracted.push(Retracted {
            first,
            last,
            reason,
        });
    }
}

/// The path of the module of a file, whatever else is in it.
pub(super) fn module_path(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    let paths = text.lines().filter_map(|line| {
        let (tokens, _) = tokens(line)?;
        match tokens.as_slice() {
            [verb, path] if verb == "module" => Some(path.to_string()),
            _ => None,
        }
    });
    paths.rev().find(|path| !path.is_empty())
}

/// Why a version was taken back.
fn reason(above: &[&str], beside: &str) -> String {
    if beside.is_empty() {
        above.join(" ")
    } else {
        beside.to_owned()
    }
}

/// Why a module should not be used, if the comments of its line say so.
fn deprecated(above: &[&str], beside: &str) -> Option<String> {
    let mut lines = above.iter().copied().chain([beside]);
    let first = lines.find_map(|line| line.strip_prefix(DEPRECATED))?;
    let mut text = first.trim().to_owned();
    for line in lines.take_while(|line| !line.is_empty()) {
        text.push(' ');
        text.push_str(line);
    }
    Some(text)
}

/// The words of a line, and its comment. `None` if a quotation has no end.
fn tokens(line: &str) -> Option<(Vec<Cow<'_, str>>, &str)> {
    let (mut tokens, mut rest) = (Vec::new(), line.trim());
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("//") {
            return Some((tokens, comment.trim()));
        }
        let quote = rest
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '`'));
        let end = if let Some(quote) = quote {
            let (inner, after) = rest[1..].split_once(quote)?;
            // What is escaped in it is no path and no version.
            tokens.push(Cow::Borrowed(inner));
            rest.len() - after.len()
        } else {
            let comment = rest.find("//").unwrap_or(rest.len());
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let end = end.min(comment);
            tokens.push(Cow::Borrowed(&rest[..end]));
            end
        };
        rest = rest[end..].trim_start();
    }
    Some((tokens, ""))
}

#[cfg(test)]
mod tests;
