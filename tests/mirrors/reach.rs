//! Upstreams that cannot be found, or are found where they must not be.

use crate::bed::{Bed, start, status};
use crate::wrong::{FORGETFUL, still_up};
use larder_tests::names::Names;
use larder_tests::shelf::{PROTOCOLS, leading_elsewhere};
use larder_tests::tools::skip;
use larder_tests::{Fault, Larder, Shelf, Upstream, apart};
use serde_json::json;
use std::net::Ipv4Addr;

/// No name server knows a name below `invalid` (RFC 2606).
#[test]
fn a_name_that_leads_nowhere_is_told_and_forgotten() {
    let bed = Bed::with(&FORGETFUL);
    for mut shelf in bed.mirrors(b"a body") {
        let right = json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}});
        for allow_private in [false, true] {
            let nowhere = format!("http://nowhere.invalid{}/", shelf.root);
            bed.change(
                &shelf,
                &json!({"upstream": {"url": nowhere, "allow_private": allow_private}}),
            );
            for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
                let refused = bed.get(&path).expect(503);
                assert!(
                    refused.header("retry-after").is_some(),
                    "{:?}",
                    refused.headers
                );
                assert!(
                    refused.text().contains("cannot be reached"),
                    "{}",
                    refused.text()
                );
                bed.rest(&shelf);
            }
        }
        bed.change(&shelf, &right);
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        // What is kept is served when the name is lost later on.
        bed.turn(10_000);
        bed.change(
            &shelf,
            &json!({"upstream": {"url": format!("http://nowhere.invalid{}/", shelf.root)}}),
        );
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{}",
            status(&answer)
        );
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        bed.change(&shelf, &right);
        // An index, or a redirect, that leads nowhere.
        if !leading_elsewhere().any(|it| it == shelf.protocol) {
            continue;
        }
        let files = std::mem::replace(&mut shelf.files, "http://nowhere.invalid/".to_owned());
        shelf.put(&bed.upstream, "2.0.0", b"another body");
        bed.turn(10_000);
        bed.get(&shelf.artifact_here("2.0.0")).expect(503);
        bed.rest(&shelf);
        shelf.files = files;
        shelf.put(&bed.upstream, "2.0.0", b"another body");
        bed.turn(10_000);
        bed.upstream.fail(
            &shelf.artifact("2.0.0"),
            Fault::Redirect("http://nowhere.invalid/".to_owned()),
        );
        bed.get(&shelf.artifact_here("2.0.0")).expect(503);
        bed.upstream.heal();
        bed.rest(&shelf);
        bed.right(&shelf.artifact_here("2.0.0"), b"another body");
    }
    still_up(&bed);
}

/// An address that may be anyone's, which this machine is given in a network of its own.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
const PRIVATE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A name that is public when it is looked at, and private when it is asked.
#[test]
fn a_name_that_becomes_private_is_not_followed() {
    let resolver = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(resolver.path(), "nameserver 127.0.0.1\n").expect("file");
    let Some(wrapper) = apart::wrapper_with(PUBLIC, resolver.path()) else {
        return skip("no network of its own can be made here");
    };
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let larder = start(&FORGETFUL).under(&words).start();
    apart::inside(larder.pid(), || {
        let names = Names::start();
        larder.grant("anonymous", "*", "*", "reader");
        for protocol in PROTOCOLS {
            rebind(&larder, &names, protocol);
        }
    });
}

fn rebind(larder: &Larder, names: &Names, protocol: &'static str) {
    let upstream = Upstream::at(Ipv4Addr::UNSPECIFIED);
    let (mut shelf, port) = (Shelf::new(protocol, &upstream), upstream.port());
    shelf.files = format!("http://rebind.example:{port}/{protocol}/");
    shelf.put(&upstream, "1.0.0", b"a body");
    let simple = if protocol == "pypi" { "simple/" } else { "" };
    let mirror = |allow: bool| {
        let upstream = json!({"url": format!("{}{simple}", shelf.files), "allow_private": allow});
        json!({"protocol": protocol, "name": "up", "kind": "mirror", "upstream": upstream})
    };
    names.set("rebind.example", &[PUBLIC]);
    names.set("inner.example", &[PRIVATE]);
    larder.api("POST", "repositories", &mirror(false).to_string(), 201);
    // Every answer is the last one of its connection: the next one looks the name up again.
    for path in upstream.paths() {
        upstream.fail(&path, Fault::Unframed(upstream.body(&path).len()));
    }
    let get = |path: &str| larder.anonymous().take(path, &[]).expect("answer").0;
    get(&shelf.index_here()).expect(200);
    let there = shelf.artifact("1.0.0");
    for addresses in [
        &[PRIVATE][..],
        &[
            Ipv4Addr::new(169, 254, 169, 254),
            Ipv4Addr::new(10, 0, 0, 1),
        ],
    ] {
        names.set("rebind.example", addresses);
        let refused = get(&shelf.artifact_here("1.0.0")).expect(502);
        assert!(!refused.text().contains("127.0.0.1"), "{}", refused.text());
        let anew = json!({"fresh_seconds": 300 + addresses.len()}).to_string();
        larder.api("PATCH", &format!("repositories/{protocol}/up"), &anew, 200);
    }
    // Nor where a redirect names such a name.
    names.set("rebind.example", &[PUBLIC]);
    upstream.fail(
        &there,
        Fault::Redirect(format!("http://inner.example:{port}{there}?")),
    );
    upstream.put(&format!("{there}?"), b"a body");
    get(&shelf.artifact_here("1.0.0")).expect(502);
    assert_eq!(
        upstream.count(&format!("{there}?")),
        0,
        "the private place was not asked"
    );
    assert!(upstream.count(&there) > 0, "the public one was");
    // Of several addresses the public ones may be asked.
    upstream.fail(&there, Fault::Unframed(6));
    names.set("rebind.example", &[PRIVATE, PUBLIC]);
    let anew = json!({"fresh_seconds": 299}).to_string();
    larder.api("PATCH", &format!("repositories/{protocol}/up"), &anew, 200);
    assert_eq!(
        get(&shelf.artifact_here("1.0.0")).expect(200).body,
        b"a body"
    );
    // And all of it was there all the time, for whoever may.
    upstream.heal();
    shelf.put(&upstream, "2.0.0", b"another body");
    names.set("rebind.example", &[PRIVATE]);
    let may = json!({"fresh_seconds": 0, "upstream": {"allow_private": true}}).to_string();
    larder.api("PATCH", &format!("repositories/{protocol}/up"), &may, 200);
    assert_eq!(
        get(&shelf.artifact_here("2.0.0")).expect(200).body,
        b"another body"
    );
}
