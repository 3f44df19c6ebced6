//! Images: every route for every kind of caller, and the ways in which other servers were tricked.

use crate::house::{CALLERS, House};
use larder_registry::endpoint::ROUTES;
use larder_tests::Response;
use larder_tests::image::{digest, push_blob};
use larder_tests::random::Random;
use serde_json::json;

fn path(house: &House, template: &str, name: &str) -> String {
    let digest = if template.contains("/blobs/") {
        house.image.blobs[0].0
    } else {
        house.image.digest
    };
    let path = template
        .replace("{name}", name)
        .replace("{digest}", &digest.to_string());
    path.replace("{session}", "11111111-1111-4111-8111-111111111111")
}

/// What a route needs: 0 read, 1 write, 2 delete.
fn need(method: &str, template: &str) -> usize {
    match method {
        "PUT" | "POST" | "PATCH" => 1,
        _ if template.contains("/uploads/") => 1,
        "DELETE" => 2,
        _ => 0,
    }
}

/// Whether the answer is one that lets nothing happen and tells nothing.
fn refuses(answer: &Response, caller: &str, needed: usize) -> bool {
    match caller {
        "anonymous" | "disabled" => answer.status == 401,
        _ if needed == 0 => answer.status == 404,
        _ => answer.status == 403,
    }
}

#[test]
fn every_route_for_every_caller() {
    let house = House::with_login_attempts("10000");
    for (method, template) in ROUTES
        .into_iter()
        .filter(|(_, template)| template.contains("{name}"))
    {
        let needed = need(method, template);
        for (caller, may) in CALLERS {
            let client = house.client(caller);
            let send = |name: &str| client.send(method, &path(&house, template, name), &[], b"");
            let told = format!("{caller}: {method} {template}");
            if !may[needed] || method != "DELETE" {
                let own = send("team/app");
                let refused = refuses(&own, caller, needed) && !may[needed];
                let passed = ![401, 403].contains(&own.status) && may[needed];
                assert!(refused || passed, "{told}: {} {}", own.status, own.text());
            }
            // What is there and may not be seen looks like what is not there: the same status and
            // the same words.
            if caller != "admin" {
                let (foreign, missing) = (send("secret/app"), send("nowhere/app"));
                assert!(
                    refuses(&foreign, caller, needed),
                    "{told}: {} {}",
                    foreign.status,
                    foreign.text()
                );
                let blurred = |answer: &Response| {
                    (
                        answer.status,
                        answer.text().replace("secret", "?").replace("nowhere", "?"),
                    )
                };
                assert_eq!(blurred(&foreign), blurred(&missing), "{told}");
            }
        }
    }
    // Deletes last, by the least of those who may.
    let maintainer = house.client("maintainer");
    maintainer
        .send("DELETE", "/v2/team/app/manifests/latest", &[], b"")
        .expect(202);
    maintainer
        .send(
            "DELETE",
            &format!("/v2/team/app/manifests/{}", house.image.digest),
            &[],
            b"",
        )
        .expect(202);
    house
        .image
        .check(&house.larder.admin(), "team/other", "latest");
    house
        .image
        .check(&house.larder.admin(), "secret/app", "latest");
}

#[test]
fn lists_name_only_what_the_caller_may_read() {
    let house = House::new();
    for (caller, may) in CALLERS {
        let catalog = house.client(caller).get("/v2/_catalog");
        if ["disabled", "anonymous"].contains(&caller) {
            catalog.expect(401);
            continue;
        }
        let names = catalog.expect(200).json()["repositories"].clone();
        let expected = match caller {
            "admin" => json!(["elsewhere/app", "secret/app", "team/app", "team/other"]),
            "admin-elsewhere" => json!(["elsewhere/app"]),
            _ if may[0] => json!(["team/app", "team/other"]),
            _ => json!([]),
        };
        assert_eq!(names, expected, "{caller}");
    }
}

#[test]
fn a_blob_is_not_reached_through_another_image() {
    let house = House::new();
    let writer = house.client("writer");
    let (secret, bytes) = {
        let bytes = Random::seeded().bytes(5000);
        push_blob(&house.larder.admin(), "secret/app", &digest(&bytes), &bytes).expect(201);
        (digest(&bytes), bytes)
    };
    let unknown = digest(b"never pushed");
    for warm in [false, true] {
        if warm {
            house
                .larder
                .admin()
                .get(&format!("/v2/secret/app/blobs/{secret}"))
                .expect(200);
        }
        for from in [
            "&from=secret/app",
            "",
            "&from=nowhere/app",
            "&from=..%2Fsecret",
            "&from=%01",
        ] {
            let mount = |digest| {
                writer.send(
                    "POST",
                    &format!("/v2/team/app/blobs/uploads/?mount={digest}{from}"),
                    &[],
                    b"",
                )
            };
            let (hidden, missing) = (mount(secret), mount(unknown));
            assert_eq!((hidden.status, missing.status), (202, 202), "{from}");
        }
        writer
            .get(&format!("/v2/team/app/blobs/{secret}"))
            .expect(404);
        writer
            .send("HEAD", &format!("/v2/team/app/blobs/{secret}"), &[], b"")
            .expect(404);
    }
    // Who has the bytes may push them; that gives nothing but their own name for them.
    push_blob(&writer, "team/app", &secret, &bytes).expect(201);
    house
        .client("maintainer")
        .send("DELETE", &format!("/v2/team/app/blobs/{secret}"), &[], b"")
        .expect(202);
    writer
        .get(&format!("/v2/team/app/blobs/{secret}"))
        .expect(404);
    house
        .larder
        .admin()
        .get(&format!("/v2/secret/app/blobs/{secret}"))
        .expect(200);
}

#[test]
fn an_upload_belongs_to_its_maker_and_its_image() {
    let house = House::new();
    let (writer, other) = (house.client("writer"), house.client("maintainer"));
    let started = writer
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let fresh = started.header("location").expect("location").to_owned();
    let patched = writer.send("PATCH", &fresh, &[], b"first").expect(202);
    let begun = patched.header("location").expect("location").to_owned();
    let another = writer
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let untouched = another.header("location").expect("location").to_owned();
    for location in [&begun, &untouched] {
        let last = format!("{location}&digest={}", digest(b"first"));
        for (method, path) in [
            ("GET", location),
            ("PATCH", location),
            ("PUT", &last),
            ("DELETE", location),
        ] {
            other.send(method, path, &[], b"").expect(404);
            writer
                .send(method, &path.replace("team/app", "team/other"), &[], b"")
                .expect(404);
        }
    }
    let forged = untouched.replace("_state=", "_state=x");
    writer
        .send("PUT", &format!("{forged}&digest={}", digest(b"")), &[], b"")
        .expect(404);
    writer
        .send(
            "PUT",
            &format!("{begun}&digest={}", digest(b"first")),
            &[],
            b"",
        )
        .expect(201);
}

#[test]
fn an_image_of_a_deleted_repo_stays_reserved() {
    let house = House::new();
    let admin = house.larder.admin();
    let repo = "/api/v1/repositories/oci/team";
    admin
        .send("DELETE", &format!("{repo}?force=true"), &[], b"")
        .expect(204);
    let manifest = br#"{"any":"thing"}"#;
    let sent_as = [("content-type", "application/vnd.acme+json")];
    let push = |image: &str| {
        let path = format!("/v2/team/{image}/manifests/1");
        admin.send("PUT", &path, &sent_as, manifest)
    };
    push("fresh").expect(201);
    let refused = push("app").expect(409);
    assert_eq!(refused.json()["errors"][0]["code"], "DENIED");
    let told = refused.text();
    assert!(told.contains("the name app is reserved"), "{told}");
    admin.get("/v2/team/app/manifests/1").expect(404);

    let listed = admin.get("/api/v1/reservations?repository=oci/team");
    let listed = listed.expect(200).json();
    let of_app = listed["items"].as_array().expect("items").iter();
    let of_app = of_app.filter(|reserved| reserved["package"] == "app");
    for reserved in of_app {
        let id = reserved["id"].as_str().expect("id");
        let path = format!("/api/v1/reservations/{id}");
        admin.send("DELETE", &path, &[], b"").expect(204);
    }
    push("app").expect(201);
}
