//! How often versions were downloaded is noted in memory, and counted in batches.

use super::fixture::{Bed, artifact, digest, tarball};
use crate::Metadata;
use crate::downloads::{Downloads, RECENT_DAYS};
use crate::files::PackageKey;
use crate::listing::VersionBy;
use crate::publishing::Step;
use larder_model::{Clock, FileKind, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

checks![
    downloads_are_counted_for_their_version,
    a_download_of_a_tag_and_of_its_digest_are_told_together,
    a_download_at_an_address_is_its_package_s,
    a_download_of_a_blob_counts_for_nobody,
    downloads_of_many_threads_and_servers_add_up,
    what_records_count_is_written_once,
    days_are_told_apart_and_forgotten,
];

const DAY: Duration = Duration::from_hours(24);

async fn downloads(
    metadata: &Metadata,
    package: PackageKey<'_>,
    by: VersionBy,
) -> BTreeMap<Box<str>, Downloads> {
    let range = ("", "\u{10ffff}");
    let counted = metadata.downloads_of_versions(package, by, range);
    counted.await.expect("downloads")
}

fn times(recent: u64) -> Downloads {
    let total = recent;
    Downloads { recent, total }
}

async fn downloads_are_counted_for_their_version(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let versions = ["1", "2", "3"];
    bed.publish("p", versions.map(artifact).into()).await;
    for version in ["1", "2", "2"] {
        let path = tarball(version);
        metadata.note_download(bed.package("p").file(FileKind::Artifact, &path));
    }
    let by = VersionBy::Version;
    assert!(downloads(metadata, bed.package("p"), by).await.is_empty());
    metadata.write_uses().await.expect("write");
    let counted = downloads(metadata, bed.package("p"), by).await;
    assert_eq!(
        counted,
        [("1".into(), times(1)), ("2".into(), times(2))].into()
    );
    let part = metadata.downloads_of_versions(bed.package("p"), by, ("2", "3"));
    assert_eq!(part.await.expect("downloads").len(), 1);
    let path = tarball("2");
    metadata.note_download(bed.package("p").file(FileKind::Artifact, &path));
    metadata.write_uses().await.expect("write");
    let counted = downloads(metadata, bed.package("p"), by).await;
    assert_eq!(counted["2"], times(3));
}

async fn a_download_of_a_tag_and_of_its_digest_are_told_together(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("p", "one", &["a", "b"]).await.to_string();
    bed.push("p", "two", &["c"]).await;
    let key = |kind, path| bed.package("p").file(kind, path);
    for _ in 0..2 {
        metadata.note_download(key(FileKind::Tag, "a"));
    }
    metadata.note_download(key(FileKind::Manifest, &one));
    metadata.write_uses().await.expect("write");
    let counted = downloads(metadata, bed.package("p"), VersionBy::Tag).await;
    let expected = [("a", 3), ("b", 1), ("c", 0)].map(|(tag, count)| (tag.into(), times(count)));
    assert_eq!(counted, expected.into());
    // The tag was used, and so was its manifest.
    let tag = key(FileKind::Tag, "c");
    let found = metadata.find(tag).await.expect("find").expect("there");
    metadata.note_use(tag, &found);
    metadata.write_uses().await.expect("write");
    let manifest = metadata.manifest_of(bed.package("p"), &digest("two")).await;
    assert!(manifest.expect("manifest").expect("there").used_at > Timestamp(0));
}

async fn a_download_at_an_address_is_its_package_s(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let address = Step::AddAddress {
        path: "Packages/p.rpm".to_owned(),
        digest: digest(&tarball("1")),
    };
    bed.publish("p", vec![artifact("1"), artifact("2"), address])
        .await;
    let key = bed.package("").file(FileKind::Artifact, "Packages/p.rpm");
    let found = metadata.find(key).await.expect("find").expect("there");
    metadata.note_use(key, &found);
    metadata.note_download(key);
    metadata.write_uses().await.expect("write");
    let counted = downloads(metadata, bed.package("p"), VersionBy::Version).await;
    assert_eq!(counted, [("1".into(), times(1))].into());
    let files = metadata.published(bed.package("p")).await.expect("files");
    let used = files.iter().map(|file| file.used_at > Timestamp(0));
    assert_eq!(used.collect::<Vec<_>>(), [true, false]);
}

async fn a_download_of_a_blob_counts_for_nobody(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let blob = bed.keep_blob("p", "layer").await.to_string();
    metadata.note_download(bed.package("p").file(FileKind::Blob, &blob));
    metadata.write_uses().await.expect("write");
    let days = metadata
        .downloads_by_day(bed.package("p"), Timestamp(0))
        .await;
    assert!(days.expect("days").is_empty());
}

async fn downloads_of_many_threads_and_servers_add_up(metadata: &Metadata) {
    const THREADS: usize = 8;
    const EACH: u64 = 500;
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    let paths = [tarball("1"), tarball("2")];
    let servers = [metadata.clone(), metadata.beside()];
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (server, paths, bed) = (&servers[thread % 2], &paths, &bed);
            scope.spawn(move || {
                for count in 0..EACH {
                    let path = &paths[usize::from(count % 5 == 0)];
                    server.note_download(bed.package("p").file(FileKind::Artifact, path));
                }
            });
        }
    });
    let [one, two] = &servers;
    let (one, two) = tokio::join!(one.write_uses(), two.write_uses());
    one.expect("write");
    two.expect("write");
    let counted = downloads(metadata, bed.package("p"), VersionBy::Version).await;
    let (rare, all) = (THREADS as u64 * EACH / 5, THREADS as u64 * EACH);
    assert_eq!(
        counted,
        [("1".into(), times(all - rare)), ("2".into(), times(rare))].into()
    );
}

async fn what_records_count_is_written_once(metadata: &Metadata) {
    const THREADS: u64 = 4;
    const EACH: u64 = 300;
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let path = tarball("1");
    let key = bed.package("p").file(FileKind::Artifact, &path);
    let mut expected = 0;
    // While it is counted what was counted is written; then the record goes, and another comes.
    for round in 0..3 {
        let found = metadata.find(key).await.expect("find").expect("there");
        let noting = (0..THREADS).map(|_| {
            let (metadata, found, path) = (metadata.clone(), found.clone(), path.clone());
            let package = bed.package("p");
            tokio::task::spawn_blocking(move || {
                let key = package.file(FileKind::Artifact, &path);
                (0..EACH).for_each(|_| metadata.note_download_of(key, &found));
            })
        });
        let noting: Vec<_> = noting.collect();
        metadata.write_uses().await.expect("write");
        for noted in noting {
            noted.await.expect("noted");
        }
        expected += THREADS * EACH;
        drop(found);
        bed.publish("p", vec![artifact(&format!("other {round}"))])
            .await;
        metadata.write_uses().await.expect("write");
        let counted = downloads(metadata, bed.package("p"), VersionBy::Version).await;
        assert_eq!(counted["1"], times(expected), "round {round}");
    }
    assert_eq!(metadata.write_uses().await.expect("write"), 0);
}

async fn days_are_told_apart_and_forgotten(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let (path, first) = (tarball("1"), metadata.now());
    for (days, count) in [(0, 1), (1, 2), (40, 3)] {
        let then = metadata.with_clock(Clock::new(move || first.after(DAY * days)));
        for _ in 0..count {
            then.note_download(bed.package("p").file(FileKind::Artifact, &path));
        }
    }
    metadata.write_uses().await.expect("write");
    let later = metadata.with_clock(Clock::new(move || first.after(DAY * 40)));
    let counts = async |since: Timestamp| {
        let days = later.downloads_by_day(bed.package("p"), since).await;
        let days = days.expect("days").into_iter();
        days.map(|day| (day.at.seconds() / 86_400, day.count))
            .collect::<Vec<_>>()
    };
    let day = first.seconds() / 86_400;
    let all = [(day, 1), (day + 1, 2), (day + 40, 3)];
    assert_eq!(counts(Timestamp(0)).await, all);
    assert_eq!(counts(first.after(DAY)).await, all[1..]);
    let of =
        async |metadata: &Metadata| downloads(metadata, bed.package("p"), VersionBy::Version).await;
    assert_eq!(
        of(&later).await["1"],
        Downloads {
            recent: 3,
            total: 6
        }
    );
    // Of the sum of recent days the first is in it, the one before is not.
    let last = u32::try_from(RECENT_DAYS).expect("days");
    for (days, recent) in [(last - 1, 3), (last, 2), (last + 1, 0)] {
        let then = first.after(DAY * days);
        let then = metadata.with_clock(Clock::new(move || then));
        let counted = of(&then).await["1"];
        assert_eq!((counted.recent, counted.total), (recent + 3, 6), "{days}");
    }
    later
        .prune_downloads(first.after(DAY))
        .await
        .expect("prune");
    assert_eq!(counts(Timestamp(0)).await, all[1..]);
    assert_eq!(of(&later).await["1"].total, 6);
}
