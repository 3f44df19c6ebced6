//! What repositories let go by rules, and what was deleted and can be restored.

use super::{Admin, House, PASSWORD, basic, house};
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_metadata::retention::StoredPreview;
use larder_model::{FileKind, JobKind, RetentionPolicy, Role};
use serde_json::{Value, json};

impl House {
    /// Deletes a tag of an image: the id of what the trash has of it.
    pub(super) async fn deleted(&self, path: &str, image: &str) -> i64 {
        self.keep(path, image, &[("tags/1", "")]).await;
        let repo = self.id_of(path);
        let key = larder_metadata::files::PackageKey {
            repo,
            package: image,
        };
        let dropped = self.metadata.drop_tag(key, "1", None, &Admin).await;
        dropped.expect("drop");
        let trash = self.metadata.trash_of(repo, None, 1).await.expect("trash");
        trash[0].id
    }

    /// The id of a preview of a repository of images.
    pub(super) async fn previewed(&self, repo: &str) -> String {
        let preview = StoredPreview {
            policy: RetentionPolicy::default(),
            deletions: Vec::new().into(),
        };
        let repo = self.id_of(&format!("oci/{repo}"));
        let added = self.metadata.add_preview(repo, &preview).await;
        added.expect("preview")
    }
}

const RETENTION: &str = "/repositories/oci/team/retention";

/// The policy of the API's contract.
fn contract() -> Value {
    json!({
        "enabled": true,
        "rules": [{
            "packages": "app/*",
            "versions": "*",
            "keep": {
                "newest": 10,
                "pushed_within": "30d",
                "pulled_within": "14d",
                "matching": ["v*"],
                "newest_per": {"of": "minor", "count": 1},
            },
        }],
        "protect": ["latest"],
        "untagged_after": "7d",
        "unused_after": null,
        "max_bytes": null,
        "trash": "7d",
    })
}

#[tokio::test]
async fn a_policy_is_shown_as_it_was_set() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    let nothing = json!({
        "enabled": false, "rules": [], "protect": [], "untagged_after": null,
        "unused_after": null, "max_bytes": null, "trash": "7d",
    });
    assert_eq!(
        house.ask(&root, "GET", RETENTION, "").await,
        (200, nothing.clone())
    );
    let body = contract().to_string();
    assert_eq!(
        house.ask(&root, "PUT", RETENTION, &body).await,
        (200, contract())
    );
    assert_eq!(
        house.ask(&root, "GET", RETENTION, "").await,
        (200, contract())
    );
    // A rule that says nothing fits all and keeps nothing.
    let (status, set) = house
        .ask(&root, "PUT", RETENTION, r#"{"rules":[{}],"trash":"0s"}"#)
        .await;
    let all = json!([{"packages": "*", "versions": "*", "keep": {}}]);
    assert_eq!(
        (status, &set["rules"], &set["trash"]),
        (200, &all, &json!("0s"))
    );
    assert_eq!(set["enabled"], true);
    assert_eq!(house.ask(&root, "DELETE", RETENTION, "").await.0, 204);
    assert_eq!(house.ask(&root, "GET", RETENTION, "").await, (200, nothing));
}

#[tokio::test]
async fn a_mirror_says_what_may_be_fetched_again() {
    let house = house().await;
    let root = basic("admin", PASSWORD);
    let mirror = r#"{"protocol":"npm","name":"up","kind":"mirror"}"#;
    let made = house.ask(&root, "POST", "/repositories", mirror).await;
    assert_eq!(made.0, 201, "{}", made.1);
    let path = "/repositories/npm/up/retention";
    let mut policy = json!({
        "enabled": false, "rules": [], "protect": [], "untagged_after": null,
        "unused_after": null, "max_bytes": null, "trash": "0s",
    });
    assert_eq!(
        house.ask(&root, "GET", path, "").await,
        (200, policy.clone())
    );
    for trash in ["0s", "7d"] {
        let body = json!({
            "enabled": true, "unused_after": "30d", "max_bytes": 1000, "trash": trash,
            "protect": ["1.*"], "rules": [{"packages": "app", "keep": {"newest": 1}}],
        });
        policy = json!({
            "enabled": true, "untagged_after": null, "unused_after": "30d", "max_bytes": 1000,
            "trash": "0s", "protect": ["1.*"],
            "rules": [{"packages": "app", "versions": "*", "keep": {"newest": 1}}],
        });
        let set = house.ask(&root, "PUT", path, &body.to_string()).await;
        assert_eq!(set, (200, policy.clone()));
    }
    assert_eq!(house.ask(&root, "GET", path, "").await, (200, policy));
    for (body, code) in [
        (r#"{"untagged_after":"7d"}"#, "untagged_after_invalid"),
        (r#"{"trash":"1d"}"#, "trash_invalid"),
        (r#"{"unused_after":"soon"}"#, "unused_after_invalid"),
    ] {
        let answer = house.pass(&root, "PUT", path, body).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{body}");
    }
}

#[tokio::test]
async fn a_policy_that_is_wrong_is_refused_by_its_field() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    for (body, code) in [
        (r#"{"trash":"a week"}"#, "trash_invalid"),
        (r#"{"untagged_after":"7"}"#, "untagged_after_invalid"),
        (r#"{"unused_after":"7d"}"#, "unused_after_invalid"),
        (r#"{"max_bytes":1}"#, "max_bytes_invalid"),
        (
            r#"{"rules":[{"keep":{"pushed_within":"soon"}}]}"#,
            "pushed_within_invalid",
        ),
        (
            r#"{"rules":[{"keep":{"pulled_within":"-1d"}}]}"#,
            "pulled_within_invalid",
        ),
    ] {
        for (method, path) in [
            ("PUT", RETENTION.to_owned()),
            ("POST", format!("{RETENTION}/preview")),
        ] {
            let answer = house.pass(&root, method, &path, body).await;
            assert_eq!(
                (answer.status, &*answer.code()),
                (400, code),
                "{method} {body}"
            );
        }
    }
    for body in [
        r#"{"rules":[{"keep":{"newset":1}}]}"#,
        r#"{"rules":[{"keep":{"newest_per":{"of":"patch","count":1}}}]}"#,
        r#"{"rules":[{"keep":{"newest":-1}}]}"#,
        r#"{"enabled":true,"enabled":false}"#,
    ] {
        assert_eq!(
            house.ask(&root, "PUT", RETENTION, body).await.0,
            400,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_preview_is_run() {
    let house = house().await;
    house.repo("team").await;
    house.repo("moving").await;
    let root = basic("admin", PASSWORD);
    let path = format!("{RETENTION}/preview");
    // Of what is stored, with or without a body, and of a body.
    house
        .ask(&root, "PUT", RETENTION, r#"{"protect":["stored"]}"#)
        .await;
    for (body, protect) in [
        ("", "stored"),
        ("{}", "stored"),
        (r#"{"protect":["given"]}"#, "given"),
    ] {
        let (status, preview) = house.ask(&root, "POST", &path, body).await;
        assert_eq!(
            (status, &preview["delete"], &preview["keep"]),
            (200, &json!(1), &json!(0))
        );
        let item = &preview["items"][0];
        assert_eq!(
            (&item["action"], &item["version"]),
            (&json!("delete"), &Value::Null)
        );
        let log = house.engine.log.lock().expect("log").pop().expect("asked");
        assert!(log.contains(protect), "{log}");
        let run = json!({"preview": preview["id"]}).to_string();
        let (status, job) = house
            .ask(&root, "POST", &format!("{RETENTION}/runs"), &run)
            .await;
        assert_eq!(
            (status, &job["kind"], &job["repository"]),
            (202, &json!("retention"), &json!("oci/team"))
        );
    }
    // Its maintainers see it, and nobody else but superusers.
    let (keeper, writer) = (
        house.user("keeper", false).await,
        house.user("writer", false).await,
    );
    house
        .admission("user:keeper", "oci/team", Role::Maintainer)
        .await;
    house
        .admission("user:writer", "oci/team", Role::Writer)
        .await;
    let job = house.metadata.jobs(JobFilter::default(), None, 1).await;
    let job = job.expect("jobs").remove(0).id;
    let other = NewJob::of(JobKind::Retention);
    let other = house
        .metadata
        .queue_job(other, &Admin)
        .await
        .expect("queue")
        .id;
    for (path, id) in [("", job), ("/items", job)] {
        let path = format!("/jobs/{id}{path}");
        assert_eq!(house.ask(&root, "GET", &path, "").await.0, 200);
        assert_eq!(house.ask(&keeper, "GET", &path, "").await.0, 200);
        let refused = house.ask(&writer, "GET", &path, "").await;
        assert_eq!(refused.0, 403);
        for id in [other, 1] {
            let theirs = house.ask(&keeper, "GET", &format!("/jobs/{id}"), "").await;
            assert_eq!((theirs.0, &theirs.1["code"]), (403, &refused.1["code"]));
        }
    }
    // It is one of its repository, and must still hold.
    let preview = house.previewed("moving").await;
    let run = json!({"preview": preview}).to_string();
    let answer = house
        .pass(&root, "POST", &format!("{RETENTION}/runs"), &run)
        .await;
    assert_eq!((answer.status, &*answer.code()), (404, "preview_not_found"));
    let answer = house
        .pass(
            &root,
            "POST",
            "/repositories/oci/moving/retention/runs",
            &run,
        )
        .await;
    assert_eq!((answer.status, &*answer.code()), (409, "conflict"));
}

#[tokio::test]
async fn what_was_deleted_is_listed_and_restored() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    let ids = [
        house.deleted("oci/team", "one").await,
        house.deleted("oci/team", "two").await,
    ];
    let path = "/repositories/oci/team/trash";
    let (status, page) = house
        .ask(&root, "GET", &format!("{path}?limit=1"), "")
        .await;
    assert_eq!((status, &page["items"][0]["package"]), (200, &json!("two")));
    let after = page["next"].as_str().expect("next");
    let (_, page) = house
        .ask(&root, "GET", &format!("{path}?limit=1&after={after}"), "")
        .await;
    let item = &page["items"][0];
    assert_eq!(
        (&item["id"], &item["what"], &item["version"]),
        (&json!(ids[0].to_string()), &json!("tag"), &json!("1"))
    );
    assert_eq!(page["next"], Value::Null);
    // Its name is taken, and then it is not.
    house.keep("oci/team", "one", &[("tags/1", "")]).await;
    let key = larder_metadata::files::PackageKey {
        repo: house.id_of("oci/team"),
        package: "one",
    };
    let restore = format!("{path}/{}/restore", ids[0]);
    assert_eq!(
        house.ask(&root, "POST", &restore, "").await.0,
        200,
        "the same bytes"
    );
    assert!(
        house
            .metadata
            .find(key.file(FileKind::Tag, "1"))
            .await
            .expect("find")
            .is_some()
    );
    assert_eq!(house.ask(&root, "POST", &restore, "").await.0, 404);
    let delete = format!("{path}/{}", ids[1]);
    assert_eq!(house.ask(&root, "DELETE", &delete, "").await.0, 204);
    assert_eq!(house.ask(&root, "DELETE", &delete, "").await.0, 404);
    assert_eq!(
        house.ask(&root, "GET", path, "").await.1["items"],
        json!([])
    );
}

#[tokio::test]
async fn immutable_tags_are_not_deleted() {
    let house = house().await;
    house.repo("team").await;
    house
        .keep("oci/team", "app", &[("tags/v1", ""), ("tags/latest", "")])
        .await;
    let root = basic("admin", PASSWORD);
    let repo = "/repositories/oci/team";
    let (status, shown) = house
        .ask(&root, "PATCH", repo, r#"{"immutable":["v*"]}"#)
        .await;
    assert_eq!((status, &shown["immutable"]), (200, &json!(["v*"])));
    let version = |tag: &str| format!("{repo}/packages/app/versions/{tag}");
    let answer = house.pass(&root, "DELETE", &version("v1"), "").await;
    assert_eq!((answer.status, &*answer.code()), (409, "conflict"));
    let detail = answer.json()["detail"].to_string();
    assert!(detail.contains("immutable"), "{detail}");
    let answer = house
        .pass(&root, "DELETE", &format!("{repo}/packages/app"), "")
        .await;
    assert_eq!(answer.status, 409);
    assert_eq!(house.pass(&root, "DELETE", repo, "").await.status, 409);
    assert_eq!(
        house.ask(&root, "DELETE", &version("latest"), "").await.0,
        204
    );
    // Until the pattern goes.
    let (_, shown) = house.ask(&root, "PATCH", repo, r#"{"immutable":[]}"#).await;
    assert_eq!(shown["immutable"], json!([]));
    assert_eq!(house.ask(&root, "DELETE", &version("v1"), "").await.0, 204);
}
