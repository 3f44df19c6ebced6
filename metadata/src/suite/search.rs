//! Packages, versions, tags and files are found by what they begin with.

use super::fixture::{Bed, artifact, digest, fetched, tag, withdraw};
use crate::Metadata;
use crate::documents::NewFile;
use crate::search::{Found, SearchBy, SearchKey};
use larder_model::FileKind;

checks![
    packages_are_found_by_name,
    packages_are_found_by_the_last_part_of_their_name,
    a_package_without_files_is_not_found,
    versions_are_found_once,
    tags_are_found,
    files_are_found_by_digest,
    pages_go_on_where_they_ended,
];

/// A text that nothing of another check begins with.
fn word(metadata: &Metadata) -> String {
    format!("w{:x}", metadata.new_id())
}

async fn find(metadata: &Metadata, by: SearchBy, prefix: &str) -> Vec<Found> {
    let found = metadata.search(by, prefix, None, 100).await;
    found.expect("search")
}

/// The repo, package and version of what was found.
fn places(found: Vec<Found>) -> Vec<(i64, String, String)> {
    let place = |it: Found| (it.key.repo, it.key.package.into(), it.version.into());
    found.into_iter().map(place).collect()
}

async fn packages_are_found_by_name(metadata: &Metadata) {
    let (one, two) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    let word = word(metadata);
    let [a, ab, other] = ["a", "ab", "b"].map(|end| format!("{word}{end}"));
    one.publish(&ab, vec![artifact("1")]).await;
    one.publish(&a, vec![artifact("1")]).await;
    two.publish(&a, vec![artifact("1")]).await;
    one.publish(&other, vec![artifact("1")]).await;
    let mut expected = vec![
        (one.repo.id, a.clone(), String::new()),
        (two.repo.id, a.clone(), String::new()),
    ];
    expected.sort();
    expected.push((one.repo.id, ab, String::new()));
    assert_eq!(places(find(metadata, SearchBy::Name, &a).await), expected);
    let nothing = find(metadata, SearchBy::Name, &format!("{word}%")).await;
    assert_eq!(nothing, []);
}

async fn packages_are_found_by_the_last_part_of_their_name(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let word = word(metadata);
    let (scoped, deep) = (format!("@acme/{word}-x"), format!("a/b/{word}"));
    let (plain, middle) = (format!("{word}-z"), format!("a/{word}/c"));
    for name in [&scoped, &deep, &plain, &middle] {
        bed.publish(name, vec![artifact("1")]).await;
    }
    let found = places(find(metadata, SearchBy::LastName, &word).await);
    let names: Vec<_> = found.into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, [deep, scoped], "{plain} has one part");
}

async fn a_package_without_files_is_not_found(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let word = word(metadata);
    let name = format!("{word}/{word}");
    bed.publish(&name, vec![artifact("1")]).await;
    for by in [SearchBy::Name, SearchBy::LastName] {
        assert_eq!(find(metadata, by, &word).await.len(), 1);
    }
    bed.publish(&name, withdraw("1")).await;
    for by in [SearchBy::Name, SearchBy::LastName] {
        assert_eq!(find(metadata, by, &word).await, []);
    }
}

async fn versions_are_found_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let word = word(metadata);
    let [one, two] = ["1", "2"].map(|end| format!("{word}.{end}"));
    let files = vec![fetched("a", &two), fetched("b", &one), fetched("c", &two)];
    bed.keep("p", metadata.now(), files).await;
    let expected = [&one, &two].map(|version| (bed.repo.id, "p".to_owned(), version.clone()));
    let found = find(metadata, SearchBy::Version, &word).await;
    assert_eq!(places(found), expected);
    let found = find(metadata, SearchBy::Version, &two).await;
    assert_eq!(places(found), expected[1..]);
}

async fn tags_are_found(metadata: &Metadata) {
    let (images, packages) = (Bed::images(metadata).await, Bed::packages(metadata).await);
    let word = word(metadata);
    images.push("app", "one", &[&word]).await;
    packages
        .publish("p", vec![artifact("1"), tag(&word, "1")])
        .await;
    let found = find(metadata, SearchBy::Tag, &word[..word.len() - 1]).await;
    let found: Vec<_> = found
        .into_iter()
        .filter(|it| *it.key.text == *word)
        .collect();
    let of_image = found.iter().find(|it| it.key.repo == images.repo.id);
    let of_image = of_image.expect("tag of an image");
    assert_eq!(
        (&*of_image.key.package, of_image.digest, &*of_image.version),
        ("app", Some(digest("one")), &*word)
    );
    assert_eq!(found.len(), 2, "{found:?}");
}

async fn files_are_found_by_digest(metadata: &Metadata) {
    let images = Bed::images(metadata).await;
    let text = word(metadata);
    let blob = images.keep_blob("app", &text).await.to_string();
    images.keep_blob("other", &text).await;
    let manifest = images.push("app", &format!("{text}m"), &["v1"]).await;
    let mirror = Bed::mirror(metadata).await;
    let same = NewFile::new(
        FileKind::Artifact,
        "f",
        super::fixture::blob(&text),
        "text/plain",
    );
    mirror.keep("p", metadata.now(), vec![same]).await;
    let mut expected = vec![
        (images.repo.id, "app".to_owned(), String::new()),
        (images.repo.id, "other".to_owned(), String::new()),
        (mirror.repo.id, "p".to_owned(), String::new()),
    ];
    expected.sort();
    for prefix in [&blob[..20], &blob] {
        let found = find(metadata, SearchBy::Digest, prefix).await;
        assert!(found.iter().all(|it| it.digest == Some(digest(&text))));
        assert_eq!(places(found), expected);
    }
    let found = find(metadata, SearchBy::Digest, &manifest.to_string()).await;
    let kinds: Vec<_> = found.iter().map(|it| &*it.key.kind).collect();
    assert_eq!(kinds, ["manifest"], "a tag is no file");
}

async fn pages_go_on_where_they_ended(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let word = word(metadata);
    let versions = ["1", "2", "3"].map(|end| format!("{word}{end}"));
    let scoped = [format!("x/{word}"), format!("y/{word}")];
    for package in [&versions[1], &versions[0], &scoped[0], &scoped[1]] {
        let files = versions.iter().map(|version| fetched(version, version));
        bed.keep(package, metadata.now(), files.collect()).await;
    }
    for (by, prefix) in [
        (SearchBy::Name, &word),
        (SearchBy::LastName, &word),
        (SearchBy::Version, &word),
        (SearchBy::Digest, &digest(&versions[0]).to_string()),
    ] {
        let all = find(metadata, by, prefix).await;
        assert!(all.len() > 1, "{by:?}");
        let mut walked = Vec::new();
        let mut after: Option<SearchKey> = None;
        loop {
            let page = metadata.search(by, prefix, after.as_ref(), 1).await;
            let Some(found) = page.expect("page").pop() else {
                break;
            };
            after = Some(found.key.clone());
            walked.push(found);
        }
        assert_eq!(walked, all, "{by:?}");
    }
}
