//! A reader: pulls and installs what somebody was told is there, and has all of it, unless it was
//! taken away meanwhile.

use crate::shared::Shared;
use larder_tests::Client;
use larder_tests::image::Image;
use larder_tests::random::Random;
use std::io;
use std::sync::Arc;

pub fn run(shared: &Shared, number: usize, seed: u64) {
    let mut random = Random::new(seed);
    while !shared.is_over() {
        let client = shared.client(usize::try_from(random.below(2)).expect("small"));
        let read = if random.below(4) == 0 {
            install(shared, &client, &mut random)
        } else {
            pull(shared, &client, &mut random)
        };
        if let Err(error) = read {
            assert!(shared.kills, "reader {number}: {error}");
        }
    }
}

/// One of them, at random.
fn any<K: Clone, V>(
    from: &std::collections::BTreeMap<K, Arc<V>>,
    random: &mut Random,
) -> Option<(K, Arc<V>)> {
    if from.is_empty() {
        return None;
    }
    let at = usize::try_from(random.below(from.len() as u64)).expect("small");
    let (key, value) = from.iter().nth(at)?;
    Some((key.clone(), Arc::clone(value)))
}

/// Whether the tag still is this image.
fn is_there(shared: &Shared, key: &(String, String), image: &Arc<Image>) -> bool {
    let there = shared.there();
    there
        .images
        .get(key)
        .is_some_and(|now| Arc::ptr_eq(now, image))
}

fn pull(shared: &Shared, client: &Client, random: &mut Random) -> io::Result<()> {
    let picked = any(&shared.there().images, random);
    let Some((key, image)) = picked else {
        return Ok(());
    };
    let (name, tag) = &key;
    let mut wanted = vec![(format!("/v2/{name}/manifests/{tag}"), &image.manifest)];
    let blobs = image.blobs.iter();
    wanted.extend(blobs.map(|(digest, bytes)| (format!("/v2/{name}/blobs/{digest}"), bytes)));
    for (path, bytes) in wanted {
        let answer = client.try_send("GET", &path, &[], b"")?;
        if answer.status != 200 || answer.body != *bytes {
            assert!(
                !is_there(shared, &key, &image) || shared.is_over(),
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            return Ok(());
        }
    }
    shared.pulled();
    Ok(())
}

fn install(shared: &Shared, client: &Client, random: &mut Random) -> io::Result<()> {
    let picked = any(&shared.there().packages, random);
    let Some((key, bytes)) = picked else {
        return Ok(());
    };
    let path = &bytes.path;
    let answer = client.try_send("GET", path, &[], b"")?;
    if answer.status != 200 || answer.body != bytes.bytes {
        let is_there = shared.there().packages.contains_key(&key);
        assert!(!is_there, "{path}: {} {}", answer.status, answer.text());
        return Ok(());
    }
    shared.pulled();
    Ok(())
}
