//! The address under which a client sees this server: any that it likes, in documents that are made and
//! kept once for all of them.

use crate::bed::Bed;
use larder_tests::http::{Response, read_response};
use larder_tests::shelf::gunzip;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufReader, Write as _};
use std::path::Path;

const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";
/// Names of this server; the last one needs a larger place than most.
const HOSTS: [&str; 4] = [
    "larder.example",
    "larder.example:7070",
    "x",
    "a-name-that-is-longer-than-those-that-servers-have.in.nearly.all.cases.example:65535",
];

/// The packument of a package with so many versions, at a mirror's upstream.
fn packument(bed: &Bed, package: &str, versions: usize) -> Value {
    let url = format!("{}npm/", bed.upstream.url());
    let version = |number: usize| {
        let version = format!("1.0.{number}");
        let tarball = format!("{url}{package}/-/{package}-{version}.tgz");
        let manifest = json!({
            "name": package, "version": version, "description": format!("{number}").repeat(40),
            "dist": {"tarball": tarball, "shasum": format!("{number:040}")},
        });
        (version, manifest)
    };
    let versions: serde_json::Map<String, Value> = (0..versions).map(version).collect();
    let all = json!({"name": package, "dist-tags": {"latest": "1.0.0"}, "versions": versions});
    bed.upstream
        .put(&format!("/npm/{package}"), all.to_string().into_bytes());
    all
}

/// The same as this server tells it at a host.
fn told(mut all: Value, host: &str) -> Value {
    let versions = all["versions"].as_object_mut().expect("versions");
    for (version, manifest) in versions {
        let name = manifest["name"].as_str().expect("a name").to_owned();
        let url = format!("http://{host}/npm/up/{name}/-/{name}-{version}.tgz");
        manifest["dist"]["tarball"] = url.into();
    }
    all
}

fn ask(bed: &Bed, host: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = bed.client.connect().expect("a connection");
    write!(stream, "{head}\r\n").expect("sent");
    read_response(&mut BufReader::new(stream), "GET").expect("an answer")
}

fn mirror(bed: &Bed) {
    let upstream = json!({"url": format!("{}npm/", bed.upstream.url()), "allow_private": true});
    let body = json!({"protocol": "npm", "name": "up", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
}

/// How many files there are below a folder.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            _ => 1,
        })
        .sum()
}

/// Whoever asks first for a large document has it packed quickly; once somebody asks again, it is packed
/// well.
fn packed_quickly(bed: &Bed, host: &str, path: &str, all: &Value) {
    let gzip = [("accept-encoding", "gzip")];
    let right = |answer: &Response| {
        let text = gunzip(&answer.body);
        let shown: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(shown, told(all.clone(), host), "{path} {host}");
    };
    let first = ask(bed, host, path, &gzip).expect(200);
    right(&first);
    // It is kept as it went out.
    let mut kept = None;
    bed.until(path, |_| {
        let answer = ask(bed, host, path, &gzip).expect(200);
        right(&answer);
        let is_kept = answer.header("etag") != first.header("etag");
        kept = is_kept.then_some(answer);
        is_kept
    });
    let kept = kept.expect("it is kept");
    assert!(kept.body.len() < first.body.len());
}

#[test]
fn every_host_gets_its_own_address() {
    let bed = Bed::new();
    mirror(&bed);
    // In a row, in a file with few places, and in one with many.
    for (package, versions) in [("few", 10), ("many", 300), ("thousands", 5000)] {
        let all = packument(&bed, package, versions);
        let path = format!("/npm/up/{package}");
        if package == "thousands" {
            for host in [HOSTS[0], HOSTS[3]] {
                packed_quickly(&bed, host, &path, &all);
            }
        }
        let mut tags = Vec::new();
        for round in 0..2 {
            for host in HOSTS {
                let full = ask(&bed, host, &path, &[]).expect(200);
                assert_eq!(
                    full.json(),
                    told(all.clone(), host),
                    "{path} {host} {round}"
                );
                let packed = ask(&bed, host, &path, &[("accept-encoding", "gzip")]).expect(200);
                assert_eq!(packed.header("content-encoding"), Some("gzip"));
                let text = gunzip(&packed.body);
                assert!(text.as_bytes() == full.body, "{path} {host} {round}");
                let short = [("accept", ABBREVIATED), ("accept-encoding", "gzip")];
                let short = ask(&bed, host, &path, &short).expect(200);
                let short: Value = serde_json::from_str(&gunzip(&short.body)).expect("JSON");
                let last = format!("1.0.{}", versions - 1);
                assert_eq!(
                    short["versions"][&last]["dist"],
                    told(all.clone(), host)["versions"][&last]["dist"]
                );
                // What is not the same has another tag, and what is known is not sent.
                let tag = full.header("etag").expect("a tag").to_owned();
                let known = ask(&bed, host, &path, &[("if-none-match", &tag)]);
                assert_eq!(known.status, 304, "{path} {host}");
                tags.push(tag);
                tags.push(packed.header("etag").expect("a tag").to_owned());
                // A part is a part of that.
                let (from, to) = (full.body.len() / 3, full.body.len() / 2);
                let range = format!("bytes={from}-{}", to - 1);
                let part = ask(&bed, host, &path, &[("range", &range)]).expect(206);
                assert!(part.body == full.body[from..to], "{path} {host} {range}");
            }
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 2 * HOSTS.len(), "{path}");
    }
}

#[test]
fn hosts_of_strangers_make_no_more_documents() {
    let bed = Bed::new();
    mirror(&bed);
    packument(&bed, "many", 1000);
    let gzip = [("accept-encoding", "gzip")];
    let blobs = bed.larder.data().join("storage/blobs");
    let kept = |answer: &Response| answer.header("age").is_some();
    assert!(kept(
        &ask(&bed, "larder.example", "/npm/up/many", &gzip).expect(200)
    ));
    // The document and its form are kept a moment after they were sent; what is small stands in rows.
    bed.until("/npm/up/many", |_| files(&blobs) == 2);
    for number in 0..40 {
        let host = format!("h{number}.example");
        for headers in [&gzip[..], &[]] {
            ask(&bed, &host, "/npm/up/many", headers).expect(200);
        }
    }
    assert_eq!(files(&blobs), 2);
}

#[test]
fn one_version_of_many_is_told_alone() {
    let bed = Bed::new();
    mirror(&bed);
    for (package, versions) in [("few", 3), ("thousands", 5000)] {
        let all = packument(&bed, package, versions);
        for (asked, version) in [("1.0.2", "1.0.2"), ("latest", "1.0.0")] {
            let path = format!("/npm/up/{package}/{asked}");
            for host in HOSTS {
                let answer = ask(&bed, host, &path, &[("accept-encoding", "gzip")]).expect(200);
                let expected = &told(all.clone(), host)["versions"][version];
                assert_eq!(&answer.json(), expected, "{path} {host}");
            }
        }
        let answer = ask(&bed, "x", &format!("/npm/up/{package}/9.9.9"), &[]).expect(404);
        assert!(answer.text().contains("has no version or tag 9.9.9"));
        let tarball = format!("/npm/up/{package}/-/{package}-9.9.9.tgz");
        let answer = ask(&bed, "x", &tarball, &[]).expect(404);
        assert!(
            answer
                .text()
                .contains(&format!("has no {package}-9.9.9.tgz"))
        );
    }
}
