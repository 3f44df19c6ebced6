//! The metadata of a group: one repository made of those of its members. A path, or a name that is
//! published in a member, hides the same in later members; of a release that several hosted members
//! have, the first member's package is listed. Lists are streamed, never uncompressed in memory.

use super::filter::{Content, Element, Elements, unreadable};
use super::listing::MAX_PACKAGES;
use super::packer::{List, Packer, Record, seal};
use super::paths::name_of;
use super::repomd;
use crate::index::{IndexDocument, IndexMember, IndexMerger, NextLists, Signer};
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use crate::xml::XmlWriter;
use bytes::Bytes;
use larder_model::{Kind as Meaning, Problem, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

/// What a YAML document begins with.
const MARK: &[u8] = b"---";
/// Bytes in which that is looked for, behind comments.
const LOOKED_AT: u64 = 64 << 10;
/// Kinds of metadata in the order in which they are read. `primary` comes first: it decides which
/// packages are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    List(List),
    Advisories,
    Groups,
    Modules,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::List(List::Primary),
        Self::List(List::Filelists),
        Self::List(List::Other),
        Self::Advisories,
        Self::Groups,
        Self::Modules,
    ];

    /// Its names in `repomd.xml`.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::List(List::Primary) => &["primary"],
            Self::List(List::Filelists) => &["filelists"],
            Self::List(List::Other) => &["other"],
            Self::Advisories => &["updateinfo"],
            Self::Groups => &["group", "group_gz"],
            Self::Modules => &["modules"],
        }
    }
}

struct Member {
    /// In the order of the kinds.
    paths: Vec<Option<Box<str>>>,
    hidden: Arc<HashSet<Box<str>>>,
    is_hosted: bool,
}

/// Merges the metadata of a group.
pub(super) struct Merger {
    now: Timestamp,
    /// Where the members' repositories are.
    root: Box<str>,
    members: Vec<Member>,
    /// The number of kinds that were read.
    next_kind: usize,
    /// Checksums of the packages that are listed, for each member, with the number of the element in its
    /// `primary` that tells of each.
    taken: Vec<HashMap<Box<str>, u64>>,
    count: usize,
    max_packages: usize,
    records: Vec<Record>,
}

/// Whether a YAML stream begins with the mark of a document, or with what comes before one.
fn is_marked(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
    let mut lines = begin
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_none_or(|line| line.starts_with(MARK) || line.starts_with(b"%"))
}

impl Merger {
    pub(super) fn begin(now: Timestamp, root: &str) -> Self {
        let (members, taken, records) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            now,
            root: root.into(),
            members,
            next_kind: 0,
            taken,
            count: 0,
            max_packages: MAX_PACKAGES,
            records,
        }
    }

    /// Reads the lists of a kind.
    fn walk(
        &self,
        content: Content,
        lists: &[Option<Bytes>],
        mut visit: impl FnMut(usize, &Elements<'_>, Element) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        for (at, (member, list)) in self.members.iter().zip(lists).enumerate() {
            let Some(list) = list else { continue };
            let hidden = |name: &str| member.hidden.contains(name);
            let mut elements = Elements::new(list, (content, &self.root), &hidden)?;
            while let Some(element) = elements.next()? {
                visit(at, &elements, element)?;
            }
        }
        Ok(())
    }

    /// Decides which packages are listed. Returns the prefixes that their elements use.
    fn choose(&mut self, lists: &[Option<Bytes>]) -> Result<BTreeMap<String, String>, Problem> {
        let mut taken: Vec<HashMap<Box<str>, u64>> =
            self.members.iter().map(|_| HashMap::new()).collect();
        let mut numbers = vec![0; self.members.len()];
        let (mut paths, mut ids) = (HashSet::<Box<str>>::new(), HashSet::<Box<str>>::new());
        // Releases of hosted members, with the first member that has each.
        let mut releases = HashMap::<Box<str>, usize>::new();
        let (mut prefixes, mut declared) = (BTreeMap::new(), None);
        self.walk(Content::Packages, lists, |at, elements, element| {
            numbers[at] += 1;
            if declared.replace(at) != Some(at) {
                for (name, address) in elements.prefixes() {
                    prefixes
                        .entry(name.clone())
                        .or_insert_with(|| address.clone());
                }
            }
            let Some(path) = element
                .path
                .as_ref()
                .filter(|_| !element.name.is_empty() && !element.id.is_empty())
            else {
                return Ok(()); // it cannot be requested, or not be identified in other lists
            };
            let Member {
                hidden, is_hosted, ..
            } = &self.members[at];
            // Permissions depend on the name in the path.
            if hidden.contains(&*element.name)
                || hidden.contains(name_of(path))
                || paths.contains(&**path)
            {
                return Ok(());
            }
            if *is_hosted {
                let first = releases.entry(element.nevra().into()).or_insert(at);
                if *first != at {
                    return Ok(());
                }
            }
            // A package that is at two paths is listed once.
            if ids.insert(element.id.as_str().into()) {
                if paths.len() == self.max_packages {
                    return Err(too_many(self.max_packages));
                }
                paths.insert(path.as_str().into());
                taken[at].insert(element.id.into(), numbers[at]);
            }
            Ok(())
        })?;
        (self.taken, self.count) = (taken, paths.len());
        Ok(prefixes)
    }

    fn list(&mut self, list: List, lists: &[Option<Bytes>]) -> Result<Vec<IndexDocument>, Problem> {
        let mut prefixes = if list == List::Primary {
            self.choose(lists)?
        } else {
            BTreeMap::new()
        };
        prefixes.remove("rpm"); // every list declares it
        let mut packer = Packer::new();
        list.begin(self.count as u64, &prefixes)
            .and_then(|begin| packer.write_all(begin.as_bytes()))
            .map_err(Problem::internal)?;
        let mut left = self.taken.clone();
        let mut numbers = vec![0; left.len()];
        self.walk(Content::Packages, lists, |at, _, element| {
            let Some(left) = left.get_mut(at) else {
                return Ok(());
            };
            numbers[at] += 1;
            // Several may have one checksum: of these one was chosen, whose name and path may be listed.
            let number = left.get(&*element.id).copied();
            let is_it = |number| list != List::Primary || number == numbers[at];
            if number.is_some_and(is_it) {
                left.remove(&*element.id);
                packer
                    .write_all(&element.text)
                    .and_then(|()| packer.write_all(b"\n"))
                    .map_err(Problem::internal)?;
            }
            Ok(())
        })?;
        packer
            .write_all(list.end().as_bytes())
            .map_err(Problem::internal)?;
        Ok(self.keep(packer.end(list.kind(), &format!("{}.xml", list.kind()))?))
    }

    /// All elements of all members below one root.
    fn join(
        &mut self,
        (kind, root, name): (&'static str, &str, &str),
        lists: &[Option<Bytes>],
    ) -> Result<Vec<IndexDocument>, Problem> {
        let mut packer = Packer::new();
        let mut xml = XmlWriter::new();
        xml.declaration()
            .and_then(|()| xml.open(0, root, &[]))
            .and_then(|()| packer.write_all(xml.end()?.as_bytes()))
            .map_err(Problem::internal)?;
        self.walk(Content::Other, lists, |_, _, element| {
            packer
                .write_all(&element.text)
                .and_then(|()| packer.write_all(b"\n"))
                .map_err(Problem::internal)
        })?;
        packer
            .write_all(format!("</{root}>\n").as_bytes())
            .map_err(Problem::internal)?;
        Ok(self.keep(packer.end(kind, name)?))
    }

    /// YAML documents, one after another.
    fn modules(&mut self, lists: &[Option<Bytes>]) -> Result<Vec<IndexDocument>, Problem> {
        let mut packer = Packer::new();
        for list in lists.iter().flatten() {
            let mut text = unpack(list).map_err(unreadable)?.take(MAX_UNPACKED_BYTES);
            let mut begin = Vec::new();
            let read = text.by_ref().take(LOOKED_AT);
            std::io::copy(&mut { read }, &mut begin).map_err(unreadable)?;
            // What begins without the mark of a document would go on with the one before.
            if !is_marked(&begin) {
                packer.write_all(MARK).map_err(Problem::internal)?;
                packer.write_all(b"\n").map_err(Problem::internal)?;
            }
            packer.write_all(&begin).map_err(Problem::internal)?;
            std::io::copy(&mut text, &mut packer).map_err(unreadable)?;
            packer.write_all(b"\n").map_err(Problem::internal)?;
        }
        Ok(self.keep(packer.end("modules", "modules.yaml")?))
    }

    fn keep(&mut self, (file, record): (IndexDocument, Record)) -> Vec<IndexDocument> {
        self.records.push(record);
        vec![file]
    }
}

impl IndexMerger for Merger {
    fn add(&mut self, head: &[u8], member: IndexMember) -> Result<(), Problem> {
        let records = repomd::read(head)?;
        let path = |name: &&str| {
            Some(
                records
                    .iter()
                    .find(|record| record.kind == **name)?
                    .item
                    .path
                    .as_str()
                    .into(),
            )
        };
        let paths = Kind::ALL
            .iter()
            .map(|kind| kind.names().iter().find_map(path))
            .collect();
        let IndexMember { hidden, is_hosted } = member;
        self.members.push(Member {
            paths,
            hidden,
            is_hosted,
        });
        Ok(())
    }

    fn next(&mut self) -> Option<NextLists> {
        let at = self.next_kind;
        self.next_kind = (at < Kind::ALL.len()).then_some(at + 1)?;
        let path = |member: &Member| member.paths.get(at).cloned().flatten();
        Some(NextLists {
            paths: self.members.iter().map(path).collect(),
            are_required: true,
            made_from: None,
        })
    }

    fn merge_lists(&mut self, lists: Vec<Option<Bytes>>) -> Result<Vec<IndexDocument>, Problem> {
        let there = lists.iter().any(Option::is_some);
        match Kind::ALL.get(self.next_kind.saturating_sub(1)) {
            Some(Kind::List(list)) => self.list(*list, &lists),
            Some(_) if !there => Ok(Vec::new()),
            Some(Kind::Advisories) => {
                self.join(("updateinfo", "updates", "updateinfo.xml"), &lists)
            }
            Some(Kind::Groups) => self.join(("group", "comps", "comps.xml"), &lists),
            Some(Kind::Modules) => self.modules(&lists),
            None => Err(Problem::internal("lists without a kind")),
        }
    }

    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem> {
        seal(&self.records, self.now, signer)
    }
}

fn too_many(max: usize) -> Problem {
    let detail = format!(
        "the members of this group have more than {max} packages together, which is the limit"
    );
    Problem::new(Meaning::Upstream, "group", detail)
}

#[cfg(test)]
mod tests;
