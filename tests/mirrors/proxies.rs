//! Proxies of the server's environment: what the operator named is asked through them, and nothing
//! that an index names is, for there nobody sees which address a name has.

use crate::bed::{Bed, start};
use larder_tests::shelf::{ALL, leading_elsewhere};
use larder_tests::{Shelf, Start, Upstream};
use serde_json::json;

const BODY: &[u8] = b"from behind the proxy";
const NAMES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// A server whose proxy is an upstream of the tests, under this name.
fn behind(proxy: &Upstream, host: &str) -> Start {
    let url = format!("http://{host}:{}", proxy.port());
    let start = start(&[("NO_PROXY", ""), ("no_proxy", "")]);
    NAMES
        .iter()
        .fold(start, |start, name| start.with(name, &url))
}

/// A shelf that only the proxy reaches, at names that only it knows; its files are at `files`.
fn beyond(proxy: &Upstream, protocol: &'static str, files: &str) -> Shelf {
    let there = Upstream::start();
    let mut shelf = Shelf::new(protocol, &there);
    shelf.files = format!("{files}{protocol}/");
    shelf.put(&there, "1.0.0", BODY);
    // What a client asks of a proxy has the whole address in its first line.
    for path in there.paths() {
        let body = match String::from_utf8(there.body(&path)) {
            Ok(text) => text
                .replace(&there.url(), "http://inside.example/")
                .into_bytes(),
            Err(packed) => packed.into_bytes(),
        };
        for host in ["http://inside.example", files.trim_end_matches('/')] {
            proxy.put(&format!("{host}{path}"), body.clone());
        }
    }
    shelf
}

fn url_of(shelf: &Shelf) -> String {
    let simple = if shelf.protocol == "pypi" {
        "simple/"
    } else {
        ""
    };
    format!("http://inside.example/{}/{simple}", shelf.protocol)
}

#[test]
fn an_upstream_is_asked_through_a_proxy_of_whatever_name() {
    for host in ["127.0.0.1", "localhost"] {
        let proxy = Upstream::start();
        let bed = Bed::of(behind(&proxy, host), Upstream::start());
        for protocol in ALL {
            let shelf = beyond(&proxy, protocol, "http://inside.example/");
            bed.make(&shelf, &json!({"url": url_of(&shelf)}));
            bed.right(&shelf.artifact_here("1.0.0"), BODY);
        }
        assert_eq!(bed.upstream.total(), 0);
    }
}

#[test]
fn what_an_index_names_is_not_asked_of_a_proxy_unless_it_is_allowed() {
    let files = "http://files.invalid/";
    let proxy = Upstream::start();
    let bed = Bed::of(behind(&proxy, "localhost"), Upstream::start());
    for protocol in leading_elsewhere() {
        let shelf = beyond(&proxy, protocol, files);
        bed.make(&shelf, &json!({"url": url_of(&shelf)}));
        proxy.take_asked();
        let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(503);
        assert!(
            !refused.text().contains("files.invalid"),
            "{}",
            refused.text()
        );
        let asked = proxy.take_asked();
        assert!(
            asked
                .iter()
                .all(|asked| asked.path.starts_with("http://inside.example/")),
            "{asked:?}"
        );
        bed.change(&shelf, &json!({"upstream": {"allow": [files]}}));
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
    }
    let advice = "larder repo set npm/up --allow http://files.invalid";
    assert!(
        bed.larder.log_text().contains(advice),
        "{}",
        bed.larder.log_text()
    );
}

/// The proxy's own name opens nothing else of its host.
#[test]
fn a_proxys_name_is_trusted_for_the_proxy_alone() {
    let (proxy, inner) = (Upstream::start(), Upstream::start());
    let bed = Bed::of(behind(&proxy, "localhost"), Upstream::start());
    let files = format!("http://localhost:{}/", inner.port());
    for protocol in leading_elsewhere() {
        let shelf = beyond(&proxy, protocol, &files);
        bed.make(&shelf, &json!({"url": url_of(&shelf)}));
        bed.get(&shelf.artifact_here("1.0.0")).expect(502);
    }
    assert_eq!(inner.total(), 0, "{:?}", inner.take_asked());
}

#[test]
fn what_is_excepted_is_asked_directly() {
    let proxy = Upstream::start();
    let start = behind(&proxy, "127.0.0.1").with("NO_PROXY", "127.0.0.1,.inner.example");
    let bed = Bed::of(start, Upstream::start());
    for shelf in bed.mirrors(BODY) {
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
    }
    assert_eq!(proxy.total(), 0, "{:?}", proxy.take_asked());
}

#[test]
fn a_proxy_that_is_none_stops_the_server_before_it_starts() {
    let said = start(&[("HTTPS_PROXY", "ftp://proxy.example/")]).refuses();
    assert!(said.contains("a proxy's address is a URL"), "{said}");
}
