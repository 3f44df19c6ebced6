//! The code of a file as tokens: no comments, no documentation, no tests.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::read;

/// Where a path begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// `crate::` or `$crate::`.
    Crate,
    /// `self::`, or `super::` so often.
    Up(usize),
    /// A name: of a child module, of something imported, of another crate.
    Here,
}

/// A path such as `crate::text::slug`, wherever it stands.
#[derive(Clone, Debug)]
pub struct Reference {
    pub line: usize,
    pub start: Start,
    pub names: Vec<String>,
    /// Part of a `pub use`.
    pub exported: bool,
    /// The name that a `use` gives it here.
    pub alias: Option<String>,
}

/// The code of a file.
pub fn code(path: &Path) -> Vec<TokenTree> {
    let parsed = read(path).parse::<TokenStream>();
    let stream = parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    real(stream)
}

/// Modules that only tests use; suites are tests that other crates run too.
pub const TESTS: [&str; 3] = ["tests", "testing", "suite"];

/// Whether a file is one of tests.
pub fn is_test(path: &Path) -> bool {
    let path = path.with_extension("");
    path.iter()
        .any(|part| TESTS.iter().any(|name| part == *name))
}

/// What is neither documentation nor behind `#[cfg(test)]`.
pub fn real(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        kept.push(token);
        let after_hash = kept.len() > 1 && is_punct(kept.get(kept.len() - 2), '#')
            || is_punct(kept.last(), '!') && is_punct(kept.iter().rev().nth(1), '#');
        if !after_hash {
            continue;
        }
        let Some(TokenTree::Group(attribute)) = kept.last() else {
            continue;
        };
        let attribute: Vec<_> = attribute.stream().into_iter().collect();
        let text: String = attribute.iter().map(ToString::to_string).collect();
        if word(attribute.first()).as_deref() == Some("doc") {
            kept.truncate(kept.len() - 2);
        } else if text == "cfg(test)" {
            kept.truncate(kept.len() - 2);
            tokens.by_ref().find(ends_an_item);
        }
    }
    kept
}

fn ends_an_item(token: &TokenTree) -> bool {
    is_punct(Some(token), ';') || braces(Some(token)).is_some()
}

/// Whether a token is this character.
pub fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// The word that a token is.
pub fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// What a pair of braces encloses.
pub fn braces(token: Option<&TokenTree>) -> Option<Vec<TokenTree>> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            Some(real(group.stream()))
        }
        _ => None,
    }
}

/// All paths in these tokens.
pub fn references(tokens: &[TokenTree]) -> Vec<Reference> {
    let mut found = Vec::new();
    let (mut at, mut exported, mut in_use) = (0, false, false);
    while let Some(token) = tokens.get(at) {
        match (word(Some(token)).as_deref(), token) {
            (Some("pub"), _) => {
                exported = true;
                let within = matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
                at += 1 + usize::from(within);
            }
            (Some("use"), _) => {
                in_use = true;
                at += 1;
            }
            (Some(_), _) if !follows_a_path(tokens, at) => {
                let first = Reference {
                    line: 0,
                    start: Start::Here,
                    names: Vec::new(),
                    exported: exported && in_use,
                    alias: None,
                };
                at = path(tokens, at, first, in_use, &mut found);
                (exported, in_use) = (false, false);
            }
            (_, TokenTree::Group(group)) => {
                found.extend(references(&real(group.stream())));
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

fn follows_a_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = |by: usize| at.checked_sub(by).and_then(|at| tokens.get(at));
    is_punct(before(1), ':') && is_punct(before(2), ':')
        || is_punct(before(1), '.') && !is_punct(before(2), '.')
}

/// Reads one path, or the tree of a `use`, from `at` on; says where it ends.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    mut so_far: Reference,
    in_use: bool,
    found: &mut Vec<Reference>,
) -> usize {
    loop {
        if in_use && let Some(inner) = braces(tokens.get(at)) {
            for branch in inner.split(|token| is_punct(Some(token), ',')) {
                path(branch, 0, so_far.clone(), true, found);
            }
            return at + 1;
        }
        let Some(name) = word(tokens.get(at)) else {
            break;
        };
        so_far.line = tokens[at].span().start().line;
        match (name.as_str(), so_far.start) {
            ("crate", _) => so_far.start = Start::Crate,
            ("self", Start::Here) if so_far.names.is_empty() => so_far.start = Start::Up(0),
            ("self", _) => {}
            ("super", Start::Up(levels)) => so_far.start = Start::Up(levels + 1),
            ("super", _) => so_far.start = Start::Up(1),
            _ => so_far.names.push(name),
        }
        at += 1;
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
    }
    so_far.alias = so_far.names.last().filter(|_| in_use).cloned();
    if in_use && word(tokens.get(at)).as_deref() == Some("as") {
        so_far.alias = word(tokens.get(at + 1));
        at += 2;
    }
    found.push(so_far);
    at
}
