//! What authors write of their packages, what upstreams say of them, what backups are called and what
//! rules tell of what they refused stays text.

use crate::hostile::{ascii, encoded, in_a_browser, require_text};
use crate::payloads::all;
use crate::place::WHO;
use crate::weeks::{done, end, start};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::archive::{gzip, tar, tarball};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::JSON;
use larder_tests::{Client, Larder, Upstream};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// What is never taken, unless something is broken.
const PATIENCE: Duration = Duration::from_mins(2);
/// The package of all payloads, in a version for each.
const READER: &str = "/packages/npm/local/reader";

/// Waits until something is so that comes behind an answer.
#[track_caller]
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: never");
        std::thread::yield_now();
    }
}

/// Publishes a version whose readme is a payload, and whose authors say nothing else.
fn publish(admin: &Client, number: usize, payload: &str) {
    let version = format!("1.0.{number}");
    let manifest = json!({
        "name": "reader", "version": version, "description": payload, "license": payload,
        "author": payload, "keywords": [payload], "homepage": payload, "bugs": {"url": payload},
        "repository": {"type": "git", "url": payload}, "engines": {payload: payload},
        "dependencies": {payload: payload, "zod": payload}, "deprecated": payload,
    });
    let text = manifest.to_string();
    let readme = format!(
        "# {payload}\n\n{payload}\n\n- [{payload}]({payload})\n\n```{payload}\n{payload}\n```\n"
    );
    let packed = gzip(&tar(&[
        ("package/package.json", text.as_bytes()),
        ("package/README.md", readme.as_bytes()),
    ]));
    let mut version_of = manifest;
    version_of["dist"] = json!({});
    let attachment = json!({
        "content_type": "application/octet-stream", "data": STANDARD.encode(&packed), "length": packed.len(),
    });
    let body = json!({
        "_id": "reader", "name": "reader", "dist-tags": {"latest": version}, "readme": readme,
        "versions": {version.clone(): version_of},
        "_attachments": {format!("reader-{version}.tgz"): attachment},
    });
    done(&admin.send(
        "PUT",
        "/npm/local/reader",
        &JSON,
        body.to_string().as_bytes(),
    ));
}

/// What authors tell, on each page that shows it.
fn readmes(admin: &Client, payloads: &[String]) {
    for (number, payload) in payloads.iter().enumerate() {
        publish(admin, number, payload);
        for tab in ["", "?tab=readme", "?tab=dependencies"] {
            let page = format!("{READER}/-/v/1.0.{number}{tab}");
            require_told(admin, &page, payload);
        }
    }
    for page in [READER.to_owned(), format!("{READER}?tab=readme")] {
        require_told(admin, &page, "all");
    }
}

/// A page may lead to what authors name, by links that say so; all else of it stays text.
#[track_caller]
fn require_told(admin: &Client, page: &str, payload: &str) {
    let mut answer = admin.get(page).expect(200);
    let text = answer.text();
    let outside = " rel=\"noopener noreferrer nofollow\"";
    let mut own = String::new();
    // Links of authors are taken out, so that none of the rest leads outside.
    for (at, part) in text.split("<a href=\"").enumerate() {
        let leads_out = ["https://", "http://", "mailto:"]
            .iter()
            .any(|to| part.starts_with(to));
        let tag = part.split('>').next().unwrap_or_default();
        if at > 0 && leads_out {
            assert!(tag.contains(outside), "{page} with {payload}: {tag}");
            own.push_str("<a href=\"/\">");
            own.push_str(&part[tag.len() + 1..]);
        } else {
            own.push_str(if at > 0 { "<a href=\"" } else { "" });
            own.push_str(part);
        }
    }
    answer.body = own.into_bytes();
    require_text(&answer, page, payload);
}

/// Tags of versions: of a package that is published here, and as an upstream names them.
fn tags(larder: &Larder, admin: &Client, payloads: &[String]) -> Upstream {
    for payload in payloads {
        let path = format!("/npm/local/-/package/reader/dist-tags/{}", encoded(payload));
        let answer = admin.send("PUT", &path, &JSON, b"\"1.0.0\"");
        require_text(&answer, &path, payload);
    }
    require_told(admin, READER, "all tags");
    let upstream = Upstream::start();
    let settings = json!({"upstream": {"url": upstream.url(), "allow_private": true}});
    larder.api(
        "PATCH",
        "repositories/npm/upstream",
        &settings.to_string(),
        200,
    );
    for (number, some) in payloads.chunks(30).enumerate() {
        let name = format!("tagged-{number}");
        let tags: Map<String, Value> = some
            .iter()
            .map(|tag| (tag.clone(), json!("1.0.0")))
            .collect();
        let url = format!("{}{name}/-/{name}-1.0.0.tgz", upstream.url());
        let version = json!({"name": name, "version": "1.0.0", "deprecated": some[0], "license": some[1],
            "description": some[2], "dist": {"tarball": url, "shasum": ""}});
        let packument = json!({"name": name, "dist-tags": tags, "versions": {"1.0.0": version}});
        upstream.put(&format!("/{name}"), packument.to_string());
        upstream.put(
            &format!("/{name}/-/{name}-1.0.0.tgz"),
            tarball(&name, "1.0.0", &some[3]),
        );
        done(&admin.get(&format!("/npm/upstream/{name}")));
        done(&admin.get(&format!("/npm/upstream/{name}/-/{name}-1.0.0.tgz")));
        let page = format!("/packages/npm/upstream/{name}/-/v/1.0.0");
        await_that("it is kept", || admin.get(&page).status == 200);
        for page in ["", "/-/v/1.0.0", "?tab=readme"] {
            let page = format!("/packages/npm/upstream/{name}{page}");
            require_told(admin, &page, "an upstream's tags");
        }
    }
    upstream
}

/// Files that somebody put where backups are.
fn backups(larder: &Larder, admin: &Client, payloads: &[String]) {
    end(larder, &larder.api("POST", "backup/runs", "{}", 202));
    let kept = larder.api("GET", "backups", "", 200);
    let name = kept["items"][0]["name"].as_str().expect("a backup");
    let folder = larder.data().join("storage/backups");
    assert!(folder.join(name).is_file(), "{}", folder.display());
    for payload in payloads {
        let name = payload.replace('/', "\u{2215}");
        for name in [name.clone(), format!("larder-20300101T000000Z-{name}.tar")] {
            std::fs::write(folder.join(&name), b"none").expect("file");
            let page = format!("/cleanup/backups/{}/delete", encoded(&name));
            require_text(&admin.get(&page), &page, payload);
        }
    }
    require_text(
        &admin.get("/cleanup/backups").expect(200),
        "/cleanup/backups",
        "all",
    );
}

/// What rules refused, with the reasons that administrators gave, and the pages that explain it.
fn refusals(larder: &Larder, admin: &Client, payloads: &[String]) -> Vec<String> {
    let block = |(number, payload): (usize, &String)| {
        let reason: String = payload.chars().take(190).collect();
        json!({"package": format!("bad-{number}"), "reason": reason})
    };
    let blocked: Vec<Value> = payloads.iter().enumerate().map(block).collect();
    let blocked = json!({"blocked": blocked}).to_string();
    let path = "/api/v1/repositories/npm/upstream";
    done(&admin.send("PATCH", path, &JSON, blocked.as_bytes()));
    let team = json!({"protocol": "oci", "name": "team", "open": true});
    larder.api("POST", "repositories", &team.to_string(), 201);
    // A caller gets a hundred ids in a minute.
    let callers = ["priya", "jonas", "tomas", "amara"].map(|name| larder.make_user(name));
    for (number, payload) in payloads.iter().enumerate() {
        let caller = &callers[number % callers.len()];
        let bad = format!("/npm/upstream/bad-{number}");
        caller.get(&bad).expect(403);
        let agent = ascii(payload);
        // Names that are none, and rights that are missing.
        admin.send(
            "GET",
            &format!("/npm/upstream/{}", encoded(payload)),
            &[("user-agent", &agent)],
            b"",
        );
        callers[0].send(
            "DELETE",
            &format!("/v2/team/app/manifests/{}", encoded(payload)),
            &[],
            b"",
        );
    }
    let mut ids = Vec::new();
    await_that("refusals are known", || {
        let list = larder.api("GET", "denied?rule=block&limit=1000", "", 200);
        let items = list["items"].as_array().expect("items").iter();
        ids = items
            .map(|it| it["id"].as_str().expect("id").to_owned())
            .collect();
        ids.len() == payloads.len()
    });
    let mut page = "/denied".to_owned();
    loop {
        let text = admin.get(&page).expect(200);
        require_text(&text, &page, "all refusals");
        let text = text.text();
        let Some((before, _)) = text.split_once("\">Next page") else {
            break;
        };
        let (_, path) = before.rsplit_once("href=\"").expect("a way on");
        page = path.replace("&#38;", "&").replace("&amp;", "&");
    }
    for id in &ids {
        let page = format!("/why/{id}");
        require_text(&admin.get(&page).expect(200), &page, "a refusal");
        require_text(
            &larder.anonymous().get(&page).expect(200),
            &page,
            "a refusal",
        );
    }
    ids
}

#[test]
fn what_is_told_of_packages_backups_and_refusals_stays_text() {
    let larder = start();
    let payloads = all();
    let admin = larder.admin();
    let superuser = json!({"name": WHO, "password": PASSWORD, "superuser": true});
    larder.api("POST", "users", &superuser.to_string(), 201);
    readmes(&admin, &payloads);
    let _upstream = tags(&larder, &admin, &payloads);
    backups(&larder, &admin, &payloads);
    let ids = refusals(&larder, &admin, &payloads);
    let mut pages: Vec<String> = [
        READER,
        "/packages/npm/upstream/tagged-3",
        "/cleanup/backups",
        "/denied",
    ]
    .map(str::to_owned)
    .to_vec();
    for number in (0..payloads.len()).step_by(11) {
        pages.push(format!("{READER}/-/v/1.0.{number}?tab=readme"));
    }
    pages.extend(ids.iter().step_by(29).map(|id| format!("/why/{id}")));
    in_a_browser(&larder, &pages);
}
