//! Documents of upstreams that are read as their clients read them, and repositories of rpms that are
//! built in other ways than most.

use crate::bed::Bed;
use crate::wrong::FORGETFUL;
use larder_model::{Algorithm, Digest};
use larder_tests::Shelf;
use larder_tests::random::Random;
use larder_tests::shelf::{gunzip, gzip};
use serde_json::json;

const BODY: &[u8] = b"a body";

/// How many entries of its upstream's documents a mirror has passed over.
fn passed_over(bed: &Bed) -> u64 {
    let metrics = bed.larder.admin().get("/metrics").expect(200).text();
    let name = "larder_upstream_passed_over_total ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.parse().ok())
        .expect("a counter")
}

#[test]
fn a_bad_line_costs_itself_alone() {
    let bed = Bed::new();
    let shelf = bed.mirror("cargo", BODY);
    let good = String::from_utf8(bed.upstream.body(&shelf.index())).expect("text");
    let first = good.replace("\"cksum\":\"", "\"cksum\":\"0");
    let lines = format!("{first}no JSON\n{good}");
    bed.upstream.put(&shelf.index(), lines.clone());
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
    bed.right(&shelf.index_here(), lines.as_bytes());
    assert_eq!(passed_over(&bed), 1);
}

#[test]
fn a_packument_is_read_without_a_name_and_with_versions_that_are_nothing() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", BODY);
    let packument = String::from_utf8(bed.upstream.body(&shelf.index())).expect("text");
    let mut packument: serde_json::Value = serde_json::from_str(&packument).expect("JSON");
    packument["name"].take();
    packument["versions"]["2.0.0"] = json!(null);
    bed.upstream
        .put(&shelf.index(), format!("\u{feff}{packument}"));
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
    assert_eq!(passed_over(&bed), 1);
}

/// A repository of rpms with one package at a location.
struct Repository<'a> {
    /// Below the mirror's address.
    root: &'a str,
    location: &'a str,
    /// More records of `repomd.xml`.
    more: &'a str,
}

impl Repository<'_> {
    fn put(&self, bed: &Bed, body: &[u8]) {
        let sum = Digest::of(Algorithm::Sha256, body).hex();
        let primary = format!(
            "<metadata packages=\"1\"><package type=\"rpm\"><name>tool</name><arch>noarch</arch>\
             <version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{sum}</checksum>\
             <location {}/></package></metadata>",
            self.location
        );
        let packed = gzip(primary.as_bytes());
        let repomd = format!(
            "<repomd><revision>1</revision><data type=\"primary\">\
             <checksum type=\"sha256\">{}</checksum>\
             <location href=\"repodata/primary.xml.gz\"/></data>{}</repomd>",
            Digest::of(Algorithm::Sha256, &packed).hex(),
            self.more
        );
        let at = |file: &str| format!("/rpm/{}repodata/{file}", self.root);
        bed.upstream.put(&at("primary.xml.gz"), packed);
        bed.upstream.put(&at("repomd.xml"), repomd);
    }
}

fn mirror(bed: &Bed) -> Shelf {
    let shelf = Shelf::new("rpm", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    shelf
}

fn group(bed: &Bed) {
    let group = json!({"protocol": "rpm", "name": "all", "kind": "group", "members": ["up"]});
    bed.larder
        .api("POST", "repositories", &group.to_string(), 201);
}

/// The list of packages that a `repomd.xml` names.
fn list(bed: &Bed, root: &str) -> String {
    let repomd = bed.get(&format!("{root}repodata/repomd.xml")).expect(200);
    let text = repomd.text();
    let path = text
        .split('"')
        .find(|part| part.contains("primary.xml"))
        .expect("a list");
    gunzip(&bed.get(&format!("{root}{path}")).expect(200).body)
}

#[test]
fn packages_beside_their_repository_come() {
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    group(&bed);
    let body = Random::seeded().bytes(300_000);
    let repository = Repository {
        root: "9/x86_64/",
        location: "href=\"../../pool/tool-1-1.noarch.rpm\"",
        more: "",
    };
    repository.put(&bed, &body);
    bed.upstream
        .put("/rpm/pool/tool-1-1.noarch.rpm", body.clone());
    bed.upstream
        .put("/rpm/pool/other-1-1.noarch.rpm", body.clone());
    // Nothing that no list names, and nothing before a list is here.
    assert_eq!(bed.get("/rpm/up/pool/tool-1-1.noarch.rpm").status, 404);
    for repo in ["up", "all"] {
        let list = list(&bed, &format!("/rpm/{repo}/9/x86_64/"));
        assert!(
            list.contains("href=\"../../pool/tool-1-1.noarch.rpm\""),
            "{list}"
        );
        bed.right(&format!("/rpm/{repo}/pool/tool-1-1.noarch.rpm"), &body);
        assert_eq!(
            bed.get(&format!("/rpm/{repo}/pool/other-1-1.noarch.rpm"))
                .status,
            404
        );
    }
}

#[test]
fn nothing_above_the_upstream_is_asked_for() {
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    group(&bed);
    let repository = Repository {
        root: "9/",
        location: "href=\"../../secret-1-1.noarch.rpm\"",
        more: "",
    };
    repository.put(&bed, BODY);
    bed.upstream.put("/secret-1-1.noarch.rpm", BODY);
    bed.get("/rpm/up/9/repodata/repomd.xml").expect(200);
    for path in ["up/secret-1-1.noarch.rpm", "up/9/secret-1-1.noarch.rpm"] {
        assert_eq!(bed.get(&format!("/rpm/{path}")).status, 404, "{path}");
    }
    assert_eq!(bed.upstream.count("/secret-1-1.noarch.rpm"), 0);
    assert!(!list(&bed, "/rpm/all/9/").contains("secret"));
}

#[test]
fn packages_on_another_host_come_through_the_mirror() {
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    let body = Random::seeded().bytes(300_000);
    let files = format!("{}files/", bed.upstream.url());
    let location = format!("xml:base=\"{files}\" href=\"tool-1-1.noarch.rpm\"");
    let repository = Repository {
        root: "9/",
        location: &location,
        more: "",
    };
    repository.put(&bed, &body);
    bed.upstream.put("/files/tool-1-1.noarch.rpm", body.clone());
    let told = list(&bed, "/rpm/up/9/");
    assert!(
        told.contains("<location href=\"tool-1-1.noarch.rpm\"/>"),
        "{told}"
    );
    assert!(!told.contains(&files), "{told}");
    bed.right("/rpm/up/9/tool-1-1.noarch.rpm", &body);
    // The upstream's signature is over other bytes.
    assert_eq!(bed.get("/rpm/up/9/repodata/repomd.xml.asc").status, 404);
    // A state without such packages is passed on as it is.
    let plain = Repository {
        root: "9/",
        location: "href=\"tool-1-1.noarch.rpm\"",
        more: "",
    };
    plain.put(&bed, &body);
    bed.turn(10_000);
    let repomd = bed.upstream.body("/rpm/9/repodata/repomd.xml");
    bed.right("/rpm/up/9/repodata/repomd.xml", &repomd);
    let list = bed.upstream.body("/rpm/9/repodata/primary.xml.gz");
    bed.right("/rpm/up/9/repodata/primary.xml.gz", &list);
}

#[test]
fn what_a_repository_names_and_lacks_is_missing_alone() {
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    group(&bed);
    let other = "<data type=\"other\"><checksum type=\"sha256\">\
        0000000000000000000000000000000000000000000000000000000000000000</checksum>\
        <location href=\"repodata/other.xml.gz\"/></data>";
    let repository = Repository {
        root: "",
        location: "href=\"tool-1-1.noarch.rpm\"",
        more: other,
    };
    repository.put(&bed, BODY);
    bed.upstream.put("/rpm/tool-1-1.noarch.rpm", BODY);
    let repomd = bed.upstream.body("/rpm/repodata/repomd.xml");
    bed.right("/rpm/up/repodata/repomd.xml", &repomd);
    bed.right("/rpm/up/tool-1-1.noarch.rpm", BODY);
    assert_eq!(bed.get("/rpm/up/repodata/other.xml.gz").status, 404);
    assert!(list(&bed, "/rpm/all/").contains("tool-1-1.noarch.rpm"));
    // Without its list of packages a repository is of no use, which is told with its name.
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    repository.put(&bed, BODY);
    bed.upstream.remove("/rpm/repodata/primary.xml.gz");
    let refusal = bed.get("/rpm/up/repodata/repomd.xml").expect(502).text();
    assert!(
        refusal.contains("lacks repodata/primary.xml.gz"),
        "{refusal}"
    );
    // And so is one whose file is another than it promises.
    repository.put(&bed, BODY);
    bed.turn(10_000);
    bed.upstream.put("/rpm/repodata/other.xml.gz", BODY);
    let refusal = bed.get("/rpm/up/repodata/repomd.xml").expect(502).text();
    assert!(refusal.contains("repodata/other.xml.gz"), "{refusal}");
}

#[test]
fn two_slashes_where_clients_join_addresses_are_one() {
    let bed = Bed::new();
    for shelf in bed.mirrors(BODY) {
        let joined = |path: String| path.replacen("/up/", "/up//", 1);
        let index = bed.get(&shelf.index_here()).expect(200).body;
        bed.right(&joined(shelf.index_here()), &index);
        bed.right(&joined(shelf.artifact_here("1.0.0")), BODY);
        let twice = shelf.index_here().replacen("/up/", "/up///", 1);
        assert_eq!(bed.get(&twice).status, 400, "{twice}");
    }
}
