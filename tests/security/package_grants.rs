//! Class 2, a route without a check: who may read one package of a mirror or a group reads another's
//! files, because requests of some protocols name no package.

use crate::callers::larder;
use larder_tests::rpms::rpm;
use larder_tests::shelf::{ALL, Shelf};
use larder_tests::{Client, Larder, Upstream};
use serde_json::json;

#[test]
fn who_may_read_one_package_reads_no_files_of_others() {
    let (larder, upstream) = (larder(), Upstream::start());
    larder.close_everything();
    let (reader, stranger) = (larder.make_user("reader"), larder.make_user("stranger"));
    let everybody = larder.anonymous();
    for protocol in ALL {
        let mut shelf = Shelf::new(protocol, &upstream);
        shelf.put_root(&upstream);
        shelf.put(&upstream, "1.0.0", b"content");
        let make = |body: serde_json::Value| {
            larder.api("POST", "repositories", &body.to_string(), 201);
        };
        let from = json!({"url": shelf.url(&upstream), "allow_private": true});
        make(
            json!({"protocol": protocol, "name": "up", "kind": "mirror", "upstream": from, "open": false}),
        );
        make(
            json!({"protocol": protocol, "name": "all", "kind": "group", "members": ["up"], "open": false}),
        );
        let artifact = shelf.artifact_here("1.0.0");
        for repository in ["up", "all"] {
            let full = format!("{protocol}/{repository}");
            larder.grant("user:reader", &full, &shelf.package(), "reader");
            larder.grant("user:stranger", &full, "another", "reader");
            let path = artifact.replacen("/up/", &format!("/{repository}/"), 1);
            // Before anyone has read it, and once it is kept.
            for _ in 0..2 {
                let refused = stranger.get(&path);
                assert!(
                    matches!(refused.status, 403 | 404),
                    "{path}: {}",
                    refused.text()
                );
                let answer = reader.get(&path).expect(200);
                let control = answer.header("cache-control").unwrap_or_default();
                assert!(control.contains("private"), "{path}: {control}");
                assert_eq!(everybody.get(&path).status, 401, "{path}");
            }
        }
        // What is published there, under whatever name, is read by whoever has its package.
        if protocol == "rpm" {
            publishes(&larder, &reader, &stranger);
        }
        // What everyone may read of one package is for no shared cache to give out of another.
        if matches!(protocol, "deb" | "rpm") {
            let full = format!("{protocol}/up");
            larder.grant("anonymous", &full, "another", "reader");
            assert_eq!(everybody.get(&artifact).status, 401, "{artifact}");
            let answer = reader.get(&artifact).expect(200);
            let control = answer.header("cache-control").unwrap_or_default();
            assert!(control.contains("private"), "{artifact}: {control}");
        }
    }
}

/// A package of another file name in a hosted repository of a group.
fn publishes(larder: &Larder, reader: &Client, stranger: &Client) {
    let make = |body: serde_json::Value| {
        larder.api("POST", "repositories", &body.to_string(), 201);
    };
    make(json!({"protocol": "rpm", "name": "ours", "kind": "hosted", "open": false}));
    make(
        json!({"protocol": "rpm", "name": "both", "kind": "group", "members": ["ours"], "open": false}),
    );
    let package = rpm("hello", "1.0", b"payload");
    let put = larder
        .admin()
        .send("PUT", "/rpm/ours/newest.rpm", &[], &package);
    assert!(matches!(put.status, 200 | 201), "{}", put.text());
    for repository in ["ours", "both"] {
        let full = format!("rpm/{repository}");
        larder.grant("user:reader", &full, "hello", "reader");
        larder.grant("user:stranger", &full, "newest", "reader");
        larder.grant("anonymous", &full, "another", "reader");
        let path = format!("/rpm/{repository}/newest.rpm");
        let answer = reader.get(&path).expect(200);
        let control = answer.header("cache-control").unwrap_or_default();
        assert!(control.contains("private"), "{path}: {control}");
        let refused = stranger.get(&path);
        assert!(
            matches!(refused.status, 403 | 404),
            "{path}: {}",
            refused.text()
        );
    }
}
