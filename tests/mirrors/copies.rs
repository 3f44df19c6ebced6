//! Images are copied between repositories: promoted from a mirror, or moved from one hosted
//! repository to another.

use larder_tests::image::{INDEX, MANIFEST, digest, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, run};
use larder_tests::{Client, Image, Larder, Start, tool};
use serde_json::{Value, json};

fn server() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// An index of one image, with a signature about it, in `team/app` at `all`.
struct Pushed {
    image: Image,
    signature: Image,
    index: Vec<u8>,
}

fn push(client: &Client) -> Pushed {
    let mut random = Random::seeded();
    let image = Image::random(&mut random, &[100, 100_000]);
    image.push(client, "team/app", "one");
    let of = json!({"mediaType": MANIFEST, "digest": image.digest.to_string(),
        "size": image.manifest.len()});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [of]});
    let index = index.to_string().into_bytes();
    put_manifest(client, "team/app", "all", INDEX, &index).expect(201);
    let subject = json!({"mediaType": INDEX, "digest": digest(&index).to_string(),
        "size": index.len()});
    let extra = json!({"subject": subject, "artifactType": "application/signature"});
    let signature = Image::of(b"{}".to_vec(), vec![b"s".to_vec()], &extra);
    signature.push(client, "team/app", &signature.digest.to_string());
    Pushed {
        image,
        signature,
        index,
    }
}

impl Pushed {
    /// All of it comes back from another place.
    #[track_caller]
    fn check(&self, client: &Client, name: &str, tag: &str) {
        let path = format!("/v2/{name}/manifests/{tag}");
        assert_eq!(client.get(&path).expect(200).body, self.index);
        for image in [&self.image, &self.signature] {
            image.check(client, name, &image.digest.to_string());
        }
        let referrers = format!("/v2/{name}/referrers/{}", digest(&self.index));
        let listed = client.get(&referrers).expect(200).json();
        let listed: Vec<_> = listed["manifests"]
            .as_array()
            .expect("manifests")
            .iter()
            .map(|it| (&it["digest"], &it["artifactType"]))
            .collect();
        let expected = json!(self.signature.digest.to_string());
        assert_eq!(listed, [(&expected, &json!("application/signature"))]);
    }
}

fn copy(larder: &Larder, from: &str, to: &Value, status: u16) -> Value {
    let path = format!("repositories/oci/{from}/copy");
    larder.api("POST", &path, &json!({"to": to}).to_string(), status)
}

fn hosted(larder: &Larder, name: &str) {
    let body = json!({"protocol": "oci", "name": name});
    larder.api("POST", "repositories", &body.to_string(), 201);
}

#[test]
fn an_image_outlives_the_repository_that_it_was_copied_from() {
    let larder = server();
    let admin = larder.admin();
    let pushed = push(&admin);
    hosted(&larder, "prod");
    let to = json!({"repository": "oci/prod", "package": "web", "version": "stable"});
    let copied = copy(&larder, "team/packages/app/versions/all", &to, 200);
    assert_eq!(
        (&copied["digest"], &copied["package"], &copied["version"]),
        (
            &json!(digest(&pushed.index).to_string()),
            &json!("web"),
            &json!("stable")
        )
    );
    // An index, an image of three blobs, a signature of two.
    assert_eq!(copied["files"], json!(3 + 3 + 2));
    larder.api("DELETE", "repositories/oci/team?force=true", "", 204);
    pushed.check(&admin, "prod/web", "stable");
    // Alone, by its digest, without a tag.
    let version = format!("prod/packages/web/versions/{}", pushed.image.digest);
    copy(
        &larder,
        &version,
        &json!({"repository": "oci/prod", "package": "one"}),
        200,
    );
    let alone = pushed.image.digest.to_string();
    pushed.image.check(&admin, "prod/one", &alone);
    let tags = admin.get("/v2/prod/one/tags/list").expect(200).json();
    assert_eq!(tags["tags"], json!([]));
}

#[test]
fn a_mirrored_image_is_promoted_with_what_was_not_kept() {
    let (mut origin, larder) = (server(), server());
    let pushed = push(&origin.admin());
    let upstream = json!({"url": origin.url(), "username": "admin", "password": PASSWORD,
        "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": upstream});
    larder.api("POST", "repositories", &body.to_string(), 201);
    hosted(&larder, "prod");
    let admin = larder.admin();
    admin.get("/v2/up/team/app/manifests/all").expect(200);
    let from = "up/packages/team%2Fapp/versions";
    let to = json!({"repository": "oci/prod", "package": "app"});
    copy(&larder, &format!("{from}/all"), &to, 200);
    let missing = copy(&larder, &format!("{from}/none"), &to, 404);
    assert_eq!(missing["code"], json!("version_not_found"));
    origin.kill();
    larder.api("DELETE", "repositories/oci/up?force=true", "", 204);
    pushed.check(&admin, "prod/app", "all");
    let Some(skopeo) = tool("skopeo") else {
        return;
    };
    let source = format!("docker://{}/prod/app:all", larder.host());
    let target = format!("dir:{}", larder.folder().join("pulled").display());
    let login = format!("admin:{PASSWORD}");
    run(command(&skopeo, larder.folder()).args([
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--src-creds",
        &login,
        &source,
        &target,
    ]));
}

#[test]
fn a_mirrored_image_that_cannot_be_had_whole_is_not_copied_at_all() {
    let (mut origin, larder) = (server(), server());
    push(&origin.admin());
    let upstream = json!({"url": origin.url(), "username": "admin", "password": PASSWORD,
        "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": upstream});
    larder.api("POST", "repositories", &body.to_string(), 201);
    hosted(&larder, "prod");
    let admin = larder.admin();
    admin.get("/v2/up/team/app/manifests/all").expect(200);
    origin.kill();
    let from = "up/packages/team%2Fapp/versions/all";
    let to = json!({"repository": "oci/prod", "package": "app"});
    let told = copy(&larder, from, &to, 503);
    assert_eq!(told["code"], json!("upstream_unreachable"));
    larder.api("PATCH", "repositories/oci/up", r#"{"offline":true}"#, 200);
    assert_eq!(copy(&larder, from, &to, 403)["code"], json!("offline"));
    let packages = larder.api("GET", "repositories/oci/prod/packages", "", 200);
    assert_eq!(packages["items"], json!([]));
    admin.get("/v2/prod/app/manifests/all").expect(404);
}

#[test]
fn who_copies_must_read_there_and_publish_here() {
    let larder = server();
    let pushed = push(&larder.admin());
    hosted(&larder, "prod");
    let body = json!({"to": {"repository": "oci/prod"}}).to_string();
    let send = |client: &Client| {
        let path = "/api/v1/repositories/oci/team/packages/app/versions/one/copy";
        let headers = [("content-type", "application/json")];
        client.send("POST", path, &headers, body.as_bytes())
    };
    for (name, grants, status) in [
        ("nobody", &[][..], 404),
        ("reader", &[("oci/team", "reader")], 403),
        ("writer", &[("oci/prod", "writer")], 404),
        (
            "both",
            &[("oci/team", "reader"), ("oci/prod", "writer")],
            200,
        ),
    ] {
        let client = larder.make_user(name);
        for (repository, role) in grants {
            larder.grant(&format!("user:{name}"), repository, "*", role);
        }
        send(&client).expect(status);
        let there = larder.admin().get("/v2/prod/app/manifests/one").status;
        assert_eq!(there == 200, status == 200, "{name}");
    }
    larder
        .anonymous()
        .get("/v2/prod/app/manifests/one")
        .expect(401);
    let by = "repositories/oci/prod/packages/app/versions/one";
    let told = larder.api("GET", by, "", 200);
    assert_eq!(told["created_by"], json!("user:both"));
    pushed.image.check(&larder.admin(), "prod/app", "one");
    let mirror = json!({"protocol": "oci", "name": "up", "kind": "mirror",
        "upstream": {"url": "https://registry.example/"}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    // Mirrors and groups take no copies, nor do repositories of another protocol.
    for (to, status, code) in [
        ("oci/up", 405, "unsupported"),
        ("npm/local", 400, "repository_invalid"),
        ("oci/none", 404, "repository_not_found"),
    ] {
        let from = "team/packages/app/versions/one";
        let told = copy(&larder, from, &json!({"repository": to}), status);
        assert_eq!(told["code"], json!(code), "{to}");
    }
    let bad = json!({"repository": "oci/prod", "version": "no tag!"});
    let told = copy(&larder, "team/packages/app/versions/one", &bad, 400);
    assert_eq!(told["code"], json!("version_invalid"));
}
