//! Every route of images and packages, by every kind of caller, on what is theirs, on what is
//! hidden from them, and on what is not there.
//!
//! The table below is the model: what each route asks for. The routes of images come from the
//! registry's own list, the words of packages' paths from the sources of their routers: a route
//! without a line fails.

use crate::standing::{Account, CALLERS, People, Standing};
use larder_registry::endpoint::ROUTES;
use larder_tests::http::without_ids;
use larder_tests::image::digest;
use larder_tests::parcel::publish_to;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Response, Start, gits};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// What a route asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// Credentials that are shown must hold; more is not asked for.
    Anyone,
    /// Someone.
    Identified,
    /// Someone with all its rights.
    Unlimited,
    /// To read in the repository.
    Read,
    /// To write.
    Write,
    /// To delete.
    Delete,
    /// Nothing: credentials come in the body.
    Login,
}

use Asks::{Anyone, Delete, Identified, Login, Read, Unlimited, Write};

/// A route: protocol, method and path in it, and what it asks for. `{repo}` is a repository, `{pkg}`
/// a package, `{digest}` of what is there or is not, `{folder}` that of a crate's index.
pub(crate) type Line = (&'static str, &'static str, &'static str, Asks);

#[rustfmt::skip]
pub(crate) const TABLE: &[Line] = &[
    ("npm", "GET", "/npm/{repo}", Read),
    ("npm", "GET", "/npm/{repo}/{pkg}", Read),
    ("npm", "GET", "/npm/{repo}/{pkg}/1.0.0", Read),
    ("npm", "GET", "/npm/{repo}/{pkg}/latest", Read),
    ("npm", "GET", "/npm/{repo}/{pkg}/-/{pkg}-1.0.0.tgz", Read),
    ("npm", "GET", "/npm/{repo}/-/ping", Read),
    ("npm", "GET", "/npm/{repo}/-/v1/search?text={pkg}", Read),
    ("npm", "GET", "/npm/{repo}/-/npm/v1/keys", Read),
    ("npm", "GET", "/npm/{repo}/-/npm/v1/attestations/{pkg}@1.0.0", Read),
    ("npm", "GET", "/npm/{repo}/-/package/{pkg}/dist-tags", Read),
    ("npm", "GET", "/npm/{repo}/-/package/{pkg}/visibility", Read),
    ("npm", "POST", "/npm/{repo}/-/npm/v1/security/advisories/bulk", Read),
    ("npm", "PUBLISH", "/npm/{repo}/{pkg}", Write),
    ("npm", "PUT", "/npm/{repo}/{pkg}", Write),
    ("npm", "PUT", "/npm/{repo}/{pkg}/-rev/1", Delete),
    ("npm", "PUT", "/npm/{repo}/-/package/{pkg}/dist-tags/next", Write),
    ("npm", "DELETE", "/npm/{repo}/-/package/{pkg}/dist-tags/next", Write),
    ("npm", "DELETE", "/npm/{repo}/{pkg}/-rev/1", Delete),
    ("npm", "DELETE", "/npm/{repo}/{pkg}/-/{pkg}-1.0.0.tgz/-rev/1", Delete),
    ("npm", "GET", "/npm/{repo}/-/whoami", Identified),
    ("npm", "GET", "/npm/{repo}/-/npm/v1/user", Identified),
    ("npm", "GET", "/npm/{repo}/-/npm/v1/tokens", Identified),
    ("npm", "POST", "/npm/{repo}/-/npm/v1/tokens", Unlimited),
    ("npm", "DELETE", "/npm/{repo}/-/npm/v1/tokens/token/nothing", Identified),
    ("npm", "DELETE", "/npm/{repo}/-/user/token/nothing", Identified),
    ("npm", "PUT", "/npm/{repo}/-/user/org.couchdb.user:nobody", Login),
    ("npm", "POST", "/npm/{repo}/-/v1/login", Login),
    ("npm", "GET", "/npm/{repo}/-/v1/done", Login),
    ("cargo", "GET", "/cargo/{repo}/config.json", Read),
    ("cargo", "GET", "/cargo/{repo}/{folder}/{pkg}", Read),
    ("cargo", "GET", "/cargo/{repo}/1/a", Read),
    ("cargo", "GET", "/cargo/{repo}/2/ab", Read),
    ("cargo", "GET", "/cargo/{repo}/api/v1/crates?q={pkg}", Read),
    ("cargo", "GET", "/cargo/{repo}/api/v1/crates/{pkg}/1.0.0/download", Read),
    ("cargo", "GET", "/cargo/{repo}/api/v1/crates/{pkg}/owners", Read),
    ("cargo", "PUBLISH", "/cargo/{repo}/api/v1/crates/new", Write),
    ("cargo", "PUT", "/cargo/{repo}/api/v1/crates/{pkg}/1.0.0/unyank", Write),
    ("cargo", "DELETE", "/cargo/{repo}/api/v1/crates/{pkg}/1.0.0/yank", Write),
    ("pypi", "GET", "/pypi/{repo}/simple", Read),
    ("pypi", "GET", "/pypi/{repo}/simple/", Read),
    ("pypi", "GET", "/pypi/{repo}/simple/{pkg}/", Read),
    ("pypi", "GET", "/pypi/{repo}/packages/{pkg}/{pkg}-1.0.0-py3-none-any.whl", Read),
    ("pypi", "GET", "/pypi/{repo}/packages/{pkg}/{pkg}-1.0.0-py3-none-any.whl.metadata", Read),
    ("pypi", "GET", "/pypi/{repo}/integrity/{pkg}/1.0.0/{pkg}-1.0.0-py3-none-any.whl/provenance", Read),
    ("pypi", "PUBLISH", "/pypi/{repo}/legacy/", Write),
    ("deb", "GET", "/deb/{repo}/dists/stable/Release", Read),
    ("deb", "GET", "/deb/{repo}/dists/stable/main/binary-all/Packages.xz", Read),
    ("deb", "GET", "/deb/{repo}/suites.txt", Read),
    ("deb", "GET", "/deb/{repo}/pool/stable/main/{pkg}_1.0.0_all.deb", Read),
    ("deb", "PUBLISH", "/deb/{repo}/pool/stable/main/{pkg}_2.0.0_all.deb", Write),
    ("deb", "PUT", "/deb/{repo}/pool/stable/main/{pkg}_2.0.0-1.debian.tar.gz", Write),
    ("deb", "DELETE", "/deb/{repo}/pool/stable/main/{pkg}_1_all.deb", Delete),
    ("go", "GET", "/go/{repo}/{pkg}.example/@v/list", Read),
    ("go", "GET", "/go/{repo}/{pkg}.example/@latest", Read),
    ("go", "GET", "/go/{repo}/{pkg}.example/@v/v1.0.0.info", Read),
    ("go", "GET", "/go/{repo}/{pkg}.example/@v/v1.0.0.mod", Read),
    ("go", "GET", "/go/{repo}/{pkg}.example/@v/v1.0.0.zip", Read),
    ("go", "GET", "/go/{repo}/{pkg}.example/@v/main.info", Read),
    ("go", "GET", "/go/{repo}/sumdb/sum.example/lookup/{pkg}.example@v1.0.0", Read),
    ("go", "GET", "/go/{repo}/sumdb/sum.example/latest", Read),
    ("go", "GET", "/go/{repo}/vulndb/index/db.json", Read),
    ("go", "PUBLISH", "/go/{repo}/{pkg}.example/@v/v2.0.0.zip", Write),
    ("go", "DELETE", "/go/{repo}/{pkg}.example/@v/v1.0.0.zip", Delete),
    ("composer", "GET", "/composer/{repo}/packages.json", Read),
    ("composer", "GET", "/composer/{repo}/p2/acme/{pkg}.json", Read),
    ("composer", "GET", "/composer/{repo}/p2/acme/{pkg}~dev.json", Read),
    ("composer", "GET", "/composer/{repo}/dist/acme/{pkg}/1.0.0/nothing.zip", Read),
    ("composer", "GET", "/composer/{repo}/search.json?q={pkg}", Read),
    ("composer", "GET", "/composer/{repo}/list.json", Read),
    ("composer", "POST", "/composer/{repo}/api/security-advisories", Read),
    ("composer", "POST", "/composer/{repo}/notify-batch", Read),
    ("composer", "PUBLISH", "/composer/{repo}/upload", Write),
    ("git", "GET", "/git/{repo}/{pkg}/info/refs?service=git-upload-pack", Read),
    ("git", "GET", "/git/{repo}/{pkg}.git/info/refs?service=git-receive-pack", Write),
    ("git", "POST", "/git/{repo}/{pkg}/git-upload-pack", Read),
    ("git", "POST", "/git/{repo}/{pkg}/git-receive-pack", Write),
    ("git", "POST", "/git/{repo}/{pkg}.git/info/lfs/objects/batch", Read),
    ("git", "GET", "/git/{repo}/{pkg}.git/info/lfs/objects/{oid}", Read),
    ("git", "PUT", "/git/{repo}/{pkg}.git/info/lfs/objects/{oid}", Write),
    ("git", "POST", "/git/{repo}/{pkg}.git/info/lfs/objects/verify", Write),
    ("git", "POST", "/git/{repo}/{pkg}.git/info/lfs/locks/verify", Read),
    ("git", "GET", "/git/{repo}/{pkg}.git/info/bundles/{oid}.bundle", Read),
    ("rpm", "GET", "/rpm/{repo}/repodata/repomd.xml", Read),
    ("rpm", "GET", "/rpm/{repo}/repodata/repomd.xml.asc", Read),
    ("rpm", "GET", "/rpm/{repo}/repodata/repomd.xml.key", Read),
    ("rpm", "GET", "/rpm/{repo}/Packages/{pkg}-1-1.noarch.rpm", Read),
    ("rpm", "GET", "/rpm/{repo}/{pkg}.txt", Read),
    ("rpm", "PUT", "/rpm/{repo}/Packages/{pkg}-2-1.noarch.rpm", Write),
    ("rpm", "PUT", "/rpm/{repo}/repodata/updateinfo.xml", Write),
    ("rpm", "DELETE", "/rpm/{repo}/Packages/{pkg}-1-1.noarch.rpm", Delete),
    ("rpm", "DELETE", "/rpm/{repo}/repodata/updateinfo.xml", Delete),
];

/// What the routes of images ask for, by the method and the last words of the path.
pub(crate) fn of_images((method, path): (&'static str, &'static str)) -> Line {
    let asks = match method {
        _ if path == "/v2/_catalog" || path == "/v2/" => Identified,
        _ if !path.contains("{name}") => Anyone,
        "PUT" | "POST" | "PATCH" => Write,
        _ if path.contains("/uploads/") => Write,
        "DELETE" => Delete,
        _ => Read,
    };
    ("oci", method, path, asks)
}

/// Where callers are someone, and where they are nobody, of one kind.
#[derive(Clone, Copy)]
struct Places {
    kind: &'static str,
    repositories: [&'static str; 2],
}

const PLACES: [Places; 3] = [
    Places {
        kind: "hosted",
        repositories: ["team-a", "secret"],
    },
    Places {
        kind: "mirror",
        repositories: ["team-m", "hidden"],
    },
    Places {
        kind: "group",
        repositories: ["team-g", "buried"],
    },
];

/// A server with repositories of each protocol and kind, those that are hosted with `demo` in them.
pub(crate) fn house() -> Larder {
    let start = Start::of(env!("CARGO_BIN_EXE_larder"));
    let limits = [
        ("LARDER_AUTH__LOGIN_ATTEMPTS", "10000"),
        ("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0"),
    ];
    let larder = limits
        .into_iter()
        .fold(start, |start, (name, value)| start.with(name, value))
        .start();
    let admin = larder.admin();
    for repo in ["team-a", "secret"] {
        for protocol in [
            "npm", "cargo", "deb", "pypi", "go", "composer", "rpm", "git",
        ] {
            let new = json!({"protocol": protocol, "name": repo, "kind": "hosted"});
            larder.api("POST", "repositories", &new.to_string(), 201);
            if !matches!(protocol, "rpm" | "git") {
                let published = publish_to(&admin, (protocol, repo), "demo", "1.0.0", b"x");
                assert!(published.status < 300, "{}", published.text());
            }
        }
        image().push(&admin, &format!("{repo}/demo"), "latest");
        gits::push(&larder, &format!("{repo}/demo"));
    }
    for repo in ["team-m", "hidden"] {
        for protocol in [
            "npm", "cargo", "deb", "pypi", "go", "composer", "rpm", "git", "oci",
        ] {
            let new = json!({"protocol": protocol, "name": repo, "kind": "mirror", "open": false,
                "offline": true, "upstream": {"url": "https://registry.example/"}});
            larder.api("POST", "repositories", &new.to_string(), 201);
        }
    }
    for (repo, member) in [("team-g", "team-a"), ("buried", "secret")] {
        for protocol in [
            "npm", "cargo", "deb", "pypi", "go", "composer", "rpm", "git",
        ] {
            let new = json!({"protocol": protocol, "name": repo, "kind": "group", "open": false,
                "members": [member]});
            larder.api("POST", "repositories", &new.to_string(), 201);
        }
    }
    larder
}

fn image() -> Image {
    Image::random(&mut Random::new(7), &[100])
}

/// Makes a request of a line.
fn send(client: &Client, line: Line, repo: &str, package: &str) -> Response {
    let (protocol, method, path, _) = line;
    if method == "PUBLISH" {
        return publish_to(client, (protocol, repo), package, "2.0.0", b"y");
    }
    let image = image();
    let digest = match package {
        "demo" if path.contains("/blobs/") => image.blobs[0].0,
        "demo" => image.digest,
        _ => digest(b"nothing"),
    };
    let path = path
        .replace("{name}", &format!("{repo}/{package}"))
        .replace("{repo}", repo)
        .replace("{pkg}", package)
        .replace("{folder}", &format!("{}/{}", &package[..2], &package[2..]))
        .replace("{digest}", &digest.to_string())
        .replace("{oid}", &digest.hex())
        .replace("{session}", "11111111-1111-4111-8111-111111111111");
    let headers = [
        ("content-type", "application/json"),
        ("git-protocol", "version=2"),
    ];
    let body: &[u8] = match method {
        "POST" if path.contains("/bulk") => b"{}",
        "POST" if path.ends_with("/git-upload-pack") => b"0014command=ls-refs\n0000",
        "POST" if path.ends_with("/batch") => br#"{"operation":"download","objects":[]}"#,
        _ => b"",
    };
    client.send(method, &path, &headers, body)
}

/// The status with which a caller is refused; `None`: it is not.
fn refused((protocol, _, path, asks): Line, caller: Standing, repo: &str) -> Option<u16> {
    let role = caller.role_in(repo);
    let limited = caller.account == Account::Limited;
    let someone = limited || caller.account == Account::Someone;
    let needed = match asks {
        Login => return None,
        _ if caller.account == Account::Void => return Some(401),
        Anyone => return None,
        Identified => return (!someone).then_some(401),
        Unlimited if limited => return Some(403),
        Unlimited => return (!someone).then_some(401),
        Read => 1,
        Write => 2,
        Delete => 3,
    };
    // Of packages one has to read to be told that one may not write.
    let is_hidden = asks == Read || (protocol != "oci" && role == 0);
    // Of these packages the file alone tells the name, and there is none.
    let is_of_file = path.contains("/Packages/") || path.contains("/pool/");
    let is_nowhere = matches!(protocol, "deb" | "rpm") && asks == Delete && is_of_file;
    match () {
        () if role >= needed => None,
        () if !someone => Some(401),
        () if is_hidden || is_nowhere => Some(404),
        () => Some(403),
    }
}

/// All of an answer that tells answers apart, with the names of hidden things and of missing ones
/// alike.
fn seen(answer: &Response) -> String {
    let own = |(name, _): &&(String, String)| !["date", "x-request-id"].contains(&&**name);
    let headers: Vec<_> = answer.headers.iter().filter(own).collect();
    let text = format!("{} {headers:?} {}", answer.status, answer.text());
    let text = text.replace("absent", "secret").replace("hidden", "secret");
    let text = text.replace("buried", "secret");
    let text = text.replace("none", "demo").replace("no/ne", "de/mo");
    // Each refusal has an id of its own; whether there is one must not tell anything.
    let text = without_ids(&text);
    text.replace(&digest(b"nothing").to_string(), &image().digest.to_string())
        .replace(&image().blobs[0].0.to_string(), &image().digest.to_string())
}

/// What is wrong with one line for one caller.
fn wrongs(client: &Client, line: Line, caller: Standing, places: Places) -> Vec<String> {
    let (_, method, path, asks) = line;
    let mut wrong = Vec::new();
    let told = |what: &str, answer: &Response| {
        format!(
            "{} {method} {path} by {}: {what}: {} {}",
            line.0,
            caller.name,
            answer.status,
            answer.text()
        )
    };
    let [_, foreign] = places.repositories;
    let is_hosted = places.kind == "hosted";
    for repo in places.repositories {
        let refused = refused(line, caller, repo);
        let destroys = method == "DELETE" && refused.is_none();
        // Whoever may delete, deletes what is not there.
        let package = if destroys { "none" } else { "demo" };
        let there = send(client, line, repo, package);
        // Who may not read is not told of a page about the refusal.
        if caller.role_in(repo) == 0 && there.text().contains("/why/") {
            wrong.push(told(&format!("{repo} names a page"), &there));
        }
        match refused {
            Some(status) if there.status != status => {
                wrong.push(told(
                    &format!("{repo} is not refused with {status}"),
                    &there,
                ));
            }
            // Who may, is told of the thing, and not of its rights: of a mirror that it is offline,
            // for which the answer to HEAD has no words.
            None if matches!(there.status, 401 | 403)
                && asks != Login
                && (is_hosted || method != "HEAD")
                && !there.text().contains("is offline") =>
            {
                wrong.push(told(&format!("{repo} is refused"), &there));
            }
            None if is_hosted && there.status >= 500 => {
                wrong.push(told(&format!("{repo} fails"), &there));
            }
            None if is_hosted && asks == Read && there.status == 404 && is_there(path) => {
                wrong.push(told(&format!("{repo} has it"), &there));
            }
            _ => {}
        }
        // What is refused is told the same, whether anything is there or not.
        if refused.is_some() {
            let others = [(repo, "none"), ("absent", "demo"), ("absent", "none")];
            let hides = |other: &&(&str, &str)| repo == foreign || other.0 == repo;
            for (other, package) in others.iter().filter(hides) {
                let missing = send(client, line, other, package);
                if seen(&missing) != seen(&there) {
                    wrong.push(told(
                        &format!("{repo} is not {other}/{package}: {}", seen(&missing)),
                        &there,
                    ));
                }
            }
        }
    }
    wrong
}

/// Whether what a line reads is in the house.
fn is_there(path: &str) -> bool {
    let absent = [
        "/1/a",
        "/2/ab",
        "/keys",
        "/attestations",
        "/provenance",
        "/rpm/",
        "{session}",
        "bulk",
        "/main.info",
        "/sumdb/",
        "/vulndb/",
        "~dev",
        "/dist/",
        "/lfs/",
        "/bundles/",
    ];
    !path.ends_with("/simple/") && !absent.iter().any(|part| path.contains(part))
}

#[test]
fn every_route_by_every_kind_of_caller() {
    let images = ROUTES.into_iter().map(of_images);
    let table: Vec<Line> = TABLE.iter().copied().chain(images).collect();
    let larder = house();
    let mut wrong = Vec::new();
    for caller in CALLERS {
        let own = People::is_alone(caller).then(house);
        let people = People {
            larder: own.as_ref().unwrap_or(&larder),
        };
        let client = people.show(caller);
        for places in PLACES {
            // Nothing is published in a mirror: its readers are told so. Images have no groups.
            let asked = |line: &&Line| match places.kind {
                "mirror" => line.3 == Read,
                "group" => line.0 != "oci",
                _ => true,
            };
            for line in table.iter().filter(asked) {
                wrong.extend(wrongs(&client, *line, caller, places));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // Nothing that was refused was done.
    image().check(&larder.admin(), "secret/demo", "latest");
}

/// The words in the patterns of paths of a router's source.
fn words(stream: TokenStream, found: &mut BTreeSet<String>) {
    let mut before = None;
    for token in stream {
        if let TokenTree::Group(group) = &token {
            // A list of values follows an equals sign, an attribute a hash; a pattern neither.
            let is_other =
                matches!(&before, Some(TokenTree::Punct(punct)) if "=#!".contains(punct.as_char()));
            if group.delimiter() == Delimiter::Bracket && !is_other {
                let literals = group.stream().into_iter().filter_map(|token| match token {
                    TokenTree::Literal(literal) => Some(literal.to_string()),
                    _ => None,
                });
                let texts = literals
                    .filter_map(|text| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned()));
                found.extend(texts.filter(|text| !text.is_empty() && !text.contains(['/', '*'])));
            }
            words(group.stream(), found);
        }
        before = Some(token);
    }
}

#[test]
fn every_route_has_a_line() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mirrors/src");
    // Answered by a sentence alone.
    let without = ["audits", "quick", "pypi", "json"];
    for protocol in larder_mirrors::all() {
        let name = protocol.name().0;
        let lines = TABLE.iter().filter(|(protocol, ..)| *protocol == name);
        let lines: Vec<&str> = lines.map(|(_, _, path, _)| *path).collect();
        assert!(!lines.is_empty(), "{name} has no line");
        let path = sources.join(name).join("routes.rs");
        let text = std::fs::read_to_string(&path).expect("a router");
        let mut found = BTreeSet::new();
        words(text.parse().expect("Rust"), &mut found);
        assert!(
            matches!(name, "deb" | "rpm") || found.len() >= 4,
            "{name}: {found:?}"
        );
        for word in found.iter().filter(|word| !without.contains(&&***word)) {
            let has = |line: &&str| line.split(['/', '?']).any(|segment| segment == word);
            assert!(
                lines.iter().any(has),
                "{name}: no line has the segment {word}"
            );
        }
    }
}
