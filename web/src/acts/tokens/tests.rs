use super::*;
use larder_access::scopes_to_json;

#[test]
fn what_a_token_may_be() {
    let now = "2030-01-01T00:00:00Z".parse().expect("time");
    let read = |body: &str| {
        let wanted = wanted(serde_json::from_str(body).expect("body"))?;
        wanted.check(now).map(|()| wanted)
    };
    let wanted = read(
        r#"{"name":"ci","expires_at":"2030-01-31T00:00:00Z","grants":[{"repository":"oci/a","role":"writer"}]}"#,
    );
    let wanted = wanted.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(
        scopes_to_json(&wanted.scopes.expect("scopes")),
        r#"[{"repository":"oci/a","package":"*","role":"writer"}]"#
    );
    for (body, about) in [
        (r#"{"name":""}"#, "name"),
        (
            r#"{"name":"a","expires_at":"2029-12-31T00:00:00Z"}"#,
            "expires_at",
        ),
        (r#"{"name":"a","grants":[]}"#, "grants"),
        (
            r#"{"name":"a","grants":[{"repository":"team","role":"writer"}]}"#,
            "repository",
        ),
    ] {
        let problem = read(body).err().map(|problem| problem.about);
        assert_eq!(problem, Some(about), "{body}");
    }
}
