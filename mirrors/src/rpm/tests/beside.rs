//! Locations that lead out of the repository whose list has them.

use super::super::index::Repodata;
use super::super::paths::{joined, locations};
use super::*;
use crate::index::Leads;

fn list(location: &str) -> Vec<u8> {
    format!(
        "<metadata packages=\"1\"><package type=\"rpm\"><name>a</name>\
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\
         <location {location}/></package></metadata>",
        &TINY_SUM[7..]
    )
    .into_bytes()
}

fn listing(location: &str) -> Listing {
    Listing::read(&list(location)).expect("a list")
}

#[test]
fn locations_are_joined_to_roots() {
    for (root, location, path) in [
        ("", "a.rpm", Some("a.rpm")),
        ("9/os/", "../../pool/a.rpm", Some("pool/a.rpm")),
        ("9/os/", "../os/a.rpm", Some("9/os/a.rpm")),
        ("9/os/", "../../../a.rpm", None),
        ("", "../a.rpm", None),
    ] {
        assert_eq!(joined(root, location).as_deref(), path, "{root} {location}");
    }
    let all: Vec<String> = locations("9/os/", "9/os/a.rpm").collect();
    assert_eq!(all, ["a.rpm", "../os/a.rpm", "../../9/os/a.rpm"]);
    let all: Vec<String> = locations("9/os/", "pool/a.rpm").collect();
    assert_eq!(all, ["../../pool/a.rpm"]);
}

#[test]
fn a_package_above_its_list_is_below_the_upstream() {
    let above = listing("href=\"../../pool/./x/../a+%2B.rpm\"");
    let fetch = above.find("9/os/", "pool/a++.rpm").expect("a package");
    assert_eq!(fetch.url, "pool/a+%2B.rpm");
    assert_eq!(fetch.integrity.text(), TINY_SUM);
    for (root, path) in [
        ("9/os/", "a++.rpm"),
        ("9/", "pool/a++.rpm"),
        ("", "pool/a++.rpm"),
    ] {
        assert_eq!(above.find(root, path), None, "{root} {path}");
    }
    // A location that a client would ask for in another way is none.
    for odd in ["../../%2e%2e/a.rpm", "..%2f../a.rpm", "../..", "../"] {
        let odd = listing(&format!("href=\"{odd}\""));
        assert_eq!(odd.weight(), listing("").weight());
    }
    // Of a base on another host nothing leads up.
    let far = "xml:base=\"https://far.example/x/\" href=\"../a.rpm\"";
    assert_eq!(listing(far).weight(), listing("").weight());
}

#[test]
fn where_a_list_leads_is_seen() {
    let (elsewhere, above) = (true, true);
    for (location, leads) in [
        ("href=\"Packages/a..b.rpm\"", Leads::default()),
        (
            "href='../a.rpm'",
            Leads {
                above,
                ..Leads::default()
            },
        ),
        (
            "xml:base='https://far.example/' href='a.rpm'",
            Leads {
                elsewhere,
                ..Leads::default()
            },
        ),
        (
            "href=\" HTTPS://far.example/a.rpm\"",
            Leads {
                elsewhere,
                ..Leads::default()
            },
        ),
    ] {
        let list = list(location);
        assert_eq!(Repodata.leads(&list), leads, "{location}");
        // Nor do long texts hide a location.
        let long = String::from_utf8(list)
            .expect("text")
            .replace("<name>a", &format!("<name>{}", "a".repeat(20_000)));
        assert_eq!(Repodata.leads(long.as_bytes()), leads, "{location}");
    }
    assert_eq!(Repodata.leads(GZIP), Leads::default());
    assert_eq!(Repodata.leads(b"\x1f\x8b no list"), Leads::default());
}

#[test]
fn packages_are_looked_for_beside_their_lists() {
    let list = list("href=\"../pool/a.rpm\"");
    let sum = Digest::of(Algorithm::Sha256, &list).hex();
    let repomd = format!(
        "<repomd><data type=\"primary\"><checksum type=\"sha256\">{sum}</checksum>\
         <location href=\"repodata/primary.xml\"/></data></repomd>"
    );
    let roots = ["8/".into(), "9/".into()];
    let package = artifact("/pool/a.rpm");
    let plan = |known: &[Option<Bytes>], tables: &[Arc<dyn Table>]| {
        Repodata
            .plan_beside(&roots, &package, known, tables)
            .expect("a plan")
    };
    assert_eq!(plan(&[], &[]), Plan::Read(repomd_of("8/")));
    assert_eq!(plan(&[None], &[]), Plan::Read(repomd_of("9/")));
    let known = [None, Some(Bytes::from(repomd))];
    let Plan::Consult(consulted, _) = plan(&known, &[]) else {
        panic!("no list")
    };
    assert_eq!(&*consulted.path, "9/repodata/primary.xml");
    let table = PackageLists.read(&consulted, &list).expect("a list");
    let Plan::Fetch(fetch) = plan(&known, &[table]) else {
        panic!("no fetch")
    };
    assert_eq!(fetch.url, "pool/a.rpm");
}
