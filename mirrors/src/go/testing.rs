//! What the tests of this protocol share.

use super::tree::{FULL, Hash, Node, Tile, Tree, record_hash, root_hash, subtree_hash};

/// The public key of the tests' checksum databases.
pub(super) const KEY: &str = "sum.example+4a8a4721+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV";

/// All tiles of the tree of so many records, `record 0` and so on.
pub(super) struct Whole {
    levels: Vec<Vec<Hash>>,
}

impl Whole {
    pub(super) fn new(texts: impl Iterator<Item = String>) -> Self {
        let mut levels = vec![
            texts
                .map(|text| record_hash(text.as_bytes()))
                .collect::<Vec<_>>(),
        ];
        while let Some(below) = levels.last().filter(|below| below.len() >= 256) {
            let (full, _) = below.as_chunks::<256>();
            levels.push(full.iter().map(|hashes| subtree_hash(hashes)).collect());
        }
        Self { levels }
    }

    /// What a tile has of so many hashes.
    pub(super) fn tile(&self, tile: Tile, width: u64) -> Option<Vec<u8>> {
        let level = self.levels.get(usize::try_from(tile.level?).ok()?)?;
        let start = usize::try_from(tile.number * FULL).ok()?;
        let end = start + usize::try_from(width).ok()?;
        Some(level.get(start..end)?.concat())
    }

    /// Its state when it had so many records.
    pub(super) fn at(&self, size: u64) -> Tree {
        let hash = |node: &Node| {
            let (tile, start, end) = node.place();
            let level = usize::try_from(tile.level.unwrap_or_default()).expect("a level");
            let first = usize::try_from(tile.number * FULL).expect("a number");
            subtree_hash(&self.levels[level][first + start..first + end])
        };
        let hashes: Vec<Hash> = Tree::subtrees(size).iter().map(hash).collect();
        Tree::new(size, root_hash(&hashes)).expect("a tree")
    }
}

/// A zip file of these entries, as the go command packs them: name, content, mode.
pub(super) fn zip_of(entries: &[(&str, &str, u32)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content, mode) in entries {
        let at = u32::try_from(file.len()).expect("small");
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let size = u32::try_from(content.len()).expect("small");
        let length = u16::try_from(name.len()).expect("short");
        let mut common = Vec::new();
        for number in [20_u16, 1 << 11, 0, 0, 0] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc.sum(), size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(length.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02");
        directory.extend(0x0314_u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(file.len()).expect("small");
    let count = u16::try_from(entries.len()).expect("few");
    let length = u32::try_from(directory.len()).expect("small");
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// The zip file of a version with a `go.mod` and another file.
pub(super) fn module_zip(module: &str, version: &str) -> Vec<u8> {
    let folder = format!("{module}@{version}");
    let (go_mod, text) = (
        format!("{folder}/go.mod"),
        format!("module {module}\n\ngo 1.21\n"),
    );
    zip_of(&[
        (&go_mod, &text, 0),
        (&format!("{folder}/a.go"), "package a\n", 0),
    ])
}
