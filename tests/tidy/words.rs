//! Words that stand in few places only.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use crate::tokens::{code, is_test, real, references};
use crate::{crates, files, root};

/// Crates that do the same for all protocols.
const FOR_ALL: [&str; 7] = [
    "cache", "door", "access", "web", "content", "metadata", "server",
];

/// Names of protocols that are words of their own: as a part of an identifier they mean nothing.
const COMMON: [&str; 3] = ["files", "go", "git"];

/// Files in them that name a protocol all the same.
const NAMES: [(&str, &str); 13] = [
    ("access/src/policy.rs", "oci"), // images have names of their own, without a protocol
    ("access/src/principal.rs", "oci"), // the scope of the catalog is one of images
    ("access/src/token.rs", "oci"),  // bearer tokens have scopes of images
    ("cache/src/copy/graph.rs", "oci"), // what an image names
    ("cache/src/images.rs", "oci"),  // the door of images of mirrors, whose paths are their own
    ("cache/src/lists.rs", "oci"),   // parts of their lists of tags and referrers
    ("cache/src/upstream/challenges.rs", "oci"), // the challenges by which registries ask
    ("metadata/src/settings.rs", "oci"), // the key of a stored setting of images
    ("metadata/src/upgrade.rs", "oci"), // settings of an old schema
    ("server/src/door_label.rs", "git"), // a door of its own
    ("web/src/acts/images.rs", "oci"), // what images are made of
    ("web/src/acts/settings.rs", "oci"), // a setting of images
    ("web/src/state.rs", "oci"),     // pushes of images make their repositories
];

/// Crates that write rows of blobs.
const KEEPERS: [&str; 2] = ["content", "metadata"];

/// What becomes of staged bytes, and what a blob's row is written from.
const ROWS: [&str; 2] = ["Bytestore", "Committed"];

/// What is lent to whoever writes the row. Others may name it, but not make one.
const LENT: &str = "NewBlob";

/// What asks for the time or the environment.
const ASKED: [&str; 4] = ["SystemTime::now", "env::var", "env::vars", "env::var_os"];

/// Files below the server that ask all the same.
const ASKERS: [(&str, &str); 2] = [
    ("storage/src/store.rs", "SystemTime::now"), // the age of its files
    ("config/src/example.rs", "env::var_os"),    // only tests compile it
];

/// The protocols that there are: those with a folder.
fn protocols() -> BTreeSet<String> {
    let folders = root().join("mirrors/src").read_dir().expect("mirrors");
    let protocol = |folder: std::io::Result<std::fs::DirEntry>| {
        let folder = folder.expect("entry");
        let text = std::fs::read_to_string(folder.path().join("mod.rs")).ok()?;
        let name = folder.file_name().into_string().ok()?;
        text.contains("\nimpl Protocol for ").then_some(name)
    };
    folders.filter_map(protocol).collect()
}

/// The code of a crate, file by file, without tests.
fn sources_of(name: &str) -> impl Iterator<Item = (String, Vec<TokenTree>)> {
    let folder = root().join(name).join("src");
    let of_crate = move |path: &Path| {
        let inside = path.strip_prefix(&folder).ok()?;
        let is_code = path.extension().is_some_and(|kind| kind == "rs") && !is_test(inside);
        is_code.then(|| {
            path.strip_prefix(root())
                .expect("below the root")
                .to_owned()
        })
    };
    files().into_iter().filter_map(move |path| {
        let below = of_crate(&path)?;
        Some((below.display().to_string(), code(&path)))
    })
}

/// The identifiers and texts among tokens, each with its line.
fn words(tokens: &[TokenTree], found: &mut Vec<(usize, String)>) {
    for token in tokens {
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => words(&real(group.stream()), found),
            TokenTree::Ident(ident) => found.push((line, ident.to_string())),
            TokenTree::Literal(text) => found.push((line, text.to_string())),
            TokenTree::Punct(_) => {}
        }
    }
}

/// The protocol that an identifier names in any of its words, or a text in its first. One that is
/// a common word is named by a text that is nothing else.
fn protocol_in<'a>(word: &str, protocols: &'a BTreeSet<String>) -> Option<&'a String> {
    let first = word.split_once('"').map(|(_, text)| {
        let end = text.find(|end: char| !end.is_ascii_alphanumeric());
        text[..end.unwrap_or(text.len())].to_owned()
    });
    let mut spaced = String::new();
    for letter in word.chars() {
        let begins = letter.is_uppercase() && spaced.ends_with(char::is_lowercase);
        spaced.extend(begins.then_some('_'));
        spaced.push(letter);
    }
    let spaced = spaced.to_lowercase();
    let is_in = |name: &&String| match &first {
        _ if COMMON.contains(&name.as_str()) => word == format!("{name:?}"),
        Some(first) => first == *name,
        None => spaced.split('_').any(|part| part == *name),
    };
    protocols.iter().find(is_in)
}

#[test]
fn protocols_are_named_in_their_folders_only() {
    let protocols = protocols();
    assert!(protocols.len() >= 5, "{protocols:?}");
    let mut unused = NAMES.to_vec();
    let mut wrong = Vec::new();
    for name in FOR_ALL {
        for (file, tokens) in sources_of(name) {
            let mut found = Vec::new();
            words(&tokens, &mut found);
            for (line, word) in found {
                let Some(protocol) = protocol_in(&word, &protocols) else {
                    continue;
                };
                let named = (&*file, &**protocol);
                unused.retain(|other| *other != named);
                if !NAMES.contains(&named) {
                    wrong.push(format!("{file}:{line}: {word} names {protocol}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(unused.is_empty(), "they do not any more: {unused:?}");
}

/// Where a row of a blob is made: by a function of its type, or field by field.
fn made(tokens: &[TokenTree], found: &mut Vec<(usize, String)>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => made(&real(group.stream()), found),
            TokenTree::Ident(ident) if ident == LENT => {
                let next = tokens.get(at + 1);
                let path = matches!(next, Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
                let fields = matches!(next, Some(TokenTree::Group(group))
                    if group.delimiter() == Delimiter::Brace);
                if path || fields {
                    found.push((ident.span().start().line, format!("a {LENT} is made")));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn bytes_get_their_names_in_one_place() {
    let mut wrong = Vec::new();
    for (name, _) in crates() {
        if KEEPERS.contains(&name) || name == "storage" {
            continue;
        }
        for (file, tokens) in sources_of(name) {
            let mut found = Vec::new();
            words(&tokens, &mut found);
            found.retain(|(_, word)| ROWS.contains(&word.as_str()));
            made(&tokens, &mut found);
            wrong.extend(
                found
                    .iter()
                    .map(|(line, word)| format!("{file}:{line}: {word}")),
            );
        }
    }
    assert!(
        wrong.is_empty(),
        "only `content` writes blobs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn clock_and_environment_come_from_the_server() {
    let mut wrong = Vec::new();
    let inside = crates().into_iter().map(|(name, _)| name);
    for name in inside.filter(|name| !["server", "cli", "tests"].contains(name)) {
        for (file, tokens) in sources_of(name) {
            for reference in references(&tokens) {
                let path = reference.names.join("::");
                let found = ASKED.iter().any(|asked| path.ends_with(asked));
                let allowed = |(other, end): &(&str, &str)| file == *other && path.ends_with(end);
                if found && !ASKERS.iter().any(allowed) {
                    wrong.push(format!("{file}:{}: {path}", reference.line));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_package_registry_is_named() {
    let joined = |parts: &[&str]| parts.concat();
    let hosts = [
        joined(&["index.", "crates", ".io"]),
        joined(&["static.", "crates", ".io"]),
        joined(&["pypi", ".org"]),
        joined(&["files.", "pythonhosted", ".org"]),
        joined(&["registry.", "npmjs", ".org"]),
        joined(&["registry.", "yarnpkg", ".com"]),
        joined(&["deb.", "debian", ".org"]),
        joined(&["proxy.", "golang", ".org"]),
        joined(&["sum.", "golang", ".org"]),
        joined(&["packagist", ".org"]),
        joined(&["repo.", "maven", ".apache.org"]),
        joined(&["repo1.", "maven", ".org"]),
    ];
    for path in files() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for host in &hosts {
            assert!(
                !text.contains(host.as_str()),
                "{} names {host}",
                path.display()
            );
        }
    }
}
