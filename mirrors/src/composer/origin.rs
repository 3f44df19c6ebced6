//! The repository of sources of a version, where this server mirrors it.

use crate::json::{Object, quoted};
use crate::lead::Lead;

/// The only kind of repositories that there are mirrors of.
const KIND: &str = "git";
/// Characters of a reference at most: a commit, a branch or a tag.
const MAX_REFERENCE: usize = 255;

/// Where the sources of a version are had from this server.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Origin {
    /// The path of the repository.
    path: String,
    reference: String,
}

impl Origin {
    /// Reads the `source` of a version; `None` if no mirror has it.
    pub(super) fn read(source: &Object<'_>, leads: &[Lead]) -> Option<Self> {
        let url = source.text("url")?;
        let reference = source.text("reference")?;
        // The client passes it on to a program.
        let is_reference = !reference.is_empty()
            && reference.len() <= MAX_REFERENCE
            && !reference.starts_with('-')
            && !reference.contains(|char: char| char.is_control() || char.is_whitespace());
        if source.text("type")? != KIND || !is_reference {
            return None;
        }
        Some(Self {
            path: leads.iter().find_map(|lead| lead.to(&url))?,
            reference: reference.into_owned(),
        })
    }

    /// The path, what stands before the repository's address, and what behind it.
    pub(super) fn parts(&self) -> (&str, String, String) {
        let head = format!("{{\"type\":{},\"url\":", quoted(KIND));
        let tail = format!(",\"reference\":{}}}", quoted(&self.reference));
        (&self.path, head, tail)
    }
}
