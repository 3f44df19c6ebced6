//! Backups are made, listed, fetched and deleted by superusers, and the trail tells of it.

use super::{Answer, House, PASSWORD, basic, house};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

async fn as_admin(house: &House, method: &str, target: &str, body: &str) -> Answer {
    let admin = basic("admin", PASSWORD);
    house.pass(&admin, method, target, body).await
}

fn header<'a>(answer: &'a Answer, name: &http::HeaderName) -> &'a str {
    let value = answer.headers.get(name).expect("header");
    value.to_str().expect("text")
}

/// What the trail tells of backups, the newest first: action and details.
async fn trail(house: &House) -> Vec<(String, String)> {
    let listed = as_admin(house, "GET", "/audit?action=backup.*", "").await;
    let items = listed.json()["items"].as_array().expect("items").clone();
    let entry = |item: &serde_json::Value| {
        let action = item["action"].as_str().expect("action").to_owned();
        (
            action,
            item["details"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    items.iter().map(entry).collect()
}

#[tokio::test]
async fn a_backup_is_answered_as_a_file() {
    let house = house().await;
    for (query, blobs) in [
        ("", true),
        ("?blobs=include", true),
        ("?blobs=reference", false),
    ] {
        let answer = as_admin(&house, "GET", &format!("/backup{query}"), "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(&answer.body[..], b"a backup.");
        assert_eq!(header(&answer, &CONTENT_TYPE), "application/x-tar");
        assert_eq!(header(&answer, &CONTENT_LENGTH), "9");
        let log = house.engine.log.lock().expect("log").pop();
        let told = format!("backup for user:admin, blobs: {blobs}");
        assert_eq!(log.as_deref(), Some(&*told));
    }
    let wrong = as_admin(&house, "GET", "/backup?blobs=some", "").await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "blobs_invalid"));
}

#[tokio::test]
async fn kept_backups_are_listed_the_newest_first() {
    let house = house().await;
    let mut names = Vec::new();
    let mut target = "/backups?limit=2".to_owned();
    loop {
        let page = as_admin(&house, "GET", &target, "").await.json();
        let items = page["items"].as_array().expect("items").iter();
        names.extend(items.map(|item| item["name"].as_str().expect("name").to_owned()));
        match page["next"].as_str() {
            Some(next) => target = format!("/backups?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["c.tar", "b.tar", "a.tar"]);
}

#[tokio::test]
async fn a_kept_backup_is_fetched_and_deleted() {
    let house = house().await;
    let answer = as_admin(&house, "GET", "/backups/b.tar", "").await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"a backup."[..]));
    assert_eq!(
        as_admin(&house, "HEAD", "/backups/b.tar", "").await.status,
        200
    );
    assert_eq!(
        as_admin(&house, "DELETE", "/backups/b.tar", "")
            .await
            .status,
        204
    );
    for method in ["GET", "DELETE"] {
        let answer = as_admin(&house, method, "/backups/d.tar", "").await;
        assert_eq!((answer.status, &*answer.code()), (404, "backup_not_found"));
    }
    let entry = |action: &str| (action.to_owned(), "b.tar".to_owned());
    house.metadata.seal(true).await.expect("seal");
    assert_eq!(
        trail(&house).await,
        [entry("backup.delete"), entry("backup.read")]
    );
}

#[tokio::test]
async fn a_backup_is_asked_for_as_a_job() {
    let house = house().await;
    let answer = as_admin(&house, "POST", "/backup/runs", "{}").await;
    assert_eq!(
        (answer.status, &answer.json()["kind"]),
        (202, &"backup".into())
    );
}
