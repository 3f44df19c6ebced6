//! The tree of a log (RFC 6962, 2.1) in tiles of eight levels, as golang.org/x/mod/sumdb/tlog cuts it:
//! tile `K` of level `L` has the hashes of 256 neighbours at level `8 L` of the tree, or those of them
//! that there are so far.

use larder_model::{Algorithm, Digest, Hasher};
use std::collections::{BTreeMap, BTreeSet};

/// Levels of a tile.
const HEIGHT: u32 = 8;
/// Hashes of a tile that is full.
pub(super) const FULL: u64 = 1 << HEIGHT;
/// Bytes of a hash.
pub(super) const HASH_BYTES: usize = 32;
/// Larger trees are none: their numbers would not fit.
const MAX_SIZE: u64 = 1 << 60;
/// A path names the number of a tile by groups of three digits.
const GROUP: u64 = 1000;

/// A hash of the tree.
pub(super) type Hash = [u8; HASH_BYTES];

/// A state of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tree {
    /// How many records it has.
    pub(super) size: u64,
    /// The hash of its root.
    pub(super) hash: Hash,
}

/// A node whose subtree is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Node {
    level: u32,
    number: u64,
}

/// A tile, whatever it has of its hashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Tile {
    /// Its level among tiles; `None`: it has records, and no hashes.
    pub(super) level: Option<u32>,
    pub(super) number: u64,
}

/// What tiles say of nodes.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// The hashes of the nodes, and the tiles which proved them, with what each has in this tree.
    Proven(Vec<Hash>, Vec<(Tile, u64)>),
    /// These are needed too, each with so many hashes.
    Missing(Vec<(Tile, u64)>),
    /// They are not those of this tree.
    Wrong,
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for part in parts {
        hasher.update(part);
    }
    hash_of(&hasher.finish())
}

fn hash_of(digest: &Digest) -> Hash {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(digest.bytes());
    hash
}

/// The hash of a record.
pub(super) fn record_hash(text: &[u8]) -> Hash {
    sha256(&[&[0], text])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The hash of the root of a complete subtree with these hashes, whose number is a power of two.
pub(super) fn subtree_hash(hashes: &[Hash]) -> Hash {
    match hashes {
        [one] => *one,
        [] => sha256(&[]),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(&subtree_hash(left), &subtree_hash(right))
        }
    }
}

/// The hash of a tree whose complete subtrees, the largest first, have these hashes.
pub(super) fn root_hash(subtrees: &[Hash]) -> Hash {
    let Some((last, rest)) = subtrees.split_last() else {
        return sha256(&[]);
    };
    rest.iter()
        .rfold(*last, |right, left| node_hash(left, &right))
}

/// The hashes of a tile's bytes.
fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, _) = bytes.as_chunks();
    hashes.to_vec()
}

impl Node {
    /// The node of a record.
    pub(super) const fn record(number: u64) -> Self {
        Self { level: 0, number }
    }

    /// The tile that has the hashes below it, and which of them.
    pub(super) fn place(self) -> (Tile, usize, usize) {
        let within = self.level % HEIGHT;
        let first = self.number << within;
        let tile = Tile {
            level: Some(self.level / HEIGHT),
            number: first >> HEIGHT,
        };
        let start = usize::try_from(first % FULL).unwrap_or_default();
        (tile, start, start + (1 << within))
    }
}

impl Tree {
    /// A state; `None` if it is too large to be one.
    pub(super) fn new(size: u64, hash: Hash) -> Option<Self> {
        (size <= MAX_SIZE).then_some(Self { size, hash })
    }

    /// Its complete subtrees, the largest first.
    pub(super) fn subtrees(size: u64) -> Vec<Node> {
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        let node = |level| Node {
            level,
            number: (size >> level) - 1,
        };
        levels.map(node).collect()
    }

    /// What tiles at hand say of nodes of this tree. Only what leads up to its root counts.
    pub(super) fn read<'t>(
        &self,
        nodes: &[Node],
        at_hand: impl Fn(Tile, u64) -> Option<&'t [u8]>,
    ) -> Read {
        // The tiles that make the root, then those below them, each after its parent.
        let roots = Self::subtrees(self.size);
        let mut order: Vec<Tile> = Vec::new();
        for node in &roots {
            let (tile, ..) = node.place();
            if !order.contains(&tile) {
                order.push(tile);
            }
        }
        let of_root = order.len();
        let mut known: BTreeSet<Tile> = order.iter().copied().collect();
        for node in nodes {
            let (tile, ..) = node.place();
            let mut chain = Vec::new();
            let mut next = tile;
            while !known.contains(&next) {
                if next.width_in(self.size) != FULL {
                    return Read::Wrong; // it is not in this tree
                }
                chain.push(next);
                next = next.parent();
            }
            known.extend(&chain);
            order.extend(chain.into_iter().rev());
        }
        let mut tiles: BTreeMap<Tile, Vec<Hash>> = BTreeMap::new();
        let mut missing = Vec::new();
        for tile in &order {
            let width = tile.width_in(self.size);
            match at_hand(*tile, width) {
                None => missing.push((*tile, width)),
                Some(bytes) if bytes.len() as u64 != width * HASH_BYTES as u64 => {
                    return Read::Wrong;
                }
                Some(bytes) => drop(tiles.insert(*tile, hashes(bytes))),
            }
        }
        if !missing.is_empty() {
            return Read::Missing(missing);
        }
        let hash_of = |node: &Node| {
            let (tile, start, end) = node.place();
            let hashes = tiles.get(&tile)?.get(start..end)?;
            Some(subtree_hash(hashes))
        };
        let all: Option<Vec<Hash>> = roots.iter().map(hash_of).collect();
        if all.is_none_or(|all| root_hash(&all) != self.hash) {
            return Read::Wrong;
        }
        for tile in &order[of_root..] {
            let expected = hash_of(&tile.node());
            let own = tiles.get(tile).map(|hashes| subtree_hash(hashes));
            if own.is_none() || own != expected {
                return Read::Wrong;
            }
        }
        let used = order.iter().map(|tile| (*tile, tile.width_in(self.size)));
        match nodes.iter().map(hash_of).collect() {
            Some(hashes) => Read::Proven(hashes, used.collect()),
            None => Read::Wrong,
        }
    }
}

impl Tile {
    /// How many hashes, or records, it has in a tree of a size.
    pub(super) fn width_in(self, size: u64) -> u64 {
        let shift = HEIGHT.saturating_mul(self.level.unwrap_or_default());
        let all = size.checked_shr(shift).unwrap_or_default();
        let start = self.number.saturating_mul(FULL);
        all.saturating_sub(start).min(FULL)
    }

    /// The tiles of a tree that are not full, with what they have.
    pub(super) fn edge(size: u64) -> Vec<(Self, u64)> {
        let levels = (0..u64::BITS / HEIGHT).map(Some).chain([None]);
        let tiles = levels.map(|level| {
            let all = size >> (HEIGHT * level.unwrap_or_default());
            let number = all / FULL;
            (Self { level, number }, all % FULL)
        });
        tiles.filter(|(_, width)| *width > 0).collect()
    }

    /// The node of one of its hashes, or records.
    pub(super) fn member(self, at: u64) -> Node {
        Node {
            level: self.level.unwrap_or_default() * HEIGHT,
            number: self.number * FULL + at,
        }
    }

    /// The node whose subtree it is, once it is full.
    fn node(self) -> Node {
        Node {
            level: (self.level.unwrap_or_default() + 1) * HEIGHT,
            number: self.number,
        }
    }

    /// The tile that has the hash of this one.
    fn parent(self) -> Self {
        let (tile, ..) = self.node().place();
        tile
    }

    /// The path of what it has of so many hashes.
    pub(super) fn path(self, width: u64) -> String {
        let level = self.level.map_or("data".to_owned(), |it| it.to_string());
        let mut number = format!("{:03}", self.number % GROUP);
        let mut rest = self.number / GROUP;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % GROUP);
            rest /= GROUP;
        }
        let part = if width == FULL {
            String::new()
        } else {
            format!(".p/{width}")
        };
        format!("tile/{HEIGHT}/{level}/{number}{part}")
    }

    /// Reads a path, with how many hashes are asked for; `None` if it is none, or of other heights.
    pub(super) fn parse(path: &str) -> Option<(Self, u64)> {
        let rest = path.strip_prefix("tile/8/")?;
        let (level, rest) = rest.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, FULL),
        };
        let level = match level {
            "data" => None,
            level => Some(level.parse::<u32>().ok()?).filter(|level| *level < HEIGHT),
        };
        if level.is_none() && !path.starts_with("tile/8/data/") {
            return None;
        }
        let mut value = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let digits: u64 = digits.parse().ok().filter(|digits| *digits < GROUP)?;
            value = value.checked_mul(GROUP)?.checked_add(digits)?;
        }
        let tile = Self {
            level,
            number: value,
        };
        // There is one spelling of each.
        let fits = (1..=FULL).contains(&width) && value < MAX_SIZE && tile.path(width) == path;
        fits.then_some((tile, width))
    }
}

#[cfg(test)]
mod tests;
