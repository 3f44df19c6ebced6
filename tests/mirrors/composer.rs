//! Composer's upstreams: old and new ones, dates, branches that move, archives of which nothing is
//! promised, and advisories.

use crate::bed::{Bed, status};
use crate::wrong::FORGETFUL;
use larder_tests::shelf::sha1_of;
use larder_tests::{Fault, Response, Shelf, Upstream};
use serde_json::{Value, json};

const ZIP: &[u8] = b"PK\x03\x04 what came first";
const OTHER: &[u8] = b"PK\x03\x04 what came later";
const COMMIT: &str = "1111111111111111111111111111111111111111";
const MOVED: &str = "2222222222222222222222222222222222222222";

/// A mirror of what a root tells.
fn mirror(bed: &Bed, root: &Value) {
    let shelf = Shelf::new("composer", &bed.upstream);
    bed.upstream
        .put("/composer/packages.json", root.to_string());
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
}

/// A version whose archive is at `/composer/files/{reference}`.
fn version(bed: &Bed, version: &str, reference: &str, shasum: &str) -> Value {
    let url = format!("{}composer/files/{reference}", bed.upstream.url());
    json!({"name": "acme/demo", "version": version,
        "dist": {"type": "zip", "url": url, "reference": reference, "shasum": shasum}})
}

/// The versions that clients see in a document, and the addresses of their archives.
fn seen(answer: &Response) -> Vec<(String, String)> {
    let body = answer.json();
    let list = body["packages"]["acme/demo"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |entry: &Value| (text(&entry["version"]), text(&entry["dist"]["url"]));
    list.iter().map(one).collect()
}

fn names(answer: &Response) -> Vec<String> {
    seen(answer).into_iter().map(|(name, _)| name).collect()
}

const RELEASES: &str = "/composer/up/p2/acme/demo.json";
const BRANCHES: &str = "/composer/up/p2/acme/demo~dev.json";

#[test]
fn old_upstreams_are_read_as_new_ones() {
    let both = |bed: &Bed| {
        json!({"1.0.0": version(bed, "1.0.0", "r1", &sha1_of(ZIP)),
            "dev-main": version(bed, "dev-main", COMMIT, "")})
    };
    let within: fn(&Bed, Value) -> Value =
        |_, packages| json!({"packages": {"Acme/Demo": packages}});
    let included: fn(&Bed, Value) -> Value = |bed, packages| {
        let body = json!({"packages": {"acme/demo": packages}}).to_string();
        let sum = sha1_of(body.as_bytes());
        bed.upstream.put("/composer/include/all.json", body);
        json!({"packages": [], "includes": {"include/all.json": {"sha1": sum}}})
    };
    let provided: fn(&Bed, Value) -> Value = |bed, packages| {
        let sum = |text: &str| {
            larder_model::Digest::of(larder_model::Algorithm::Sha256, text.as_bytes()).hex()
        };
        let body = json!({"packages": {"acme/demo": packages}}).to_string();
        let listing = json!({"providers": {"acme/demo": {"sha256": sum(&body)}}}).to_string();
        let path = format!("/composer/p/acme/demo${}.json", sum(&body));
        bed.upstream.put(&path, body);
        let path = format!("/composer/p/all${}.json", sum(&listing));
        bed.upstream.put(&path, listing.clone());
        json!({"packages": [], "providers-url": "/composer/p/%package%$%hash%.json",
            "provider-includes": {"p/all$%hash%.json": {"sha256": sum(&listing)}}})
    };
    for root in [within, included, provided] {
        let bed = Bed::new();
        let packages = both(&bed);
        bed.upstream.put("/composer/files/r1", ZIP);
        let root = root(&bed, packages);
        mirror(&bed, &root);
        let releases = bed.get(RELEASES).expect(200);
        assert_eq!(names(&releases), ["1.0.0"], "{root}");
        assert_eq!(
            names(&bed.get(BRANCHES).expect(200)),
            ["dev-main"],
            "{root}"
        );
        bed.get("/composer/up/p2/acme/none.json").expect(404);
        let (_, url) = seen(&releases).remove(0);
        let path = url.strip_prefix(bed.larder.url()).expect("an address here");
        bed.right(path, ZIP);
        // It is asked for again when the documents in which it stands are not fresh.
        bed.turn(10_000);
        bed.upstream.take_asked();
        let again = bed.until(RELEASES, |answer| status(answer).contains("revalidated"));
        assert_eq!(again.body, releases.body);
        bed.upstream.go();
        bed.turn(10_000);
        assert!(status(&bed.get(RELEASES).expect(200)).ends_with("detail=stale"));
        assert_eq!(
            names(&bed.get(BRANCHES).expect(200)),
            ["dev-main"],
            "{root}"
        );
    }
}

#[test]
fn what_stands_in_an_old_root_is_asked_for_when_someone_says_so() {
    let bed = Bed::new();
    let root = |number: &str| json!({"packages": {"acme/demo": [version(&bed, number, "r1", "")]}});
    mirror(&bed, &root("1.0.0"));
    assert_eq!(names(&bed.get(RELEASES).expect(200)), ["1.0.0"]);
    bed.upstream
        .put("/composer/packages.json", root("2.0.0").to_string());
    let path = "repositories/composer/up/packages/acme%2Fdemo/refresh";
    assert_eq!(
        bed.larder.api("POST", path, "{}", 200)["changed"],
        json!(true)
    );
    assert_eq!(names(&bed.get(RELEASES).expect(200)), ["2.0.0"]);
}

#[test]
fn a_document_that_is_included_has_its_checksum() {
    let bed = Bed::new();
    let body = json!({"packages": {"acme/demo": [version(&bed, "1.0.0", "r1", "")]}}).to_string();
    bed.upstream.put("/composer/include/all.json", body.clone());
    let wrong = sha1_of(b"something else");
    mirror(
        &bed,
        &json!({"packages": [], "includes": {"include/all.json": {"sha1": wrong}}}),
    );
    let told = bed.get(RELEASES).expect(502).text();
    assert!(told.contains("checksum"), "{told}");
}

#[test]
fn nothing_is_asked_for_that_the_upstream_says_it_has_not() {
    let bed = Bed::new();
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json",
            "available-package-patterns": ["acme/*"]}),
    );
    bed.get("/composer/up/p2/other/demo.json").expect(404);
    let paths: Vec<String> = bed
        .upstream
        .take_asked()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert_eq!(paths, ["/composer/packages.json"]);
    bed.get(RELEASES).expect(404);
    assert_eq!(bed.upstream.count("/composer/p2/acme/demo.json"), 1);
}

#[test]
fn clients_ask_by_date_alone() {
    let bed = Bed::new();
    let mut shelf = bed.mirror("composer", ZIP);
    let first = bed.get(RELEASES).expect(200);
    let date = first.header("last-modified").expect("a date").to_owned();
    let ask = |date: &str| {
        bed.client
            .send("GET", RELEASES, &[("if-modified-since", date)], b"")
    };
    let same = ask(&date);
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.header("last-modified"), Some(&*date));
    for other in [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 01 Jan 2100 00:00:00 GMT",
        "never",
    ] {
        assert_eq!(ask(other).status, 200, "{other}");
    }
    // An entity tag says more.
    let both = [
        ("if-modified-since", &*date),
        ("if-none-match", "\"other\""),
    ];
    assert_eq!(bed.client.send("GET", RELEASES, &both, b"").status, 200);
    // Another state has another date, though it may begin within the same second.
    shelf.put(&bed.upstream, "2.0.0", OTHER);
    let path = "repositories/composer/up/packages/acme%2Fdemo/refresh";
    bed.larder.api("POST", path, "{}", 200);
    let now = ask(&date);
    assert_eq!(
        (now.status, names(&now)),
        (200, vec!["1.0.0".to_owned(), "2.0.0".to_owned()])
    );
    let date = now.header("last-modified").expect("a date").to_owned();
    assert_eq!(ask(&date).status, 304);
    // What its upstream confirms is the same.
    bed.turn(10_000);
    bed.until(RELEASES, |answer| status(answer).contains("revalidated"));
    let later = bed.get(RELEASES).expect(200);
    let settled = later.header("last-modified").expect("a date").to_owned();
    assert_eq!((ask(&settled).status, ask(&date).status), (304, 304));
}

/// What a lockfile has of a branch is there after the branch has moved, kept or not.
#[test]
fn a_commit_of_a_branch_stays_where_it_was_locked() {
    let bed = Bed::new();
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json"}),
    );
    let put = |commit: &str| {
        let list = json!({"packages": {"acme/demo": [version(&bed, "dev-main", commit, "")]}});
        bed.upstream
            .put("/composer/p2/acme/demo~dev.json", list.to_string());
    };
    let at = |commit: &str| format!("/composer/up/dist/acme/demo/dev-main/{commit}.zip");
    for commit in [COMMIT, MOVED] {
        bed.upstream.put(
            &format!("/composer/files/{commit}"),
            [ZIP, commit.as_bytes()].concat(),
        );
    }
    put(COMMIT);
    let (_, url) = seen(&bed.get(BRANCHES).expect(200)).remove(0);
    assert!(url.ends_with(&at(COMMIT)), "{url}");
    put(MOVED);
    bed.turn(10_000);
    bed.until(BRANCHES, |answer| answer.text().contains(MOVED));
    for commit in [COMMIT, MOVED] {
        bed.right(&at(commit), &[ZIP, commit.as_bytes()].concat());
    }
    bed.get(&at("main")).expect(404);
}

#[test]
fn what_came_first_stays_where_nothing_is_promised() {
    let bed = Bed::new();
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json"}),
    );
    let list = json!({"packages": {"acme/demo": [version(&bed, "1.0.0", "r1", "")]}});
    bed.upstream
        .put("/composer/p2/acme/demo.json", list.to_string());
    let (here, there) = (
        "/composer/up/dist/acme/demo/1.0.0/r1.zip",
        "/composer/files/r1",
    );
    // A page is no archive, whatever status it has.
    for page in [
        "<!DOCTYPE html><title>Log in</title>",
        "\n<html>",
        "{\"message\":\"no\"}",
        "P",
    ] {
        bed.upstream
            .put_with(there, page, &[("content-type", "text/html")]);
        bed.upstream.fail(there, Fault::Chunked);
        let told = bed.get(here).expect(502).text();
        assert!(told.contains("something else than the archive"), "{told}");
        bed.upstream.heal();
    }
    bed.upstream.put(there, ZIP);
    bed.upstream.fail(there, Fault::Truncated(8));
    bed.wrong(here);
    bed.upstream.heal();
    bed.right(here, ZIP);
    bed.upstream.put(there, OTHER);
    bed.turn(10_000);
    bed.right(here, ZIP);
    // Let go by rules, it comes again as it was, or not at all.
    let retention = json!({"enabled": true, "rules": [], "unused_after": "1s"});
    bed.larder.api(
        "PUT",
        "repositories/composer/up/retention",
        &retention.to_string(),
        200,
    );
    bed.turn(10_000);
    let run = |what: &str, body: &Value, status| {
        let path = format!("repositories/composer/up/retention/{what}");
        bed.larder.api("POST", &path, &body.to_string(), status)
    };
    let preview = run("preview", &json!({}), 200);
    run("runs", &json!({"preview": preview["id"]}), 202);
    let versions = "repositories/composer/up/packages/acme%2Fdemo/versions/1.0.0";
    let admin = bed.larder.admin();
    let is_gone = || admin.get(&format!("/api/v1/{versions}")).status == 404;
    while !is_gone() {
        std::thread::yield_now();
    }
    let told = bed.get(here).expect(502).text();
    assert!(
        told.contains("other bytes now than those that came first"),
        "{told}"
    );
    bed.upstream.put(there, ZIP);
    bed.right(here, ZIP);
}

/// Of a package all comes from the mirror that has it.
#[test]
fn a_group_takes_both_documents_from_one_mirror() {
    let (bed, second) = (Bed::new(), Upstream::start());
    let shelf = bed.mirror("composer", ZIP);
    let mut other = Shelf::new("composer", &second);
    other.put(&second, "9.0.0", OTHER);
    let branch = json!({"packages": {"acme/demo": [version(&bed, "dev-main", COMMIT, "")],
        "acme/more": []}});
    second.put("/composer/p2/acme/demo~dev.json", branch.to_string());
    let more = branch
        .to_string()
        .replace("acme/demo", "acme/x")
        .replace("acme/more", "acme/demo");
    second.put("/composer/p2/acme/x~dev.json", more);
    for body in [
        json!({"protocol": "composer", "name": "second", "kind": "mirror",
            "upstream": {"url": other.url(&second), "allow_private": true}}),
        json!({"protocol": "composer", "name": "all", "kind": "group", "members": ["up", "second"]}),
    ] {
        bed.larder
            .api("POST", "repositories", &body.to_string(), 201);
    }
    let _ = shelf;
    let in_group = |path: &str| path.replacen("/up/", "/all/", 1);
    assert_eq!(names(&bed.get(&in_group(RELEASES)).expect(200)), ["1.0.0"]);
    bed.get(&in_group(BRANCHES)).expect(404);
    assert_eq!(second.count("/composer/p2/acme/demo~dev.json"), 0);
    // What the first has not at all, the second has.
    bed.get("/composer/all/p2/acme/x~dev.json").expect(200);
}

#[test]
fn advisories_are_asked_for_where_the_upstream_answers() {
    let bed = Bed::new();
    let api = format!("{}composer/api/", bed.upstream.url());
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json",
            "security-advisories": {"metadata": true, "api-url": api}}),
    );
    let answer = json!({"advisories": {"acme/demo": [{"advisoryId": "1"}]}});
    bed.upstream.put("/composer/api/", answer.to_string());
    let post = |body: &[u8]| {
        let path = "/composer/up/api/security-advisories";
        bed.client.send(
            "POST",
            path,
            &[("content-type", "application/x-www-form-urlencoded")],
            body,
        )
    };
    let form = b"packages%5B0%5D=acme%2Fdemo";
    assert_eq!(post(form).expect(200).json(), answer);
    let asked = bed.upstream.take_asked();
    let asked = asked
        .iter()
        .find(|asked| asked.path == "/composer/api/")
        .expect("a question");
    assert_eq!((&*asked.method, &*asked.body), ("POST", &form[..]));
    assert_eq!(
        asked.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    bed.upstream.fail("/composer/api/", Fault::Status(500));
    assert_eq!(post(form).status, 503);
    post(b"nonsense").expect(400);
    // Of an upstream that tells them in its metadata, the metadata is read.
    let bed = Bed::new();
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json",
            "security-advisories": {"metadata": true}}),
    );
    let list = json!({"packages": {"acme/demo": []}, "security-advisories": [{"advisoryId": "2"}]});
    bed.upstream
        .put("/composer/p2/acme/demo.json", list.to_string());
    let path = "/composer/up/api/security-advisories";
    let told = bed.client.send("POST", path, &[], form).expect(200).json();
    assert_eq!(
        told,
        json!({"advisories": {"acme/demo": [{"advisoryId": "2"}]}})
    );
    // So they are there offline too, of what is kept.
    bed.upstream.go();
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let both = b"packages%5B0%5D=acme%2Fdemo&packages%5B1%5D=acme%2Fother";
    assert_eq!(
        bed.client.send("POST", path, &[], both).expect(200).json(),
        told
    );
    bed.client
        .send(
            "POST",
            "/composer/up/notify-batch",
            &[],
            b"{\"downloads\":[]}",
        )
        .expect(200);
}

/// A mirror with a package that has a source, and no archive.
fn with_a_source() -> Bed {
    let bed = Bed::new();
    mirror(
        &bed,
        &json!({"packages": [], "metadata-url": "/composer/up/p2/%package%.json"}),
    );
    let url = "https://code.example/team/acme/demo.git";
    let source = json!({"type": "git", "url": url, "reference": COMMIT});
    let released = json!({"name": "acme/demo", "version": "1.0.0", "source": source});
    let document = json!({"packages": {"acme/demo": [released]}});
    bed.upstream.put(RELEASES, document.to_string());
    bed
}

/// The repository of sources to which its metadata leads.
fn led_to(bed: &Bed) -> Value {
    let body = bed.get(RELEASES).expect(200).json();
    let url = body.pointer("/packages/acme~1demo/0/source/url");
    url.cloned().unwrap_or_default()
}

fn make_git_mirror(bed: &Bed, name: &str, url: &str) {
    let upstream = json!({"url": url});
    let body = json!({"protocol": "git", "name": name, "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
}

#[test]
fn a_git_mirror_that_is_made_while_metadata_comes_is_led_to() {
    let bed = with_a_source();
    bed.upstream.fail(RELEASES, Fault::Held(10));
    let client = &bed.client;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.get(RELEASES).expect(200));
        bed.upstream.await_count(RELEASES, 1);
        make_git_mirror(&bed, "code", "https://code.example/");
        bed.upstream.release();
        first.join().expect("an answer");
    });
    let ours = format!("{}/git/code/team/acme/demo.git", bed.larder.url());
    assert_eq!(led_to(&bed), json!(ours));
}

#[test]
fn a_git_mirror_is_led_to_as_soon_as_it_is_there_and_no_longer_than_that() {
    let bed = with_a_source();
    let led_to = || led_to(&bed);
    let make = |name: &str, url: &str| make_git_mirror(&bed, name, url);
    let ours = |path: &str| json!(format!("{}/git/{path}", bed.larder.url()));
    assert_eq!(led_to(), json!(null));
    make("code", "https://code.example/");
    assert_eq!(led_to(), ours("code/team/acme/demo.git"));
    make("team", "https://code.example/team/"); // a nearer one
    assert_eq!(led_to(), ours("team/acme/demo.git"));
    let delete = |name: &str| {
        let path = format!("repositories/git/{name}");
        bed.larder.api("DELETE", &path, "", 204);
    };
    delete("team");
    assert_eq!(led_to(), ours("code/team/acme/demo.git"));
    let elsewhere = json!({"upstream": {"url": "https://other.example/"}});
    bed.larder.api(
        "PATCH",
        "repositories/git/code",
        &elsewhere.to_string(),
        200,
    );
    assert_eq!(led_to(), json!(null));
}

#[test]
fn what_tells_of_no_package_is_no_package() {
    let bed = Bed::with(&FORGETFUL);
    mirror(
        &bed,
        &json!({"metadata-url": "/composer/p2/%package%.json"}),
    );
    let there = "/composer/p2/acme/demo.json";
    let nothing = json!({"packages": []}).to_string();
    bed.upstream.put(there, nothing.clone());
    bed.get(RELEASES).expect(404);
    let list = json!({"packages": {"acme/demo": [version(&bed, "1.0.0", "r1", "")]}});
    bed.upstream.put(there, list.to_string());
    bed.turn(10_000);
    assert_eq!(names(&bed.get(RELEASES).expect(200)), ["1.0.0"]);
    // As with one that is gone upstream, what is kept is not served again.
    bed.upstream.put(there, nothing);
    bed.turn(10_000);
    bed.until(RELEASES, |answer| answer.status == 404);
}
