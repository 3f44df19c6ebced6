//! A suite that several members of a group have, as one: lists of packages that more than one of them
//! has are merged; what only one has is named as it is there, unless it is a list that has names to leave
//! out.

use super::packer::{SuiteWriter, list_type};
use super::paths::{ending, split};
use super::release::{Entry, Release};
use super::stanzas::{Line, Lines};
use crate::index::{IndexDocument, IndexMember, IndexMerger, NextLists, Signer};
use crate::text::bad_document;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Hasher, Kind, Problem, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Merged lists may have so many bytes, unpacked.
const MAX_LIST_BYTES: usize = 256 << 20;
/// Changes whenever lists come out differently: those made before are made again.
const EDITION: u32 = 2;
/// Forms of a list, the one that is read first. All are read alike.
const PACKED: [&str; 5] = [".xz", ".gz", ".zst", ".bz2", ""];

struct Member {
    release: Release,
    /// Names of packages to leave out of it.
    hidden: Arc<HashSet<Box<str>>>,
    /// That of these names.
    hidden_digest: Digest,
    is_hosted: bool,
}

/// What is done with a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    /// Several members have it: its stanzas are joined.
    Stanzas,
    /// Several members have it: its bytes are, for packed files one after the other are one.
    Bytes,
    /// One member has it: it is made without the names to leave out if it has any, else named as it is.
    Without,
}

/// What a list is whose member has names to leave out.
enum Look {
    /// It has none of them.
    Clean,
    /// It has one.
    Hidden,
    /// Nobody here can tell. Nobody gets the packages that it names either.
    Unreadable,
}

/// Merges a suite.
pub(super) struct Merger {
    now: Timestamp,
    root: String,
    members: Vec<Member>,
    /// Lists that are read, by their path without the packing; `None`: not yet known.
    lists: Option<Vec<(String, Kept)>>,
    next: usize,
    /// Lists that are made here. All others are named as they are.
    made: HashSet<String>,
    writer: SuiteWriter,
}

impl Merger {
    pub(super) fn begin(now: Timestamp, root: &str) -> Self {
        Self {
            now,
            root: root.to_owned(),
            members: Vec::new(),
            lists: None,
            next: 0,
            made: HashSet::new(),
            // The group keeps what is made here below a folder of its own for each root.
            writer: SuiteWriter::new(""),
        }
    }

    /// The lists that are read: those that more than one member has, and those that may have names to
    /// leave out.
    fn lists(&mut self) -> &[(String, Kept)] {
        let members = &self.members;
        self.lists.get_or_insert_with(|| {
            // How many have it, and whether one of them has names to leave out.
            let mut known = BTreeMap::<(String, bool), (usize, bool)>::new();
            for member in members {
                let names: BTreeSet<(String, bool)> =
                    member.release.entries.iter().filter_map(list_of).collect();
                for name in names {
                    let may_hide = !member.hidden.is_empty() && !member.is_empty(&name.0);
                    let (count, hides) = known.entry(name).or_default();
                    *count += 1;
                    *hides |= may_hide;
                }
            }
            let kept = |((name, is_stanzas), (count, hides))| match (count > 1, is_stanzas) {
                (true, true) => Some((name, Kept::Stanzas)),
                (true, false) => Some((name, Kept::Bytes)),
                (false, true) if hides => Some((name, Kept::Without)),
                (false, _) => None,
            };
            known.into_iter().filter_map(kept).collect()
        })
    }

    /// Joins the stanzas of lists: of a version that two have, the first member's.
    fn stanzas(&mut self, path: &str, lists: &[Option<Bytes>]) -> Result<(), Problem> {
        let (mut text, mut seen) = (String::new(), HashSet::<Box<str>>::new());
        for (member, list) in self.members.iter().zip(lists) {
            let Some(list) = list else { continue };
            let mut stanza = Stanza::default();
            each_line(list, |line| {
                if line != Line::End {
                    stanza.take(line);
                    return Ok(());
                }
                stanza.end(&mut text, member, &mut seen);
                if text.len() > MAX_LIST_BYTES {
                    return Err(too_large(path));
                }
                Ok(())
            })?;
        }
        self.writer.add_list(path, text.as_bytes())
    }

    /// What a list that one member has is with regard to the names to leave out of it.
    fn look_through(&self, lists: &[Option<Bytes>]) -> Look {
        for (member, list) in self.members.iter().zip(lists) {
            let Some(list) = list else { continue };
            let mut found = false;
            let read = each_line(list, |line| {
                let is_it = |name| member.hidden.contains(name);
                found |=
                    matches!(line, Line::Field(field, name) if is_package(field) && is_it(name));
                Ok(())
            });
            if read.is_err() {
                return Look::Unreadable;
            }
            if found {
                return Look::Hidden;
            }
        }
        Look::Clean
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

impl Member {
    /// Whether a list of it is known to have nothing in it.
    fn is_empty(&self, list: &str) -> bool {
        self.release.entry(list).is_some_and(|it| it.size == 0)
    }
}

/// Takes each line of a list, in whichever packing. Its last stanza ends, too.
fn each_line(
    list: &[u8],
    mut take: impl FnMut(Line<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let unreadable = || bad_document("a list of packages that can be read");
    let list = unpack(list).map_err(|error| unreadable().because(error))?;
    let mut lines = Lines::new(list, MAX_UNPACKED_BYTES);
    while let Some(line) = lines.next().map_err(|fault| unreadable().because(fault))? {
        take(line)?;
    }
    take(Line::End)
}

/// A stanza that is read.
#[derive(Default)]
struct Stanza {
    text: String,
    /// More than one if the field is there twice: clients may take either.
    names: Vec<Box<str>>,
    version: Box<str>,
    architecture: Box<str>,
}

impl Stanza {
    fn take(&mut self, line: Line<'_>) {
        // A String takes all that is written to it.
        let _ = match line {
            Line::Field(name, value) => {
                if is_package(name) {
                    self.names.push(value.into());
                } else if name.eq_ignore_ascii_case("Version") {
                    self.version = value.into();
                } else if name.eq_ignore_ascii_case("Architecture") {
                    self.architecture = value.into();
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
            names,
            version,
            architecture,
        } = std::mem::take(self);
        let key = format!("{} {version} {architecture}", names.join(" "));
        let is_hidden = names.iter().any(|name| member.hidden.contains(name));
        if text.is_empty() || is_hidden || !seen.insert(key.into()) {
            return;
        }
        list.push_str(&text);
        list.push('\n');
    }
}

/// Whether a field is that of a package's name. Clients take it in any case.
const fn is_package(field: &str) -> bool {
    field.eq_ignore_ascii_case("Package")
}

/// The path of a file without its packing, which it shares with its other forms and the differences to
/// it.
fn stem_of(path: &str) -> &str {
    let path = path.split_once(".diff/").map_or(path, |(list, _)| list);
    let mut packed = PACKED.iter().filter(|packed| !packed.is_empty());
    let stem = packed.find_map(|packed| path.strip_suffix(packed));
    stem.unwrap_or(path)
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
        let mut names: Vec<&str> = hidden.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        let hidden_digest = Digest::of(Algorithm::Sha256, names.join("\n").as_bytes());
        self.members.push(Member {
            release: Release::read(head)?,
            hidden,
            hidden_digest,
            is_hosted,
        });
        Ok(())
    }

    fn next(&mut self) -> Option<NextLists> {
        let at = self.next;
        let (name, kept) = self.lists().get(at)?.clone();
        self.next += 1;
        let forms: &[&str] = if kept == Kept::Bytes { &[""] } else { &PACKED };
        let mut made_from = Hasher::new(Algorithm::Sha256);
        made_from.update(format!("{EDITION} {kept:?} {name}\n").as_bytes());
        let mut paths = Vec::new();
        for member in &self.members {
            let mut forms = forms.iter().map(|packed| format!("{name}{packed}"));
            let entry = forms.find_map(|path| member.release.entry(&path));
            paths.push(entry.map(|entry| format!("{}{}", self.root, entry.path).into()));
            let digest = entry.map(|entry| entry.digest.to_string());
            let line = format!("{} {}\n", member.hidden_digest, digest.unwrap_or_default());
            made_from.update(line.as_bytes());
        }
        Some(NextLists {
            paths,
            are_required: kept == Kept::Stanzas,
            made_from: Some(made_from.finish()),
        })
    }

    fn merge_lists(&mut self, lists: Vec<Option<Bytes>>) -> Result<Vec<IndexDocument>, Problem> {
        let at = self.next.saturating_sub(1);
        let list = self.lists().get(at).cloned();
        let (name, kept) = list.ok_or_else(|| Problem::internal("lists without a name"))?;
        match kept {
            Kept::Without => match self.look_through(&lists) {
                Look::Clean => return Ok(Vec::new()),
                Look::Hidden => self.stanzas(&name, &lists)?,
                Look::Unreadable => self.writer.add_list(&name, b"")?,
            },
            Kept::Stanzas => self.stanzas(&name, &lists)?,
            Kept::Bytes if lists.iter().all(Option::is_none) => return Ok(Vec::new()),
            Kept::Bytes => {
                let bytes: Vec<u8> = lists.iter().flatten().flatten().copied().collect();
                self.writer.add_contents(&name, &bytes);
            }
        }
        self.made.insert(name);
        Ok(self.writer.take())
    }

    fn reuse(&mut self, made: Vec<(String, Bytes)>) -> Result<Vec<IndexDocument>, Problem> {
        let at = self.next.saturating_sub(1);
        let list = self.lists().get(at).cloned();
        let (name, kept) = list.ok_or_else(|| Problem::internal("files without a list"))?;
        if !made.is_empty() {
            self.made.insert(name);
        }
        for (path, bytes) in made {
            match kept {
                Kept::Bytes => self.writer.add_contents(&path, &bytes),
                Kept::Stanzas | Kept::Without => {
                    self.writer.add(&path, list_type(&path), &bytes);
                }
            }
        }
        Ok(self.writer.take())
    }

    fn end(
        mut self: Box<Self>,
        signer: Option<&dyn Signer>,
    ) -> Result<Vec<IndexDocument>, Problem> {
        // All forms of a file are of one member: clients compare what they unpack with the plain one.
        let made: HashSet<&str> = self.made.iter().map(|name| stem_of(name)).collect();
        let mut owners = HashMap::<&str, usize>::new();
        for (at, member) in self.members.iter().enumerate() {
            for entry in &member.release.entries {
                let stem = stem_of(&entry.path);
                if !made.contains(stem) && *owners.entry(stem).or_insert(at) == at {
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
