//! Writers that push, publish, move and delete while a backup is made.

use larder_tests::image::{MANIFEST, push_blob, put_manifest};
use larder_tests::parcel::publish_to;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

/// How many write at once.
pub(crate) const WRITERS: u64 = 4;
/// What each writer's pair of images is told apart by: the first is always pushed before the second.
pub(crate) const PAIR: [&str; 2] = ["first", "second"];

/// What writers did so far.
#[derive(Default)]
pub(crate) struct Load {
    done: Mutex<u64>,
    more: Condvar,
    stops: AtomicBool,
}

impl Load {
    /// Waits until the writers did so many things more.
    pub(crate) fn wait_for(&self, more: u64) {
        let done = self.done.lock().expect("count");
        let until = *done + more;
        let waited = self.more.wait_while(done, |done| *done < until);
        drop(waited.expect("count"));
    }

    fn did(&self) {
        *self.done.lock().expect("count") += 1;
        self.more.notify_all();
    }
}

/// Does `work` while writers write; `numbers` are those that each of them goes on from.
pub(crate) fn under<T>(
    larder: &Larder,
    random: &mut Random,
    numbers: &mut [u64],
    work: impl FnOnce(&Load) -> T,
) -> T {
    let load = Load::default();
    std::thread::scope(|scope| {
        for (writer, number) in (0..).zip(numbers) {
            let (client, random) = (larder.admin(), Random::new(random.number()));
            let load = &load;
            scope.spawn(move || write(&client, random, (writer, number), load));
        }
        let done = work(&load);
        load.stops.store(true, Ordering::Relaxed);
        done
    })
}

fn write(client: &Client, mut random: Random, (writer, number): (u64, &mut u64), load: &Load) {
    while !load.stops.load(Ordering::Relaxed) {
        *number += 1;
        for side in PAIR {
            push(
                client,
                &mut random,
                &format!("team/w{writer}-{side}"),
                *number,
            );
            load.did();
        }
        if number.is_multiple_of(2) {
            let version = format!("1.0.{number}");
            let bytes = random.bytes(100_000);
            let name = format!("load-w{writer}");
            let repo = ("npm", "local");
            publish_to(client, repo, &name, &version, &bytes).expect(201);
            load.did();
        }
        if number.is_multiple_of(3) {
            let old = *number - 2;
            let path = format!("/v2/team/w{writer}-first/manifests/v{old}");
            client.send("DELETE", &path, &[], b"").expect(202);
            load.did();
        }
    }
}

/// Pushes an image that tells its number, as `current` and under a tag of its own.
fn push(client: &Client, random: &mut Random, name: &str, number: u64) {
    let size = [100, 65_537, 400_000][usize::try_from(random.below(3)).expect("small")];
    let config = json!({"os": "linux", "seed": random.number()}).to_string();
    let number_text = number.to_string();
    let extra = json!({"annotations": {"number": number_text}});
    let image = Image::of(config.into_bytes(), vec![random.bytes(size)], &extra);
    for (digest, bytes) in &image.blobs {
        push_blob(client, name, digest, bytes).expect(201);
    }
    for tag in ["current".to_owned(), format!("v{number}")] {
        put_manifest(client, name, &tag, MANIFEST, &image.manifest).expect(201);
    }
}
