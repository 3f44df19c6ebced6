//! Quotas of the built binary: what fits is taken to the byte, whoever races, and who is refused learns
//! how much is left.

use larder_tests::http::read_response;
use larder_tests::image::{digest, push_blob};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish_to;
use larder_tests::random::Random;
use larder_tests::tools::{command, fails, tool};
use larder_tests::{Image, Larder, Start, layout};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::thread;

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.disable_schedules();
    larder
}

/// A hosted repository with a quota.
#[track_caller]
fn hosted(larder: &Larder, protocol: &str, name: &str, quota: &Value) {
    let new = json!({"protocol": protocol, "name": name, "kind": "hosted", "quota": quota});
    larder.api("POST", "repositories", &new.to_string(), 201);
}

#[track_caller]
fn usage(larder: &Larder, repo: &str) -> Value {
    larder.api("GET", &format!("repositories/{repo}"), "", 200)["usage"].take()
}

const RACERS: usize = 64;
const SIZE: usize = 100_000;

#[test]
fn of_racing_pushes_those_are_taken_that_fit() {
    let larder = larder();
    let limit = SIZE * RACERS / 4 + 50;
    hosted(&larder, "oci", "team", &json!({"bytes": limit}));
    let mut random = Random::seeded();
    let layers: Vec<Vec<u8>> = (0..RACERS).map(|_| random.bytes(SIZE)).collect();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let push = |(racer, layer): (usize, Vec<u8>)| {
            let (client, image) = (larder.admin(), format!("team/image-{}", racer % 4));
            scope.spawn(move || push_blob(&client, &image, &digest(&layer), &layer))
        };
        let racing: Vec<_> = layers.into_iter().enumerate().map(push).collect();
        let ended = racing.into_iter().map(|racer| racer.join().expect("racer"));
        ended.map(|answer| answer.status).collect()
    });
    let taken = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 403).count();
    assert_eq!(
        (taken, refused),
        (RACERS / 4, RACERS * 3 / 4),
        "{statuses:?}"
    );
    assert_eq!(usage(&larder, "oci/team")["bytes"], SIZE * RACERS / 4);
    let small = b"fifty bytes that fit, and then not one byte more..";
    let client = larder.admin();
    push_blob(&client, "team/image", &digest(small), small).expect(201);
    let refused = push_blob(&client, "team/image", &digest(b"1"), b"1").expect(403);
    let error = &refused.json()["errors"][0];
    assert_eq!(error["code"], "DENIED");
    let detail = json!({
        "quota": "oci/team", "unit": "bytes", "limit": limit, "used": limit, "left": 0, "wanted": 1,
    });
    assert_eq!(error["detail"], detail);
}

#[test]
fn of_racing_publishes_those_are_taken_that_fit() {
    let larder = larder();
    hosted(&larder, "cargo", "team", &json!({"versions": 10}));
    hosted(&larder, "cargo", "other", &json!({}));
    let all = json!({"repositories": "cargo/*", "versions": 15});
    larder.api("POST", "quotas", &all.to_string(), 201);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let publish = |racer: usize| {
            let (client, repo) = (larder.admin(), ["team", "other"][racer % 2]);
            let (name, version) = (format!("p{}", racer / 8), format!("1.0.{racer}"));
            scope.spawn(move || publish_to(&client, ("cargo", repo), &name, &version, b"data"))
        };
        let racing: Vec<_> = (0..RACERS).map(publish).collect();
        let ended = racing.into_iter().map(|racer| racer.join().expect("racer"));
        ended.map(|answer| answer.status).collect()
    });
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(taken, 15, "{statuses:?}");
    let versions =
        ["cargo/team", "cargo/other"].map(|repo| usage(&larder, repo)["versions"].as_u64());
    assert!(versions[0] <= Some(10), "{versions:?}");
    assert_eq!(versions[0].zip(versions[1]).map(|(a, b)| a + b), Some(15));
}

#[test]
fn every_dialect_tells_how_much_is_left() {
    let larder = larder();
    let client = larder.admin();
    for protocol in ["npm", "cargo", "pypi", "go", "composer", "deb", "rpm"] {
        hosted(
            &larder,
            protocol,
            "team",
            &json!({"bytes": 10, "versions": null}),
        );
        let refused = publish_to(&client, (protocol, "team"), "demo", "1.0.0", b"data").expect(403);
        let text = refused.text();
        let sentence = format!(
            "the quota of the repository {protocol}/team is 10 bytes: 0 bytes used, 10 bytes left"
        );
        assert!(text.contains(&sentence), "{text}");
        let more = json!({"quota": {"bytes": 100_000}});
        let path = format!("repositories/{protocol}/team");
        larder.api("PATCH", &path, &more.to_string(), 200);
        let taken = publish_to(&client, (protocol, "team"), "demo", "1.0.0", b"data");
        assert!([200, 201].contains(&taken.status), "{}", taken.text());
    }
}

#[test]
fn what_is_announced_and_cannot_fit_is_not_asked_for() {
    let larder = larder();
    hosted(&larder, "oci", "team", &json!({"bytes": 1000}));
    let client = larder.admin();
    let started = client
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let location = started.header("location").expect("location").to_owned();
    for protocol in ["rpm", "deb"] {
        let quota = json!({"bytes": 1000});
        let team = json!({"protocol": protocol, "name": "team", "kind": "hosted", "quota": quota});
        larder.api("POST", "repositories", &team.to_string(), 201);
    }
    for (method, path) in [
        ("PATCH", location.clone()),
        ("PUT", format!("{location}&digest={}", digest(b"whatever"))),
        (
            "POST",
            format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"whatever")),
        ),
        ("PUT", "/rpm/team/demo-1-1.noarch.rpm".to_owned()),
        (
            "PUT",
            "/deb/team/pool/stable/main/demo_1_all.deb".to_owned(),
        ),
    ] {
        let mut stream = client.connect().expect("connect");
        let headers = [("expect", "100-continue")];
        let head = client.head(method, &path, &headers, Some(1001));
        stream.write_all(&head).expect("head");
        let mut reader = BufReader::new(stream);
        // Nothing of the body was sent, and nothing of it is waited for.
        let answer = read_response(&mut reader, method)
            .expect("answer")
            .expect(403);
        assert!(
            answer.text().contains("1000 bytes left"),
            "{method}: {}",
            answer.text()
        );
    }
    // What fits is asked for.
    let mut stream = client.connect().expect("connect");
    let head = client.head(
        "PATCH",
        &location,
        &[("expect", "100-continue")],
        Some(1000),
    );
    stream.write_all(&head).expect("head");
    let mut reader = BufReader::new(stream.try_clone().expect("stream"));
    let mut leave = String::new();
    reader.read_line(&mut leave).expect("leave");
    assert!(leave.starts_with("HTTP/1.1 100 "), "{leave}");
    reader.read_line(&mut leave).expect("the end of its head");
    // It holds the room while it comes, and afterwards as an upload that is not done.
    let other = digest(b"other");
    let other = format!("/v2/team/app/blobs/uploads/?digest={other}");
    client.send("POST", &other, &[], b"other").expect(403);
    stream.write_all(&[7; 1000]).expect("body");
    read_response(&mut reader, "PATCH")
        .expect("answer")
        .expect(202);
    let refused = client.send("POST", &other, &[], b"other").expect(403);
    assert!(
        refused.text().contains("held by uploads"),
        "{}",
        refused.text()
    );
    client.send("DELETE", &location, &[], b"").expect(204);
    client.send("POST", &other, &[], b"other").expect(201);
}

#[test]
fn what_is_deleted_frees_its_room_and_the_api_tells_all_of_it() {
    let larder = larder();
    let client = larder.admin();
    let mut random = Random::seeded();
    let images = [
        Image::random(&mut random, &[70_000, 1000]),
        Image::random(&mut random, &[70_000, 1000]),
    ];
    let size = |image: &Image| {
        image.manifest.len()
            + image
                .blobs
                .iter()
                .map(|(_, bytes)| bytes.len())
                .sum::<usize>()
    };
    hosted(
        &larder,
        "oci",
        "team",
        &json!({"bytes": 80_000, "versions": 3}),
    );
    images[0].push(&client, "team/app", "v1");
    let shown = larder.api("GET", "repositories/oci/team", "", 200);
    assert_eq!(
        shown["quota"],
        json!({"bytes": 80_000, "versions": 3, "warning": true})
    );
    let used = size(&images[0]);
    let expected = json!({"bytes": used, "unique_bytes": used, "versions": 1});
    assert_eq!(shown["usage"], expected);
    assert!(larder.await_line("four fifths of a quota are used"));
    let warned = "/api/v1/audit?action=quota.warn&object=oci/team";
    let entries = client.get(warned).expect(200).json();
    assert_eq!(
        entries["items"].as_array().map(Vec::len),
        Some(1),
        "{entries}"
    );
    let path = format!("/v2/team/app/manifests/{}", images[0].digest);
    client.send("DELETE", &path, &[], b"").expect(202);
    images[1].push(&client, "team/app", "v2");
    assert_eq!(usage(&larder, "oci/team")["bytes"], size(&images[1]));
    // It comes back only where there is room.
    let trash = larder.api("GET", "repositories/oci/team/trash", "", 200);
    let id = trash["items"][0]["id"].as_str().expect("id").to_owned();
    let restore = format!("repositories/oci/team/trash/{id}/restore");
    assert_eq!(
        larder.api("POST", &restore, "", 403)["code"],
        "quota_exceeded"
    );
    let none = json!({"quota": {"bytes": null}});
    let patched = larder.api("PATCH", "repositories/oci/team", &none.to_string(), 200);
    assert_eq!(
        patched["quota"],
        json!({"bytes": null, "versions": 3, "warning": false})
    );
    larder.api("POST", &restore, "", 200);
    images[0].check(&client, "team/app", "v1");
    // What is mirrored, and what only lists others, has none.
    for path in ["npm/upstream", "npm/main"] {
        let quota = json!({"quota": {"bytes": 1}});
        let refused = larder.api(
            "PATCH",
            &format!("repositories/{path}"),
            &quota.to_string(),
            400,
        );
        assert!(
            refused["detail"]
                .as_str()
                .is_some_and(|it| it.contains("hosted")),
            "{refused}"
        );
    }
}

#[test]
fn a_change_is_made_whatever_is_published_meanwhile() {
    let larder = larder();
    let client = larder.admin();
    hosted(&larder, "oci", "team", &json!({}));
    let path = "/api/v1/repositories/oci/team";
    let seen = client.get(path).expect(200);
    let tag = seen.header("etag").expect("tag").to_owned();
    push_blob(&client, "team/app", &digest(b"layer"), b"layer").expect(201);
    let change = |text: &str| {
        let body = json!({"description": text}).to_string();
        let headers = [("if-match", &*tag), ("content-type", "application/json")];
        client.send("PATCH", path, &headers, body.as_bytes())
    };
    change("one").expect(200);
    change("two").expect(412);
}

#[test]
fn skopeo_and_crane_tell_how_much_is_left() {
    let larder = larder();
    hosted(&larder, "oci", "team", &json!({"bytes": 50_000}));
    let image = Image::random(&mut Random::seeded(), &[70_000]);
    let folder = larder.folder().join("image");
    layout::write(&folder, &image, "v1");
    // The image's config may be here by then, so how much is left differs by its bytes.
    let tells = |said: &str| {
        let quota = "the quota of the repository oci/team is 50000 bytes (48.8 KiB): ";
        let (_, told) = said.split_once(quota).unwrap_or_default();
        let (left, _) = told.split_once(" left").unwrap_or_default();
        left.ends_with("KiB)") && said.contains("; see http://")
    };
    if let Some(skopeo) = tool("skopeo") {
        let (from, to) = (
            format!("oci:{}:v1", folder.display()),
            format!("docker://{}/team/app:v1", larder.host()),
        );
        let creds = format!("admin:{PASSWORD}");
        let mut copy = command(&skopeo, larder.folder());
        copy.args([
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            &creds,
            &from,
            &to,
        ]);
        let said = fails(&mut copy);
        assert!(tells(&said), "{said}");
    }
    if let Some(crane) = tool("crane") {
        let home = larder.folder();
        larder_tests::tools::docker_login(home, larder.host(), "admin", PASSWORD);
        let mut push = command(&crane, home);
        push.args(["push", "--insecure"])
            .arg(&folder)
            .arg(format!("{}/team/app:v1", larder.host()))
            .env("DOCKER_CONFIG", home);
        let said = fails(&mut push);
        assert!(tells(&said), "{said}");
    }
}
