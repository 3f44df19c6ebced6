//! A disk that is held in memory and knows what of it would outlive a power cut.
//!
//! What is written is seen at once. It is durable once the file was synced; a name, once its folder
//! was. At a cut each change that is not durable yet is kept or lost, by chance, whatever came
//! before or after it: no file system promises more (POSIX `fsync`).

use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::ops::AddAssign;
use std::time::SystemTime;

/// The number of a file or folder.
pub type Inode = u64;

/// The folder in which all others are.
pub const ROOT: Inode = 1;

/// Bytes that a device writes wholly or not at all.
const SECTOR: usize = 512;

/// A change of a file's bytes.
#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// A change of a folder's names.
#[derive(Clone, Debug)]
enum Naming {
    Set(OsString, Inode),
    Remove(OsString),
    /// Within the folder.
    Move(OsString, OsString),
}

/// What a file holds.
#[derive(Default, Debug)]
pub struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
}

/// The names of a folder.
#[derive(Default, Debug)]
pub struct Names {
    now: BTreeMap<OsString, Inode>,
    durable: BTreeMap<OsString, Inode>,
    waiting: Vec<Naming>,
}

/// A file or a folder.
#[derive(Debug)]
pub enum Kind {
    /// A file.
    File(Content),
    /// A folder.
    Folder(Names),
}

/// What there is at an inode.
#[derive(Debug)]
pub struct Node {
    /// What it is, with what is in it.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// When it was changed.
    pub modified: SystemTime,
    /// How many names it has.
    pub names: u32,
}

impl AddAssign for Cut {
    fn add_assign(&mut self, other: Self) {
        self.kept += other.kept;
        self.lost += other.lost;
    }
}

impl Node {
    fn new(kind: Kind, mode: u16) -> Self {
        Self {
            kind,
            mode,
            modified: SystemTime::now(),
            names: 1,
        }
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        match &self.kind {
            Kind::File(content) => content.now.len(),
            Kind::Folder(_) => 0,
        }
    }
}

/// Why something cannot be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// There is nothing of that name.
    Missing,
    /// There is something of that name.
    Exists,
    /// A file is no folder.
    NotFolder,
    /// A folder is no file.
    Folder,
    /// The folder has something in it.
    NotEmpty,
    /// A file is not moved to another folder here.
    OtherFolder,
}

/// What a cut left of what was not durable.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Changes that are there.
    pub kept: usize,
    /// Changes, and parts of such, that are gone.
    pub lost: usize,
}

/// The disk.
#[derive(Debug)]
pub struct Disk {
    nodes: BTreeMap<Inode, Node>,
    next: Inode,
}

impl Default for Disk {
    fn default() -> Self {
        let root = Node::new(Kind::Folder(Names::default()), 0o755);
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write { at, bytes: written } => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(written);
            }
        }
    }

    /// The sectors of a write, each for itself.
    fn apply_some(&self, bytes: &mut Vec<u8>, random: &mut Random, cut: &mut Cut) {
        let Self::Write { at, bytes: written } = self else {
            keep(random, cut, || self.apply(bytes));
            return;
        };
        // Most writes are there or not; some are torn.
        if random.below(4) != 0 {
            keep(random, cut, || self.apply(bytes));
            return;
        }
        let mut at = *at;
        let mut written = &written[..];
        while !written.is_empty() {
            let (sector, rest) = written.split_at(written.len().min(SECTOR - at % SECTOR));
            let part = Self::Write {
                at,
                bytes: sector.to_vec(),
            };
            keep(random, cut, || part.apply(bytes));
            at += sector.len();
            written = rest;
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<OsString, Inode>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Move(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

/// Does it or not, and counts which.
fn keep(random: &mut Random, cut: &mut Cut, act: impl FnOnce()) {
    if random.below(2) == 0 {
        act();
        cut.kept += 1;
    } else {
        cut.lost += 1;
    }
}

impl Disk {
    /// What there is at an inode.
    pub fn node(&self, inode: Inode) -> Result<&Node, Failure> {
        self.nodes.get(&inode).ok_or(Failure::Missing)
    }

    /// What there is at an inode, to be changed.
    pub fn node_mut(&mut self, inode: Inode) -> Result<&mut Node, Failure> {
        self.nodes.get_mut(&inode).ok_or(Failure::Missing)
    }

    fn names(&mut self, folder: Inode) -> Result<&mut Names, Failure> {
        match &mut self.node_mut(folder)?.kind {
            Kind::Folder(names) => Ok(names),
            Kind::File(_) => Err(Failure::NotFolder),
        }
    }

    fn content(&mut self, file: Inode) -> Result<&mut Content, Failure> {
        let node = self.node_mut(file)?;
        match &mut node.kind {
            Kind::File(content) => Ok(content),
            Kind::Folder(_) => Err(Failure::Folder),
        }
    }

    /// The names in a folder and what they stand for.
    pub fn list(&self, folder: Inode) -> Result<&BTreeMap<OsString, Inode>, Failure> {
        match &self.node(folder)?.kind {
            Kind::Folder(names) => Ok(&names.now),
            Kind::File(_) => Err(Failure::NotFolder),
        }
    }

    /// What a name stands for.
    pub fn look_up(&self, folder: Inode, name: &OsStr) -> Result<Inode, Failure> {
        self.list(folder)?
            .get(name)
            .copied()
            .ok_or(Failure::Missing)
    }

    fn change(&mut self, folder: Inode, naming: Naming) -> Result<(), Failure> {
        let names = self.names(folder)?;
        naming.apply(&mut names.now);
        names.waiting.push(naming);
        self.node_mut(folder)?.modified = SystemTime::now();
        Ok(())
    }

    /// Makes a file or folder.
    pub fn make(
        &mut self,
        folder: Inode,
        name: &OsStr,
        kind: Kind,
        mode: u16,
    ) -> Result<Inode, Failure> {
        if self.look_up(folder, name).is_ok() {
            return Err(Failure::Exists);
        }
        let inode = self.next;
        self.change(folder, Naming::Set(name.to_owned(), inode))?;
        self.next += 1;
        self.nodes.insert(inode, Node::new(kind, mode));
        Ok(inode)
    }

    /// Gives a file one more name.
    pub fn link(&mut self, file: Inode, folder: Inode, name: &OsStr) -> Result<(), Failure> {
        if self.look_up(folder, name).is_ok() {
            return Err(Failure::Exists);
        }
        self.content(file)?;
        self.change(folder, Naming::Set(name.to_owned(), file))?;
        self.node_mut(file)?.names += 1;
        Ok(())
    }

    /// Takes a name away. Who has the file open still reads it.
    pub fn remove(&mut self, folder: Inode, name: &OsStr) -> Result<(), Failure> {
        let inode = self.look_up(folder, name)?;
        if let Kind::Folder(names) = &self.node(inode)?.kind
            && !names.now.is_empty()
        {
            return Err(Failure::NotEmpty);
        }
        self.change(folder, Naming::Remove(name.to_owned()))?;
        self.node_mut(inode)?.names -= 1;
        Ok(())
    }

    /// Gives what is at `from` another name, and takes that from what had it.
    pub fn rename(&mut self, from: (Inode, &OsStr), to: (Inode, &OsStr)) -> Result<(), Failure> {
        let moved = self.look_up(from.0, from.1)?;
        if from.0 != to.0 {
            return Err(Failure::OtherFolder);
        }
        match self.look_up(to.0, to.1) {
            Ok(replaced) if replaced == moved => return Ok(()),
            Ok(replaced) => self.node_mut(replaced)?.names -= 1,
            Err(Failure::Missing) => {}
            Err(other) => return Err(other),
        }
        self.change(from.0, Naming::Move(from.1.to_owned(), to.1.to_owned()))
    }

    /// Bytes of a file, fewer at its end.
    pub fn read(&self, file: Inode, at: usize, count: usize) -> Result<&[u8], Failure> {
        let Kind::File(content) = &self.node(file)?.kind else {
            return Err(Failure::Folder);
        };
        let end = content.now.len().min(at.saturating_add(count));
        Ok(content.now.get(at..end).unwrap_or_default())
    }

    fn alter(&mut self, file: Inode, change: Change) -> Result<(), Failure> {
        let content = self.content(file)?;
        change.apply(&mut content.now);
        content.waiting.push(change);
        self.node_mut(file)?.modified = SystemTime::now();
        Ok(())
    }

    /// Writes to a file.
    pub fn write(&mut self, file: Inode, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        let bytes = bytes.to_vec();
        self.alter(file, Change::Write { at, bytes })
    }

    /// Cuts a file off, or makes it longer.
    pub fn set_length(&mut self, file: Inode, length: usize) -> Result<(), Failure> {
        self.alter(file, Change::Length(length))
    }

    /// Makes durable what is in a file, or which names a folder has.
    pub fn sync(&mut self, inode: Inode) -> Result<(), Failure> {
        match &mut self.node_mut(inode)?.kind {
            Kind::File(content) => {
                for change in content.waiting.drain(..) {
                    change.apply(&mut content.durable);
                }
            }
            Kind::Folder(names) => {
                for naming in names.waiting.drain(..) {
                    naming.apply(&mut names.durable);
                }
            }
        }
        Ok(())
    }

    /// The power is cut: what is durable stays, and by chance some of the rest.
    pub fn cut(&mut self, random: &mut Random) -> Cut {
        let mut cut = Cut::default();
        for node in self.nodes.values_mut() {
            match &mut node.kind {
                Kind::File(content) => {
                    for change in content.waiting.drain(..) {
                        change.apply_some(&mut content.durable, random, &mut cut);
                    }
                    content.now.clone_from(&content.durable);
                }
                Kind::Folder(names) => {
                    for naming in names.waiting.drain(..) {
                        keep(random, &mut cut, || naming.apply(&mut names.durable));
                    }
                    names.now.clone_from(&names.durable);
                }
            }
        }
        self.forget_nameless();
        cut
    }

    /// What has no name any more is gone, and the others count theirs.
    fn forget_nameless(&mut self) {
        let mut counts: BTreeMap<Inode, u32> = BTreeMap::from([(ROOT, 1)]);
        let mut seen = BTreeSet::from([ROOT]);
        let mut folders = vec![ROOT];
        while let Some(folder) = folders.pop() {
            for &inode in self.list(folder).into_iter().flat_map(BTreeMap::values) {
                *counts.entry(inode).or_default() += 1;
                if seen.insert(inode) && self.list(inode).is_ok() {
                    folders.push(inode);
                }
            }
        }
        self.nodes.retain(|inode, _| counts.contains_key(inode));
        for (inode, node) in &mut self.nodes {
            node.names = counts[inode];
        }
    }
}

#[cfg(test)]
mod tests;
