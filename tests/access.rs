//! Rights: every route for every kind of caller, and the ways in which other servers were tricked.

use larder_registry::endpoint::ROUTES;
use larder_tests::image::{digest, push_blob};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Response, Start};
use serde_json::json;

/// Callers and what they may on `oci/team`: read, write, delete.
const CALLERS: [(&str, [bool; 3]); 10] = [
    ("anonymous", [false, false, false]),
    ("stranger", [false, false, false]),
    ("reader", [true, false, false]),
    ("writer", [true, true, false]),
    ("maintainer", [true, true, true]),
    ("admin-here", [true, true, true]),
    ("admin-elsewhere", [false, false, false]),
    ("limited", [true, false, false]),
    ("disabled", [false, false, false]),
    ("admin", [true, true, true]),
];

struct House {
    larder: Larder,
    image: Image,
    limited: String,
}

impl House {
    fn new() -> Self {
        Self::with_login_attempts("10")
    }

    fn with_login_attempts(attempts: &str) -> Self {
        let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
            .with("LARDER_AUTH__LOGIN_ATTEMPTS", attempts)
            .start();
        let image = Image::random(&mut Random::seeded(), &[1000]);
        for name in ["team/app", "team/other", "secret/app", "elsewhere/app"] {
            image.push(&larder.admin(), name, "latest");
        }
        for user in [
            "stranger",
            "reader",
            "writer",
            "maintainer",
            "admin-here",
            "admin-elsewhere",
            "limited",
            "disabled",
        ] {
            larder.make_user(user);
        }
        for (user, role) in [
            ("reader", "reader"),
            ("writer", "writer"),
            ("maintainer", "maintainer"),
        ] {
            larder.grant(&format!("user:{user}"), "oci/team", "*", role);
        }
        larder.grant("user:admin-here", "oci/team", "*", "admin");
        larder.grant("user:admin-elsewhere", "oci/elsewhere", "*", "admin");
        larder.grant("user:limited", "oci/team", "*", "maintainer");
        larder.grant("user:disabled", "oci/*", "*", "admin");
        larder.api("PATCH", "users/disabled", r#"{"disabled":true}"#, 200);
        let limits =
            json!({"name": "ro", "grants": [{"repository": "oci/team", "role": "reader"}]})
                .to_string();
        let headers = [("content-type", "application/json")];
        let made = larder
            .user("limited", PASSWORD)
            .send("POST", "/api/v1/tokens", &headers, limits.as_bytes())
            .expect(201);
        let limited = made.json()["secret"].as_str().expect("secret").to_owned();
        Self {
            larder,
            image,
            limited,
        }
    }

    fn client(&self, caller: &str) -> Client {
        match caller {
            "anonymous" => self.larder.anonymous(),
            "admin" => self.larder.admin(),
            "limited" => self.larder.user("any", &self.limited),
            caller => self.larder.user(caller, PASSWORD),
        }
    }

    fn path(&self, template: &str, name: &str) -> String {
        let digest = if template.contains("/blobs/") {
            self.image.blobs[0].0
        } else {
            self.image.digest
        };
        let path = template
            .replace("{name}", name)
            .replace("{digest}", &digest.to_string());
        path.replace("{session}", "11111111-1111-4111-8111-111111111111")
    }
}

/// What a route needs: 0 read, 1 write, 2 delete.
fn need(method: &str, template: &str) -> usize {
    match method {
        "PUT" | "POST" | "PATCH" => 1,
        _ if template.contains("/uploads/") => 1,
        "DELETE" => 2,
        _ => 0,
    }
}

/// Whether the answer is one that lets nothing happen and tells nothing.
fn refuses(answer: &Response, caller: &str, needed: usize) -> bool {
    match caller {
        "anonymous" | "disabled" => answer.status == 401,
        _ if needed == 0 => answer.status == 404,
        _ => answer.status == 403,
    }
}

#[test]
fn every_route_for_every_caller() {
    let house = House::with_login_attempts("10000");
    for (method, template) in ROUTES
        .into_iter()
        .filter(|(_, template)| template.contains("{name}"))
    {
        let needed = need(method, template);
        for (caller, may) in CALLERS {
            let client = house.client(caller);
            let send = |name: &str| client.send(method, &house.path(template, name), &[], b"");
            let told = format!("{caller}: {method} {template}");
            if !may[needed] || method != "DELETE" {
                let own = send("team/app");
                let refused = refuses(&own, caller, needed) && !may[needed];
                let passed = ![401, 403].contains(&own.status) && may[needed];
                assert!(refused || passed, "{told}: {} {}", own.status, own.text());
            }
            // What is there and may not be seen looks like what is not there: the same status and
            // the same words.
            if caller != "admin" {
                let (foreign, missing) = (send("secret/app"), send("nowhere/app"));
                assert!(
                    refuses(&foreign, caller, needed),
                    "{told}: {} {}",
                    foreign.status,
                    foreign.text()
                );
                let blurred = |answer: &Response| {
                    (
                        answer.status,
                        answer.text().replace("secret", "?").replace("nowhere", "?"),
                    )
                };
                assert_eq!(blurred(&foreign), blurred(&missing), "{told}");
            }
        }
    }
    // Deletes last, by the least of those who may.
    let maintainer = house.client("maintainer");
    maintainer
        .send("DELETE", "/v2/team/app/manifests/latest", &[], b"")
        .expect(202);
    maintainer
        .send(
            "DELETE",
            &format!("/v2/team/app/manifests/{}", house.image.digest),
            &[],
            b"",
        )
        .expect(202);
    house
        .image
        .check(&house.larder.admin(), "team/other", "latest");
    house
        .image
        .check(&house.larder.admin(), "secret/app", "latest");
}

#[test]
fn lists_name_only_what_the_caller_may_read() {
    let house = House::new();
    for (caller, may) in CALLERS {
        let catalog = house.client(caller).get("/v2/_catalog");
        if ["disabled", "anonymous"].contains(&caller) {
            catalog.expect(401);
            continue;
        }
        let names = catalog.expect(200).json()["repositories"].clone();
        let expected = match caller {
            "admin" => json!(["elsewhere/app", "secret/app", "team/app", "team/other"]),
            "admin-elsewhere" => json!(["elsewhere/app"]),
            _ if may[0] => json!(["team/app", "team/other"]),
            _ => json!([]),
        };
        assert_eq!(names, expected, "{caller}");
    }
}

#[test]
fn a_blob_is_not_reached_through_another_image() {
    let house = House::new();
    let writer = house.client("writer");
    let (secret, bytes) = {
        let bytes = Random::seeded().bytes(5000);
        push_blob(&house.larder.admin(), "secret/app", &digest(&bytes), &bytes).expect(201);
        (digest(&bytes), bytes)
    };
    let unknown = digest(b"never pushed");
    for warm in [false, true] {
        if warm {
            house
                .larder
                .admin()
                .get(&format!("/v2/secret/app/blobs/{secret}"))
                .expect(200);
        }
        for from in [
            "&from=secret/app",
            "",
            "&from=nowhere/app",
            "&from=..%2Fsecret",
            "&from=%00",
        ] {
            let mount = |digest| {
                writer.send(
                    "POST",
                    &format!("/v2/team/app/blobs/uploads/?mount={digest}{from}"),
                    &[],
                    b"",
                )
            };
            let (hidden, missing) = (mount(secret), mount(unknown));
            assert_eq!((hidden.status, missing.status), (202, 202), "{from}");
        }
        writer
            .get(&format!("/v2/team/app/blobs/{secret}"))
            .expect(404);
        writer
            .send("HEAD", &format!("/v2/team/app/blobs/{secret}"), &[], b"")
            .expect(404);
    }
    // Who has the bytes may push them; that gives nothing but their own name for them.
    push_blob(&writer, "team/app", &secret, &bytes).expect(201);
    house
        .client("maintainer")
        .send("DELETE", &format!("/v2/team/app/blobs/{secret}"), &[], b"")
        .expect(202);
    writer
        .get(&format!("/v2/team/app/blobs/{secret}"))
        .expect(404);
    house
        .larder
        .admin()
        .get(&format!("/v2/secret/app/blobs/{secret}"))
        .expect(200);
}

#[test]
fn an_upload_belongs_to_its_maker_and_its_image() {
    let house = House::new();
    let (writer, other) = (house.client("writer"), house.client("maintainer"));
    let started = writer
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let fresh = started.header("location").expect("location").to_owned();
    let patched = writer.send("PATCH", &fresh, &[], b"first").expect(202);
    let begun = patched.header("location").expect("location").to_owned();
    let another = writer
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let untouched = another.header("location").expect("location").to_owned();
    for location in [&begun, &untouched] {
        let last = format!("{location}&digest={}", digest(b"first"));
        for (method, path) in [
            ("GET", location),
            ("PATCH", location),
            ("PUT", &last),
            ("DELETE", location),
        ] {
            other.send(method, path, &[], b"").expect(404);
            writer
                .send(method, &path.replace("team/app", "team/other"), &[], b"")
                .expect(404);
        }
    }
    let forged = untouched.replace("_state=", "_state=x");
    writer
        .send("PUT", &format!("{forged}&digest={}", digest(b"")), &[], b"")
        .expect(404);
    writer
        .send(
            "PUT",
            &format!("{begun}&digest={}", digest(b"first")),
            &[],
            b"",
        )
        .expect(201);
}

#[test]
fn a_right_taken_away_is_gone_with_the_next_request() {
    let house = House::new();
    let tags = "/v2/team/app/tags/list";
    let reader = house.client("reader");
    reader.get(tags).expect(200);
    let bearer = |client: &Client| {
        let token = client
            .get("/v2/token?scope=repository:team/app:pull")
            .expect(200)
            .json();
        let header = format!("Bearer {}", token["token"].as_str().expect("token"));
        Client::with_authorization(house.larder.address(), &header)
    };
    let (by_token, limited) = (bearer(&reader), house.client("limited"));
    let of_limited = bearer(&limited);
    by_token.get(tags).expect(200);
    of_limited.get(tags).expect(200);

    let grants = house.larder.api("GET", "grants?limit=1000", "", 200);
    let of = |user: &str| {
        let mut items = grants["items"].as_array().expect("items").iter();
        items
            .find(|grant| grant["subject"] == format!("user:{user}"))
            .expect("grant")["id"]
            .as_str()
            .expect("id")
            .to_owned()
    };
    house
        .larder
        .api("DELETE", &format!("grants/{}", of("reader")), "", 204);
    reader.get(tags).expect(404);
    by_token.get(tags).expect(404);

    let tokens = house
        .larder
        .user("limited", PASSWORD)
        .get("/api/v1/tokens")
        .expect(200)
        .json();
    let id = tokens["items"][0]["id"].as_str().expect("id").to_owned();
    house
        .larder
        .user("limited", PASSWORD)
        .send("DELETE", &format!("/api/v1/tokens/{id}"), &[], b"")
        .expect(204);
    limited.get(tags).expect(401);
    of_limited.get(tags).expect(401);

    let writer = house.client("writer");
    let of_writer = bearer(&writer);
    house
        .larder
        .api("PATCH", "users/writer", r#"{"disabled":true}"#, 200);
    writer.get(tags).expect(401);
    of_writer.get(tags).expect(401);
}

#[test]
fn tokens_never_widen() {
    let house = House::new();
    let address = house.larder.address();
    let bearer = |client: &Client, scope: &str| {
        let token = client
            .get(&format!("/v2/token?{scope}&offline_token=true"))
            .expect(200)
            .json();
        let header = format!("Bearer {}", token["token"].as_str().expect("token"));
        (
            Client::with_authorization(address, &header),
            token["refresh_token"].as_str().map(str::to_owned),
        )
    };
    let push = |client: &Client| {
        client
            .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
            .status
    };
    let pull = |client: &Client| client.get("/v2/team/app/tags/list").status;
    let all = "scope=repository:team/app:pull,push,delete,*&scope=repository:secret/app:*";

    let (reads, refresh) = bearer(&house.client("limited"), all);
    assert_eq!(
        (pull(&reads), push(&reads)),
        (200, 403),
        "a read-only token buys no more"
    );
    let refreshed = house
        .larder
        .user("any", &refresh.expect("an offline token"));
    assert_eq!((pull(&refreshed), push(&refreshed)), (200, 403));
    let (again, _) = bearer(&refreshed, all);
    assert_eq!((pull(&again), push(&again)), (200, 403));

    let (narrow, _) = bearer(
        &house.client("maintainer"),
        "scope=repository:team/app:pull",
    );
    assert_eq!(
        (pull(&narrow), push(&narrow)),
        (200, 401),
        "asked for less than allowed: a better token would help"
    );
    let (wider, refresh) = bearer(&narrow, all);
    assert_eq!(
        (pull(&wider), push(&wider)),
        (200, 401),
        "a bearer token buys no wider one"
    );
    assert_eq!(refresh, None, "nor a longer one");
    narrow.get("/v2/team/other/tags/list").expect(401);
    let (catalog, _) = bearer(&house.client("maintainer"), "scope=registry:catalog:*");
    assert_eq!(
        catalog.get("/v2/_catalog").expect(200).json()["repositories"],
        json!(["team/app", "team/other"])
    );
    assert_eq!(
        pull(&catalog),
        401,
        "a token for the catalog reads no image"
    );

    let (nobody, refresh) = bearer(&house.larder.anonymous(), all);
    assert_eq!((pull(&nobody), refresh), (401, None));
    house
        .larder
        .anonymous()
        .send(
            "GET",
            "/v2/token?account=x",
            &[("authorization", "Basic eDp5")],
            b"",
        )
        .expect(401);
}

#[test]
fn forged_tokens_open_nothing() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let house = House::new();
    let token = house
        .larder
        .admin()
        .get("/v2/token?scope=repository:team/app:pull")
        .expect(200)
        .json();
    let token = token["token"].as_str().expect("token").to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let try_token = |token: &str| {
        let client = Client::with_authorization(house.larder.address(), &format!("Bearer {token}"));
        client.get("/v2/team/app/tags/list").status
    };
    assert_eq!(try_token(&token), 200, "the real one works");
    let (header, claims) = (decode(parts[0]), decode(parts[1]));
    let mut forged = Vec::new();
    for algorithm in [
        "none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256",
    ] {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        for signature in [parts[2], ""] {
            forged.push(format!("{}.{}.{signature}", encode(&header), parts[1]));
        }
    }
    for (key, value) in [
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("jku", json!("https://evil.example/keys")),
        ("x5c", json!(["AAAA"])),
        ("x5u", json!("https://evil.example/cert")),
        ("kid", json!("../../dev/null")),
    ] {
        let mut header = header.clone();
        header[key] = value;
        forged.push(format!("{}.{}.{}", encode(&header), parts[1], parts[2]));
    }
    for (key, value) in [
        ("sub", json!("root")),
        ("uid", json!(1)),
        ("aud", json!("other")),
        ("iss", json!("other")),
        ("exp", json!(9_999_999_999_i64)),
        ("nbf", json!(9_999_999_999_i64)),
        (
            "access",
            json!([{"type": "repository", "name": "secret/app", "actions": ["pull"]}]),
        ),
    ] {
        let mut claims = claims.clone();
        claims[key] = value;
        forged.push(format!("{}.{}.{}", parts[0], encode(&claims), parts[2]));
    }
    let flipped: String = parts[2].chars().rev().collect();
    forged.push(format!("{}.{}.{flipped}", parts[0], parts[1]));
    forged.push(format!("{}.{}.", parts[0], parts[1]));
    forged.push(format!("{}.{}", parts[0], parts[1]));
    forged.push(format!("{token}.{}", parts[2]));
    forged.push(format!("{}.{}.{}", parts[0], parts[0], parts[2]));
    forged.extend([
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        "lrd_".into(),
        format!("lrd_{}", "0".repeat(64)),
    ]);
    assert!(forged.len() >= 30);
    for token in forged {
        assert_eq!(try_token(&token), 401, "{token}");
    }
}

#[test]
fn guessing_passwords_is_slowed_and_unknown_users_look_the_same() {
    let house = House::new();
    let wrong = house.larder.user("reader", "wrong").get("/v2/").expect(401);
    let unknown = house
        .larder
        .user("nobody-here", "wrong")
        .get("/v2/")
        .expect(401);
    assert_eq!(wrong.text(), unknown.text());
    let mut last = wrong;
    for _ in 0..12 {
        last = house.larder.user("writer", "guess").get("/v2/");
    }
    let last = last.expect(429);
    assert_eq!(last.code(), "TOOMANYREQUESTS");
    assert!(last.header("retry-after").is_some());
    house.client("maintainer").get("/v2/").expect(200);
}
