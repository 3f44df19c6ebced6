//! The bytes that names hold, as they are counted.

use super::fixture::{ALICE, Bed, Push, artifact, digest, tarball};
use super::trash::held;
use crate::Metadata;
use crate::files::PackageKey;
use crate::usage::{ALL, AfterPackage, PackageUsage, RepoUsage, UsageSum};
use larder_model::{FileKind, JobKind};
use std::collections::{BTreeMap, BTreeSet};

checks![
    a_shared_digest_is_unique_to_nobody,
    packages_are_counted_as_they_are,
    the_largest_come_first,
    counts_of_what_is_gone_go,
];

/// What is counted of the packages of a bed.
async fn counted(bed: &Bed<'_>) -> BTreeMap<Box<str>, PackageUsage> {
    let after = PackageKey {
        repo: bed.repo.id,
        package: "",
    };
    let found = bed
        .metadata
        .count_packages(after, 100)
        .await
        .expect("count");
    let own = found.into_iter().filter(|it| it.repo == bed.repo.id);
    own.map(|it| (it.package.clone(), it)).collect()
}

async fn a_shared_digest_is_unique_to_nobody(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let shared = format!("shared {:x}", metadata.new_id());
    let own = format!("own {shared}");
    for (image, layers) in [("a", &[&shared, &own][..]), ("b", &[&shared])] {
        let mut blobs = Vec::new();
        for layer in layers {
            blobs.push(bed.keep_blob(image, layer).await);
        }
        let text = format!("manifest of {image} {shared}");
        let push = Push {
            blobs: &blobs,
            ..Push::new(&text, &["1", "2"])
        };
        bed.try_push(image, push).await.expect("push");
    }
    let counted = counted(&bed).await;
    let manifest = format!("manifest of a {shared}").len() as u64;
    let (shared_size, own_size) = (shared.len() as u64, own.len() as u64);
    let (a, b) = (&counted["a"], &counted["b"]);
    assert_eq!(
        (a.bytes, a.unique_bytes),
        (shared_size + own_size + manifest, own_size + manifest)
    );
    assert_eq!(
        (b.bytes, b.unique_bytes),
        (shared_size + manifest, manifest)
    );
    assert_eq!((a.versions, b.versions), (2, 2));
    // The walk of digests tells both packages.
    let shared_digest = digest(&shared).to_string();
    let mut after = shared_digest.clone();
    after.pop();
    let named = metadata.named_blobs(&after, 50).await.expect("named");
    let named = named
        .iter()
        .find(|it| *it.digest == *shared_digest)
        .expect("there");
    assert_eq!(named.size, shared_size);
    let places = ["a", "b"].map(|image| (bed.repo.id, image.into()));
    assert_eq!(named.names, places);
}

/// Names of a package by the digest that each has, as the database has them.
async fn brute_force(bed: &Bed<'_>) -> BTreeMap<Box<str>, (u64, u64, u64)> {
    let text = "select f.repo, f.package, f.digest, b.size, f.kind, f.version from files f \
        join blobs b on b.digest = f.digest";
    let mut rows = bed
        .metadata
        .sql
        .scan(text, Vec::new())
        .await
        .expect("files");
    let mut sizes = BTreeMap::new();
    let mut names: BTreeMap<Box<str>, BTreeSet<(i64, Box<str>)>> = BTreeMap::new();
    let mut versions: BTreeMap<Box<str>, BTreeSet<Box<str>>> = BTreeMap::new();
    for row in &mut rows {
        let (repo, package) = (row.int(0).expect("repo"), row.text(1).expect("package"));
        let (digest, size) = (row.text(2).expect("digest"), row.count(3).expect("size"));
        let (kind, version) = (row.text(4).expect("kind"), row.text(5).expect("version"));
        if repo == bed.repo.id && &*kind == "artifact" && !version.is_empty() {
            versions.entry(package.clone()).or_default().insert(version);
        }
        sizes.insert(digest.clone(), size);
        names.entry(digest).or_default().insert((repo, package));
    }
    let mut counts: BTreeMap<Box<str>, (u64, u64, u64)> = BTreeMap::new();
    for (digest, places) in &names {
        for (_, package) in places.iter().filter(|(repo, _)| *repo == bed.repo.id) {
            let count = counts.entry(package.clone()).or_default();
            count.0 += sizes[digest];
            count.1 += if places.len() == 1 { sizes[digest] } else { 0 };
            count.2 = versions.get(package).map_or(0, BTreeSet::len) as u64;
        }
    }
    counts.remove("");
    counts
}

async fn packages_are_counted_as_they_are(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let packages = ["a", "b", "c"];
    // Each step has other versions in other packages; bytes follow from the version.
    for step in 0..12_u32 {
        let package = packages[(step * 7 % 3) as usize];
        let version = format!("{:x}.{}", bed.repo.id, step * 5 % 4);
        let path = tarball(&version);
        let is_there = bed
            .has(bed.package(package).file(FileKind::Artifact, &path))
            .await;
        if is_there && step % 2 == 0 {
            let dropped = metadata.drop_version(bed.package(package), &version, &ALICE);
            dropped.await.expect("drop");
        } else if !is_there {
            bed.publish(package, vec![artifact(&version)]).await;
        }
        let found = counted(&bed).await.into_iter();
        let found = found.map(|(name, it)| (name, (it.bytes, it.unique_bytes, it.versions)));
        assert_eq!(
            found.collect::<BTreeMap<_, _>>(),
            brute_force(&bed).await,
            "step {step}"
        );
    }
}

async fn the_largest_come_first(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    for (package, versions) in [("a", 1), ("b", 3), ("c", 2)] {
        let steps = (0..versions).map(|version| artifact(&format!("{package}{version}")));
        bed.publish(package, steps.collect()).await;
    }
    let held = held(metadata, JobKind::Usage).await;
    let counts: Vec<_> = counted(&bed).await.into_values().collect();
    assert!(counts.iter().all(|count| count.is_news));
    metadata
        .put_package_usage(&held, &counts)
        .await
        .expect("put");
    assert!(counted(&bed).await.values().all(|count| !count.is_news));
    let (repo, mut after, mut found) = (Some(bed.repo.id), None, Vec::new());
    while let Some(page) = Some(
        metadata
            .usage_of_packages(repo, after, 2)
            .await
            .expect("page"),
    ) && let Some(last) = page.last()
    {
        let (bytes, repo, package) = (last.bytes, last.repo, last.package.clone());
        after = Some(AfterPackage {
            bytes,
            repo,
            package,
        });
        found.extend(page.into_iter().map(|it| it.package));
    }
    assert_eq!(found, ["b", "c", "a"].map(Box::from));
    let all = metadata
        .usage_of_packages(None, None, 1000)
        .await
        .expect("all");
    assert!(all.is_sorted_by(|a, b| a.bytes >= b.bytes));
    let own = all.iter().filter(|it| it.repo == bed.repo.id);
    assert_eq!(own.map(|it| it.package.clone()).collect::<Vec<_>>(), found);
}

async fn counts_of_what_is_gone_go(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("a", vec![artifact("1")]).await;
    bed.publish("b", vec![artifact("1")]).await;
    let held = held(metadata, JobKind::Usage).await;
    let counts: Vec<_> = counted(&bed).await.into_values().collect();
    metadata
        .put_package_usage(&held, &counts)
        .await
        .expect("put");
    let usage = RepoUsage {
        bytes: 7,
        blobs: 1,
        ..RepoUsage::default()
    };
    let as_of = metadata.now();
    let sum = UsageSum {
        scope: ALL.into(),
        bytes: 7,
        as_of,
        ..UsageSum::default()
    };
    let repos = [(bed.repo.id, usage)].into();
    metadata
        .put_usage(&held, &repos, std::slice::from_ref(&sum))
        .await
        .expect("put");
    assert_eq!(
        metadata.usage_sums().await.expect("sums"),
        std::slice::from_ref(&sum)
    );
    let repos_now = metadata.usage_of_repos(None, 1000).await.expect("repos");
    assert_eq!(repos_now, [(bed.repo.id, usage)]);
    let counted = async |repo| metadata.counted_usage(repo).await.expect("a count");
    assert_eq!(counted(bed.repo.id).await, Some(usage));
    assert_eq!(counted(0).await, None);
    metadata
        .drop_package(bed.package("a"), &ALICE)
        .await
        .expect("drop");
    let mut after: (i64, Box<str>) = (0, "".into());
    loop {
        let key = PackageKey {
            repo: after.0,
            package: &after.1,
        };
        match metadata
            .drop_gone_usage(&held, key, 1)
            .await
            .expect("sweep")
        {
            Some(last) => after = last,
            None => break,
        }
    }
    let left = metadata
        .usage_of_packages(Some(bed.repo.id), None, 10)
        .await;
    let left = left.expect("left").into_iter().map(|it| it.package);
    assert_eq!(left.collect::<Vec<_>>(), ["b".into()]);
    metadata
        .drop_repo(bed.repo.id, true, &ALICE)
        .await
        .expect("drop");
    let left = metadata
        .usage_of_packages(Some(bed.repo.id), None, 10)
        .await;
    assert!(left.expect("left").is_empty());
    assert!(
        metadata
            .usage_of_repos(None, 1000)
            .await
            .expect("repos")
            .is_empty()
    );
}
