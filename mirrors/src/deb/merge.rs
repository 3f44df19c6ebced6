//! A suite that several members of a group have, as one: lists of packages that more than one of them
//! has are merged; what only one has is named as it is there.

use super::packer::SuiteWriter;
use super::paths::{ending, split};
use super::release::{Entry, Release};
use super::stanzas::{Line, Lines};
use crate::index::{IndexDocument, IndexMember, IndexMerger, Signer};
use crate::text::bad_document;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use bytes::Bytes;
use larder_model::{Kind, Problem, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Merged lists may have so many bytes, unpacked.
const MAX_LIST_BYTES: usize = 256 << 20;
/// Forms of a list, the one that is read first. All are read alike.
const PACKED: [&str; 5] = [".xz", ".gz", ".zst", ".bz2", ""];

struct Member {
    release: Release,
    /// Names of packages to leave out of it.
    hidden: Arc<HashSet<Box<str>>>,
    is_hosted: bool,
}

/// What is done with a list that several members have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    /// Its stanzas are joined.
    Stanzas,
    /// Its bytes are: packed files one after the other are one.
    Bytes,
}

/// Merges a suite.
pub(super) struct Merger {
    now: Timestamp,
    root: String,
    members: Vec<Member>,
    /// Lists that more than one member has, by their path without the packing; `None`: not yet known.
    shared: Option<Vec<(String, Kept)>>,
    next: usize,
    writer: SuiteWriter,
}

impl Merger {
    pub(super) fn begin(now: Timestamp, root: &str) -> Self {
        Self {
            now,
            root: root.to_owned(),
            members: Vec::new(),
            shared: None,
            next: 0,
            // The group keeps what is made here below a folder of its own for each root.
            writer: SuiteWriter::new(""),
        }
    }

    /// The lists that more than one member has.
    fn shared(&mut self) -> &[(String, Kept)] {
        let members = &self.members;
        self.shared.get_or_insert_with(|| {
            let mut count = BTreeMap::<(String, bool), usize>::new();
            for member in members {
                let names: BTreeSet<(String, bool)> =
                    member.release.entries.iter().filter_map(list_of).collect();
                for name in names {
                    *count.entry(name).or_default() += 1;
                }
            }
            let shared = count.into_iter().filter(|(_, count)| *count > 1);
            let kept = |is_stanzas| {
                if is_stanzas {
                    Kept::Stanzas
                } else {
                    Kept::Bytes
                }
            };
            shared
                .map(|((name, is_stanzas), _)| (name, kept(is_stanzas)))
                .collect()
        })
    }

    /// Joins the stanzas of lists: of a version that two have, the first member's.
    fn stanzas(&mut self, path: &str, lists: &[Option<Bytes>]) -> Result<(), Problem> {
        let (mut text, mut seen) = (String::new(), HashSet::<Box<str>>::new());
        for (member, list) in self.members.iter().zip(lists) {
            let Some(list) = list else { continue };
            let unreadable = || bad_document("a list of packages that can be read");
            let list = unpack(list).map_err(|error| unreadable().because(error))?;
            let mut lines = Lines::new(list, MAX_UNPACKED_BYTES);
            let mut stanza = Stanza::default();
            loop {
                let line = lines.next().map_err(|fault| unreadable().because(fault))?;
                match line {
                    Some(Line::End) | None => {
                        let is_last = line.is_none();
                        stanza.end(&mut text, member, &mut seen);
                        if text.len() > MAX_LIST_BYTES {
                            return Err(too_large(path));
                        }
                        if is_last {
                            break;
                        }
                    }
                    Some(line) => stanza.take(line),
                }
            }
        }
        self.writer.add_list(path, text.as_bytes())
    }

    /// The fields of the merged suite: those of a mirror, so that clients who know it by them go on.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let first = self.members.iter().find(|member| !member.is_hosted);
        let first = first.or_else(|| self.members.first());
        let of = |name: &'static str| {
            let value = first.and_then(|member| member.release.field(name));
            (name, value.unwrap_or_default().to_owned())
        };
        let words = |name: &'static str| {
            let mut all: Vec<&str> = Vec::new();
            for member in &self.members {
                for word in member.release.words(name) {
                    if !all.contains(&word) {
                        all.push(word);
                    }
                }
            }
            (name, all.join(" "))
        };
        let expiring = self.members.iter().filter_map(|member| {
            let text = member.release.field("Valid-Until")?;
            Some((member.release.moment("Valid-Until")?, text))
        });
        let until = expiring.min_by_key(|(at, _)| *at);
        let until = until.map(|(_, text)| text.to_owned()).unwrap_or_default();
        vec![
            of("Origin"),
            of("Label"),
            of("Suite"),
            of("Version"),
            of("Codename"),
            of("NotAutomatic"),
            of("ButAutomaticUpgrades"),
            words("Architectures"),
            words("Components"),
            ("Valid-Until", until),
        ]
    }
}

/// A stanza that is read.
#[derive(Default)]
struct Stanza {
    text: String,
    name: Box<str>,
    version: Box<str>,
    architecture: Box<str>,
}

impl Stanza {
    fn take(&mut self, line: Line<'_>) {
        // A String takes all that is written to it.
        let _ = match line {
            Line::Field(name, value) => {
                match name {
                    "Package" => self.name = value.into(),
                    "Version" => self.version = value.into(),
                    "Architecture" => self.architecture = value.into(),
                    _ => {}
                }
                let space = if value.is_empty() { "" } else { " " };
                writeln!(self.text, "{name}:{space}{value}")
            }
            Line::More(more) => writeln!(self.text, " {more}"),
            Line::End => Ok(()),
        };
    }

    /// Adds it to a list, unless it is hidden, or a member before has it.
    fn end(&mut self, list: &mut String, member: &Member, seen: &mut HashSet<Box<str>>) {
        let Self {
            text,
            name,
            version,
            architecture,
        } = std::mem::take(self);
        let key = format!("{name} {version} {architecture}");
        if text.is_empty() || member.hidden.contains(&name) || !seen.insert(key.into()) {
            return;
        }
        list.push_str(&text);
        list.push('\n');
    }
}

/// The list that a file of a suite is a form of, and whether it has stanzas; `None` for all that is not
/// merged.
fn list_of(entry: &Entry) -> Option<(String, bool)> {
    let (folder, name) = split(&entry.path);
    let stem = name.split('.').next().unwrap_or_default();
    if matches!(stem, "Packages" | "Sources") {
        let packed = name.strip_prefix(stem)?;
        return PACKED
            .contains(&packed)
            .then(|| (format!("{folder}{stem}"), true));
    }
    let is_contents = stem.starts_with("Contents-") && ending(name) == "gz";
    is_contents.then(|| (entry.path.to_string(), false))
}

impl IndexMerger for Merger {
    fn add(&mut self, head: &[u8], member: IndexMember) -> Result<(), Problem> {
        let IndexMember { hidden, is_hosted } = member;
        self.members.push(Member {
            release: Release::read(head)?,
            hidden,
            is_hosted,
        });
        Ok(())
    }

    fn next(&mut self) -> Option<Vec<Option<Box<str>>>> {
        let at = self.next;
        let (name, kept) = self.shared().get(at)?.clone();
        self.next += 1;
        let root = &self.root;
        let path = |member: &Member| {
            let forms: &[&str] = if kept == Kept::Bytes { &[""] } else { &PACKED };
            let mut forms = forms.iter().map(|packed| format!("{name}{packed}"));
            let path = forms.find(|path| member.release.entry(path).is_some())?;
            Some(format!("{root}{path}").into())
        };
        Some(self.members.iter().map(path).collect())
    }

    fn merge_lists(&mut self, lists: Vec<Option<Bytes>>) -> Result<Vec<IndexDocument>, Problem> {
        let at = self.next.saturating_sub(1);
        let shared = self.shared().get(at).cloned();
        let (name, kept) = shared.ok_or_else(|| Problem::internal("lists without a name"))?;
        match kept {
            Kept::Stanzas => self.stanzas(&name, &lists)?,
            Kept::Bytes => {
                let bytes: Vec<u8> = lists.iter().flatten().flatten().copied().collect();
                self.writer.add(&name, "application/gzip", &bytes);
            }
        }
        Ok(self.writer.take())
    }

    fn end(
        mut self: Box<Self>,
        signer: Option<&dyn Signer>,
    ) -> Result<Vec<IndexDocument>, Problem> {
        let shared: HashSet<String> = self.shared().iter().map(|(name, _)| name.clone()).collect();
        let mut named = HashSet::new();
        let is_merged = |entry: &Entry| {
            let differences = entry
                .path
                .split_once(".diff/")
                .map(|(list, _)| list.to_owned());
            let name = list_of(entry).map(|(name, _)| name).or(differences);
            name.is_some_and(|name| shared.contains(&name))
        };
        for member in &self.members {
            for entry in member
                .release
                .entries
                .iter()
                .filter(|entry| !is_merged(entry))
            {
                if named.insert(entry.path.clone()) {
                    self.writer.refer(entry);
                }
            }
        }
        let fields = self.fields();
        self.writer.end(&fields, self.now, signer)
    }
}

fn too_large(path: &str) -> Problem {
    let detail = format!(
        "the members of this group have more in {path} together than is merged: at most 256 MiB"
    );
    Problem::new(Kind::Upstream, "group", detail)
}

#[cfg(test)]
mod tests;
