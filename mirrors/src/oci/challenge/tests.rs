use super::*;

fn bearer(value: &str) -> Option<(String, String, String)> {
    match Challenge::choose([value])? {
        Challenge::Bearer(request) => Some((request.realm, request.service, request.scope)),
        Challenge::Basic => None,
    }
}

fn texts(realm: &str, service: &str, scope: &str) -> (String, String, String) {
    (realm.to_owned(), service.to_owned(), scope.to_owned())
}

#[test]
fn a_challenge_for_a_token_is_found_wherever_it_stands() {
    const BEARER: &str =
        r#"Bearer realm="https://a.example/t",service="s",scope="repository:a/b:pull,push""#;
    let right = texts("https://a.example/t", "s", "repository:a/b:pull,push");
    for list in [
        BEARER.to_owned(),
        format!("{BEARER}, Basic realm=\"x\""),
        format!("Basic realm=\"x\", {BEARER}"),
        format!("Basic realm=\"a, Bearer realm=b\", {BEARER}"),
        format!("Negotiate, {BEARER}"),
        format!("Negotiate,{BEARER}"),
        format!("Negotiate YII/a+b==, {BEARER}"),
        format!("NTLM abc , , {BEARER}"),
        format!("Digest realm=\"x\", qop=\"auth\", nonce=abc, {BEARER},Basic"),
        format!("Bearer error=\"invalid\", {BEARER}"),
        format!("  ,{BEARER}"),
    ] {
        assert_eq!(bearer(&list).as_ref(), Some(&right), "{list}");
    }
    let lines = ["Negotiate", "Basic realm=\"x\"", BEARER];
    assert!(matches!(
        Challenge::choose(lines),
        Some(Challenge::Bearer(_))
    ));
}

#[test]
fn parameters_may_be_written_in_every_way() {
    for (list, right) in [
        (
            "bearer  service=reg, realm=https://a.example/t",
            texts("https://a.example/t", "reg", ""),
        ),
        (
            r#"BEARER Realm = "https://a.example/t" , SERVICE= "x y""#,
            texts("https://a.example/t", "x y", ""),
        ),
        (
            r#"Bearer realm="https://a.example/t?x=1,2",service="say \"x\"""#,
            texts("https://a.example/t?x=1,2", "say \"x\"", ""),
        ),
        // Some forget the comma.
        (
            r#"Bearer realm="https://a.example/t" service="reg""#,
            texts("https://a.example/t", "reg", ""),
        ),
    ] {
        assert_eq!(bearer(list), Some(right), "{list}");
    }
}

#[test]
fn name_and_password_are_for_whoever_asks_for_nothing_else() {
    for list in [
        "Basic realm=\"x\"",
        "basic",
        "Negotiate, Basic realm=x",
        "Bearer service=\"no realm\", Basic realm=\"x\"",
    ] {
        assert_eq!(Challenge::choose([list]), Some(Challenge::Basic), "{list}");
    }
    for list in [
        "",
        ", ,",
        "Bearer",
        "Bearer service=\"x\"",
        "Bearer realm=\"unclosed",
        "Bearer realm=\"unclosed\\\"",
        "Negotiate",
        "realm=\"x\"",
        "Digest realm=\"Basic realm=x\"",
        "é Basic",
    ] {
        assert_eq!(Challenge::choose([list]), None, "{list}");
    }
}

#[test]
fn credentials_go_to_near_token_endpoints_only() {
    for (host, realm) in [
        ("registry-1.docker.io", "auth.docker.io"),
        ("quay.io", "quay.io"),
        ("registry.gitlab.example.com", "gitlab.example.com"),
        ("reg.example.co.uk", "auth.example.co.uk"),
        ("127.0.0.1", "127.0.0.1"),
    ] {
        assert!(Challenge::is_near(host, realm), "{host} {realm}");
    }
    for (host, realm) in [
        ("registry.example.com", "evil.com"),
        ("registry.example.com", "example.com.evil.net"),
        ("registry.example.com", "notexample.com"),
        ("quay.io", "evil.io"),
        ("reg.co.uk", "evil.co.uk"),
        ("localhost", "evil"),
        ("10.0.0.1", "9.0.0.1"),
        ("10.0.0.1", "x.0.0.1"),
    ] {
        assert!(!Challenge::is_near(host, realm), "{host} {realm}");
    }
}
