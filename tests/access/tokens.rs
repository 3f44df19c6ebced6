//! Tokens and passwords: what is taken away is gone, and nothing widens.

use crate::house::House;
use larder_tests::Client;
use larder_tests::larder::PASSWORD;
use serde_json::json;
use std::path::Path;

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

/// Files below a folder that hold any of the secrets.
fn holders(folder: &Path, secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(holders(&path, secrets));
            continue;
        }
        let bytes = std::fs::read(&path).expect("file");
        let text = String::from_utf8_lossy(&bytes);
        if secrets.iter().any(|secret| text.contains(secret)) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn no_secret_stands_in_the_data() {
    const OF_AN_UPSTREAM: &str = "an upstream's own password";
    let mut house = House::new();
    let upstream = json!({"url": "https://registry.example/", "username": "team",
        "password": OF_AN_UPSTREAM});
    let mirror = json!({"protocol": "npm", "name": "paid", "kind": "mirror", "upstream": upstream});
    let mirror = mirror.to_string();
    house.larder.api("POST", "repositories", &mirror, 201);
    let bearer = house
        .client("reader")
        .get("/v2/token?scope=repository:team/app:pull");
    let bearer = bearer.expect(200).json()["token"]
        .as_str()
        .expect("token")
        .to_owned();
    let data = house.larder.data();
    // What is sought is found where it stands, also in the database.
    assert_ne!(holders(&data, &["admin-elsewhere"]), [""; 0]);
    let secrets = [PASSWORD, OF_AN_UPSTREAM, &house.limited, &bearer];
    house.larder.stop();
    assert_eq!(holders(&data, &secrets), [""; 0]);
}
