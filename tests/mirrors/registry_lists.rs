//! Tags that move or vanish where heads are refused, media types, lists in pages, and the names by
//! which clients call a registry.

use crate::bed::{Bed, status};
use crate::images_wrong::{IMAGE, here, manifest_path, put_image};
use crate::wrong::{FORGETFUL, SMALL};
use larder_model::{Algorithm, Digest};
use larder_tests::http::Response;
use larder_tests::image::{MANIFEST, digest};
use larder_tests::random::Random;
use larder_tests::tools::{command, run};
use larder_tests::{Fault, Image, Shelf, Upstream, tool};
use serde_json::{Value, json};

const TAG: &str = "/v2/up/team/app/manifests/1";
/// The media type of an index.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn mirror() -> (Bed, Shelf) {
    mirror_with(&FORGETFUL)
}

fn mirror_with(settings: &[(&str, &str)]) -> (Bed, Shelf) {
    let bed = Bed::with(settings);
    let shelf = Shelf::new("oci", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    (bed, shelf)
}

#[test]
fn a_tag_that_moves_is_seen_where_heads_are_refused() {
    let impatient = ("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "1s");
    let (bed, shelf) = mirror_with(&[FORGETFUL[0], impatient]);
    let mut random = Random::seeded();
    let refusals = [400, 403, 405, 500, 501, 502].map(Fault::Heads);
    for (number, refusal) in refusals.into_iter().chain([Fault::SilentHeads]).enumerate() {
        let mut image = || Image::random(&mut random, &[SMALL]);
        let (before, after) = (image(), image());
        let tag = format!("t{number}");
        put_image(&bed.upstream, &tag, &before);
        bed.upstream.fail(&manifest_path(&tag), refusal);
        before.check(&bed.client, "up/team/app", &tag);
        put_image(&bed.upstream, &tag, &after);
        bed.turn(10_000);
        after.check(&bed.client, "up/team/app", &tag);
        bed.rest(&shelf);
    }
}

#[test]
fn a_manifest_goes_out_with_the_media_type_that_its_bytes_tell() {
    let (bed, _shelf) = mirror();
    let mut random = Random::seeded();
    for said in [
        "application/json",
        "text/plain",
        "",
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
    ] {
        let image = Image::random(&mut random, &[SMALL]);
        let by_digest = manifest_path(&image.digest.to_string());
        for path in [&manifest_path("1"), &by_digest] {
            bed.upstream
                .put_with(path, image.manifest.clone(), &[("content-type", said)]);
        }
        bed.turn(10_000);
        for path in [TAG, &here(&by_digest)] {
            let answer = bed.right(path, &image.manifest);
            assert_eq!(answer.header("content-type"), Some(MANIFEST), "{said}");
        }
    }
    // An index by its shape, also one too large for a row.
    let filling = "x".repeat(100_000);
    let index = json!({"schemaVersion": 2, "manifests": [], "annotations": {"filling": filling}});
    let index = index.to_string().into_bytes();
    let there = manifest_path(&digest(&index).to_string());
    bed.upstream
        .put_with(&there, index.clone(), &[("content-type", "text/html")]);
    for _ in ["fetched", "kept"] {
        let answer = bed.right(&here(&there), &index);
        assert_eq!(answer.header("content-type"), Some(INDEX));
    }
}

/// Of one that does not tell it itself.
#[test]
fn a_mirror_goes_by_what_its_own_upstream_says_of_a_manifest() {
    let (bed, _shelf) = mirror();
    let other = Upstream::start();
    let up = json!({"protocol": "oci", "name": "other", "kind": "mirror",
        "upstream": {"url": other.url(), "allow_private": true}});
    bed.larder.api("POST", "repositories", &up.to_string(), 201);
    let manifest = br#"{"schemaVersion":2,"layers":[]}"#;
    let by_digest = manifest_path(&digest(manifest).to_string());
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    bed.upstream
        .put_with(&by_digest, manifest, &[("content-type", docker)]);
    other.put_with(&by_digest, manifest, &[("content-type", MANIFEST)]);
    let told = |path: &str| {
        let answer = bed.right(path, manifest);
        answer.header("content-type").map(str::to_owned)
    };
    let (first, second) = (
        here(&by_digest),
        here(&by_digest).replace("/up/", "/other/"),
    );
    for _ in ["fetched", "kept", "kept still"] {
        assert_eq!(told(&first).as_deref(), Some(docker));
        assert_eq!(told(&second).as_deref(), Some(MANIFEST));
    }
}

/// As versions before this one kept them.
#[test]
fn what_was_kept_with_another_media_type_is_put_right() {
    let Some(python) = tool("python3") else {
        return;
    };
    let (mut bed, _shelf) = mirror();
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    put_image(&bed.upstream, "1", &image);
    let by_digest = here(&manifest_path(&image.digest.to_string()));
    bed.get(TAG).expect(200);
    bed.larder.stop();
    let database = bed.larder.data().join("larder.db");
    let python = |script: &str| {
        let home = tempfile::tempdir().expect("folder");
        run(command(&python, home.path())
            .args(["-c", script])
            .arg(&database))
    };
    python(
        "import sqlite3, sys\n\
         base = sqlite3.connect(sys.argv[1])\n\
         base.execute(\"update files set content_type = 'text/plain' where kind in ('tag', 'manifest')\")\n\
         base.commit()\n",
    );
    bed.start_again();
    for path in [TAG, &by_digest] {
        assert_eq!(
            bed.get(path).expect(200).header("content-type"),
            Some(MANIFEST)
        );
    }
    bed.larder.stop();
    let kept = python(
        "import sqlite3, sys\n\
         base = sqlite3.connect(sys.argv[1])\n\
         print(base.execute(\"select count(*) from files where content_type = 'text/plain'\").fetchone()[0])\n",
    );
    assert_eq!(kept.trim(), "0");
}

/// The answers to a path and to all that `Link` leads to.
fn pages(bed: &Bed, path: &str) -> Vec<Response> {
    let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = bed.get(&path).expect(200);
        next = page.header("link").map(|link| {
            let (target, rest) = link[1..].split_once('>').expect("a link");
            assert_eq!(rest, "; rel=\"next\"");
            target.to_owned()
        });
        pages.push(page);
    }
    pages
}

fn tags_of(page: &Response) -> Vec<String> {
    let page = page.json();
    let tags = page["tags"].as_array().expect("tags").iter();
    tags.map(|tag| tag.as_str().expect("tag").to_owned())
        .collect()
}

#[test]
fn all_tags_are_found_and_as_many_given_as_are_wanted() {
    let (bed, shelf) = mirror();
    let there = format!("/v2/{IMAGE}/tags/list");
    let tags: Vec<String> = (0..60).map(|at| format!("v{at:02}")).collect();
    // Its own tokens lead on, and its links to a name that only it knows.
    let list = |query: &str, tags: &[String], next: &str| {
        let body = json!({"name": IMAGE, "tags": tags}).to_string();
        let link = format!("<http://inside.invalid/v2/{IMAGE}/tags/list?{next}>; rel=\"next\"");
        let headers = [("content-type", "application/json"), ("link", &*link)];
        let headers = &headers[..if next.is_empty() { 1 } else { 2 }];
        bed.upstream
            .put_with(&format!("{there}?{query}"), body, headers);
    };
    list("n=1000", &tags[..25], "n=25&next_page=a%2Fb");
    list("n=25&next_page=a%2Fb", &tags[25..50], "n=25&last=v49");
    list("n=25&last=v49", &tags[50..], "");
    let list_here = here(&there);
    let all = bed.get(&list_here).expect(200);
    assert_eq!(all.json()["name"], format!("up/{IMAGE}"));
    assert_eq!((tags_of(&all), all.header("link")), (tags.clone(), None));
    let some = pages(&bed, &format!("{list_here}?n=17&last=v09"));
    assert_eq!(
        some.iter()
            .map(|page| tags_of(page).len())
            .collect::<Vec<_>>(),
        [17, 17, 16]
    );
    let some: Vec<String> = some.iter().flat_map(tags_of).collect();
    assert_eq!(some, tags[10..]);
    assert!(
        status(&all).starts_with("larder; fwd=miss"),
        "{}",
        status(&all)
    );
    assert_eq!(bed.upstream.total(), 3, "what is kept is not asked for");
    bed.get(&format!("{list_here}?n=x")).expect(400);
    // Another list is seen though its first page is the same.
    list("n=25&last=v49", &[], "");
    bed.turn(10_000);
    assert_eq!(tags_of(&bed.get(&list_here)), tags[..50]);
    // One that has no end is none, and the kept one stays.
    list("n=25&last=v49", &[], "n=25&next_page=a%2Fb");
    bed.turn(10_000);
    let kept = bed.get(&list_here).expect(200);
    assert!(status(&kept).ends_with("detail=stale"), "{}", status(&kept));
    bed.rest(&shelf);
}

#[test]
fn a_list_has_the_name_that_was_asked_for() {
    let (bed, shelf) = mirror();
    let there = "/v2/library/busybox/tags/list?n=1000";
    let list = json!({"name": "library/busybox", "tags": ["2", "1"]});
    bed.upstream.put(there, list.to_string());
    let hub = json!({"protocol": "oci", "name": "docker.io", "kind": "mirror",
        "upstream": {"url": bed.upstream.url(), "allow_private": true}});
    bed.larder
        .api("POST", "repositories", &hub.to_string(), 201);
    for (path, name) in [
        ("/v2/docker.io/busybox/tags/list", "docker.io/busybox"),
        (
            "/v2/docker.io/library/busybox/tags/list",
            "docker.io/library/busybox",
        ),
        (
            "/v2/library/busybox/tags/list?ns=docker.io",
            "library/busybox",
        ),
    ] {
        let right = json!({"name": name, "tags": ["1", "2"]});
        assert_eq!(bed.get(path).expect(200).json(), right);
    }
    let linked = pages(&bed, "/v2/library/busybox/tags/list?n=1&ns=docker.io");
    assert_eq!(linked.len(), 2);
    bed.rest(&shelf);
}

#[test]
fn all_referrers_are_found_and_told_apart() {
    let (bed, _shelf) = mirror();
    let subject = format!("sha256:{}", "f".repeat(64));
    let there = format!("/v2/{IMAGE}/referrers/{subject}");
    let referrer = |at: usize| {
        let kind = if at.is_multiple_of(2) {
            "application/spdx+json"
        } else {
            "a/b"
        };
        json!({"mediaType": MANIFEST, "digest": format!("sha256:{at:064}"), "size": 5, "artifactType": kind})
    };
    let all: Vec<Value> = (0..6).map(referrer).collect();
    let page = |query: &str, some: &[Value], next: &str| {
        let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": some}).to_string();
        let link = format!("<{there}?{next}>; rel=\"next\"");
        let headers = [("content-type", INDEX), ("link", &*link)];
        let headers = &headers[..if next.is_empty() { 1 } else { 2 }];
        bed.upstream
            .put_with(&format!("{there}{query}"), body, headers);
    };
    page("", &all[..2], "last=b");
    page("?last=b", &all[2..4], "last=d");
    page("?last=d", &all[4..], "");
    let found = bed.get(&here(&there)).expect(200);
    assert_eq!(found.json()["manifests"], json!(all));
    assert_eq!(found.header("content-type"), Some(INDEX));
    assert_eq!(found.header("oci-filters-applied"), None);
    let spdx: Vec<&Value> = all.iter().step_by(2).collect();
    for filter in ["application/spdx+json", "application%2Fspdx%2Bjson"] {
        let found = bed
            .get(&format!("{}?artifactType={filter}", here(&there)))
            .expect(200);
        assert_eq!(found.json()["manifests"], json!(spdx), "{filter}");
        assert_eq!(found.header("oci-filters-applied"), Some("artifactType"));
    }
    let found = bed
        .get(&format!("{}?artifactType=", here(&there)))
        .expect(200);
    assert_eq!(found.json()["manifests"], json!(all));
    assert_eq!(found.header("oci-filters-applied"), None);
    assert_eq!(bed.upstream.total(), 3, "{:?}", bed.upstream.take_asked());
}

#[test]
fn what_vanished_upstream_is_served_where_its_operator_says_so() {
    let (bed, shelf) = mirror();
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    let gone = |status: u16| {
        bed.upstream
            .fail(&manifest_path("1"), Fault::Status(status));
    };
    for status_of_absence in [404, 410, 401] {
        put_image(&bed.upstream, "1", &image);
        bed.upstream.heal();
        bed.turn(10_000);
        image.check(&bed.client, "up/team/app", "1");
        gone(status_of_absence);
        bed.turn(10_000);
        for _ in ["asked", "known"] {
            let answer = bed.right(TAG, &image.manifest);
            assert!(
                status(&answer).ends_with("detail=vanished"),
                "{}",
                status(&answer)
            );
        }
        bed.get("/v2/up/team/app/manifests/none").expect(404);
        bed.change(&shelf, &json!({"serve_vanished": false}));
        bed.get(TAG).expect(404);
        bed.change(&shelf, &json!({"serve_vanished": true}));
    }
    // It comes again where it is there again.
    bed.upstream.heal();
    bed.turn(10_000);
    image.check(&bed.client, "up/team/app", "1");
}

#[test]
fn a_mirror_is_found_by_all_names_of_its_registry() {
    let (bed, _shelf) = mirror();
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    put_image(&bed.upstream, "1", &image);
    let hub = json!({"protocol": "oci", "name": "docker.io", "kind": "mirror",
        "upstream": {"url": bed.upstream.url(), "allow_private": true}});
    bed.larder
        .api("POST", "repositories", &hub.to_string(), 201);
    let port = bed.upstream.port();
    for host in [
        "docker.io".to_owned(),
        "Docker.io".to_owned(),
        "index.docker.io".to_owned(),
        "registry-1.docker.io".to_owned(),
        "registry-1.docker.io%3A443".to_owned(),
        "up".to_owned(),
        format!("127.0.0.1:{port}"),
        format!("127.0.0.1%3A{port}"),
    ] {
        let path = format!("/v2/team/app/manifests/1?ns={host}");
        bed.right(&path, &image.manifest);
    }
    bed.get("/v2/team/app/manifests/1?ns=other.example")
        .expect(404);
    let lines = bed
        .larder
        .admin()
        .get("/api/v1/connect/containerd/oci/up")
        .expect(200);
    let folder = format!("/etc/containerd/certs.d/127.0.0.1:{port}/hosts.toml");
    assert!(lines.text().contains(&folder), "{}", lines.text());
    // Where an upstream is, not everyone is told.
    let lines = bed
        .client
        .get("/api/v1/connect/containerd/oci/up")
        .expect(200);
    assert!(
        !lines.text().contains(&port.to_string()),
        "{}",
        lines.text()
    );
}

/// Who asks by a digest of another algorithm is told that one.
#[test]
fn an_image_is_known_by_the_digest_that_it_is_asked_by() {
    let (bed, _shelf) = mirror();
    let image = Image::random(&mut Random::seeded(), &[SMALL, 300_000]);
    let sha512 = |bytes: &[u8]| Digest::of(Algorithm::Sha512, bytes).to_string();
    let manifest = sha512(&image.manifest);
    let headers = [("content-type", MANIFEST)];
    bed.upstream
        .put_with(&manifest_path(&manifest), image.manifest.clone(), &headers);
    let mut asked = vec![(manifest_path(&manifest), &image.manifest)];
    for (_, bytes) in &image.blobs {
        let path = format!("/v2/{IMAGE}/blobs/{}", sha512(bytes));
        bed.upstream.put(&path, bytes.clone());
        asked.push((path, bytes));
    }
    for part in ["on its way", "kept"] {
        for (path, bytes) in &asked {
            let answer = bed.right(&here(path), bytes);
            let digest = answer.header("docker-content-digest");
            assert_eq!(digest, Some(&*sha512(bytes)), "{part}: {path}");
            assert!(answer.header("docker-distribution-api-version").is_some());
        }
    }
}
