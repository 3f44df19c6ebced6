//! Refusals by rules, of the built binary: each client's channel has the sentence with an id, and the
//! id leads to what may be known of it.

use larder_tests::http::Response;
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::package_of;
use larder_tests::random::Random;
use larder_tests::tools::{command, docker_login, fails, run, tool};
use larder_tests::{Client, Image, Larder, Start, layout};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_larder");
const REASON: &str = "it steals passwords";

fn larder() -> Larder {
    let larder = Start::of(BINARY).start();
    larder.disable_schedules();
    larder
}

/// The id that a text names.
#[track_caller]
fn id_in(text: &str) -> String {
    let (_, after) = text.split_once("/why/").expect(text);
    let id: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
    assert_eq!(id.len(), 32, "{text}");
    id
}

/// The reason phrase of an answer, as it stands in the status line.
fn reason(client: &Client, path: &str) -> String {
    let mut stream = client.connect().expect("connection");
    let head = client.head("GET", path, &[], None);
    stream.write_all(&head).expect("request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answer");
    let end = answer.windows(2).position(|pair| pair == b"\r\n");
    let line = answer[..end.expect("a line")].to_vec();
    let line = String::from_utf8(line).expect("ASCII");
    assert!(line.is_ascii(), "{line}");
    let reason = line.splitn(3, ' ').nth(2).expect("reason");
    assert!(reason.len() <= 200, "{reason}");
    reason.to_owned()
}

#[track_caller]
fn block(larder: &Larder, repository: &str, pattern: &str, reason: &str) {
    let body = json!({"blocked": [{"package": pattern, "reason": reason}]});
    let path = format!("repositories/{repository}");
    larder.api("PATCH", &path, &body.to_string(), 200);
}

#[test]
fn each_channel_of_each_client_has_the_sentence_with_an_id() {
    let larder = larder();
    let anonymous = larder.anonymous();
    let mirror = json!({
        "protocol": "oci", "name": "images.example", "kind": "mirror",
        "upstream": {"url": "http://127.0.0.1:1", "allow_private": true},
    });
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    let mirror = json!({
        "protocol": "git", "name": "mirror", "kind": "mirror",
        "upstream": {"url": "http://127.0.0.1:1", "allow_private": true},
    });
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    for (repository, path) in [
        ("npm/main", "/npm/main/demo"),
        ("pypi/main", "/pypi/main/simple/demo/"),
        ("cargo/main", "/cargo/main/de/mo/demo"),
        ("composer/main", "/composer/main/dist/acme/demo/1.0.0/r.zip"),
        ("go/main", "/go/main/demo.example/@v/list"),
        ("go/main", "/go/main/demo.example/@v/v1.0.0.zip"),
        ("deb/upstream", "/deb/upstream/pool/main/demo_1.0_all.deb"),
        ("rpm/upstream", "/rpm/upstream/Packages/demo-1-1.noarch.rpm"),
        (
            "git/mirror",
            "/git/mirror/demo/info/refs?service=git-upload-pack",
        ),
        ("git/mirror", "/git/mirror/demo.git/info/lfs/objects/batch"),
        ("oci/images.example", "/v2/images.example/demo/manifests/1"),
    ] {
        let (protocol, _) = repository.split_once('/').expect("protocol");
        let package = package_of(protocol, "demo");
        block(&larder, repository, &package, REASON);
        let is_large = path.ends_with("/objects/batch");
        let method = if is_large { "POST" } else { "GET" };
        let objects = br#"{"operation":"download","objects":[]}"#;
        let body: &[u8] = if is_large { objects } else { b"" };
        let answer = anonymous.send(method, path, &[], body).expect(403);
        let id = id_in(&answer.text());
        let sentence = format!(
            "{package} is blocked in {repository}: {REASON}; see {}/why/{id}",
            larder.url()
        );
        // Asked again within the minute it is the same refusal.
        if !is_large {
            let again = reason(&anonymous, path);
            assert!(
                again.starts_with(&format!("{package} is blocked in")),
                "{again}"
            );
            assert_eq!(again.len(), sentence.len(), "{again}");
        }
        let text = answer.text();
        match protocol {
            "composer" => assert_eq!(answer.json()["warning"], sentence),
            "npm" => {
                assert_eq!(answer.json()["error"], sentence);
                assert_eq!(answer.header("npm-notice"), Some(sentence.as_str()));
            }
            "oci" => assert_eq!(answer.json()["errors"][0]["message"], sentence),
            "git" if is_large => assert_eq!(answer.json()["message"], sentence),
            // The one that git shows to the person.
            "git" => {
                assert_eq!(text, format!("{sentence}\n"));
                assert_eq!(answer.header("content-type"), Some("text/plain"));
            }
            _ => {
                assert_eq!(text, format!("{sentence}\n"));
                let media_type = answer.header("content-type");
                assert_eq!(media_type, Some("text/plain; charset=utf-8"));
            }
        }
        // Everyone may read it, so everyone is told what it was.
        let why = anonymous
            .get(&format!("/api/v1/why/{id}"))
            .expect(200)
            .json();
        assert_eq!(
            (&why["repository"], &why["package"], &why["rule"]),
            (&json!(repository), &json!(package), &json!("block"))
        );
        assert!(
            anonymous
                .get(&format!("/why/{id}"))
                .expect(200)
                .text()
                .contains(REASON)
        );
    }
}

#[test]
fn nothing_of_a_reason_breaks_out_of_the_status_line() {
    let larder = larder();
    let anonymous = larder.anonymous();
    let hostile = format!("恶意软件 é {}", "x".repeat(150));
    block(&larder, "npm/main", "*", &hostile);
    let told = reason(&anonymous, "/npm/main/demo");
    assert!(
        told.starts_with("demo is blocked in npm/main: ???? ? xxx"),
        "{told}"
    );
    assert!(told.contains("...; see http://"), "{told}");
    let id = id_in(&told);
    assert!(told.ends_with(&id), "{told}");
    let notice = anonymous.get("/npm/main/demo").expect(403);
    let notice = notice.header("npm-notice").expect("notice");
    assert_eq!(notice.len(), 200, "{notice}");
    // The page and the body have all of it.
    let why = anonymous
        .get(&format!("/api/v1/why/{id}"))
        .expect(200)
        .json();
    let detail = why["detail"].as_str().expect("detail");
    assert!(detail.contains(&hostile), "{detail}");
    for name in ["a%0d%0aset-cookie:%20b", "a%00", "%3Cscript%3E"] {
        let path = format!("/npm/main/{name}");
        let told = reason(&anonymous, &path);
        assert!(!told.contains('\r') && !told.contains('\n'), "{told}");
        let answer = anonymous.get(&path);
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

/// A hosted repository `oci/team` with an image, whose tags `v*` are immutable, that a reader reads.
fn team(larder: &Larder) -> (Image, Client, Client) {
    let mut random = Random::seeded();
    let (old, new) = (
        Image::random(&mut random, &[10]),
        Image::random(&mut random, &[20]),
    );
    let admin = larder.admin();
    old.push(&admin, "team/app", "v1");
    new.push(&admin, "team/app", "latest");
    let immutable = r#"{"immutable":["v*"]}"#;
    larder.api("PATCH", "repositories/oci/team", immutable, 200);
    let (reader, other) = (larder.make_user("reader"), larder.make_user("other"));
    larder.grant("user:reader", "oci/team", "*", "reader");
    (new, reader, other)
}

#[track_caller]
fn listed(client: &Client) -> Vec<Value> {
    let page = client.get("/api/v1/denied").expect(200).json();
    page["items"].as_array().expect("items").clone()
}

#[test]
fn an_id_leads_whoever_may_read_to_all_of_it_and_others_to_nothing() {
    let mut larder = larder();
    let (new, reader, other) = team(&larder);
    let push = |client: &Client| put_manifest(client, "team/app", "v1", MANIFEST, &new.manifest);
    // A rule refuses who may write; the right is missing to who may read; to others there is nothing.
    let immutable = id_in(&push(&larder.admin()).expect(409).text());
    let right = push(&reader).expect(403).text();
    assert!(right.contains("you may not write team/app"), "{right}");
    let right = id_in(&right);
    let hidden = push(&other).expect(403).text();
    assert!(!hidden.contains("/why/"), "{hidden}");
    let seen = |client: &Client, id: &str| {
        let answer = client.get(&format!("/api/v1/why/{id}"));
        (answer.status, answer.text())
    };
    for client in [&other, &larder.anonymous()] {
        let missing = seen(client, &"0".repeat(32));
        assert_eq!(missing.0, 404);
        assert_eq!(seen(client, &right), missing);
        assert_eq!(seen(client, &immutable), missing);
    }
    let why: Value = serde_json::from_str(&seen(&reader, &immutable).1).expect("JSON");
    assert_eq!(
        (
            &why["rule"],
            &why["version"],
            &why["actor"],
            &why["address"]
        ),
        (
            &json!("immutable"),
            &json!("v1"),
            &json!("user:admin"),
            &Value::Null
        )
    );
    // Superusers see all that was refused, others what they administer.
    let rules: Vec<Value> = listed(&larder.admin())
        .iter()
        .map(|it| it["rule"].clone())
        .collect();
    assert_eq!(rules, ["right", "immutable"]);
    assert!(listed(&reader).is_empty());
    larder.grant("user:reader", "oci/team", "*", "admin");
    assert_eq!(listed(&reader).len(), 2);
    // It is there after a restart too: it was written down at the end.
    larder.stop();
    larder.start_again();
    assert_eq!(seen(&larder.user("reader", PASSWORD), &right).0, 200);
    let mut why = command(Path::new(BINARY), larder.folder());
    why.args(["why", &format!("{}/why/{right}", larder.url()), "--json"]);
    why.args(["--server", larder.url()]);
    why.env("LARDER_TOKEN", larder.token_of("reader"));
    let told: Value = serde_json::from_str(&run(&mut why)).expect("JSON");
    assert_eq!(told["verb"], "write", "{told}");
    // The log of the server has no id but in the lines of the requests that were told it.
    let log = larder.log_text();
    for id in [&right, &immutable] {
        let all = log.lines().filter(|line| line.contains(id.as_str()));
        let own = |line: &&str| line.contains("/manifests/v1") || line.contains("/why/");
        assert!(all.clone().all(|line| own(&line)), "{log}");
    }
}

/// A page as whoever has this cookie sees it.
#[track_caller]
fn page(larder: &Larder, cookie: &str, path: &str) -> Response {
    larder
        .anonymous()
        .send("GET", path, &[("cookie", cookie)], b"")
}

fn cookie_of(larder: &Larder, name: &str) -> String {
    let form = format!("username={name}&password={PASSWORD}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let begun = larder
        .anonymous()
        .send("POST", "/login", &headers, form.as_bytes());
    let begun = begun.expect(303);
    let cookie = begun.header("set-cookie").expect("a cookie");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[test]
fn pages_tell_each_as_much_as_they_may_know() {
    let larder = larder();
    let (_, reader, _) = team(&larder);
    let path = "/v2/team/app/manifests/latest";
    let id = id_in(&reader.send("DELETE", path, &[], b"").expect(403).text());
    let sentence = "you may not delete team/app: that needs role maintainer on oci/team (package app); \
                    ask its admin for a grant";
    let why = format!("/why/{id}");
    // Whoever has the id reads the sentence that it came with, and no more.
    for cookie in [String::new(), cookie_of(&larder, "other")] {
        let told = page(&larder, &cookie, &why).expect(200).text();
        assert!(told.contains(sentence), "{told}");
        for more in ["user:reader", "latest", "127.0.0.1<", "grant create"] {
            assert!(!told.contains(more), "{more}: {told}");
        }
        let signs_in = told.contains(&format!("/login?next=%2Fwhy%2F{id}"));
        assert_eq!(signs_in, cookie.is_empty(), "{told}");
        page(&larder, &cookie, &format!("/why/{}", "0".repeat(32))).expect(404);
    }
    let admin = cookie_of(&larder, "admin");
    let told = page(&larder, &admin, &why).expect(200).text();
    let grant = "larder grant create user:reader oci/team --role maintainer";
    for more in [
        sentence,
        "user:reader",
        "oci/team",
        "latest",
        grant,
        "/access/grants",
    ] {
        assert!(told.contains(more), "{more}: {told}");
    }
    let denied = page(&larder, &admin, "/denied?rule=right&repository=oci%2Fteam");
    assert!(denied.expect(200).text().contains(&why));
    let chinese = format!("{admin}; larder_language=zh");
    let denied = page(&larder, &chinese, "/denied").expect(200).text();
    assert!(
        denied.contains("被拒绝的请求") && denied.contains(&why),
        "{denied}"
    );
    let none = page(&larder, &admin, "/denied?rule=quota")
        .expect(200)
        .text();
    assert!(!none.contains(&why), "{none}");
    let policies = page(&larder, &admin, "/policies").expect(200).text();
    assert!(policies.contains("href=\"/denied\""), "{policies}");
    page(&larder, "", "/denied").expect(303);
}

#[test]
fn skopeo_crane_and_docker_s_kin_name_the_id_of_an_immutable_tag() {
    let larder = larder();
    let (new, _, _) = team(&larder);
    let folder = larder.folder().join("image");
    layout::write(&folder, &new, "v1");
    let to = format!("{}/team/app:v1", larder.host());
    let home = larder.folder();
    docker_login(home, larder.host(), "admin", PASSWORD);
    let told = |said: &str| {
        assert!(said.contains("immutable"), "{said}");
        let shown = larder.api("GET", &format!("why/{}", id_in(said)), "", 200);
        assert_eq!(shown["rule"], "immutable");
    };
    if let Some(skopeo) = tool("skopeo") {
        let mut copy = command(&skopeo, home);
        copy.args(["copy", "--dest-tls-verify=false", "--dest-creds"]);
        copy.arg(format!("admin:{PASSWORD}"));
        copy.arg(format!("oci:{}:v1", folder.display()));
        copy.arg(format!("docker://{to}"));
        told(&fails(&mut copy));
    }
    if let Some(crane) = tool("crane") {
        let mut push = command(&crane, home);
        push.args(["push", "--insecure"]).arg(&folder).arg(&to);
        told(&fails(push.env("DOCKER_CONFIG", home)));
    }
}
