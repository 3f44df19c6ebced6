//! A mirror is told to ask its upstream now.

use crate::bed::Bed;
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::{in_path, package_of};
use larder_tests::random::Random;
use larder_tests::{Fault, Image, Larder, Start};
use serde_json::{Value, json};

const OLD: &[u8] = b"the old one";
const NEW: &[u8] = b"the new one";

/// The outcomes of all documents that were asked for.
fn outcomes(told: &Value) -> Vec<String> {
    let documents = told["documents"].as_array().expect("documents").iter();
    documents
        .map(|it| it["outcome"].as_str().expect("outcome").to_owned())
        .collect()
}

#[test]
fn a_fresh_document_is_asked_for_when_someone_says_so() {
    let bed = Bed::new();
    for mut shelf in bed.mirrors(OLD) {
        let here = shelf.index_here();
        let package = in_path(&shelf.package());
        let path = format!(
            "repositories/{}/up/packages/{package}/refresh",
            shelf.protocol
        );
        let refresh = |status| bed.larder.api("POST", &path, "{}", status);
        bed.get(&here).expect(200);
        let told = refresh(200);
        assert_eq!(
            (outcomes(&told), &told["changed"]),
            (vec!["unchanged".to_owned()], &json!(false))
        );
        shelf.put(&bed.upstream, "2.0.0", NEW);
        let told = refresh(200);
        assert_eq!(
            (outcomes(&told), &told["changed"]),
            (vec!["changed".to_owned()], &json!(true))
        );
        let is_rpm = shelf.protocol == "rpm";
        let new = if is_rpm { "<revision>2<" } else { "2.0.0" };
        let text = bed.get(&here).expect(200).text();
        assert!(text.contains(new), "{text}");
        bed.right(&shelf.artifact_here("2.0.0"), NEW);
    }
}

#[test]
fn an_upstream_that_fails_is_told_of_and_what_is_kept_stays() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", OLD);
    bed.get(&shelf.index_here()).expect(200);
    bed.upstream.fail(&shelf.index(), Fault::Status(500));
    let path = "repositories/npm/up/packages/demo/refresh";
    let told = bed.larder.api("POST", path, "{}", 503);
    assert_eq!(told["code"], json!("upstream_unreachable"));
    bed.get(&shelf.index_here()).expect(200);
}

#[test]
fn nobody_is_asked_while_offline_and_for_what_is_hosted() {
    let bed = Bed::new();
    for shelf in bed.mirrors(OLD) {
        let protocol = shelf.protocol;
        bed.get(&shelf.index_here()).expect(200);
        let repo = format!("repositories/{protocol}/up");
        bed.larder.api("PATCH", &repo, r#"{"offline":true}"#, 200);
        let asked = bed.upstream.total();
        let package = in_path(&shelf.package());
        let path = format!("{repo}/packages/{package}/refresh");
        let told = bed.larder.api("POST", &path, "{}", 403);
        assert_eq!(told["code"], json!("offline"));
        assert_eq!(bed.upstream.total(), asked, "{protocol}");
        bed.larder.api("PATCH", &repo, r#"{"offline":false}"#, 200);
        let versions = format!("{path}?version=1.0.0");
        let told = bed.larder.api("POST", &versions, "{}", 400);
        assert_eq!(told["code"], json!("version_invalid"));
        let none = in_path(&package_of(protocol, "none-such"));
        let none = format!("{repo}/packages/{none}/refresh");
        if protocol != "rpm" {
            assert_eq!(
                bed.larder.api("POST", &none, "{}", 404)["code"],
                json!("package_not_found")
            );
        }
    }
}

fn server() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

#[test]
fn a_tag_that_moved_is_followed_at_once() {
    let (origin, mirror) = (server(), server());
    let upstream = json!({"url": origin.url(), "username": "admin", "password": PASSWORD,
        "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror",
        "fresh_seconds": 86400, "upstream": upstream});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    let mut random = Random::seeded();
    let [old, new] = [(); 2].map(|()| Image::random(&mut random, &[100]));
    old.push(&origin.admin(), "team/app", "v1");
    let admin = mirror.admin();
    old.check(&admin, "up/team/app", "v1");
    new.push(&origin.admin(), "team/app", "v1");
    old.check(&admin, "up/team/app", "v1"); // it is fresh
    let refresh = "repositories/oci/up/packages/team%2Fapp/refresh";
    let tag = format!("{refresh}?version=v1");
    let told = mirror.api("POST", &tag, "{}", 200);
    let document = &told["documents"][0];
    assert_eq!(
        (&document["digest"], &document["previous_digest"]),
        (
            &json!(new.digest.to_string()),
            &json!(old.digest.to_string())
        )
    );
    new.check(&admin, "up/team/app", "v1");
    assert_eq!(
        outcomes(&mirror.api("POST", &tag, "{}", 200)),
        ["unchanged"]
    );
    // Without a tag the list of tags is asked for.
    let told = mirror.api("POST", refresh, "{}", 200);
    assert_eq!(outcomes(&told), ["new"]);
    // A tag that is gone is told of; what is kept of it is served for as long as it was fresh.
    let deleted = format!("/v2/team/app/manifests/{}", new.digest);
    origin
        .admin()
        .send("DELETE", &deleted, &[], b"")
        .expect(202);
    assert_eq!(outcomes(&mirror.api("POST", &tag, "{}", 200)), ["gone"]);
    let digest = format!("{refresh}?version={}", old.digest);
    let told = mirror.api("POST", &digest, "{}", 400);
    assert_eq!(told["code"], json!("version_invalid"));
}
