use super::*;
use crate::composer::Composer;
use crate::testing::{REPO_URL, call, get, read, search as searched};
use serde_json::Value;

#[test]
fn documents_are_those_of_packages() {
    for (path, package, kept) in [
        ("/p2/acme/demo.json", "acme/demo", "p2"),
        ("/p2/acme/demo~dev.json", "acme/demo", "p2~dev"),
        ("/p2/Acme/De.mo.json", "acme/de.mo", "p2"),
        ("/p2/acme/demo%7Edev.json", "acme/demo", "p2~dev"),
    ] {
        let ReadRequest::Document(document, form) = get(&Composer, path).expect("path") else {
            panic!("{path}")
        };
        assert_eq!(
            (&*document.package, &*document.path),
            (package, kept),
            "{path}"
        );
        assert_eq!(form.name, "p2");
    }
    for path in [
        "/p2/acme.json",
        "/p2/acme/demo",
        "/p2/a%2Fb/c.json",
        "/p2/acme/.json",
        "/p2/a/b/c.json",
        "/",
        "/p/a/b.json",
    ] {
        assert!(get(&Composer, path).is_err(), "{path}");
    }
}

#[test]
fn archives_have_one_address_each() {
    for (path, version, kept) in [
        (
            "/dist/acme/demo/1.0.0/abc.zip",
            "1.0.0",
            "dist/1.0.0/abc.zip",
        ),
        (
            "/dist/acme/demo/dev-a~b/abc-def.zip",
            "dev-a/b",
            "dist/dev-a/b/abc-def.zip",
        ),
        (
            "/dist/acme/demo/1.0%2Bx/abc.tar",
            "1.0+x",
            "dist/1.0+x/abc.tar",
        ),
    ] {
        let ReadRequest::Artifact(artifact) = get(&Composer, path).expect("path") else {
            panic!("{path}")
        };
        assert_eq!(&*artifact.package, "acme/demo");
        assert_eq!(artifact.version.as_deref(), Some(version), "{path}");
        assert_eq!(&*artifact.path, kept);
    }
    for path in [
        "/dist/acme/demo/1.0/x",
        "/dist/acme/demo/abc.zip",
        "/dist/acme/demo/1.0/.zip",
        "/dist/acme/demo/~/a.zip",
    ] {
        assert!(get(&Composer, path).is_err(), "{path}");
    }
}

#[test]
fn the_root_names_addresses_of_this_server_alone() {
    let ReadRequest::Local(reply) = get(&Composer, "/packages.json").expect("path") else {
        panic!("no reply")
    };
    let reply = reply(&REPO_URL);
    let root: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(root["metadata-url"], "/npm/main/p2/%package%.json");
    let base = "https://r.example/npm/main/";
    for url in [
        &root["search"],
        &root["list"],
        &root["notify-batch"],
        &root["security-advisories"]["api-url"],
    ] {
        assert!(
            url.as_str().is_some_and(|url| url.starts_with(base)),
            "{url}"
        );
    }
    assert_eq!(root["security-advisories"]["metadata"], true);
}

#[test]
fn searches_and_lists_are_told_apart() {
    let found = searched(&Composer, "/search.json?q=log+file&type=library");
    assert_eq!((&*found.text, &*found.scope), ("log file", "type=library"));
    assert_eq!(&*searched(&Composer, "/search.json?q=log&type=").scope, "");
    for (path, filter) in [
        ("/list.json", ""),
        ("/list.json?filter=acme%2F*", "acme/*"),
        ("/list.json?vendor=acme", "acme/*"),
        ("/list.json?vendor=acme&filter=acme%2Fd*", "acme/d*"),
    ] {
        let list = searched(&Composer, path);
        assert_eq!((&*list.text, &*list.scope), (filter, NAMES), "{path}");
    }
}

#[test]
fn what_clients_post_is_answered() {
    let post = |path| call(&Composer, &Method::POST, path, None);
    assert!(matches!(
        post("/api/security-advisories"),
        Ok(Call::Query(_))
    ));
    let ReadRequest::Local(reply) = read(post("/notify-batch").expect("path")) else {
        panic!("no reply")
    };
    assert!(reply(&REPO_URL).status.is_success());
    assert!(matches!(post("/upload?version=1.0"), Ok(Call::Publish(_))));
    for (method, path) in [
        (Method::PUT, "/upload?version=nonsense"),
        (Method::POST, "/p2/acme/demo.json"),
        (Method::DELETE, "/dist/acme/demo/1.0.0/abc.zip"),
        (Method::GET, "/upload"),
    ] {
        assert!(
            call(&Composer, &method, path, None).is_err(),
            "{method} {path}"
        );
    }
}
