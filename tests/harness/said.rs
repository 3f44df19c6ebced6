//! What clients say to the person before the screen: `docs/errors.md` has it, and a test fails
//! when a client says something else. With `LARDER_TEST_WRITE=1` the tests write it anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One test at a time changes the file.
static WRITING: Mutex<()> = Mutex::new(());

const HEAD: &str = "\
# What each client says

Made by the tests of [tests/clients](../tests/clients/main.rs) (images), [tests/git](../tests/git/main.rs) and \
[tests/packages](../tests/packages/main.rs) with
`LARDER_TEST_WRITE=1`; without it they fail when a client says something else. \
To be rid of rows that no test makes any more,
delete the file first. `HOST` stands for the server's address, `HOME` for a temporary folder, \
`TIME` for a time, `ID` for that of a refusal; digests, ids and
sizes are cut. The versions are those of [.ci/setup](../.ci/setup). \
Where a client has no way to do something, there is no row;
where a row has none of the server's words, the client keeps them to itself. What asks docker.io here finds no way out.
";
/// The order of the rows; others come after these.
const ORDER: [&str; 19] = [
    "login",
    "push",
    "pull",
    "run",
    "list",
    "delete",
    "wrong password",
    "push without a login",
    "pull without a login",
    "push without the right",
    "pull without the right",
    "delete without the right",
    "not found",
    "without a login",
    "wrong token",
    "without the right",
    "blocked by a rule",
    "upstream down, not kept",
    "offline, not kept",
];

/// By client: situations with what was said.
pub type Said = BTreeMap<String, Vec<(String, String)>>;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace")
        .join("docs/errors.md")
}

/// Compares what `client` said in `situation` with what `docs/errors.md` has of it, or writes it
/// there.
#[track_caller]
pub fn said(client: &str, situation: &str, text: &str) {
    let text = one_line(&normal(text));
    if std::env::var("LARDER_TEST_WRITE").as_deref() == Ok("1") {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = recorded();
        let rows = known.entry(client.to_owned()).or_default();
        rows.retain(|(known, _)| known != situation);
        rows.push((situation.to_owned(), text));
        let new = file().with_extension("md.new");
        std::fs::write(&new, rendered(known)).expect("docs/errors.md");
        std::fs::rename(new, file()).expect("docs/errors.md");
        return;
    }
    let known = recorded();
    let known = known
        .get(client)
        .and_then(|rows| rows.iter().find(|(known, _)| known == situation));
    let known = known.map(|(_, text)| text.as_str());
    assert_eq!(
        Some(text.as_str()),
        known,
        "{client}, {situation}: said, and in docs/errors.md (LARDER_TEST_WRITE=1)"
    );
}

/// What `docs/errors.md` has.
pub fn recorded() -> Said {
    let (mut said, mut client) = (Said::new(), String::new());
    for line in std::fs::read_to_string(file()).unwrap_or_default().lines() {
        if let Some(name) = line.strip_prefix("## ") {
            name.clone_into(&mut client);
        }
        let row = line
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"))
            .and_then(|row| row.split_once(" | "));
        if let Some((situation, text)) =
            row.filter(|(situation, _)| !["situation", "---"].contains(situation))
        {
            said.entry(client.clone())
                .or_default()
                .push((situation.to_owned(), text.to_owned()));
        }
    }
    said
}

fn rendered(said: Said) -> String {
    let mut text = HEAD.to_owned();
    for (client, mut rows) in said {
        let place = |situation: &str| {
            ORDER
                .iter()
                .position(|known| *known == situation)
                .unwrap_or(ORDER.len())
        };
        rows.sort_by_key(|(situation, _)| (place(situation), situation.clone()));
        text.push_str(&format!(
            "\n## {client}\n\n| situation | it says |\n| --- | --- |\n"
        ));
        for (situation, said) in rows {
            text.push_str(&format!("| {situation} | {said} |\n"));
        }
    }
    text
}

/// A cell of a table: each line as code.
fn one_line(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let cells: Vec<String> = lines
        .map(|line| {
            format!(
                "`{}`",
                line.replace('`', "'")
                    .replace('|', "\\|")
                    .replace('\t', " ")
            )
        })
        .collect();
    if cells.is_empty() {
        "(nothing)".to_owned()
    } else {
        cells.join("<br>")
    }
}

/// The text without what differs from run to run.
pub fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = normal
            .chars()
            .next_back()
            .is_some_and(|last| last.is_ascii_alphanumeric());
        let found = CHANGING
            .iter()
            .find_map(|(shape, word)| Some((length(shape, rest)?, word)));
        if let Some((length, word)) = found.filter(|_| !after_word) {
            normal.push_str(word);
            rest = &rest[length..];
        } else {
            normal.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    normal
}

/// Shapes of what differs: `0` is a digit, `x` a hexadecimal one, `?` a letter or digit, `+` more
/// of the last.
const CHANGING: [(&str, &str); 12] = [
    ("127.0.0.1:0+", "HOST"),
    ("127.0.0.1%3A0+", "HOST"),
    ("0000-00-00T00:00:00.0+Z", "TIME"),
    ("0000-00-00T00:00:00Z", "TIME"),
    ("0000/00/00 00:00:00", "TIME"),
    ("/tmp/.tmp??????", "HOME"),
    (
        "sha256:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sha256:…",
    ),
    (
        "sha256-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sha256-…",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "…",
    ),
    ("why/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "why/ID"),
    ("size: 0+", "size: …"),
    ("again in 0+ s", "again in TIME"),
];

/// How much of the beginning of `text` has this shape.
fn length(shape: &str, text: &str) -> Option<usize> {
    let (mut length, mut last) = (0, None);
    for wanted in shape.chars() {
        let holds = |wanted: char, found: char| match wanted {
            '0' => found.is_ascii_digit(),
            'x' => found.is_ascii_hexdigit(),
            '?' => found.is_ascii_alphanumeric(),
            _ => found == wanted,
        };
        let rest = &text[length..];
        match (wanted, last) {
            ('+', Some(last)) => {
                length += rest.find(|found| !holds(last, found)).unwrap_or(rest.len());
            }
            _ => {
                length += rest
                    .chars()
                    .next()
                    .filter(|found| holds(wanted, *found))?
                    .len_utf8();
            }
        }
        last = Some(wanted);
    }
    Some(length)
}

#[cfg(test)]
mod tests;
