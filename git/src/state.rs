//! All that is kept of a repository, as one document: what its refs stand for, and in which packs its
//! objects are. A change of it is one commit, so refs never stand for objects that are not here.

use crate::oid::{ObjectFormat, Oid};
use crate::refs::{RefName, Refs, Target};
use larder_model::{Digest, Kind, Problem};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The path of the document among those of its package.
pub const DOCUMENT: &str = larder_mirrors::git::STATE;
/// Its media type.
pub const CONTENT_TYPE: &str = "application/vnd.larder.git.state+json";
/// The most bytes of the document: some hundred thousand refs.
pub const MAX_BYTES: usize = 64 << 20;
/// The folder of packs among the artifacts of a package.
const PACKS: &str = "packs";

/// A pack and its index (gitformat-pack).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pack {
    /// The hash in its name, which git gives it.
    pub name: Oid,
    /// The pack's own bytes.
    pub pack: Digest,
    /// The index's bytes.
    pub index: Digest,
    /// How many bytes the pack has.
    pub size: u64,
}

impl Pack {
    /// The path of the pack among the artifacts of its package.
    pub fn pack_path(&self) -> String {
        format!("{PACKS}/{}.pack", self.name)
    }

    /// The path of the index.
    pub fn index_path(&self) -> String {
        format!("{PACKS}/{}.idx", self.name)
    }
}

/// What is kept of a repository.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct State {
    /// What names of objects are hashed with.
    pub format: ObjectFormat,
    /// Its refs.
    pub refs: Refs,
    /// Refs of an upstream whose objects are fetched only if they are asked for, such as those of
    /// requests to merge.
    pub absent: BTreeSet<RefName>,
    /// Objects that refs stood for, and what was asked for by its name alone: they stay.
    pub kept: BTreeSet<Oid>,
    /// Where the objects are.
    pub packs: Vec<Pack>,
}

/// The document.
#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detached: Option<String>,
    /// The object, and what a tag is of, behind a space.
    refs: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absent: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
    packs: Vec<PackEntry>,
}

#[derive(Serialize, Deserialize)]
struct PackEntry {
    name: String,
    pack: String,
    index: String,
    size: u64,
}

impl State {
    /// Refs whose objects are here.
    pub fn present(&self) -> impl Iterator<Item = (&RefName, &Oid)> {
        let refs = self.refs.names.iter();
        let present = refs.filter(|(name, _)| !self.absent.contains(*name));
        present.map(|(name, target)| (name, &target.oid))
    }

    /// Objects that refs stand for and that are here.
    pub fn named(&self) -> HashSet<&Oid> {
        let present = self.present().map(|(_, oid)| oid);
        present.chain(&self.refs.detached).collect()
    }

    /// The same, and those that stay without a ref.
    pub fn held(&self) -> HashSet<&Oid> {
        let mut held = self.named();
        held.extend(&self.kept);
        held
    }

    /// The objects from which all that is here can be reached, each once.
    pub fn tips(&self) -> Vec<&Oid> {
        let mut tips: Vec<&Oid> = self.held().into_iter().collect();
        tips.sort_unstable();
        tips
    }

    /// The same, those first that tell most to an upstream with these refs: what refs stood for that moved
    /// since, then HEAD and the branches.
    pub fn tips_for(&self, now: &Refs) -> Vec<&Oid> {
        let stands = |name: &RefName| now.names.get(name).map(|target| &target.oid);
        let moved = |(name, oid): &(&RefName, &Oid)| stands(name).is_some_and(|now| now != *oid);
        let is_head = |(name, _): &(&RefName, &Oid)| self.refs.head.as_ref() == Some(*name);
        let is_branch = |(name, _): &(&RefName, &Oid)| name.is_branch();
        let oid = |(_, oid)| oid;
        let moved = self.present().filter(moved).map(oid);
        let head = self.present().filter(is_head).map(oid);
        let branches = self.present().filter(is_branch).map(oid);
        let others = self.present().map(oid).chain(&self.kept);
        let all = moved.chain(&self.refs.detached).chain(head);
        let mut told = HashSet::new();
        let all = all.chain(branches).chain(others);
        all.filter(|oid| told.insert(*oid)).collect()
    }

    /// The bytes of all packs.
    pub fn packed_bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.size).sum()
    }

    /// The document's bytes. Fails with [`Kind::TooLarge`] if nobody would read so many.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Problem> {
        let text = |target: &Target| match &target.peeled {
            Some(peeled) => format!("{} {peeled}", target.oid),
            None => target.oid.to_string(),
        };
        let names = self.refs.names.iter();
        let document = Document {
            format: self.format.word().to_owned(),
            head: self.refs.head.as_ref().map(RefName::to_string),
            detached: self.refs.detached.as_ref().map(Oid::to_string),
            refs: names
                .map(|(name, target)| (name.to_string(), text(target)))
                .collect(),
            absent: self.absent.iter().map(RefName::to_string).collect(),
            kept: self.kept.iter().map(Oid::to_string).collect(),
            packs: self.packs.iter().map(PackEntry::of).collect(),
        };
        let bytes = serde_json::to_vec(&document).map_err(Problem::internal)?;
        if bytes.len() <= MAX_BYTES {
            return Ok(bytes);
        }
        let detail = format!(
            "the repository would have {} refs, and the names of objects and refs that are kept of a repository \
             are at most {} MiB: delete some first",
            self.refs.names.len(),
            MAX_BYTES >> 20
        );
        Err(Problem::new(Kind::TooLarge, "refs", detail))
    }

    /// Reads the document.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let document: Document = serde_json::from_slice(bytes).map_err(Problem::internal)?;
        let target = |text: &String| {
            let (oid, peeled) = match text.split_once(' ') {
                Some((oid, peeled)) => (oid, Some(peeled)),
                None => (text.as_str(), None),
            };
            let peeled = peeled
                .map(str::parse)
                .transpose()
                .map_err(Problem::internal)?;
            let oid = oid.parse().map_err(Problem::internal)?;
            Ok::<_, Problem>(Target { oid, peeled })
        };
        let mut names = BTreeMap::new();
        for (name, text) in &document.refs {
            names.insert(name.parse().map_err(Problem::internal)?, target(text)?);
        }
        let packs = document.packs.iter().map(PackEntry::read);
        Ok(Self {
            format: document.format.parse().map_err(Problem::internal)?,
            refs: Refs {
                head: all(document.head)?.pop(),
                detached: all(document.detached)?.pop(),
                names,
            },
            absent: all(document.absent)?.into_iter().collect(),
            kept: all(document.kept)?.into_iter().collect(),
            packs: packs.collect::<Result<_, _>>()?,
        })
    }
}

/// Reads texts that this server wrote.
fn all<T: std::str::FromStr>(texts: impl IntoIterator<Item = String>) -> Result<Vec<T>, Problem>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let read = |text: String| text.parse().map_err(Problem::internal);
    texts.into_iter().map(read).collect()
}

impl PackEntry {
    fn of(pack: &Pack) -> Self {
        Self {
            name: pack.name.to_string(),
            pack: pack.pack.to_string(),
            index: pack.index.to_string(),
            size: pack.size,
        }
    }

    fn read(&self) -> Result<Pack, Problem> {
        Ok(Pack {
            name: self.name.parse().map_err(Problem::internal)?,
            pack: self.pack.parse().map_err(Problem::internal)?,
            index: self.index.parse().map_err(Problem::internal)?,
            size: self.size,
        })
    }
}

#[cfg(test)]
mod tests;
