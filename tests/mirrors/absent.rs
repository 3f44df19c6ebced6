//! Stores of files that say otherwise than by 404 that they do not have something: a setting of the
//! mirror says how.

use crate::bed::Bed;
use crate::wrong::FORGETFUL;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::{Value, json};

const BODY: &[u8] = b"a wheel";

fn set(bed: &Bed, name: &str, statuses: &[u16]) {
    let body = json!({"upstream": {"absent_statuses": statuses}}).to_string();
    let path = format!("repositories/pypi/{name}");
    bed.larder.api("PATCH", &path, &body, 200);
}

/// A mirror of this upstream, and the group of it and then of `up`.
fn first_of_two(bed: &Bed, protocol: &str, upstream: &Value) {
    let first =
        json!({"protocol": protocol, "name": "bucket", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &first.to_string(), 201);
    let group =
        json!({"protocol": protocol, "name": "all", "kind": "group", "members": ["bucket", "up"]});
    bed.larder
        .api("POST", "repositories", &group.to_string(), 201);
}

#[test]
fn who_shows_no_credentials_is_refused_what_is_not_there() {
    let bed = Bed::with(&FORGETFUL);
    for shelf in bed.mirrors(BODY) {
        let bucket = Upstream::start();
        let upstream = json!({"url": bucket.url(), "allow_private": true});
        first_of_two(&bed, shelf.protocol, &upstream);
        let in_group = |path: String| path.replacen("/up/", "/all/", 1);
        let refusals = match shelf.protocol {
            "rpm" => vec![403],
            _ => vec![400, 401, 403],
        };
        for status in refusals {
            bucket.fail_all(Fault::Status(status));
            bed.get(&in_group(shelf.index_here())).expect(200);
            bed.right(&in_group(shelf.artifact_here("1.0.0")), BODY);
            let own = shelf.index_here().replacen("/up/", "/bucket/", 1);
            let direct = if status == 403 { 403 } else { 502 };
            assert_eq!(bed.get(&own).status, direct, "{own}");
        }
        // What fails otherwise ends the search.
        for status in [418, 500] {
            bucket.fail_all(Fault::Status(status));
            assert!(
                bed.get(&in_group(shelf.index_here())).status >= 403,
                "{status}"
            );
            bed.turn(10_000);
        }
    }
}

/// As pip does: the page, and then a file that it names.
#[test]
fn what_one_mirror_of_a_group_does_not_have_comes_from_the_next() {
    let (bed, bucket) = (Bed::with(&FORGETFUL), Upstream::start());
    let shelf = bed.mirror("pypi", BODY);
    first_of_two(
        &bed,
        "pypi",
        &json!({"url": format!("{}simple/", bucket.url()), "allow_private": true,
            "username": "ci", "password": "secret"}),
    );
    let page = shelf.index_here().replacen("/up/", "/all/", 1);
    let wheel = shelf.artifact_here("1.0.0").replacen("/up/", "/all/", 1);
    let accept = [(
        "accept",
        "application/vnd.pypi.simple.v1+json, text/html;q=0.1",
    )];
    let ask = |path: &str| bed.client.take(path, &accept).expect("answer").0;
    for (status, refusal) in [(403, 403), (401, 502), (400, 502)] {
        bucket.fail("/simple/demo/", Fault::Status(status));
        for path in [&page, &wheel] {
            assert_eq!(ask(path).status, refusal, "{status}: {path}");
        }
        let others = [400, 401, 403].map(|other| if other == status { 404 } else { other });
        set(&bed, "bucket", &others);
        assert_eq!(ask(&page).status, refusal, "{status} is not among them");
        set(&bed, "bucket", &[status]);
        let told = ask(&page).expect(200).json();
        assert_eq!(told["files"][0]["filename"], "demo-1.0.0-py3-none-any.whl");
        assert!(ask(&wheel).expect(200).body == BODY);
        assert_eq!(bed.get("/pypi/bucket/simple/demo/").status, 404);
        set(&bed, "bucket", &[]);
        assert_eq!(ask(&page).status, refusal, "taken back");
    }
}

#[test]
fn a_bucket_without_signatures_is_a_repository() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = bed.mirror("rpm", BODY);
    for ending in ["asc", "key"] {
        let path = format!("{}.{ending}", shelf.index());
        bed.upstream.fail(&path, Fault::Status(403));
    }
    bed.get(&shelf.index_here()).expect(403);
    bed.change(&shelf, &json!({"upstream": {"absent_statuses": [403]}}));
    bed.get(&shelf.index_here()).expect(200);
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
}

/// A bucket lists nothing, and has what is asked for by its name.
#[test]
fn a_check_goes_by_the_same_setting() {
    let bed = Bed::new();
    let shelf = Shelf::new("pypi", &bed.upstream);
    bed.upstream.fail("/pypi/simple/", Fault::Status(403));
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    let check = || {
        let path = "repositories/pypi/up/upstream/check";
        bed.larder.api("POST", path, "{}", 200)
    };
    let told = check();
    assert_eq!(
        (&told["ok"], &told["problem"]),
        (&json!(false), &json!("it forbids it"))
    );
    set(&bed, "up", &[403]);
    let told = check();
    assert_eq!(
        (&told["ok"], &told["status"]),
        (&json!(true), &json!(403)),
        "{told}"
    );
}

/// The first mirror that has a package is the one that all of it comes from.
#[test]
fn no_file_comes_from_a_mirror_after_the_one_that_has_its_package() {
    let bed = Bed::with(&FORGETFUL);
    for protocol in ["npm", "cargo", "pypi"] {
        let shelf = bed.mirror(protocol, BODY);
        let bucket = Upstream::start();
        let mut first = Shelf::new(protocol, &bucket);
        first.put(&bucket, "5.0.0", b"another wheel");
        let upstream = json!({"url": first.url(&bucket), "allow_private": true});
        first_of_two(&bed, protocol, &upstream);
        let in_group = |path: String| path.replacen("/up/", "/all/", 1);
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        bed.get(&in_group(shelf.artifact_here("1.0.0"))).expect(404);
        bed.right(&in_group(first.artifact_here("5.0.0")), b"another wheel");
        if protocol == "npm" {
            bed.get("/npm/all/demo/1.0.0").expect(404);
            bed.get("/npm/all/demo/5.0.0").expect(200);
        }
    }
}
