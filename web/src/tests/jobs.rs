//! Jobs and schedules, as the API tells of them.

use super::{Admin, Answer, House, house};
use larder_jobs::{Item, Progress};
use larder_metadata::jobs::{HeldJob, JobEnd, JobError, NewJob};
use larder_model::JobKind;
use serde_json::{Value, json};

const KIND: JobKind = JobKind::UpstreamCheck;

impl House {
    async fn queue(&self, new: NewJob) -> i64 {
        let job = self.metadata.queue_job(new, &Admin).await;
        job.expect("queue").id
    }

    async fn take(&self) -> HeldJob {
        let taken = self.metadata.take_job(KIND).await.expect("take");
        taken.expect("a job")
    }

    /// Makes a job that has ended, and the schedule of its kind.
    pub(super) async fn ended_job(&self) -> i64 {
        let cron = "0 6 * * *".parse().expect("cron");
        let added = self.metadata.add_schedule(KIND, &cron).await;
        added.expect("schedule");
        let id = self.queue(NewJob::of(KIND)).await;
        let cancelled = self.metadata.cancel_job(id, &Admin).await;
        cancelled.expect("cancel");
        id
    }
}

/// The data of events, in their order.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = std::str::from_utf8(&answer.body).expect("text");
    let data = text.split_terminator("\n\n").map(|event| {
        let json = event.strip_prefix("data: ").expect("data");
        serde_json::from_str(json).expect("JSON")
    });
    data.collect()
}

#[tokio::test]
async fn a_job_is_told_in_its_shape() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let new = NewJob {
        dry_run: true,
        repository: Some("npm/local".parse().expect("path")),
        ..NewJob::of(KIND)
    };
    let id = house.queue(new).await;
    let target = format!("/jobs/{id}");
    let (status, mut job) = house.ask(&admin, "GET", &target, "").await;
    assert_eq!(status, 200);
    assert!(job["created_at"].take().is_string());
    let queued = json!({
        "id": id.to_string(), "kind": "upstream-check", "state": "queued", "dry_run": true,
        "repository": "npm/local", "by": "user:admin", "created_at": null, "started_at": null,
        "finished_at": null, "cancel_requested": false, "attempts": 0, "progress": null,
        "result": null, "error": null,
    });
    assert_eq!(job, queued);

    let held = house.take().await;
    let progress = Progress {
        phase: "check".to_owned(),
        done: 1,
        total: None,
        unit: "upstreams".to_owned(),
        bytes: 4096,
    };
    let told = house.metadata.hold_job(&held, Some(&json!(progress))).await;
    told.expect("hold");
    let (_, job) = house.ask(&admin, "GET", &target, "").await;
    assert_eq!(job["state"], "running");
    assert!(job["started_at"].is_string());
    assert_eq!(
        job["progress"],
        json!({"phase": "check", "done": 1, "total": null, "unit": "upstreams", "bytes": 4096})
    );

    let end = JobEnd::Succeeded(json!({"ok": 3}));
    house
        .metadata
        .finish_job(&held, &end)
        .await
        .expect("finish");
    let (_, job) = house.ask(&admin, "GET", &target, "").await;
    assert_eq!(
        (&job["state"], &job["result"]),
        (&json!("succeeded"), &json!({"ok": 3}))
    );
    assert!(job["finished_at"].is_string());

    let id = house.queue(NewJob::of(KIND)).await;
    let error = JobError {
        code: "no_luck".to_owned(),
        detail: "it did not work out".to_owned(),
    };
    let held = house.take().await;
    let end = JobEnd::Failed(error);
    house
        .metadata
        .finish_job(&held, &end)
        .await
        .expect("finish");
    let (_, job) = house.ask(&admin, "GET", &format!("/jobs/{id}"), "").await;
    let told = json!({"code": "no_luck", "detail": "it did not work out"});
    assert_eq!((&job["state"], &job["error"]), (&json!("failed"), &told));
}

#[tokio::test]
async fn jobs_and_items_come_page_by_page() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, house.queue(NewJob::of(KIND)).await.to_string());
    }
    let scrub = house.queue(NewJob::of(JobKind::Scrub)).await.to_string();
    let list = async |target: &str| {
        let (status, page) = house.ask(&admin, "GET", target, "").await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().expect("items").clone();
        let ids: Vec<String> = items
            .iter()
            .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        (ids, items, page["next"].clone())
    };
    assert_eq!(
        list("/jobs").await.0,
        [vec![scrub.clone()], ids.clone()].concat()
    );
    let (page, _, next) = list("/jobs?kind=upstream-check&limit=2").await;
    assert_eq!(page, ids[..2]);
    let next = next.as_str().expect("next").to_owned();
    let target = format!("/jobs?kind=upstream-check&limit=2&after={next}");
    let (page, _, next) = list(&target).await;
    assert_eq!((page.as_slice(), next), (&ids[2..], Value::Null));
    let held = house.take().await;
    let running = held.job.id.to_string();
    assert_eq!(
        list("/jobs?state=running").await.0,
        std::slice::from_ref(&running)
    );
    assert_eq!(list("/jobs?state=queued&kind=scrub").await.0, [scrub]);

    let items: Vec<Value> = ["a", "b", "c"]
        .map(|action| Item {
            action: action.to_owned(),
            repository: Some("npm/local".parse().expect("path")),
            bytes: Some(7),
            reason: "because".to_owned(),
            ..Item::default()
        })
        .map(|item| json!(item))
        .into();
    let added = house.metadata.add_job_items(&held, 1, &items).await;
    added.expect("items");
    let (_, items, next) = list(&format!("/jobs/{running}/items?limit=2")).await;
    let first = json!({
        "number": 1, "action": "a", "repository": "npm/local", "package": null, "version": null,
        "digest": null, "bytes": 7, "reason": "because",
    });
    assert_eq!((&items[0], items.len()), (&first, 2));
    let next = next.as_str().expect("next").to_owned();
    let (_, items, next) = list(&format!("/jobs/{running}/items?limit=2&after={next}")).await;
    assert_eq!((&items[0]["action"], next), (&json!("c"), Value::Null));

    for (target, code) in [
        ("/jobs?kind=tea", "kind_invalid"),
        ("/jobs?state=tired", "state_invalid"),
        ("/jobs?after=x", "after_invalid"),
        ("/jobs?who=me", "query_invalid"),
        ("/jobs/1", "job_not_found"),
        ("/jobs/1/items", "job_not_found"),
        ("/jobs/1/events", "job_not_found"),
        ("/jobs/x", "job_not_found"),
    ] {
        let answer = house.pass(&admin, "GET", target, "").await;
        assert_eq!(answer.code(), code, "{target}");
    }
}

#[tokio::test]
async fn a_job_is_watched_to_its_end() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let id = house.queue(NewJob::of(KIND)).await;
    let target = format!("/jobs/{id}/events");
    let (answer, ()) = tokio::join!(house.pass(&admin, "GET", &target, ""), async {
        // Its server is another one.
        let held = house.take().await;
        let end = JobEnd::Succeeded(json!({"ok": 1}));
        house
            .metadata
            .finish_job(&held, &end)
            .await
            .expect("finish");
    });
    let told = events(&answer);
    let last = told.last().expect("events");
    assert_eq!(last["state"], "succeeded");
    assert!(told.len() <= 3, "{told:?}");
    // All of the state comes first, also when it is the last.
    let answer = house.pass(&admin, "GET", &target, "").await;
    let shown = house.ask(&admin, "GET", &format!("/jobs/{id}"), "").await.1;
    assert_eq!(events(&answer), [shown]);
    // A server that stops tells what it knows.
    house.jobs.stop();
    let id = house.queue(NewJob::of(KIND)).await;
    let answer = house
        .pass(&admin, "GET", &format!("/jobs/{id}/events"), "")
        .await;
    assert_eq!(events(&answer)[0]["state"], "queued");
}

#[tokio::test]
async fn jobs_are_cancelled() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let (status, waiting) = house
        .ask(&admin, "POST", "/upstream-check/runs", "{}")
        .await;
    assert_eq!((status, &waiting["by"]), (202, &json!("user:root")));
    let path = format!("/jobs/{}", waiting["id"].as_str().expect("id"));
    let cancel = format!("{path}/cancel");
    let (status, job) = house.ask(&admin, "POST", &cancel, "").await;
    assert_eq!((status, &job["state"]), (200, &json!("cancelled")));
    let again = house.pass(&admin, "POST", &cancel, "").await;
    assert_eq!((again.status, &*again.code()), (409, "conflict"));
    let detail = again.json()["detail"].as_str().expect("detail").to_owned();
    assert!(
        detail.ends_with("has ended already: it is cancelled"),
        "{detail}"
    );

    let id = house.queue(NewJob::of(KIND)).await;
    let held = house.take().await;
    let (status, job) = house
        .ask(&admin, "POST", &format!("/jobs/{id}/cancel"), "")
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        (&job["state"], &job["cancel_requested"]),
        (&json!("running"), &json!(true))
    );
    assert!(house.metadata.is_job_cancelled(&held).await.expect("held"));
    let trail = house.ask(&admin, "GET", "/audit?action=job.*", "").await.1;
    let told: Vec<_> = trail["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|entry| [&entry["action"], &entry["object"], &entry["actor"]].map(Value::as_str))
        .collect();
    let expected = [
        ["job.cancel", "job:upstream-check", "user:root"],
        ["job.create", "job:upstream-check", "user:admin"],
        ["job.cancel", "job:upstream-check", "user:root"],
        ["job.create", "job:upstream-check", "user:root"],
    ];
    assert_eq!(told, expected.map(|entry| entry.map(Some)));
}

#[tokio::test]
async fn schedules_are_told_and_changed() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let id = house.ended_job().await;
    // One that this server cannot do is not its business.
    let cron = "0 1 * * *".parse().expect("cron");
    let other = house.metadata.add_schedule(JobKind::Gc, &cron).await;
    other.expect("schedule");
    let (_, all) = house.ask(&admin, "GET", "/schedules", "").await;
    let [schedule] = &all["items"].as_array().expect("items")[..] else {
        panic!("{all}");
    };
    assert_eq!(schedule["kind"], "upstream-check");
    assert_eq!(
        (&schedule["cron"], &schedule["enabled"]),
        (&json!("0 6 * * *"), &json!(true))
    );
    assert_eq!(schedule["next"].as_array().map(Vec::len), Some(3));
    assert_eq!(schedule["last"]["id"], id.to_string());
    let next = schedule["next"][0].as_str().expect("time");
    assert!(next.ends_with("T06:00:00Z"), "{next}");

    let put = async |target: &str, body: &str| house.pass(&admin, "PUT", target, body).await;
    let target = "/schedules/upstream-check";
    let off = put(target, r#"{"cron":" 5  4 * * SUN ","enabled":false}"#).await;
    assert_eq!(off.status, 200);
    let (off, shown) = (off.json(), house.ask(&admin, "GET", target, "").await.1);
    assert_eq!(off, shown);
    assert_eq!(
        (&off["cron"], &off["enabled"]),
        (&json!("5 4 * * SUN"), &json!(false))
    );
    assert_eq!(off["next"], json!([]));
    let on = put(target, r#"{"cron":"5 4 * * 0"}"#).await.json();
    assert_eq!(
        (&on["enabled"], on["next"].as_array().map(Vec::len)),
        (&json!(true), Some(3))
    );

    let wrong = put(target, r#"{"cron":"0 25 * * *"}"#).await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "cron_invalid"));
    assert_eq!(
        wrong.json()["detail"],
        "`cron` is wrong: hour: 25 is not from 0 to 23"
    );
    for (target, body, code) in [
        (target, "{}", "cron_invalid"),
        (target, r#"{"cron":"0 3 * * *","at":1}"#, "body_invalid"),
        (
            "/schedules/gc",
            r#"{"cron":"0 3 * * *"}"#,
            "schedule_not_found",
        ),
        (
            "/schedules/tea",
            r#"{"cron":"0 3 * * *"}"#,
            "schedule_not_found",
        ),
    ] {
        assert_eq!(put(target, body).await.code(), code, "{target} {body}");
    }
    let trail = house
        .ask(&admin, "GET", "/audit?action=schedule.change", "")
        .await
        .1;
    let newest = &trail["items"][0];
    assert_eq!(newest["object"], "schedule:upstream-check");
    assert_eq!(
        newest["details"],
        json!({"cron": "5 4 * * 0", "enabled": true})
    );
    assert_eq!(trail["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_schedule_is_changed_as_it_was_seen() {
    let house = house().await;
    let admin = house.user("root", true).await;
    house.ended_job().await;
    let target = "/schedules/upstream-check";
    // It is not enabled: what is shown does not change with the time.
    let off = r#"{"cron":"0 3 * * *","enabled":false}"#;
    assert_eq!(house.ask(&admin, "PUT", target, off).await.0, 200);
    let seen = house.pass(&admin, "GET", target, "").await;
    let tag = seen.header("etag").to_owned();
    let put = async |body: &str| {
        let held = [(http::header::IF_MATCH, &*tag)];
        house.with(&held, &admin, "PUT", target, body).await.status
    };
    assert_eq!(put(r#"{"cron":"0 4 * * *","enabled":false}"#).await, 200);
    assert_eq!(put(r#"{"cron":"0 5 * * *","enabled":false}"#).await, 412);
    let now = house.ask(&admin, "GET", target, "").await.1;
    assert_eq!(now["cron"], "0 4 * * *");
}
