//! Where requests go and what they carry: nobody's index leads to private places, nobody else gets
//! our credentials.

use crate::bed::Bed;
use larder_tests::shelf::{PROTOCOLS, leading_elsewhere};
use larder_tests::upstream::Asked;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::{Value, json};

pub(crate) const BODY: &[u8] = b"what is asked for";
const SECRET: &str = "do-not-tell-anybody";

#[test]
fn a_private_upstream_needs_to_be_allowed() {
    let bed = Bed::new();
    let port = bed
        .upstream
        .url()
        .rsplit(':')
        .next()
        .expect("port")
        .trim_end_matches('/')
        .to_owned();
    let shelf = bed.mirror("npm", BODY);
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
    ];
    for host in hosts {
        let url = format!("http://{host}:{port}/npm/");
        bed.change(
            &shelf,
            &json!({"upstream": {"url": url, "allow_private": false}}),
        );
        for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
            let refused = bed.get(&path);
            assert!(
                matches!(refused.status, 502 | 503),
                "{host}: {} {}",
                refused.status,
                refused.text()
            );
            assert!(!refused.text().contains(&port), "{}", refused.text());
        }
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    bed.change(
        &shelf,
        &json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}}),
    );
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
}

/// Mirrors whose indexes say that the artifacts are with another upstream, which has them.
pub(crate) fn apart(bed: &Bed, other: &Upstream, upstream: impl Fn(&Shelf) -> Value) -> Vec<Shelf> {
    let make = |protocol| {
        let mut shelf = Shelf::new(protocol, &bed.upstream);
        shelf.put(other, "1.0.0", BODY);
        shelf.files = format!("{}{protocol}/", other.url());
        shelf.put(&bed.upstream, "1.0.0", BODY);
        bed.make(&shelf, &upstream(&shelf));
        shelf
    };
    leading_elsewhere().map(make).collect()
}

#[test]
fn an_index_leads_to_other_private_places_only_if_they_are_listed() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let shelves = apart(
        &bed,
        &other,
        |shelf| json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    for shelf in &shelves {
        let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(502);
        assert!(!refused.text().contains("127.0.0.1"), "{}", refused.text());
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    for shelf in &shelves {
        bed.change(shelf, &json!({"upstream": {"allow": [other.url()]}}));
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        assert_eq!(
            other.count(&shelf.artifact("1.0.0")),
            1,
            "{}",
            shelf.protocol
        );
    }
}

#[test]
fn a_redirect_leads_to_other_private_places_only_if_they_are_listed() {
    let (bed, other) = (Bed::new(), Upstream::start());
    for shelf in bed.mirrors(BODY) {
        for path in [shelf.index(), shelf.artifact("1.0.0")] {
            other.put(&path, bed.upstream.body(&path));
            bed.upstream.fail(
                &path,
                Fault::Redirect(format!("{}{}", other.url(), &path[1..])),
            );
        }
        assert_eq!(bed.get(&shelf.index_here()).status, 502);
        assert_eq!(other.total(), 0, "{:?}", other.take_asked());
        bed.change(&shelf, &json!({"upstream": {"allow": [other.url()]}}));
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        assert!(other.total() >= 2, "{:?}", other.take_asked());
        other.take_asked();
    }
}

fn carries_secret(asked: &Asked) -> bool {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("robot:{SECRET}"));
    let secret = |text: &str| text.contains(SECRET) || text.contains(&encoded);
    secret(&asked.path)
        || asked
            .headers
            .iter()
            .any(|(name, value)| name == "authorization" || secret(value))
}

/// Over indexes that name another place, over redirects there, and back again.
#[test]
fn credentials_go_to_their_own_origin_only() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let shelves = apart(&bed, &other, |shelf| {
        let (username, password) = ("robot", SECRET);
        let allow = [other.url()];
        let url = shelf.url(&bed.upstream);
        json!({"url": url, "allow_private": true, "allow": allow, "username": username, "password": password})
    });
    for shelf in &shelves {
        // The index is with the other as well, which sends some of them back.
        let back = format!("{}back{}", bed.upstream.url(), shelf.index());
        bed.upstream.put(
            &format!("/back{}", shelf.index()),
            bed.upstream.body(&shelf.index()),
        );
        bed.upstream.fail(
            &shelf.index(),
            Fault::Redirect(format!("{}{}", other.url(), &shelf.index()[1..])),
        );
        other.fail(&shelf.index(), Fault::Redirect(back));
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        assert_eq!(other.count(&shelf.artifact("1.0.0")), 1);
        assert_eq!(other.count(&shelf.index()), 1);
    }
    for asked in other.take_asked() {
        assert!(!carries_secret(&asked), "{asked:?}");
    }
    let own = bed.upstream.take_asked();
    assert!(
        own.len() >= 8
            && own
                .iter()
                .all(|asked| asked.header("authorization").is_some()),
        "{own:?}"
    );
    let log = bed.larder.log_text();
    assert!(!log.contains(SECRET), "{log}");
    for shelf in &shelves {
        let told = bed
            .larder
            .api(
                "GET",
                &format!("repositories/{}/up", shelf.protocol),
                "",
                200,
            )
            .to_string();
        assert!(!told.contains(SECRET), "{told}");
    }
}

/// What an index says of a place, and that is none we go to.
#[test]
fn places_that_are_none() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let port = other
        .url()
        .rsplit(':')
        .next()
        .expect("port")
        .trim_end_matches('/')
        .to_owned();
    let places = [
        "http://169.254.169.254/latest/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[fd00::1]/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://user@127.0.0.1:{port}/"),
        format!(
            "{}@127.0.0.1:{port}/",
            bed.upstream.url().trim_end_matches('/')
        ),
        format!("//127.0.0.1:{port}/"),
        "file:///etc/".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
        "gopher://127.0.0.1:6379/_".to_owned(),
        "data:text/plain,".to_owned(),
        "http://".to_owned(),
    ];
    for protocol in leading_elsewhere() {
        let mut shelf = bed.mirror(protocol, BODY);
        for (at, place) in places.iter().enumerate() {
            let version = format!("2.{at}.0");
            shelf.files.clone_from(place);
            shelf.put(&bed.upstream, &version, BODY);
            bed.turn(10_000);
            let there = shelf.artifact(&version);
            bed.upstream.take_asked();
            let (answer, _) = bed.taken(&shelf.artifact_here(&version));
            assert!(
                answer.status >= 400,
                "{protocol} {place}: {}",
                answer.status
            );
            let text = answer.text();
            assert!(
                !text.contains(&port) && !text.contains(SECRET),
                "{protocol} {place}: {text}"
            );
            assert_eq!(bed.upstream.count(&there), 0, "{protocol} {place}");
            bed.rest(&shelf);
        }
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
}

/// An index may name our own upstream with other credentials than ours: these are not sent.
#[test]
fn credentials_within_an_address_are_not_used() {
    let bed = Bed::new();
    for protocol in PROTOCOLS {
        let mut shelf = Shelf::new(protocol, &bed.upstream);
        shelf.files = shelf
            .files
            .replacen("http://", "http://stranger:theirs@", 1);
        shelf.put(&bed.upstream, "1.0.0", BODY);
        bed.make(
            &shelf,
            &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
        );
        bed.taken(&shelf.artifact_here("1.0.0"));
    }
    for asked in bed.upstream.take_asked() {
        assert!(asked.header("authorization").is_none(), "{asked:?}");
    }
}

#[test]
fn the_list_of_all_projects_is_fetched_for_nobody_in_particular() {
    let bed = Bed::new();
    let shelf = bed.mirror("pypi", b"x");
    let group = json!({"protocol": "pypi", "name": "all", "kind": "group", "members": ["up"]});
    bed.larder
        .api("POST", "repositories", &group.to_string(), 201);
    let list =
        "<html><body><h1>Simple index</h1><a href=\"/pypi/simple/demo/\">demo</a></body></html>";
    let path = "/pypi/simple/";
    bed.upstream.put(path, list);
    for repo in ["up", "all"] {
        let here = format!("/pypi/{repo}/simple/");
        let refused = bed.client.get(&here).expect(401);
        assert!(
            refused.text().contains("ask for a package by its name"),
            "{}",
            refused.text()
        );
        assert!(refused.header("www-authenticate").is_some());
        assert_eq!(bed.upstream.count(path), 0, "{repo}");
    }
    // A package is anyone's, and the list that of who has a name.
    bed.client.get(&shelf.index_here()).expect(200);
    bed.larder.make_user("alice");
    let alice = bed.larder.user("alice", larder_tests::larder::PASSWORD);
    bed.larder.grant("user:alice", "pypi/*", "*", "reader");
    for repo in ["up", "all"] {
        let got = alice.get(&format!("/pypi/{repo}/simple/")).expect(200);
        assert!(got.text().contains("demo"), "{}", got.text());
    }
    assert_eq!(bed.upstream.count(path), 1);
    // Where nothing is fetched, what is kept is anyone's too.
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    bed.client.get("/pypi/up/simple/").expect(200);
}
