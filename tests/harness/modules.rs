//! Modules as an upstream that is a module proxy has them.

use crate::archive::zip as pack;
use crate::upstream::Upstream;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub use crate::parcel::escape;

/// When all versions were made.
pub const TIME: &str = "2026-11-01T10:11:12Z";

/// The modules of a proxy at `/go` of an upstream.
#[derive(Default)]
pub struct Modules {
    lists: Mutex<BTreeMap<String, Vec<String>>>,
}

/// The zip file of a version with these files.
pub fn zip(module: &str, version: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let names: Vec<String> = files
        .iter()
        .map(|(name, _)| format!("{module}@{version}/{name}"))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(files)
        .map(|(name, (_, text))| (&**name, text.as_bytes()))
        .collect();
    pack(&files)
}

/// The zip file of a version of a module whose constant `Word` is this text, and which needs nothing.
pub fn plain(module: &str, version: &str, word: &str) -> Vec<u8> {
    let go_mod = format!("module {module}\n\ngo 1.21\n");
    zip(
        module,
        version,
        &[("go.mod", &go_mod), ("word.go", &source(word))],
    )
}

/// The source of a package `word` whose constant is this text.
pub fn source(word: &str) -> String {
    format!("package word\n\nconst Word = \"{word}\"\n")
}

impl Modules {
    /// The mirror's upstream address.
    pub fn url(upstream: &Upstream) -> String {
        format!("{}go/", upstream.url())
    }

    /// At the upstream: a file of a version, or the list.
    pub fn path(module: &str, file: &str) -> String {
        format!("/go/{}/@v/{}", escape(module), escape(file))
    }

    /// Puts a version there. The first of the files is its `go.mod`.
    pub fn put(&self, upstream: &Upstream, module: &str, version: &str, files: &[(&str, &str)]) {
        self.put_zip(
            upstream,
            (module, version),
            files[0].1,
            zip(module, version, files),
        );
    }

    /// Puts a version there that is packed already.
    pub fn put_zip(
        &self,
        upstream: &Upstream,
        (module, version): (&str, &str),
        go_mod: &str,
        zip: Vec<u8>,
    ) {
        let info = format!("{{\"Version\":\"{version}\",\"Time\":\"{TIME}\"}}");
        let at = |file: &str| Self::path(module, &format!("{version}{file}"));
        upstream.put(&at(".info"), info.clone());
        upstream.put(&at(".mod"), go_mod);
        upstream.put(&at(".zip"), zip);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists.entry(module.to_owned()).or_default();
        list.push(version.to_owned());
        upstream.put(&Self::path(module, "list"), list.join("\n") + "\n");
        upstream.put(&format!("/go/{}/@latest", escape(module)), info);
    }

    /// Puts a version with the constant `Word` there.
    pub fn put_word(&self, upstream: &Upstream, module: &str, version: &str, word: &str) {
        let go_mod = format!("module {module}\n\ngo 1.21\n");
        let source = source(word);
        self.put(
            upstream,
            module,
            version,
            &[("go.mod", &go_mod), ("word.go", &source)],
        );
    }
}
