//! Statistics, as the API tells of them.

use super::{Admin, House, house};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::NewJob;
use larder_metadata::series::{NewPoint, hour_of};
use larder_metadata::usage::{ALL, PackageUsage, RepoUsage, UsageSum};
use larder_model::{FileKind, JobKind, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

impl House {
    /// Has a series of an hour, by label.
    async fn count(&self, name: &str, hour: Timestamp, values: &[(&str, &str, u64)]) {
        let point = |(label, part, value): &(&'static str, &'static str, u64)| NewPoint {
            name,
            label,
            part,
            value: *value,
        };
        let values: Vec<(&'static str, &'static str, u64)> = values
            .iter()
            .map(|(label, part, value)| (leak(label), leak(part), *value))
            .collect();
        let mut points: Vec<_> = values.iter().map(point).collect();
        let added = self.metadata.add_to_series(hour, &mut points).await;
        added.expect("series");
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.into())
}

#[tokio::test]
async fn before_anything_is_counted_there_is_nothing() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let (status, told) = house.ask(&admin, "GET", "/stats", "").await;
    assert_eq!(
        (status, &told["as_of"], &told["total"]["bytes"]),
        (200, &Value::Null, &json!(0))
    );
    assert_eq!(
        (&told["last_24h"]["requests"], &told["last_24h"]["hit_rate"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        (&told["last_gc"], &told["last_backup"]),
        (&Value::Null, &Value::Null)
    );
    let (status, told) = house
        .ask(&admin, "GET", "/stats/usage?by=package", "")
        .await;
    assert_eq!(
        (status, told),
        (200, json!({"as_of": null, "items": [], "next": null}))
    );
}

#[tokio::test]
async fn the_last_24_hours_are_added_up() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let hour = hour_of(house.metadata.now());
    for (name, value) in [
        ("requests", 10),
        ("cache_hits", 6),
        ("cache_misses", 2),
        ("sent_bytes", 99),
    ] {
        house
            .count(name, hour, &[("npm", "", value), ("oci", "", 1)])
            .await;
        let before = hour.before(Duration::from_hours(24));
        house.count(name, before, &[("npm", "", 1_000)]).await;
    }
    let durations = [
        ("npm", "1000", 99),
        ("npm", "5000", 1),
        ("npm", "sum", 50_000),
    ];
    house
        .count("request_duration_seconds", hour, &durations)
        .await;
    let (_, told) = house.ask(&admin, "GET", "/stats", "").await;
    let last = &told["last_24h"];
    let of = |name: &str| last[name].clone();
    assert_eq!((of("requests"), of("sent_bytes")), (json!(11), json!(100)));
    assert_eq!(
        (of("cache_hits"), of("cache_misses"), of("hit_rate")),
        (json!(7), json!(3), json!(0.7))
    );
    assert_eq!(last["request_duration_seconds"]["count"], 100);
    assert_eq!(last["request_duration_seconds"]["p99"], 0.001);
    assert_eq!(told["users"], 2, "and the administrator");
}

#[tokio::test]
async fn a_series_is_told_by_the_hour_and_the_day() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let at: Timestamp = "2026-12-05T23:00:00Z".parse().expect("time");
    for hours in 0..3 {
        let hour = at.after(Duration::from_hours(hours));
        house
            .count("requests", hour, &[("npm", "", hours + 1), ("api", "", 10)])
            .await;
    }
    let ask = async |query: &str| {
        let target = format!("/stats/series?name=requests&{query}");
        let (status, told) = house.ask(&admin, "GET", &target, "").await;
        assert_eq!(
            (status, &told["name"], &told["unit"]),
            (200, &json!("requests"), &json!("requests"))
        );
        let items = told["items"].as_array().expect("items").iter();
        let items = items.map(|it| {
            (
                it["at"].as_str().expect("at").to_owned(),
                it["value"].clone(),
            )
        });
        (told["step"].clone(), items.collect::<Vec<_>>())
    };
    let row = |at: &str, value: u64| (at.to_owned(), json!(value));
    let range = "since=2026-12-05T23:30:00Z&until=2026-12-06T01:00:00Z";
    let (step, items) = ask(range).await;
    assert_eq!(step, "1h");
    assert_eq!(
        items,
        [
            row("2026-12-05T23:00:00Z", 11),
            row("2026-12-06T00:00:00Z", 12)
        ]
    );
    let (step, items) = ask("step=day&since=2026-12-05T12:00:00Z&until=2026-12-07T00:00:00Z").await;
    assert_eq!(step, "1d");
    assert_eq!(
        items,
        [
            row("2026-12-05T00:00:00Z", 11),
            row("2026-12-06T00:00:00Z", 25)
        ]
    );
    let (_, items) = ask(&format!("{range}&part=npm")).await;
    assert_eq!(
        items,
        [
            row("2026-12-05T23:00:00Z", 1),
            row("2026-12-06T00:00:00Z", 2)
        ]
    );
}

#[tokio::test]
async fn a_series_that_is_none_is_refused_with_those_that_are() {
    let house = house().await;
    let admin = house.user("root", true).await;
    let (status, all) = house.ask(&admin, "GET", "/stats/series", "").await;
    let names: Vec<_> = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(status, 200);
    let (status, told) = house
        .ask(&admin, "GET", "/stats/series?name=nothing", "")
        .await;
    assert_eq!((status, &told["code"]), (400, &json!("name_invalid")));
    let detail = told["detail"].as_str().expect("detail");
    assert!(
        names
            .iter()
            .all(|name| detail.contains(name.as_str().expect("name"))),
        "{detail}"
    );
    for (query, code) in [
        ("step=week", "step_invalid"),
        ("since=yesterday", "since_invalid"),
        ("until=1", "until_invalid"),
    ] {
        let target = format!("/stats/series?name=requests&{query}");
        let (status, told) = house.ask(&admin, "GET", &target, "").await;
        assert_eq!((status, &told["code"]), (400, &json!(code)), "{query}");
    }
}

/// Has repositories and packages that were counted.
async fn counted(house: &House) {
    house.repo("team").await;
    house.repo("other").await;
    let metadata = &house.metadata;
    metadata
        .queue_job(NewJob::of(JobKind::Usage), &Admin)
        .await
        .expect("queue");
    let held = metadata
        .take_job(JobKind::Usage)
        .await
        .expect("take")
        .expect("job");
    let ids = ["oci/team", "oci/other"].map(|path| house.id_of(path));
    let usage = |bytes, versions| RepoUsage {
        bytes,
        unique_bytes: 4,
        versions,
        ..RepoUsage::default()
    };
    let repos = [(ids[0], usage(10, 1)), (ids[1], usage(30, 2))].into();
    let sum = |scope: &str, bytes| UsageSum {
        scope: scope.into(),
        bytes,
        unique_bytes: 4,
        as_of: Timestamp(1_900_000_000_000_000),
        ..UsageSum::default()
    };
    metadata
        .put_usage(&held, &repos, &[sum(ALL, 35), sum("oci", 35)])
        .await
        .expect("put");
    let package = |repo, package: &str, bytes| PackageUsage {
        repo,
        package: package.into(),
        bytes,
        unique_bytes: 1,
        versions: 1,
        is_news: true,
    };
    let packages = [
        package(ids[0], "a", 10),
        package(ids[1], "b", 20),
        package(ids[1], "c", 10),
    ];
    metadata
        .put_package_usage(&held, &packages)
        .await
        .expect("put");
}

#[tokio::test]
async fn what_holds_bytes_is_told_the_largest_first() {
    let house = house().await;
    let admin = house.user("root", true).await;
    counted(&house).await;
    let list = async |query: &str| {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let target = format!("/stats/usage?limit=1{query}{after}");
            let (status, page) = house.ask(&admin, "GET", &target, "").await;
            assert_eq!(
                (status, &page["as_of"]),
                (200, &json!("2030-03-17T17:46:40Z")),
                "{target}"
            );
            let items = page["items"].as_array().expect("items").iter();
            all.extend(items.map(|it| {
                json!([
                    it["repository"],
                    it["package"],
                    it["bytes"],
                    it["shared_bytes"]
                ])
            }));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Value::from(all),
            }
        }
    };
    let repos = json!([["oci/other", null, 30, 26], ["oci/team", null, 10, 6]]);
    assert_eq!(list("").await, repos);
    assert_eq!(list("&by=protocol").await, json!([[null, null, 35, 31]]));
    let of_other = [
        json!(["oci/other", "b", 20, 19]),
        json!(["oci/other", "c", 10, 9]),
    ];
    assert_eq!(
        list("&by=package&repository=oci/other").await,
        json!(of_other)
    );
    let all = list("&by=package").await;
    assert_eq!(
        (all.as_array().expect("all").len(), &all[0]),
        (3, &of_other[0])
    );
    for (query, status, code) in [
        ("by=user", 400, "by_invalid"),
        ("repository=oci/team", 400, "repository_invalid"),
        ("by=package&repository=team", 400, "repository_invalid"),
        (
            "by=package&repository=oci/none",
            404,
            "repository_not_found",
        ),
    ] {
        let told = house
            .ask(&admin, "GET", &format!("/stats/usage?{query}"), "")
            .await;
        assert_eq!((told.0, &told.1["code"]), (status, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn downloads_are_told_with_versions_and_by_day() {
    let house = house().await;
    let admin = house.user("root", true).await;
    house.make("npm/local", "hosted", "{}").await;
    house
        .publish(
            "npm/local",
            "pad",
            &[("-/pad-1.tgz", "1", "{}"), ("-/pad-2.tgz", "2", "{}")],
        )
        .await;
    house
        .make("npm/main", "group", r#"{"members":["local"]}"#)
        .await;
    let package = PackageKey {
        repo: house.id_of("npm/local"),
        package: "pad",
    };
    for _ in 0..3 {
        house
            .metadata
            .note_download(package.file(FileKind::Artifact, "-/pad-2.tgz"));
    }
    house.metadata.write_uses().await.expect("write");
    for repository in ["npm/local", "npm/main"] {
        let of = |rest: &str| format!("/repositories/{repository}/packages/pad/{rest}");
        let (_, list) = house.ask(&admin, "GET", &of("versions"), "").await;
        let counts = |it: &Value| json!([it["version"], it["downloads"], it["total_downloads"]]);
        let told: Vec<_> = list["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(counts)
            .collect();
        assert_eq!(told, [json!(["1", 0, 0]), json!(["2", 3, 3])]);
        let (_, two) = house.ask(&admin, "GET", &of("versions/2"), "").await;
        assert_eq!(counts(&two), json!(["2", 3, 3]));
        let (status, days) = house.ask(&admin, "GET", &of("downloads"), "").await;
        let days = days["items"].as_array().expect("days").clone();
        assert_eq!(
            (status, days.len(), &days[0]["downloads"]),
            (200, 1, &json!(3))
        );
        assert!(
            days[0]["at"]
                .as_str()
                .is_some_and(|at| at.ends_with("T00:00:00Z")),
            "{days:?}"
        );
        let (_, none) = house
            .ask(
                &admin,
                "GET",
                &of("downloads?since=2999-01-01T00:00:00Z"),
                "",
            )
            .await;
        assert_eq!(none, json!({"items": [], "next": null}));
    }
}
