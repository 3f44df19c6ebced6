use super::super::testing::Whole;
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::collections::HashMap;

/// What golang.org/x/mod makes of records (tests/harness/sumdb writes it).
const TREES: &str = include_str!("../testdata/trees.txt");
const TILES: &str = include_str!("../testdata/tiles.txt");

fn whole() -> Whole {
    Whole::new((0..70_000).map(|number| format!("record {number}\n")))
}

#[test]
fn roots_are_those_of_the_client() {
    let whole = whole();
    let mut count = 0;
    for line in TREES.lines() {
        let (size, hash) = line.split_once(' ').expect("two fields");
        let tree = whole.at(size.parse().expect("a size"));
        assert_eq!(BASE64_STANDARD.encode(tree.hash), hash, "{size}");
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn paths_of_tiles_are_those_of_the_client() {
    for line in TILES.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [level, number, width, path] = fields[..] else {
            panic!("a line of four fields: {line}");
        };
        let tile = Tile {
            level: level.parse().ok(),
            number: number.parse().expect("a number"),
        };
        let width: u64 = width.parse().expect("a width");
        assert_eq!(tile.path(width), path);
        assert_eq!(Tile::parse(path), Some((tile, width)));
    }
    for other in [
        "tile/8/0/1",
        "tile/8/0/0001",
        "tile/8/0/000.p/256",
        "tile/8/0/000.p/0",
        "tile/7/0/000",
        "tile/8/00/000",
        "tile/8/8/000",
        "tile/8/0/x000/001",
        "tile/8/0/",
        "tile/8/0/-01",
        "tile/8/0/000.p/01",
        "tile/8/0/+01",
        "latest",
    ] {
        assert_eq!(Tile::parse(other), None, "{other}");
    }
}

#[test]
fn tiles_prove_records_and_nothing_else_does() {
    let whole = whole();
    for (size, record) in [
        (1, 0),
        (2, 1),
        (255, 7),
        (256, 255),
        (257, 3),
        (600, 599),
        (70_000, 255),
    ] {
        let tree = whole.at(size);
        let nodes = [Node::record(record)];
        let mut tiles: HashMap<Tile, Vec<u8>> = HashMap::new();
        let used = loop {
            let at_hand = |tile: Tile, _: u64| tiles.get(&tile).map(Vec::as_slice);
            match tree.read(&nodes, at_hand) {
                Read::Missing(missing) => {
                    for (tile, width) in missing {
                        let bytes = whole.tile(tile, width).expect("a tile");
                        assert!(tiles.insert(tile, bytes).is_none(), "asked for twice");
                    }
                }
                Read::Proven(hashes, used) => {
                    let text = format!("record {record}\n");
                    assert_eq!(hashes, [record_hash(text.as_bytes())]);
                    break used;
                }
                Read::Wrong => panic!("{size}: the tiles are right"),
            }
        };
        // Every bit of them counts.
        for (tile, width) in used {
            assert_eq!(width, tile.width_in(size));
            let mut other = tiles.clone();
            other.get_mut(&tile).expect("a tile")[31] ^= 1;
            let at_hand = |tile: Tile, _: u64| other.get(&tile).map(Vec::as_slice);
            assert_eq!(tree.read(&nodes, at_hand), Read::Wrong, "{size} {tile:?}");
        }
        let mut other = tree;
        other.hash[0] ^= 1;
        let at_hand = |tile: Tile, _: u64| tiles.get(&tile).map(Vec::as_slice);
        assert_eq!(other.read(&nodes, at_hand), Read::Wrong, "{size}");
    }
}

#[test]
fn what_is_not_in_a_tree_is_not_proven() {
    let tree = whole().at(300);
    let at_hand =
        |_: Tile, width: u64| Some(&[0; 256 * HASH_BYTES][..usize::try_from(width).ok()? * 32]);
    assert_eq!(tree.read(&[Node::record(300)], at_hand), Read::Wrong);
    assert_eq!(tree.read(&[Node::record(70_000)], at_hand), Read::Wrong);
}
