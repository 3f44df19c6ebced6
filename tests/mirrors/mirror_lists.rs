//! Upstreams that are lists of mirrors: which mirror is asked, what is believed of it, who is shown a
//! login, and what is left when all are gone.

use crate::bed::{Bed, status};
use crate::wrong::FORGETFUL;
use larder_model::{Algorithm, Digest};
use larder_tests::upstream::Asked;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::{Value, json};

const LIST: &str = "/metalink?repo=demo-9&arch=noarch";
const OLD: &[u8] = b"the first";
const NEW: &[u8] = b"the second";

/// Three mirrors: one that is down, one that lags behind, and one that is right.
struct Mirrors {
    down: Upstream,
    stale: Upstream,
    right: Upstream,
    shelf: Shelf,
}

impl Mirrors {
    fn start() -> Self {
        let (down, stale, right) = (Upstream::start(), Upstream::start(), Upstream::start());
        let mut lagging = Shelf::new("rpm", &stale);
        lagging.put(&stale, "1.0.0", OLD);
        let mut shelf = Shelf::new("rpm", &right);
        shelf.put(&right, "1.0.0", OLD);
        shelf.put(&right, "2.0.0", NEW);
        down.go();
        Self {
            down,
            stale,
            right,
            shelf,
        }
    }

    fn all(&self) -> [&Upstream; 3] {
        [&self.down, &self.stale, &self.right]
    }

    fn go(&self) {
        self.stale.go();
        self.right.go();
    }
}

fn repomd(upstream: &Upstream) -> Vec<u8> {
    upstream.body("/rpm/repodata/repomd.xml")
}

/// A metalink of mirrors, in this order, that promises these states of the file.
fn metalink(mirrors: &[&Upstream], states: &[Vec<u8>]) -> String {
    let state = |body: &Vec<u8>| {
        let (size, hash) = (body.len(), Digest::of(Algorithm::Sha256, body).hex());
        format!(
            "<size>{size}</size><verification><hash type=\"sha256\">{hash}</hash></verification>"
        )
    };
    let alternate = |body: &Vec<u8>| format!("<mm0:alternate>{}</mm0:alternate>", state(body));
    let alternates: Vec<String> = states[1..].iter().map(alternate).collect();
    let alternates = alternates.concat();
    let place = |(at, mirror): (usize, &&Upstream)| {
        let (preference, url) = (100 - at, mirror.url());
        format!("<url preference=\"{preference}\">{url}rpm/repodata/repomd.xml</url>")
    };
    let urls: Vec<String> = mirrors.iter().enumerate().map(place).collect();
    let urls = urls.concat();
    format!(
        "<metalink xmlns=\"http://www.metalinker.org/\" xmlns:mm0=\"http://registry.example/\"><files>\
         <file name=\"repomd.xml\">{}<mm0:alternates>{alternates}</mm0:alternates>\
         <resources>{urls}</resources></file></files></metalink>",
        state(&states[0])
    )
}

fn lines(mirrors: &[&Upstream]) -> String {
    let line = |mirror: &&Upstream| format!("{}rpm\n", mirror.url());
    mirrors.iter().map(line).collect()
}

/// A mirror of the list of the bed's upstream.
fn make(bed: &Bed, shelf: &Shelf, more: &Value) {
    let list = format!("{}{}", bed.upstream.url(), &LIST[1..]);
    let mut upstream = json!({"mirror_list": list, "allow_private": true});
    let fields = more.as_object().into_iter().flatten();
    fields.for_each(|(name, value)| upstream[name] = value.clone());
    bed.make(shelf, &upstream);
}

#[test]
fn the_first_mirror_that_is_right_is_taken() {
    let (bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    bed.upstream
        .put(LIST, metalink(&mirrors.all(), &[repomd(&mirrors.right)]));
    make(&bed, shelf, &json!({}));
    assert_eq!(
        bed.get(&shelf.index_here()).expect(200).body,
        repomd(&mirrors.right)
    );
    assert!(
        mirrors.stale.count("/rpm/repodata/repomd.xml") > 0,
        "it was asked before"
    );
    bed.right(&shelf.artifact_here("2.0.0"), NEW);
    // Bytes of another package at the same path.
    mirrors
        .stale
        .put(&shelf.artifact("1.0.0"), "something else");
    mirrors
        .right
        .fail_times("/rpm/repodata/primary.xml.gz", Fault::Status(500), 1);
    bed.right(&shelf.artifact_here("1.0.0"), OLD);
    let checked = bed
        .larder
        .api("POST", "repositories/rpm/up/upstream/check", "{}", 200);
    assert_eq!(checked["ok"], json!(true), "{checked}");
    let repo = bed.larder.api("GET", "repositories/rpm/up", "", 200);
    assert_eq!(repo["upstream"]["url"], json!(bed.upstream.url()), "{repo}");
    assert_eq!(
        bed.upstream.count("/repodata/repomd.xml"),
        0,
        "the list has no content"
    );
}

#[test]
fn wrong_bytes_of_one_are_those_of_another() {
    let (bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    for path in [shelf.artifact("1.0.0"), shelf.artifact("2.0.0")] {
        mirrors.stale.put(&path, vec![b'x'; 200_000]);
    }
    bed.upstream.put(LIST, lines(&[&mirrors.right]));
    make(&bed, shelf, &json!({}));
    bed.get(&shelf.index_here()).expect(200);
    // From now on the wrong one comes first.
    bed.upstream
        .put(LIST, lines(&[&mirrors.stale, &mirrors.right]));
    bed.turn(10_000);
    mirrors
        .stale
        .put("/rpm/repodata/repomd.xml", repomd(&mirrors.right));
    let primary = mirrors.right.body("/rpm/repodata/primary.xml.gz");
    mirrors.stale.put("/rpm/repodata/primary.xml.gz", primary);
    bed.get(&shelf.index_here()).expect(200);
    for (version, body) in [("1.0.0", OLD), ("2.0.0", NEW)] {
        bed.right(&shelf.artifact_here(version), body);
    }
    assert!(
        mirrors
            .stale
            .take_asked()
            .iter()
            .any(|asked| asked.path.contains("/Packages/") || asked.path.contains("noarch"))
    );
    // What nobody has is not there.
    bed.get("/rpm/up/Packages/none-1-1.noarch.rpm").expect(404);
}

#[test]
fn a_state_that_the_list_knows_as_older_will_do() {
    let (bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    let (old, new) = (repomd(&mirrors.stale), repomd(&mirrors.right));
    bed.upstream.put(
        LIST,
        metalink(&[&mirrors.stale], std::slice::from_ref(&new)),
    );
    make(&bed, shelf, &json!({}));
    let refused = bed.get(&shelf.index_here()).expect(502).text();
    assert!(refused.contains("promises"), "{refused}");
    bed.upstream.put(
        LIST,
        metalink(&[&mirrors.stale], &[new.clone(), old.clone()]),
    );
    bed.turn(10_000);
    assert_eq!(bed.get(&shelf.index_here()).expect(200).body, old);
    // The newer one takes its place, and not the other way round.
    let both = [&mirrors.right, &mirrors.stale];
    bed.upstream
        .put(LIST, metalink(&both, &[new.clone(), old.clone()]));
    bed.turn(10_000);
    bed.until(&shelf.index_here(), |answer| answer.body == new);
    bed.upstream
        .put(LIST, metalink(&[&mirrors.stale], &[new.clone(), old]));
    bed.turn(10_000);
    bed.get(&shelf.index_here()).expect(200);
    bed.turn(10_000);
    assert_eq!(bed.get(&shelf.index_here()).expect(200).body, new);
}

#[test]
fn a_mirror_is_shown_no_login_of_the_list() {
    let (bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    let mut own = Shelf::new("rpm", &bed.upstream);
    own.put(&bed.upstream, "1.0.0", OLD);
    bed.upstream
        .put(LIST, lines(&[&mirrors.right, &bed.upstream]));
    make(
        &bed,
        shelf,
        &json!({"username": "us", "password": "secret"}),
    );
    bed.right(&shelf.artifact_here("2.0.0"), NEW);
    let is_known = |asked: &Asked| asked.header("authorization").is_some();
    let asked = mirrors.right.take_asked();
    assert!(
        !asked.is_empty() && !asked.iter().any(is_known),
        "{asked:?}"
    );
    // The list's own origin is the upstream's, whether it is a mirror or not.
    mirrors.right.go();
    bed.get("/rpm/up/Packages/other-1-1.noarch.rpm");
    let asked = bed.upstream.take_asked();
    assert!(!asked.is_empty() && asked.iter().all(is_known), "{asked:?}");
}

#[test]
fn all_that_is_kept_is_there_without_any_of_them() {
    let (mut bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    bed.upstream
        .put(LIST, metalink(&mirrors.all(), &[repomd(&mirrors.right)]));
    make(&bed, shelf, &json!({}));
    bed.right(&shelf.artifact_here("2.0.0"), NEW);
    let index = bed.get(&shelf.index_here()).expect(200).body;
    mirrors.go();
    bed.upstream.go();
    bed.larder.stop();
    bed.start_again();
    bed.turn(100_000);
    bed.right(&shelf.artifact_here("2.0.0"), NEW);
    assert_eq!(bed.get(&shelf.index_here()).expect(200).body, index);
    bed.change(shelf, &json!({"offline": true}));
    let answer = bed.get(&shelf.index_here()).expect(200);
    assert!(status(&answer).contains("offline"), "{answer:?}");
    bed.get(&shelf.artifact_here("1.0.0")).expect(403);
    // The list alone is lost: what it said is believed.
    bed.change(shelf, &json!({"offline": false}));
    mirrors.right.come_back();
    bed.until(&shelf.artifact_here("1.0.0"), |answer| answer.status == 200);
}

#[test]
fn a_list_leads_to_no_private_place_that_its_upstream_may_not_have() {
    let (bed, mirrors) = (Bed::new(), Mirrors::start());
    let shelf = &mirrors.shelf;
    bed.upstream.put(LIST, lines(&[&mirrors.right]));
    make(
        &bed,
        shelf,
        &json!({"allow_private": false, "allow": [bed.upstream.url()]}),
    );
    bed.get(&shelf.index_here()).expect(502);
    assert!(bed.upstream.count(LIST) > 0);
    assert_eq!(mirrors.right.total(), 0, "{:?}", mirrors.right.take_asked());
    let allow = json!([bed.upstream.url(), mirrors.right.url()]);
    bed.change(shelf, &json!({"upstream": {"allow": allow}}));
    bed.get(&shelf.index_here()).expect(200);
}

#[test]
fn what_is_no_list_is_told() {
    let (bed, mirrors) = (Bed::with(&FORGETFUL), Mirrors::start());
    let shelf = &mirrors.shelf;
    make(&bed, shelf, &json!({}));
    let refused = bed.get(&shelf.index_here()).expect(502).text();
    assert!(refused.contains("no list of mirrors"), "{refused}");
    bed.upstream.put(LIST, "<html>log in</html>");
    bed.turn(10_000);
    let refused = bed.get(&shelf.index_here()).expect(502).text();
    assert!(refused.contains("a list of mirrors"), "{refused}");
    // Nor is it one of another protocol, or with what only clients know.
    for (name, change, told) in [
        (
            "npm/upstream",
            json!({"mirror_list": "https://m.example/list"}),
            "mirror_list",
        ),
        (
            "rpm/up",
            json!({"mirror_list": "https://m.example/list?repo=$releasever"}),
            "$releasever",
        ),
        (
            "rpm/up",
            json!({"url": "https://m.example/$basearch/"}),
            "$basearch",
        ),
    ] {
        let change = json!({ "upstream": change }).to_string();
        let path = format!("repositories/{name}");
        let refused = bed.larder.api("PATCH", &path, &change, 400);
        assert!(refused.to_string().contains(told), "{refused}");
    }
    // Without the list the address counts again.
    bed.upstream.put(LIST, lines(&[&mirrors.right]));
    bed.turn(10_000);
    bed.get(&shelf.index_here()).expect(200);
    let url = shelf.url(&mirrors.right);
    bed.change(
        shelf,
        &json!({"upstream": {"url": url, "allow_private": true}}),
    );
    let repo = bed.larder.api("GET", "repositories/rpm/up", "", 200);
    assert_eq!(repo["upstream"].get("mirror_list"), None, "{repo}");
    bed.right(&shelf.artifact_here("2.0.0"), NEW);
}
