//! What the GUI's router has, read from its source: a page that nobody listed here is found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// An address of the GUI and the methods that it takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    /// With names in braces for what differs.
    pub(crate) path: String,
    pub(crate) gets: bool,
    pub(crate) posts: bool,
}

/// A text in quotes at the beginning of what follows, and what comes behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.split_once('"')?.1.split_once('"')
}

/// Where what is open at the beginning of a text is closed.
fn closed(text: &str) -> usize {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("what is open is never closed: {text}");
}

/// All routes, in their order.
pub(crate) fn routes() -> BTreeSet<Route> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace");
    let source = root.join("web/gui/src/router.rs");
    let source = std::fs::read_to_string(source).expect("the router");
    let nests = source.split(".nest(").skip(1).map(|rest| {
        let (path, rest) = quoted(rest).expect("a path");
        (
            rest[1..closed(rest)]
                .trim()
                .trim_end_matches(',')
                .to_owned(),
            path,
        )
    });
    let nests: BTreeMap<String, &str> = nests.collect();
    let mut found = BTreeSet::new();
    let (mut before, mut rest) = ("", &*source);
    while let Some((passed, behind)) = rest.split_once(".route(") {
        // A router has its name where it begins, and is at its end with the statement.
        if let Some((_, name)) = passed.rsplit_once("let ") {
            before = name.split(' ').next().unwrap_or_default();
        } else if passed.contains(';') {
            before = "";
        }
        let end = closed(behind);
        let (path, handlers) = quoted(&behind[..end]).expect("a path");
        let nest = nests.get(before).copied().unwrap_or_default();
        let has = |method: &str| {
            let called = format!("{method}(");
            handlers.match_indices(&called).any(|(at, _)| {
                let letter = handlers[..at].chars().next_back();
                letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_')
            })
        };
        found.insert(Route {
            path: format!(
                "{nest}{}",
                if nest.is_empty() {
                    path
                } else {
                    path.trim_end_matches('/')
                }
            ),
            gets: has("get"),
            posts: has("post"),
        });
        rest = &behind[end..];
    }
    let lost = found.iter().find(|route| !route.gets && !route.posts);
    assert_eq!(lost, None, "a route without a method");
    assert!(found.len() > 60, "{found:#?}");
    found
}
