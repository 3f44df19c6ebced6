//! Which member of a group answers for a name, for whom, and what becomes of a group when a member
//! goes away.

use crate::confusion::{artifact_of, with_upstream};
use crate::larder;
use larder_tests::http::without_ids;
use larder_tests::parcel::{in_path, package_of, publish_to, version_of};
use larder_tests::shelf::Shelf;
use larder_tests::upstream::Upstream;
use larder_tests::{Client, Larder, Response};
use serde_json::{Value, json};

/// What is published here package by package.
const PROTOCOLS: [&str; 5] = ["cargo", "npm", "pypi", "go", "composer"];

/// Where a package is asked for below a repo: its index, an artifact, and what else tells of it.
fn addresses(protocol: &str, name: &str) -> Vec<String> {
    let short = format!("{}/{}/{name}", &name[..2], &name[2..4]);
    match protocol {
        "cargo" => vec![
            short,
            format!("api/v1/crates/{name}/1.0.0/download"),
            format!("api/v1/crates/{name}/owners"),
        ],
        "npm" => vec![
            name.to_owned(),
            format!("{name}/-/{name}-1.0.0.tgz"),
            format!("{name}/1.0.0"),
            format!("-/package/{name}/dist-tags"),
        ],
        "go" => ["@v/list", "@v/v1.0.0.zip", "@v/v1.0.0.info", "@latest"]
            .map(|path| format!("{}/{path}", package_of(protocol, name)))
            .into(),
        "composer" => vec![
            format!("p2/acme/{name}.json"),
            format!("p2/acme/{name}~dev.json"),
            format!("dist/acme/{name}/1.0.0/nothing.zip"),
        ],
        _ => vec![
            format!("simple/{name}/"),
            format!("packages/{name}/{name}-1.0.0-py3-none-any.whl"),
        ],
    }
}

/// The index of a package in a repo.
pub(crate) fn index(protocol: &str, repo: &str, name: &str) -> String {
    format!("/{protocol}/{repo}/{}", addresses(protocol, name)[0])
}

/// The bytes of a version of `demo`, as a repo has them.
fn bytes_of(larder: &Larder, protocol: &str, repo: &str, version: &str) -> Vec<u8> {
    let told = larder.admin().get(&index(protocol, repo, "demo")).text();
    let path = artifact_of(protocol, repo, version, &told);
    larder.admin().get(&path).expect(200).body
}

/// All of an answer that a client sees, but for the name that it asked for and the moment.
fn seen(answer: &Response, name: &str) -> (u16, Vec<(String, String)>, String) {
    let changing = ["date", "x-request-id"];
    let told = |text: &str| without_ids(text).replace(name, "NAME");
    let headers = answer
        .headers
        .iter()
        .filter(|(key, _)| !changing.contains(&&**key));
    let headers = headers
        .map(|(key, value)| (key.clone(), told(value)))
        .collect();
    (answer.status, headers, told(&answer.text()))
}

/// What someone is told of a private name is what is told of a name that is nowhere.
#[track_caller]
fn is_nowhere(client: &Client, protocol: &str, repo: &str, private: &str) {
    let nowhere: String = private.chars().rev().collect();
    let api = |name: &str| {
        let name = in_path(&package_of(protocol, name));
        let package = format!("/api/v1/repositories/{protocol}/{repo}/packages/{name}/versions");
        let version = format!("{package}/{}", version_of(protocol, "1.0.0"));
        [package, version]
    };
    let paths = |name: &str| -> Vec<String> {
        let below = addresses(protocol, name).into_iter();
        below
            .map(|path| format!("/{protocol}/{repo}/{path}"))
            .chain(api(name))
            .collect()
    };
    for (path, other) in paths(private).iter().zip(paths(&nowhere)) {
        let [answer, expected] = [path, &other].map(|path| client.get(path));
        assert_eq!(seen(&answer, private), seen(&expected, &nowhere), "{path}");
        // Composer's metadata of what is blocked has no versions.
        let has_nothing = answer.text().contains(" is blocked in ");
        assert!(
            answer.status >= 400 || has_nothing,
            "{path}: {}",
            answer.status
        );
    }
}

/// Makes a repository.
#[track_caller]
pub(crate) fn make(larder: &Larder, protocol: &str, name: &str, kind: &str, more: &Value) {
    let mut body = json!({"protocol": protocol, "name": name, "kind": kind});
    for (key, value) in more.as_object().expect("fields") {
        body[key] = value.clone();
    }
    larder.api("POST", "repositories", &body.to_string(), 201);
}

#[track_caller]
fn change(larder: &Larder, path: &str, body: &Value) -> Value {
    larder.api(
        "PATCH",
        &format!("repositories/{path}"),
        &body.to_string(),
        200,
    )
}

/// Nobody learns from an answer which names are taken.
#[test]
fn a_name_that_may_not_be_read_is_nowhere() {
    for protocol in PROTOCOLS {
        let larder = larder();
        let nobody = larder.make_user("nobody");
        let answer = publish_to(&larder.admin(), (protocol, "main"), "secret", "1.0.0", b"");
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        let all = |state: &str| {
            for client in [&larder.anonymous(), &nobody] {
                is_nowhere(client, protocol, "main", "secret");
            }
            let path = index(protocol, "main", "secret");
            assert_eq!(larder.admin().get(&path).status, 200, "{protocol} {state}");
        };
        all("while the mirror has no upstream");
        let (_upstream, _) = with_upstream(&larder, protocol);
        all("while the upstream has no such name");
        let mirror = format!("{protocol}/upstream");
        let [secret, other] = ["se*", "te*"].map(|pattern| package_of(protocol, pattern));
        let pattern = json!([{"package": secret}, {"package": other}]);
        change(&larder, &mirror, &json!({"blocked": pattern}));
        all("while the mirror blocks such names");
        change(&larder, &mirror, &json!({"blocked": [], "offline": true}));
        all("while the mirror is offline");
    }
}

/// What a member had does not come from elsewhere when the member is gone.
#[test]
fn a_member_that_goes_away_opens_nothing() {
    for protocol in PROTOCOLS {
        let larder = larder();
        let (upstream, _) = with_upstream(&larder, protocol);
        let keeper = larder.make_user("keeper");
        let local = format!("{protocol}/local");
        larder.grant("user:keeper", &local, "*", "admin");
        let demo = index(protocol, "main", "demo");
        let publish = |repo| publish_to(&larder.admin(), (protocol, repo), "demo", "1.0.0", b"");
        assert!(matches!(publish("local").status, 200 | 201));
        let delete = |client: &Client, query: &str| {
            client.send(
                "DELETE",
                &format!("/api/v1/repositories/{local}{query}"),
                &[],
                b"",
            )
        };
        let refused = delete(&keeper, "").expect(409).text();
        assert!(
            refused.contains(&format!("the group {protocol}/main")),
            "{refused}"
        );
        delete(&keeper, "?force=true").expect(403);
        delete(&larder.admin(), "").expect(409);
        delete(&larder.admin(), "?force=true").expect(204);

        // The group does not know any more which names are the member's.
        for name in ["demo", "other"] {
            larder
                .admin()
                .get(&index(protocol, "main", name))
                .expect(404);
        }
        let told = larder.admin().get(&demo).text();
        assert!(told.contains("a member of the group"), "{told}");
        // Another repository of that name is another one.
        make(&larder, protocol, "local", "hosted", &json!({}));
        larder.admin().get(&demo).expect(404);
        // Without it the mirror is asked, but for the names that it had.
        change(
            &larder,
            &format!("{protocol}/main"),
            &json!({"members": ["upstream"]}),
        );
        larder.admin().get(&demo).expect(404);
        if protocol == "go" {
            // What is below such a name is the publisher's as well.
            let asked = upstream.total();
            let below = "/go/main/demo.example/sub/@v/list";
            larder.admin().get(below).expect(404);
            assert_eq!(upstream.total(), asked, "{:?}", upstream.take_asked());
        }
        larder
            .admin()
            .get(&index(protocol, "upstream", "demo"))
            .expect(200);
        // Nor does anyone publish as the one who had the name.
        let taken = publish("local").expect(409).text();
        assert!(taken.contains("reserved"), "{taken}");
        let list = format!("reservations?repository={protocol}/local");
        let reserved = larder.api("GET", &list, "", 200)["items"].take();
        assert_eq!(
            reserved[0]["package"],
            json!(package_of(protocol, "demo")),
            "{reserved}"
        );
        let id = reserved[0]["id"].as_str().expect("id");
        larder.api("DELETE", &format!("reservations/{id}"), "", 204);
        larder.api("DELETE", &format!("reservations/{id}"), "", 404);
        larder.admin().get(&demo).expect(200);
        assert!(
            matches!(publish("local").status, 200 | 201),
            "it is free again"
        );
    }
}

/// A mirror that the caller may not read ends the search: what it has nobody else may give.
#[test]
fn a_mirror_that_may_not_be_read_is_not_passed_over() {
    for protocol in PROTOCOLS {
        let larder = larder();
        let (ours, theirs) = (Upstream::start(), Upstream::start());
        for (name, upstream, body) in [("corp", &ours, b"ours"), ("world", &theirs, b"them")] {
            let mut shelf = Shelf::new(protocol, upstream);
            shelf.put(upstream, "1.0.0", body);
            let settings = json!({"url": shelf.url(upstream), "allow_private": true});
            make(
                &larder,
                protocol,
                name,
                "mirror",
                &json!({"upstream": settings}),
            );
        }
        let closed = change(
            &larder,
            &format!("{protocol}/corp"),
            &json!({"open": false}),
        );
        assert_eq!(
            (&closed["open"], &closed["readable_by"]),
            (&json!(false), &json!("granted"))
        );
        let group = |name: &str, members: [&str; 2]| {
            let settings = json!({"members": members, "open": true});
            make(&larder, protocol, name, "group", &settings);
        };
        group("corp-first", ["corp", "world"]);
        group("world-first", ["world", "corp"]);
        let reader = larder.make_user("reader");
        larder.grant("user:reader", &format!("{protocol}/corp"), "*", "reader");
        let get = |client: &Client, repo: &str| client.get(&index(protocol, repo, "demo")).status;
        assert_eq!(get(&reader, "corp-first"), 200);
        assert_eq!(get(&larder.anonymous(), "corp-first"), 404, "{protocol}");
        assert_eq!(get(&larder.anonymous(), "world-first"), 200);
        is_nowhere(&larder.anonymous(), protocol, "corp-first", "secret");
        let total = theirs.total();
        get(&larder.anonymous(), "corp-first");
        assert_eq!(theirs.total(), total, "nobody else was asked");
    }
}

/// Releases and snapshots of one package are in two repositories and seen in one group.
#[test]
fn hosted_members_share_a_package() {
    for protocol in PROTOCOLS {
        let larder = larder();
        for name in ["releases", "snapshots"] {
            make(&larder, protocol, name, "hosted", &json!({}));
        }
        make(
            &larder,
            protocol,
            "all",
            "group",
            &json!({"members": ["releases", "snapshots"]}),
        );
        for (repo, version, bytes) in [
            ("releases", "1.0.0", &b"released"[..]),
            ("snapshots", "1.0.0", b"another"),
            ("snapshots", "1.1.0", b"snapshot"),
        ] {
            let answer = publish_to(&larder.admin(), (protocol, repo), "demo", version, bytes);
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        }
        let told = larder
            .admin()
            .get(&index(protocol, "all", "demo"))
            .expect(200)
            .text();
        assert!(
            told.contains("1.0.0") && told.contains("1.1.0"),
            "{protocol}: {told}"
        );
        let bytes = |repo: &str, version: &str| bytes_of(&larder, protocol, repo, version);
        assert_eq!(
            bytes("all", "1.0.0"),
            bytes("releases", "1.0.0"),
            "the first member's"
        );
        assert_eq!(bytes("all", "1.1.0"), bytes("snapshots", "1.1.0"));
        let demo = in_path(&package_of(protocol, "demo"));
        let path = format!("repositories/{protocol}/all/packages/{demo}/versions");
        let versions = larder.api("GET", &path, "", 200);
        let from = |at: usize| versions["items"][at]["repository"].clone();
        assert_eq!(from(0), json!(format!("{protocol}/releases")), "{versions}");
        assert_eq!(
            from(1),
            json!(format!("{protocol}/snapshots")),
            "{versions}"
        );
        // Who may not read both gets nothing: it would be another package.
        let half = larder.make_user("half");
        for repo in ["all", "releases"] {
            larder.grant("user:half", &format!("{protocol}/{repo}"), "*", "reader");
        }
        assert_eq!(half.get(&index(protocol, "releases", "demo")).status, 200);
        is_nowhere(&half, protocol, "all", "demo");
        // What was taken back there is nobody else's either.
        let version = versions["items"][0]["version"].as_str().expect("version");
        let deleted =
            format!("repositories/{protocol}/releases/packages/{demo}/versions/{version}");
        let path_of = artifact_of(protocol, "all", "1.0.0", &told);
        larder.api("DELETE", &deleted, "", 204);
        larder.admin().get(&path_of).expect(404);
        let told = larder.admin().get(&index(protocol, "all", "demo"));
        let told = told.expect(200).text().replace("1.1.0.0", ""); // as Composer writes 1.1.0
        assert!(!told.contains("1.0.0"), "{protocol}: {told}");
    }
}

/// A password for the upstream closes its mirror, whatever was said before.
#[test]
fn credentials_close_a_mirror() {
    let larder = larder();
    let upstream = Upstream::start();
    let url = upstream.url();
    make(
        &larder,
        "npm",
        "up",
        "mirror",
        &json!({"upstream": {"url": url}}),
    );
    let shown = |larder: &Larder| larder.api("GET", "repositories/npm/up", "", 200);
    assert_eq!(shown(&larder)["readable_by"], json!("everyone"));
    change(&larder, "npm/up", &json!({"open": true}));
    let secret = json!({"upstream": {"url": url, "username": "ci", "password": "hunter2"}});
    let changed = change(&larder, "npm/up", &secret);
    assert_eq!(
        (&changed["open"], &changed["readable_by"]),
        (&Value::Null, &json!("granted"))
    );
    larder.anonymous().get("/npm/up/demo").expect(401);
    // Whoever says so can open it all the same, by the setting or by a grant.
    let opened = change(&larder, "npm/up", &json!({"open": true}));
    assert_eq!(opened["readable_by"], json!("everyone"));
    change(&larder, "npm/up", &json!({"open": null}));
    assert_eq!(shown(&larder)["readable_by"], json!("granted"));
    larder.grant("anonymous", "npm/up", "*", "reader");
    assert_eq!(shown(&larder)["readable_by"], json!("everyone"));
}

/// Who may publish nowhere in a group is told so of the group: not which member it would have been.
#[test]
fn a_refused_publication_names_no_hidden_member() {
    for protocol in PROTOCOLS {
        let larder = larder();
        make(&larder, protocol, "hidden", "hosted", &json!({}));
        let members = json!({"members": ["hidden"]});
        make(&larder, protocol, "shown", "group", &members);
        let alice = larder.make_user("alice");
        larder.grant("user:alice", &format!("{protocol}/shown"), "*", "reader");
        let to_group = || publish_to(&alice, (protocol, "shown"), "tool", "1.0.0", b"");
        let refused = to_group().expect(403).text();
        assert!(refused.contains("you may not write shown"), "{refused}");
        assert!(!refused.contains("hidden"), "{refused}");
        // Who may read the member learns which one it is.
        larder.grant("user:alice", &format!("{protocol}/hidden"), "*", "reader");
        let refused = to_group().expect(403).text();
        let member = format!("on {protocol}/hidden");
        assert!(refused.contains(&member), "{refused}");
    }
}

/// In whichever order a mirror, its credentials and a group of it come: while there are some, nobody
/// reads it unasked, by itself or through the group.
#[test]
fn credentials_close_a_mirror_in_a_group_too() {
    for made_with in [false, true] {
        let larder = larder();
        let upstream = Upstream::start();
        let mut shelf = Shelf::new("npm", &upstream);
        shelf.put(&upstream, "1.0.0", b"theirs");
        let plain = json!({"url": shelf.url(&upstream), "allow_private": true});
        let mut secret = plain.clone();
        secret["username"] = "ci".into();
        secret["password"] = "hunter2".into();
        let first = if made_with { &secret } else { &plain };
        make(&larder, "npm", "up", "mirror", &json!({"upstream": first}));
        make(&larder, "npm", "all", "group", &json!({"members": ["up"]}));
        change(&larder, "npm/upstream", &json!({"upstream": first}));
        let seen = |status: u16| {
            for repo in ["up", "all", "upstream", "main"] {
                let answer = larder.anonymous().get(&format!("/npm/{repo}/demo"));
                // The group of a first start stays open, and has nothing for them.
                let right = if repo == "main" && status == 401 {
                    404
                } else {
                    status
                };
                assert_eq!(answer.status, right, "{repo}: {}", answer.text());
            }
        };
        let set = |upstream: &Value| {
            for repo in ["npm/up", "npm/upstream"] {
                change(&larder, repo, &json!({"upstream": upstream}));
            }
        };
        if !made_with {
            seen(200);
            set(&secret);
        }
        seen(401);
        let mut gone = plain.clone();
        gone["username"] = "".into();
        gone["password"] = "".into();
        set(&gone);
        seen(200);
        set(&secret);
        seen(401);
    }
}

/// A token for some repositories reads what everyone may, of a group too.
#[test]
fn a_limited_token_reads_of_a_group_what_everyone_may() {
    let larder = larder();
    let (_upstream, _) = with_upstream(&larder, "npm");
    larder.make_user("ci");
    larder.grant("user:ci", "npm/local", "*", "writer");
    larder.grant("user:ci", "oci/team", "*", "writer");
    let limits = json!({"name": "ci", "grants": [
        {"repository": "npm/local", "role": "writer"},
        {"repository": "oci/team", "role": "writer"}]});
    let ci = larder.user("ci", larder_tests::larder::PASSWORD);
    let headers = [("content-type", "application/json")];
    let made = ci.send(
        "POST",
        "/api/v1/tokens",
        &headers,
        limits.to_string().as_bytes(),
    );
    let made = made.expect(201).json();
    let token = larder.user("ci", made["secret"].as_str().expect("secret"));
    let path = index("npm", "main", "demo");
    let anyones = larder.anonymous().get(&path).expect(200);
    assert_eq!(token.get(&path).expect(200).body, anyones.body);
    // And no more than it: what is published here, where it may, but nothing that others hide.
    let answer = publish_to(&token, ("npm", "main"), "ours", "1.0.0", b"");
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    token.get(&index("npm", "main", "ours")).expect(200);
    make(&larder, "npm", "hidden", "hosted", &json!({}));
    token.get(&index("npm", "hidden", "demo")).expect(404);
}
