//! Images of another registry: by the repo's name, by `?ns=`, as a mirror of names without a repo;
//! by real clients, and when the other registry is gone.

use crate::bed::Bed;
use larder_tests::image::put_manifest;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, fails, run};
use larder_tests::{Client, Image, Larder, Shelf, Start, layout, tool};
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn server() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// A registry that wants a login, and a mirror of it that does not.
fn registries() -> (Larder, Larder) {
    let (origin, mirror) = (server(), server());
    let upstream = json!({"url": origin.url(), "username": "admin", "password": PASSWORD, "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "fresh_seconds": 0, "upstream": upstream});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    mirror
        .anonymous()
        .get("/v2/up/team/app/manifests/1")
        .expect(401);
    mirror.grant("anonymous", "oci/up", "*", "reader");
    mirror.api(
        "PATCH",
        "settings",
        r#"{"oci":{"default_mirror":"up"}}"#,
        200,
    );
    (origin, mirror)
}

#[test]
fn an_image_is_found_by_every_name_and_kept() {
    let (mut origin, mirror) = registries();
    let mut random = Random::seeded();
    let (image, next) = (
        Image::random(&mut random, &[100, 300_000]),
        Image::random(&mut random, &[100]),
    );
    image.push(&origin.admin(), "team/app", "1");
    let nobody = mirror.anonymous();
    for name in ["up/team/app", "team/app"] {
        image.check(&nobody, name, "1");
    }
    let by_host = nobody.get("/v2/team/app/manifests/1?ns=up").expect(200);
    assert_eq!(
        by_host.header("docker-content-digest"),
        Some(image.digest.to_string().as_str())
    );
    nobody.get("/v2/up/team/app/manifests/1?ns=up").expect(200);
    assert_eq!(
        by_host.body,
        nobody.get("/v2/up/team/app/manifests/1").expect(200).body
    );
    assert!(
        nobody
            .get("/v2/up/team/app/tags/list")
            .expect(200)
            .text()
            .contains("\"1\"")
    );
    nobody.get("/v2/up/team/none/manifests/1").expect(404);

    // A tag that moves is followed; the image that it named before is still there by its digest.
    next.push(&origin.admin(), "team/app", "1");
    next.check(&nobody, "up/team/app", "1");
    image.check(&nobody, "up/team/app", &image.digest.to_string());

    // Nothing is pushed to a mirror.
    let admin = mirror.admin();
    let refused = admin
        .send("POST", "/v2/up/team/app/blobs/uploads/", &[], b"")
        .expect(405);
    assert!(refused.text().contains("mirror"), "{}", refused.text());
    put_manifest(
        &admin,
        "up/team/app",
        "2",
        "application/vnd.oci.image.manifest.v1+json",
        b"{}",
    )
    .expect(405);

    origin.kill();
    for name in ["up/team/app", "team/app"] {
        next.check(&nobody, name, "1");
    }
    let told = nobody.get("/v2/up/team/app/manifests/3").expect(503);
    assert!(
        told.header("retry-after").is_some()
            && told
                .text()
                .contains("the upstream of oci/up cannot be reached"),
        "{}",
        told.text()
    );
    mirror.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    next.check(&nobody, "up/team/app", "1");
    let told = nobody.get("/v2/up/team/app/manifests/3").expect(403).text();
    assert!(told.contains("offline"), "{told}");
}

fn skopeo(program: &Path, home: &Path, words: &[&str]) -> Command {
    let mut skopeo = command(program, home);
    std::fs::write(home.join("auth.json"), "{}").expect("logins");
    skopeo
        .env("REGISTRY_AUTH_FILE", home.join("auth.json"))
        .args(words);
    skopeo
}

#[test]
fn skopeo_copies_all_of_an_index_through_a_mirror() {
    let Some(program) = tool("skopeo") else {
        return;
    };
    let (mut origin, mirror) = registries();
    let images = [
        layout::runnable(b"one", "amd64"),
        layout::runnable(b"two", "arm64"),
    ];
    for image in &images {
        image.push(&origin.admin(), "team/many", &image.digest.to_string());
    }
    let index = layout::index(&[("amd64", &images[0]), ("arm64", &images[1])]);
    put_manifest(
        &origin.admin(),
        "team/many",
        "1",
        "application/vnd.oci.image.index.v1+json",
        &index,
    )
    .expect(201);
    let home = mirror.folder().to_owned();
    let from = format!("docker://{}/up/team/many:1", mirror.host());
    let copy = [
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--src-no-creds",
        &from,
    ];
    run(&mut skopeo(
        &program,
        &home,
        &[&copy[..], &["oci:first:1"]].concat(),
    ));
    origin.stop();
    run(&mut skopeo(
        &program,
        &home,
        &[&copy[..], &["oci:second:1"]].concat(),
    ));
    for folder in ["first", "second"] {
        for image in &images {
            for (digest, bytes) in &image.blobs {
                let path = home.join(folder).join("blobs/sha256").join(digest.hex());
                assert_eq!(std::fs::read(path).expect("blob"), *bytes);
            }
        }
    }
    let missing = format!("docker://{}/up/team/none:1", mirror.host());
    let told = fails(&mut skopeo(
        &program,
        &home,
        &["inspect", "--tls-verify=false", "--no-creds", &missing],
    ));
    assert!(
        told.contains("not kept") || told.contains("Service Unavailable") || told.contains("503"),
        "{told}"
    );
}

#[test]
fn crane_pulls_by_a_name_without_a_repo() {
    let Some(program) = tool("crane") else { return };
    let (origin, mirror) = registries();
    let image = layout::runnable(b"no program", "amd64");
    image.push(&origin.admin(), "library/tool", "latest");
    let home = mirror.folder().to_owned();
    let mut crane = command(&program, &home);
    run(crane.args([
        "pull",
        "--insecure",
        "--format",
        "oci",
        &format!("{}/library/tool", mirror.host()),
        "to",
    ]));
    layout::check(&home.join("to"), &image);
}

/// Names without a repository are those of the default mirror, until somebody pushes there.
#[test]
fn a_first_push_makes_a_repository_beside_a_default_mirror() {
    let (_origin, mirror) = registries();
    let image = Image::random(&mut Random::seeded(), &[100, 200_000]);
    let scope = "repository:newteam/app:pull,push";
    let path = format!("/v2/token?service=larder&scope={scope}");
    let told = mirror.admin().get(&path).expect(200).json();
    let bearer = format!("Bearer {}", told["token"].as_str().expect("a token"));
    let client = Client::with_authorization(mirror.address(), &bearer);
    // As clients do before they push: what is there already is not sent.
    let blob = format!("/v2/newteam/app/blobs/{}", image.blobs[0].0);
    client.send("HEAD", &blob, &[], b"").expect(404);
    image.push(&client, "newteam/app", "1");
    image.check(&mirror.admin(), "newteam/app", "1");
    let made = mirror.api("GET", "repositories/oci/newteam", "", 200);
    assert_eq!(made["kind"], "hosted");
    // Where a mirror is, nothing is pushed.
    let refused = mirror
        .admin()
        .send("POST", "/v2/up/app/blobs/uploads/", &[], b"");
    assert!(refused.expect(405).text().contains("mirror"));
}

/// What was published under a name that is gone comes from no registry of that name, whichever way it
/// is asked for.
#[test]
fn images_of_a_deleted_repository_come_from_no_default_mirror() {
    let bed = Bed::new();
    let shelf = Shelf::new("oci", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    let ours = Image::random(&mut Random::new(5), &[20]);
    ours.push(&bed.larder.admin(), "priv/app", "1");
    let default = r#"{"oci":{"default_mirror":"up"}}"#;
    bed.larder.api("PATCH", "settings", default, 200);
    let theirs = Image::random(&mut Random::seeded(), &[20]);
    for name in ["priv/app", "other/app"] {
        bed.upstream.put_with(
            &format!("/v2/{name}/manifests/1"),
            theirs.manifest.clone(),
            &[("content-type", larder_tests::image::MANIFEST)],
        );
    }
    let there = "/v2/priv/app/manifests/1";
    let delete = |query: &str| {
        let path = format!("/api/v1/repositories/oci/priv{query}");
        bed.larder.admin().send("DELETE", &path, &[], b"")
    };
    delete("").expect(204);
    for client in [bed.larder.admin(), bed.larder.anonymous()] {
        for path in [there, "/v2/priv/app/manifests/1?ns=registry.example"] {
            let status = client.get(path).status;
            assert!(matches!(status, 401 | 404), "{path}: {status}");
        }
        client.get("/v2/other/app/manifests/1").expect(200);
    }
    assert_eq!(bed.upstream.count(there), 0);
}

/// Which mirror has the host of a registry is told to nobody whose credentials say nothing.
#[test]
fn a_private_mirror_of_a_host_is_named_to_nobody() {
    let mirror = server();
    let upstream = json!({"url": "http://127.0.0.1:9", "username": "u", "password": "p", "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": upstream});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    let challenge = |image: &str, headers: &[(&str, &str)]| {
        let asked = format!("/v2/{image}/manifests/1?ns=127.0.0.1:9");
        let answer = mirror.anonymous().send("GET", &asked, headers, b"");
        let answer = answer.expect(401);
        let challenge = answer.header("www-authenticate");
        challenge.expect("a challenge").to_owned()
    };
    let without = challenge("team/app", &[]);
    assert!(without.contains("repository:team/app:pull"), "{without}");
    for wrong in ["Bearer nonsense", "Basic bm9ib2R5Ondyb25n"] {
        let wrong = [("authorization", wrong)];
        assert_eq!(challenge("team/app", &wrong), without);
        let short = challenge("nginx", &wrong);
        assert!(!short.contains("up/nginx"), "{short}");
    }
}
