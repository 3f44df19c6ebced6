//! Packages that an operator blocks: not served in any spelling, kept or not, nor from elsewhere.

use crate::bed::Bed;
use larder_tests::parcel::package_of;
use larder_tests::shelf::ALL;
use larder_tests::{Image, Larder, Shelf, Start, random::Random};
use serde_json::{Value, json};

const BODY: &[u8] = b"what is blocked";
const REASON: &str = "known malware";

fn block(pattern: &str) -> Value {
    json!({"blocked": [{"package": "other"}, {"package": pattern, "reason": REASON}]})
}

/// They are refused by rule, in words that name the package, the place and the reason. Composer's
/// metadata is that of a package without versions: a refusal would stop what does without it.
#[track_caller]
fn refused(bed: &Bed, paths: &[String], place: &str) {
    for path in paths {
        let is_metadata = path.starts_with("/composer/") && path.contains("/p2/");
        let answer = bed.get(path).expect(if is_metadata { 200 } else { 403 });
        if is_metadata {
            assert_eq!(answer.json()["packages"], json!({"acme/demo": []}));
        }
        let text = answer.text();
        let demo = package_of(place.split('/').next().unwrap_or_default(), "demo");
        assert!(
            text.contains(&format!("{demo} is blocked in {place}: {REASON}")),
            "{path}: {text}"
        );
    }
}

#[test]
fn what_is_blocked_is_not_served_whether_it_is_kept_or_not() {
    let bed = Bed::new();
    for protocol in ALL {
        let shelf = bed.mirror(protocol, BODY);
        let (place, demo) = (format!("{protocol}/up"), package_of(protocol, "demo"));
        // Of an rpm the name is told by the file; its repository's index is of no package.
        let paths = match shelf.protocol {
            "deb" | "rpm" => vec![shelf.artifact_here("1.0.0")],
            _ => vec![shelf.index_here(), shelf.artifact_here("1.0.0")],
        };
        bed.change(&shelf, &block(&package_of(protocol, "de*")));
        refused(&bed, &paths, &place);
        assert_eq!(
            bed.upstream.total(),
            0,
            "{place}: {:?}",
            bed.upstream.take_asked()
        );
        bed.change(&shelf, &block(&package_of(protocol, "demos")));
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        bed.change(&shelf, &block(&demo));
        refused(&bed, &paths, &place);
        bed.change(&shelf, &json!({"blocked": []}));
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        bed.upstream.take_asked();
    }
}

#[test]
fn every_spelling_of_a_pattern_and_of_a_request_is_meant() {
    let bed = Bed::new();
    for (protocol, pattern, spellings) in [
        (
            "cargo",
            "DE*",
            &[
                "De/Mo/Demo",
                "de/mo/d%65mo",
                "api/v1/crates/DEMO/1.0.0/download",
            ][..],
        ),
        (
            "npm",
            "dem*",
            &[
                "d%65mo",
                "demo/-/demo-1.0.0.tgz",
                "demo/-/d%65mo-1.0.0.tgz",
                "-/package/demo/dist-tags",
            ],
        ),
        (
            "pypi",
            "D*mo",
            &[
                "simple/demo/",
                "simple/d%65mo/",
                "packages/Demo/demo-1.0.0-py3-none-any.whl.metadata",
            ],
        ),
        (
            "deb",
            "demo",
            &["pool/d%65mo_1.0.0_all.deb", "x/demo_2.dsc", "demo.deb"],
        ),
        (
            "rpm",
            "demo",
            &[
                "Packages/d%65mo-1.0.0-1.noarch.rpm",
                "x/demo-2-2.src.rpm",
                "demo-1-1_2-1.noarch.drpm",
            ],
        ),
        (
            "composer",
            "Acme/De*",
            &[
                "p2/acme/demo.json",
                "p2/Acme/Demo~dev.json",
                "p2/acme/d%65mo%7Edev.json",
                "dist/ACME/demo/1.0.0/r1.0.0.zip",
            ],
        ),
    ] {
        let shelf = bed.mirror(protocol, BODY);
        bed.change(&shelf, &block(pattern));
        let paths: Vec<String> = spellings
            .iter()
            .map(|spelling| format!("/{protocol}/up/{spelling}"))
            .collect();
        refused(&bed, &paths, &format!("{protocol}/up"));
    }
    let moved = bed.get("/pypi/up/simple/DEMO").expect(301);
    refused(
        &bed,
        &[moved.header("location").expect("location").to_owned()],
        "pypi/up",
    );
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

/// A second mirror of the same upstream, and a group that asks `up` before it.
fn group(bed: &Bed, shelf: &Shelf) -> String {
    let protocol = shelf.protocol;
    let upstream = json!({"url": shelf.url(&bed.upstream), "allow_private": true});
    for body in [
        json!({"protocol": protocol, "name": "second", "kind": "mirror", "upstream": upstream}),
        json!({"protocol": protocol, "name": "both", "kind": "group", "members": ["up", "second"]}),
    ] {
        bed.larder
            .api("POST", "repositories", &body.to_string(), 201);
    }
    format!("repositories/{protocol}/both")
}

#[test]
fn a_group_goes_to_no_other_mirror_for_what_a_member_blocks() {
    let bed = Bed::new();
    for protocol in ALL.into_iter().filter(|it| !matches!(*it, "deb" | "rpm")) {
        let shelf = bed.mirror(protocol, BODY);
        let both = group(&bed, &shelf);
        let demo = package_of(protocol, "demo");
        let paths = [shelf.index_here(), shelf.artifact_here("1.0.0")]
            .map(|path| path.replacen("/up/", "/both/", 1));
        bed.change(&shelf, &block(&demo));
        refused(&bed, &paths, &format!("{protocol}/up"));
        assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
        // What the first one has it gives, whatever the second blocks; what the group blocks nobody
        // gives.
        bed.change(&shelf, &json!({"blocked": []}));
        bed.larder.api(
            "PATCH",
            &format!("repositories/{protocol}/second"),
            &block(&demo).to_string(),
            200,
        );
        bed.right(&paths[1], BODY);
        bed.larder
            .api("PATCH", &both, &block(&demo).to_string(), 200);
        refused(&bed, &paths, &format!("{protocol}/both"));
        bed.upstream.take_asked();
    }
}

#[test]
fn images_are_blocked_by_every_name() {
    let server = || -> Larder { Start::of(env!("CARGO_BIN_EXE_larder")).start() };
    let (origin, mirror) = (server(), server());
    let image = Image::random(&mut Random::seeded(), &[100]);
    image.push(&origin.admin(), "library/tool", "1");
    let upstream = json!({"url": origin.url(), "username": "admin", "password": larder_tests::larder::PASSWORD,
        "allow_private": true});
    let body =
        json!({"protocol": "oci", "name": "docker.io", "kind": "mirror", "upstream": upstream});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    mirror.grant("anonymous", "oci/*", "*", "reader");
    mirror.api(
        "PATCH",
        "settings",
        r#"{"oci":{"default_mirror":"docker.io"}}"#,
        200,
    );
    let nobody = mirror.anonymous();
    image.check(&nobody, "docker.io/library/tool", "1");
    let listed = || mirror.admin().get("/v2/_catalog").expect(200).json()["repositories"].clone();
    assert_eq!(listed(), json!(["docker.io/library/tool"]));
    mirror.api(
        "PATCH",
        "repositories/oci/docker.io",
        &block("too*").to_string(),
        200,
    );
    assert_eq!(listed(), json!([]));
    let digest = &image.digest;
    for path in [
        "/v2/docker.io/library/tool/manifests/1".to_owned(),
        "/v2/docker.io/tool/manifests/1".to_owned(),
        format!("/v2/library/tool/manifests/{digest}"),
        "/v2/tool/tags/list".to_owned(),
        "/v2/library/tool/manifests/1?ns=docker.io".to_owned(),
        format!("/v2/docker.io/library/tool/blobs/{}", image.blobs[0].0),
    ] {
        let told = nobody.get(&path).expect(403).text();
        let expected = format!("library/tool is blocked in oci/docker.io: {REASON}");
        assert!(
            told.contains("\"DENIED\"") && told.contains(&expected),
            "{path}: {told}"
        );
    }
    // It is not taken to another repository either.
    let team = r#"{"protocol":"oci","name":"team","kind":"hosted"}"#;
    mirror.api("POST", "repositories", team, 201);
    let bob = mirror.make_user("bob");
    mirror.grant("user:bob", "oci/team", "*", "writer");
    let taken = &image.blobs[0].0;
    for from in ["&from=docker.io/library/tool", "&from=docker.io/tool", ""] {
        let path = format!("/v2/team/app/blobs/uploads/?mount={taken}{from}");
        bob.send("POST", &path, &[], b"").expect(202);
        bob.get(&format!("/v2/team/app/blobs/{taken}")).expect(404);
    }
    mirror.api(
        "PATCH",
        "repositories/oci/docker.io",
        r#"{"blocked":[]}"#,
        200,
    );
    let path = format!("/v2/team/app/blobs/uploads/?mount={taken}");
    bob.send("POST", &path, &[], b"").expect(201);
}

#[test]
fn searches_do_not_show_what_is_blocked_and_are_not_kept() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", BODY);
    let object = |name: &str| {
        json!({"package": {"name": name, "version": "1.0.0", "description": "", "keywords": [],
            "date": "2024-01-02T03:04:05.678Z", "links": {}, "publisher": {"username": "ada"}, "maintainers": []}})
    };
    let answer = json!({"objects": [object("demo"), object("demo-more")], "total": 2, "time": "x"});
    let there = format!("{}/-/v1/search?text=demo&size=20&from=0", shelf.root);
    bed.upstream.put(&there, answer.to_string());
    let found = || {
        let found = bed.get("/npm/up/-/v1/search?text=demo").expect(200).json();
        let objects = found["objects"].as_array().expect("objects").clone();
        objects
            .iter()
            .map(|object| object["package"]["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(), ["demo", "demo-more"]);
    assert_eq!(found(), ["demo", "demo-more"]);
    assert_eq!(
        bed.upstream.count(&there),
        2,
        "there is no end of searches: none is kept"
    );
    bed.change(&shelf, &block("demo"));
    assert_eq!(found(), ["demo-more"]);
}
