//! What the documents name is there.

use crate::ladder::LADDER;
use crate::{read, root};

/// A protocol that ARCHITECTURE.md adds as an example.
const EXAMPLE: &str = "maven";

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines());
    lines.flat_map(|(number, line)| {
        let parts = line.split('`').skip(1).step_by(2);
        parts.map(move |part| (number, part))
    })
}

/// The file or folder that a text means, if it begins with a crate: `door/answer` is a module,
/// `tests/hostile.rs` a file, `metadata/lookups::find` something in a module.
fn is_there(name: &str) -> Option<bool> {
    let path = name.split("::").next().unwrap_or(name);
    let (first, rest) = path.trim_end_matches('/').split_once('/')?;
    let is_crate = LADDER.iter().any(|(known, _)| *known == first);
    let segments = rest.split('/');
    let plain = |part: &str| !part.is_empty() && !part.contains([' ', '<', '{', '…', '*']);
    let mut known = segments.clone().all(plain) && is_crate;
    known &= !segments.clone().any(|part| part.starts_with(EXAMPLE));
    known.then(|| {
        let mut folders = vec![root().join(first), root().join(first).join("src")];
        let mut rest = rest;
        // A crate may stand in the folder of another.
        if let Some((inner, below)) = rest.split_once('/')
            && root().join(first).join(inner).join("Cargo.toml").exists()
        {
            let inner = root().join(first).join(inner);
            folders = vec![inner.clone(), inner.join("src")];
            rest = below;
        }
        let spellings = ["", ".rs"].map(|end| format!("{rest}{end}"));
        let all = folders
            .iter()
            .flat_map(|folder| spellings.iter().map(|name| folder.join(name)));
        all.into_iter().any(|path| path.exists())
    })
}

#[test]
fn what_the_architecture_names_is_there() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (line, name) in quoted(&text) {
        if let Some(found) = is_there(name) {
            seen += 1;
            if !found {
                wrong.push(format!("ARCHITECTURE.md:{line}: there is no {name}"));
            }
        }
    }
    assert!(seen > 50, "only {seen} names of files were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
