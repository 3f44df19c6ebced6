//! Collection, as the API tells of it.

use super::{Admin, House, blob, house};
use http::header::HeaderName;
use larder_metadata::blobs::{NewBlob, Putting};
use larder_metadata::files::PackageKey;
use larder_metadata::manifests::{Expect, NewManifest};
use larder_model::{Digest, JobKind, RetentionPolicy, Span, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

impl House {
    /// The repository of the image `oci/team/app`, which has no trash.
    async fn hosted_image(&self) -> i64 {
        self.repo("team").await;
        let repo = self.id_of("oci/team");
        let policy = RetentionPolicy {
            trash: Span(Duration::ZERO),
            ..RetentionPolicy::default()
        };
        let set = self.metadata.set_retention(repo, &policy, &Admin).await;
        set.expect("no trash");
        repo
    }

    async fn push_blob(&self, repo: i64, text: &str) -> Digest {
        let blob = blob(text);
        let digest = blob.digest;
        let kept = self.metadata.keep_blob(putting(repo), blob, None).await;
        kept.expect("blob");
        digest
    }

    async fn push_manifest(
        &self,
        repo: i64,
        blob: NewBlob,
        blobs: &[Digest],
        tags: &[&str],
    ) -> Digest {
        let digest = blob.digest;
        let new = NewManifest {
            putting: putting(repo),
            full_name: "oci/team/app",
            blob,
            content_type: "application/vnd.oci.image.manifest.v1+json",
            metadata: "",
            blobs,
            absent: &[],
            manifests: &[],
            subject: None,
            tags,
            expect: Expect::Any,
        };
        self.metadata.keep_manifest(new).await.expect("manifest");
        digest
    }
}

const fn putting(repo: i64) -> Putting<'static> {
    Putting {
        package: PackageKey {
            repo,
            package: "app",
        },
        by: &Admin,
    }
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().expect("text").parse().expect("time")
}

const DAY: i64 = 86_400_000_000;

#[tokio::test]
async fn a_run_is_queued_as_it_was_asked_for() {
    let house = house().await;
    let admin = house.user("root", true).await;
    for (body, dry_run, parameters) in [
        ("{}", false, json!({})),
        (r#"{"dry_run":true}"#, true, json!({})),
        (
            r#"{"dry_run":true,"grace":"0s"}"#,
            true,
            json!({"grace_seconds": 0}),
        ),
        (r#"{"grace":"2h"}"#, false, json!({"grace_seconds": 7200})),
    ] {
        let answer = house.pass(&admin, "POST", "/gc/runs", body).await;
        assert_eq!(answer.status, 202, "{body}");
        let job = answer.json();
        let id = job["id"].as_str().expect("id");
        assert_eq!(answer.header("location"), format!("/api/v1/jobs/{id}"));
        assert_eq!(
            (&job["kind"], &job["dry_run"], &job["state"]),
            (&json!("gc"), &json!(dry_run), &json!("queued"))
        );
        let row = house.metadata.job(id.parse().expect("number")).await;
        let row = row.expect("job").expect("there");
        assert_eq!((row.kind, row.parameters), (JobKind::Gc, parameters));
    }
    for (body, code) in [
        (r#"{"grace":"soon"}"#, "grace_invalid"),
        (r#"{"grace":0}"#, "grace_invalid"),
        (r#"{"dry_run":"yes"}"#, "dry_run_invalid"),
        (r#"{"dryrun":true}"#, "body_invalid"),
    ] {
        let answer = house.pass(&admin, "POST", "/gc/runs", body).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{body}");
    }
    let trail = house
        .ask(&admin, "GET", "/audit?action=job.create", "")
        .await;
    assert_eq!(trail.1["items"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn a_run_is_queued_once_under_its_key() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let key = [(HeaderName::from_static("idempotency-key"), "once")];
    let queue = async || {
        let answer = house.with(&key, &admin, "POST", "/gc/runs", "{}").await;
        answer.json()["id"].clone()
    };
    assert_eq!(queue().await, queue().await);
}

#[tokio::test]
async fn what_waits_is_told() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let told = async || house.ask(&admin, "GET", "/gc", "").await.1;
    let nothing = json!({"last": null, "next_at": null, "reclaimable_bytes": 0, "queue": 0});
    assert_eq!(told().await, nothing);

    // A layer that a manifest names is none; once that is deleted both are.
    let repo = house.hosted_image().await;
    let layer = house.push_blob(repo, "a layer").await;
    let manifest = house
        .push_manifest(repo, blob("a manifest"), &[layer], &["v1"])
        .await;
    assert_eq!(told().await["reclaimable_bytes"], 0);
    let dropped = house
        .metadata
        .drop_manifest(putting(repo).package, &manifest, &Admin);
    dropped.await.expect("drop");
    let bytes = "a layer".len() + "a manifest".len();
    assert_eq!(told().await["reclaimable_bytes"], bytes);
    assert_eq!(told().await["queue"], 2);

    let id = house.ask(&admin, "POST", "/gc/runs", "{}").await.1["id"].clone();
    assert_eq!(told().await["last"]["id"], id);
}

#[tokio::test]
async fn a_blob_tells_what_keeps_it() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let repo = house.hosted_image().await;
    let ask = async |digest: &Digest| {
        let target = format!("/blobs/{digest}");
        house.ask(&admin, "GET", &target, "").await.1
    };
    let layer = house.push_blob(repo, "a layer").await;
    // Whoever was told that it is there may still name it.
    let told = ask(&layer).await;
    assert_eq!(
        (&told["digest"], &told["size"], &told["state"]),
        (&json!(layer.to_string()), &json!(7), &json!("kept"))
    );
    let holder = &told["held_by"][0];
    assert_eq!(
        (
            &holder["repository"],
            &holder["package"],
            &holder["reference"]
        ),
        (&json!("oci/team"), &json!("app"), &json!(layer.to_string()))
    );
    assert!(holder["why"].as_str().expect("why").contains("no manifest"));
    let due = moment(&told["due_at"]).0 - house.metadata.now().0;
    assert!((DAY - 60_000_000..=DAY).contains(&due), "{due}");

    let untagged = house
        .push_manifest(repo, blob("untagged"), &[layer], &[])
        .await;
    let told = ask(&layer).await;
    assert_eq!(told["held_by"][0]["reference"], untagged.to_string());
    assert_eq!(told["due_at"], Value::Null);
    let tagged = house
        .push_manifest(repo, blob("tagged"), &[layer], &["v1"])
        .await;
    let told = ask(&layer).await;
    assert_eq!(told["held_by"][0]["reference"], "v1");
    let told = ask(&tagged).await;
    let references = told["held_by"].as_array().expect("holders").iter();
    let references: Vec<_> = references.map(|it| it["reference"].clone()).collect();
    assert_eq!(references, [json!(tagged.to_string()), json!("v1")]);

    // Nothing has the manifest any more.
    let package = putting(repo).package;
    let dropped = house.metadata.drop_manifest(package, &tagged, &Admin);
    dropped.await.expect("drop");
    let told = ask(&tagged).await;
    assert_eq!(
        (&told["held_by"], &told["state"]),
        (&json!([]), &json!("kept"))
    );
    let due = moment(&told["due_at"]).0 - house.metadata.now().0;
    assert!((DAY - 60_000_000..=DAY).contains(&due), "{due}");
}

#[tokio::test]
async fn a_blob_in_the_trash_tells_until_when() {
    let house = house().await;
    let admin = house.user("root", true).await;
    house.repo("team").await;
    let repo = house.id_of("oci/team");
    let layer = house.push_blob(repo, "a layer").await;
    let manifest = house
        .push_manifest(repo, blob("a manifest"), &[layer], &["v1"])
        .await;
    let package = putting(repo).package;
    let dropped = house.metadata.drop_manifest(package, &manifest, &Admin);
    dropped.await.expect("drop");
    let entries = house.metadata.trash_of(repo, None, 2).await;
    let entries = entries.expect("trash");
    assert_eq!(entries.len(), 1);
    let (entry, until) = (entries[0].id, entries[0].expires_at);

    let told = house
        .ask(&admin, "GET", &format!("/blobs/{manifest}"), "")
        .await;
    let holders = told.1["held_by"].as_array().expect("holders").clone();
    let references: BTreeSet<_> = holders.iter().map(|it| it["reference"].as_str()).collect();
    let path = manifest.to_string();
    assert_eq!(references, [Some(&*path), Some("v1")].into());
    for holder in &holders {
        let why = holder["why"].as_str().expect("why");
        let named = [format!("entry {entry} of the trash"), until.to_string()];
        assert!(named.iter().all(|it| why.contains(it)), "{why}");
    }
    // The layer's row in the image goes before the trash does.
    let told = house
        .ask(&admin, "GET", &format!("/blobs/{layer}"), "")
        .await;
    assert_eq!(told.1["held_by"].as_array().map(Vec::len), Some(2));
    assert_eq!(moment(&told.1["due_at"]), until);
}

#[tokio::test]
async fn a_digest_that_is_none_and_one_of_nothing_are_told_apart() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let unknown = format!("sha256:{}", "0".repeat(64));
    for (digest, status, code) in [
        (&*unknown, 404, "blob_not_found"),
        ("sha256:abc", 400, "digest_invalid"),
        ("latest", 400, "digest_invalid"),
    ] {
        let answer = house
            .pass(&admin, "GET", &format!("/blobs/{digest}"), "")
            .await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{digest}");
    }
}

#[tokio::test]
async fn more_names_than_are_told_are_said_to_be_there() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let repo = house.hosted_image().await;
    let tags: Vec<String> = (0..1000).map(|number| format!("v{number}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let manifest = house
        .push_manifest(repo, blob("many"), &[], &tags[..999])
        .await;
    let ask = async || {
        let target = format!("/blobs/{manifest}");
        let told = house.ask(&admin, "GET", &target, "").await.1;
        (
            told["held_by"].as_array().map(Vec::len),
            told["has_more_holders"].clone(),
        )
    };
    assert_eq!(ask().await, (Some(1000), json!(false)));
    house
        .push_manifest(repo, blob("many"), &[], &tags[999..])
        .await;
    assert_eq!(ask().await, (Some(1000), json!(true)));
}
