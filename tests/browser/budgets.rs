//! How much a visit costs, counted in bytes, requests and elements, where there is much: many tags of an
//! image and many versions of a package. `LARDER_TEST_LONG=1` makes it 100,000 tags.

use crate::place::WHO;
use crate::weeks::{done, start};
use larder_tests::image::MANIFEST;
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::tools::is_long;
use larder_tests::{Browser, Client, Image, Larder};
use serde_json::json;
use std::collections::BTreeSet;

const KB: usize = 1000;
/// A first visit: all that comes, and how often the browser asks.
const FIRST_VISIT: (usize, usize) = (80 * KB, 6);
/// A page as it comes: packed.
const PAGE: usize = 12 * KB;
const SCRIPTS: usize = 24 * KB;
const STYLE: usize = 10 * KB;
const ELEMENTS: u64 = 2500;

/// Pages of lists, with and without what is asked for.
const PAGES: [&str; 12] = [
    "/",
    "/images",
    "/images/team",
    "/images/team/app",
    "/images/team/app?prefix=v1&sort=name",
    "/images/team/app/-/tags/v00001",
    "/packages",
    "/packages/npm/local/wide",
    "/search?q=v0",
    "/audit",
    "/jobs",
    "/access/users",
];

fn count(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Tags of one image, a thousand in a request.
fn tag(larder: &Larder) {
    let admin = larder.admin();
    let image = Image::of(b"{}".to_vec(), vec![b"a layer".to_vec()], &json!({}));
    image.push(&admin, "team/app", "v00000");
    let names: Vec<String> = (1..count(5_000, 100_000))
        .map(|number| format!("v{number:05}"))
        .collect();
    for some in names.chunks(100) {
        let query: Vec<String> = some.iter().map(|name| format!("tag={name}")).collect();
        let path = format!(
            "/v2/team/app/manifests/{}?{}",
            image.digest,
            query.join("&")
        );
        let kind = [("content-type", MANIFEST)];
        admin.send("PUT", &path, &kind, &image.manifest).expect(201);
    }
    for number in 0..60 {
        image.push(&admin, &format!("team/service-{number}"), "1.0");
    }
}

/// Many packages, and many versions of one.
fn fill(larder: &Larder) {
    let admin = larder.admin();
    for number in 0..count(120, 1_000) {
        done(&publish(
            &admin,
            "npm",
            "wide",
            &format!("1.0.{number}"),
            b"a",
        ));
    }
    for number in 0..60 {
        done(&publish(
            &admin,
            "npm",
            &format!("narrow-{number}"),
            "1.0.0",
            b"a",
        ));
        larder.make_user(&format!("person-{number}"));
        larder.api("GET", &format!("users/person-{number}"), "", 200);
    }
}

/// Bytes of an answer as a browser takes it.
fn bytes(client: &Client, path: &str) -> usize {
    let answer = client.send("GET", path, &[("accept-encoding", "gzip, br")], b"");
    let answer = answer.expect(200);
    assert!(
        answer.header("content-encoding").is_some(),
        "{path} is not packed"
    );
    answer.body.len()
}

#[test]
fn a_visit_costs_little_where_there_is_much() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let larder = start();
    tag(&larder);
    fill(&larder);
    let superuser = json!({"name": WHO, "password": PASSWORD, "superuser": true});
    larder.api("POST", "users", &superuser.to_string(), 201);
    let admin = larder.admin();
    for page in PAGES {
        let size = bytes(&admin, page);
        assert!(size <= PAGE, "{page} has {size} bytes");
    }
    let window = browser.open(true);
    window.requests();
    window.go(&format!("{}/login", larder.url()));
    let asked: BTreeSet<String> = window.requests().into_iter().collect();
    let path = |url: &String| url.strip_prefix(larder.url()).expect("here").to_owned();
    let asked: Vec<String> = asked.iter().map(path).collect();
    let sizes: Vec<usize> = asked
        .iter()
        .map(|path| bytes(&larder.anonymous(), path))
        .collect();
    let all: usize = sizes.iter().sum();
    assert!(
        all <= FIRST_VISIT.0 && asked.len() <= FIRST_VISIT.1,
        "{all} bytes: {asked:?}"
    );
    let of = |end: &str| {
        let both = asked.iter().zip(&sizes);
        let some = both
            .filter(|(path, _)| path.ends_with(end))
            .map(|(_, size)| size);
        some.sum::<usize>()
    };
    assert!((1..=SCRIPTS).contains(&of(".js")), "scripts: {}", of(".js"));
    assert!((1..=STYLE).contains(&of(".css")), "style: {}", of(".css"));
    window.fill("input[name=username]", WHO);
    window.fill("input[name=password]", PASSWORD);
    window.follow("main button");
    for page in PAGES {
        window.go(&format!("{}{page}", larder.url()));
        let elements = window.count("*");
        assert!(elements <= ELEMENTS, "{page} has {elements} elements");
    }
    // The second time only the page comes.
    window.requests();
    window.go(&format!("{}/images", larder.url()));
    let served = window.run(
        "return performance.getEntriesByType('resource').filter((it) => it.transferSize > 0).map((it) => it.name)",
    );
    assert_eq!(served, json!([]), "what is kept is asked for again");
}
