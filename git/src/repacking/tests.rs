use super::*;
use larder_model::{Algorithm, Digest};

fn packs(sizes: &[u64]) -> Vec<Pack> {
    let pack = |(index, size): (usize, &u64)| {
        let digest = Digest::of(Algorithm::Sha256, &index.to_be_bytes());
        Pack {
            name: format!("{index:040x}").parse().expect("a name"),
            pack: digest,
            index: digest,
            size: *size,
        }
    };
    sizes.iter().enumerate().map(pack).collect()
}

fn small_of(sizes: &[u64]) -> Vec<u64> {
    small(&packs(sizes)).iter().map(|pack| pack.size).collect()
}

#[test]
fn few_packs_stay_as_they_are() {
    assert!(small_of(&[]).is_empty());
    assert!(small_of(&[5; MANY - 1]).is_empty());
}

#[test]
fn small_packs_become_one_beside_the_large_ones() {
    let mut sizes = vec![100_000];
    sizes.resize(MANY, 5);
    assert_eq!(small_of(&sizes), [5; MANY - 1]);
    // One that is not twice what comes of the others goes with them.
    sizes[0] = 2 * 5 * (MANY as u64 - 1) - 1;
    assert_eq!(small_of(&sizes).len(), MANY);
}

#[test]
fn what_came_of_it_is_not_packed_again() {
    let next = |size: &u64| Some(size * 3);
    let sizes: Vec<u64> = std::iter::successors(Some(1), next).take(MANY).collect();
    assert!(small_of(&sizes).is_empty());
}

#[test]
fn packs_stay_few_however_many_come() {
    let mut sizes: Vec<u64> = Vec::new();
    let mut written = 0;
    for _ in 0..10_000 {
        sizes.push(100);
        let gone = small_of(&sizes);
        if gone.is_empty() {
            continue;
        }
        sizes.sort_unstable();
        let one: u64 = sizes.drain(..gone.len()).sum();
        written += one;
        sizes.push(one);
    }
    assert!(sizes.len() < MANY, "{}", sizes.len());
    assert_eq!(sizes.iter().sum::<u64>(), 1_000_000);
    assert!(written < 10_000_000, "{written}");
}
