//! Mirrors over a database in a temporary folder: what a preview tells is what a run does.

mod bed;

use super::super::{BUDGET, Previews};
use bed::{Bed, NPM, lock, short, use_file};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::JobFilter;
use larder_model::{FileKind, JobKind, JobState, ProtocolName, System};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_preview_tells_of_random_mirrors_is_what_a_run_does() {
    let bed = Bed::new().await;
    let mut seed = 0x9e37_79b9_u64;
    let mut below = move |end: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % end
    };
    let mut gone = 0;
    for round in 0..12 {
        let repo = bed.mirror(NPM, &format!("up-{round}")).await;
        for _ in 0..below(25) {
            let (package, version) = (format!("p{}", below(4)), format!("{}", below(5)));
            let size = usize::try_from(20 + below(400)).expect("small");
            bed.version(&repo, &package, &version, size).await;
            bed.turn(below(8));
        }
        bed.turn(below(6));
        let rules = [
            r#""unused_after":"30h""#,
            r#""max_bytes":700"#,
            r#""unused_after":"50h","max_bytes":500,"protect":["3"]"#,
        ];
        let policy = rules[usize::try_from(below(3)).expect("small")];
        let protects = policy.contains("protect");
        let mut policy = bed
            .set(&repo, policy.split(",\"protect").next().unwrap_or(policy))
            .await;
        if protects {
            policy.protect = vec!["3".parse().expect("pattern")];
            let set = bed
                .metadata
                .set_retention(repo.id, &policy, &System::Console);
            set.await.expect("set");
        }
        let told = bed.told(&repo, &policy).await;
        let (job, did) = bed.run(0, json!({})).await;
        let of_versions = did.iter().filter(|(_, version, _)| version != "-").cloned();
        assert_eq!(of_versions.collect::<BTreeSet<_>>(), told, "round {round}");
        let result = job.result.clone().expect("result");
        assert_eq!(result["deleted"], told.len(), "{result}");
        gone += told.len();
        // Of a package that lost all of its versions nothing is left but what was just used.
        let files = bed.files(&repo).await;
        for (package, version, _) in &told {
            assert!(!files.contains(&format!("{package} artifact {package}-{version}.tgz")));
        }
        assert!(bed.told(&repo, &policy).await.is_empty(), "round {round}");
        bed.metadata
            .drop_retention(repo.id, &System::Console)
            .await
            .expect("drop");
    }
    assert!(gone > 20, "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_lately_used_goes_and_its_documents_with_the_last() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    for package in ["a", "b", "c"] {
        bed.version(&repo, package, "1", 1000).await;
        bed.turn(2);
    }
    // `a` was read since.
    let key = PackageKey {
        repo: repo.id,
        package: "a",
    };
    use_file(&bed.metadata, key, FileKind::Artifact, "a-1.tgz").await;
    bed.turn(2);
    let policy = bed.set(&repo, r#""max_bytes":1050"#).await;
    let told: Vec<String> = bed
        .told(&repo, &policy)
        .await
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(told, ["b", "c"]);
    let (job, _) = bed.run(0, json!({})).await;
    assert_eq!(
        bed.files(&repo).await,
        ["a artifact a-1.tgz", "a document index"]
    );
    let result = job.result.clone().expect("result");
    let counted = ["examined", "deleted", "kept", "documents", "bytes"].map(|it| &result[it]);
    assert_eq!(json!(counted), json!([3, 2, 1, 2, 2100]), "{result}");
}

/// Artifacts that belong to no version, and the document that names them, go together or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_of_all_tags_go_together() {
    let bed = Bed::new().await;
    let repo = bed.mirror(ProtocolName::OCI, "up").await;
    let own = (&bed, &repo);
    let all = |package: &'static str| async move {
        let ((bed, repo), package) = (own, package);
        let to = (repo, package);
        let state = format!("state of {package}");
        bed.fill(to, FileKind::Document, "state", "", (&state, 50))
            .await;
        for path in ["1.pack", "2.pack"] {
            let text = format!("{path} of {package}");
            bed.fill(to, FileKind::Artifact, path, "", (&text, 500))
                .await;
        }
    };
    all("one").await;
    bed.turn(2);
    all("two").await;
    bed.turn(2);
    let key = PackageKey {
        repo: repo.id,
        package: "one",
    };
    use_file(&bed.metadata, key, FileKind::Document, "state").await;
    bed.turn(2);
    let policy = bed.set(&repo, r#""max_bytes":1100"#).await;
    assert_eq!(bed.told(&repo, &policy).await.len(), 1);
    let (job, _) = bed.run(0, json!({})).await;
    assert_eq!(
        bed.files(&repo).await,
        [
            "one artifact 1.pack",
            "one artifact 2.pack",
            "one document state"
        ]
    );
    let result = job.result.clone().expect("result");
    let counted = ["deleted", "kept", "bytes"].map(|it| &result[it]);
    assert_eq!(json!(counted), json!([1, 1, 1050]), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_image_all_goes_that_nothing_else_needs() {
    let bed = Bed::new().await;
    let repo = bed.mirror(ProtocolName::OCI, "up").await;
    let [base, own, other, arm] = [
        bed.layer(&repo, "base").await,
        bed.layer(&repo, "own").await,
        bed.layer(&repo, "other").await,
        bed.layer(&repo, "arm").await,
    ];
    let old = [("blob", base), ("blob", own)];
    let old = bed.manifest(&repo, "old", &["1", "1.0"], &old).await;
    // An index with one of its parts, and a signature by subject and by tag.
    let part = bed.manifest(&repo, "part", &[], &[("blob", arm)]).await;
    let index = bed
        .manifest(&repo, "index", &["multi"], &[("manifest", part)])
        .await;
    bed.manifest(&repo, "signature", &[], &[("subject", index)])
        .await;
    let attached = format!("sha256-{}.sig", index.hex());
    bed.manifest(&repo, "attached", &[&attached], &[]).await;
    bed.fill(
        (&repo, "app"),
        FileKind::Document,
        "lists/tags",
        "",
        ("tags", 10),
    )
    .await;
    bed.turn(48);
    let new = bed
        .manifest(&repo, "new", &["2"], &[("blob", base), ("blob", other)])
        .await;
    bed.turn(2);
    let policy = bed.set(&repo, r#""unused_after":"1d""#).await;
    let told: Vec<String> = bed
        .told(&repo, &policy)
        .await
        .into_iter()
        .map(|it| it.1)
        .collect();
    assert_eq!(told, ["1", "1.0", "multi"]);
    bed.run(0, json!({})).await;
    let mut expected = vec![
        format!("app blob {}", short(base)),
        format!("app blob {}", short(other)),
        "app document lists/tags".to_owned(),
        format!("app manifest {}", short(new)),
        "app tag 2".to_owned(),
    ];
    expected[..2].sort();
    assert_eq!(bed.files(&repo).await, expected);
    assert_ne!(old, new);
    // The rest goes when it is not used either, its list with it.
    bed.turn(24);
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_together_goes_together() {
    let bed = Bed::new().await;
    let repo = bed.mirror(ProtocolName("rpm"), "up").await;
    let to = (&repo, "");
    bed.fill(to, FileKind::Document, "head", "", ("head", 10))
        .await;
    bed.fill(to, FileKind::Artifact, "list", "", ("list", 10))
        .await;
    bed.fill(to, FileKind::Artifact, "tool-1.rpm", "", ("tool", 10))
        .await;
    bed.turn(48);
    let key = PackageKey {
        repo: repo.id,
        package: "",
    };
    use_file(&bed.metadata, key, FileKind::Document, "head").await;
    bed.turn(2);
    bed.set(&repo, r#""unused_after":"1d""#).await;
    let (_, told) = bed.run(0, json!({})).await;
    let told: Vec<_> = told.into_iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(told, [("tool".to_owned(), "tool-1.rpm".to_owned())]);
    assert_eq!(bed.files(&repo).await, [" artifact list", " document head"]);
    bed.turn(48);
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_while_a_run_decides_stays() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    for version in ["1", "2"] {
        bed.version(&repo, "a", version, 100).await;
    }
    bed.turn(48);
    bed.set(&repo, r#""unused_after":"1d""#).await;
    let package = PackageKey {
        repo: repo.id,
        package: "a",
    };
    // After it was decided on, and read once more.
    *lock(&bed.upstreams.read) = vec![Some((package, "a-2.tgz")), None];
    let (job, _) = bed.run(0, json!({})).await;
    assert_eq!(
        bed.files(&repo).await,
        ["a artifact a-2.tgz", "a document index"]
    );
    let result = job.result.clone().expect("result");
    let counted = ["deleted", "documents", "skipped", "bytes"].map(|it| &result[it]);
    assert_eq!(json!(counted), json!([1, 0, 2, 100]), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_that_could_not_come_again() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    bed.version(&repo, "a", "1", 100).await;
    bed.turn(48);
    lock(&bed.upstreams.down).insert(repo.id);
    let policy = bed.set(&repo, r#""unused_after":"1d","max_bytes":1"#).await;
    let previews = Previews::new(bed.metadata.clone(), bed.versions());
    let preview = previews.preview(&repo, &policy).await.expect("preview");
    assert_eq!((preview.delete, preview.bytes), (0, 0));
    assert_eq!(
        preview.items[0].reason,
        "it could not come again: it is offline"
    );
    let (_, told) = bed.run(1, json!({})).await;
    assert!(told.is_empty());
    assert_eq!(bed.files(&repo).await.len(), 2);
    lock(&bed.upstreams.down).clear();
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_proves_what_is_kept_stays() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    bed.version(&repo, "a", "1", 100).await;
    let log = (&repo, "proofs/log");
    for path in ["latest", "tile", "data"] {
        bed.fill(log, FileKind::Document, path, "", (path, 50))
            .await;
    }
    bed.turn(48);
    bed.set(&repo, r#""unused_after":"1d","max_bytes":1"#).await;
    for only in [json!({}), json!({BUDGET: "cache.size"})] {
        bed.run(1, only).await;
        let kept = bed.files(&repo).await;
        let proofs = ["latest", "tile"].map(|path| format!("proofs/log document {path}"));
        assert_eq!(kept, proofs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mirrors_together_keep_within_their_budget() {
    let bed = Bed::new().await;
    let (one, two, down) = (
        bed.mirror(NPM, "one").await,
        bed.mirror(NPM, "two").await,
        bed.mirror(NPM, "down").await,
    );
    // 1,000 bytes each, and documents of 50; the first is the oldest.
    for (repo, package) in [
        (&down, "d"),
        (&one, "a"),
        (&two, "b"),
        (&one, "keep"),
        (&two, "e"),
    ] {
        bed.version(repo, package, "1", 950).await;
        bed.turn(2);
    }
    lock(&bed.upstreams.down).insert(down.id);
    let mut policy = bed.set(&one, r#""unused_after":null"#).await;
    policy.rules = vec![
        serde_json::from_str(r#"{"packages":"keep","versions":"*","keep":{"newest":1}}"#)
            .expect("rule"),
    ];
    let set = bed
        .metadata
        .set_retention(one.id, &policy, &System::Console);
    set.await.expect("set");
    let total = 5 * 1000;
    assert_eq!(bed.metadata.mirrored_bytes().await.expect("bytes"), total);
    let only = || json!({BUDGET: "cache.size"});
    let (_, told) = bed.run(total, only()).await;
    assert!(told.is_empty(), "it is within it");
    bed.metadata
        .add_schedule(JobKind::Gc, &"0 3 * * *".parse().expect("cron"))
        .await
        .expect("schedule");
    // Down to nine tenths: the least lately used of those that can come again and nothing protects.
    let (_, told) = bed.run(4400, only()).await;
    let gone: Vec<_> = told.iter().map(|it| (&*it.0, &*it.1)).collect();
    assert_eq!(gone, [("a", "-"), ("a", "1"), ("b", "1")]);
    assert!(
        told.iter()
            .all(|it| it.2.starts_with("over cache.size, 4400 bytes"))
    );
    assert_eq!(bed.metadata.mirrored_bytes().await.expect("bytes"), 3050);
    // The bytes are to be free soon.
    let queued = JobFilter {
        kind: Some(JobKind::Gc),
        state: Some(JobState::Queued),
    };
    assert_eq!(
        bed.metadata
            .jobs(queued, None, 10)
            .await
            .expect("jobs")
            .len(),
        1
    );
    let (_, told) = bed.run(1, only()).await;
    let gone: Vec<_> = told.iter().map(|it| (&*it.0, &*it.1)).collect();
    assert_eq!(gone, [("b", "-"), ("e", "-"), ("e", "1")]);
    assert_eq!(
        bed.metadata
            .jobs(queued, None, 10)
            .await
            .expect("jobs")
            .len(),
        1
    );
    let left = [
        bed.files(&one).await,
        bed.files(&two).await,
        bed.files(&down).await,
    ]
    .concat();
    assert_eq!(left.len(), 4, "{left:?}");
}
