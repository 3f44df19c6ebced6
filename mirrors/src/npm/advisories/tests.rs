use super::*;
use larder_model::Kind;

#[test]
fn published_packages_are_removed_from_queries() {
    let body =
        br#"{"a":["1.0.0","2.0.0"],"@acme/b":["1.0.0"],"../c":["1.0.0"],"d":["x y"],"e":[]}"#;
    assert_eq!(
        Advisories.packages_in(body).expect("names"),
        ["@acme/b".into(), "a".into()]
    );
    let question = Advisories
        .question(body, &["@acme/b".into()].into())
        .expect("a question");
    assert_eq!(
        question.as_deref(),
        Some(br#"{"a":["1.0.0","2.0.0"]}"#.as_slice())
    );
    assert_eq!(
        Advisories
            .question(body, &["@acme/b".into(), "a".into()].into())
            .expect("nothing"),
        None
    );
    for bad in ["", "[]", r#"{"a":"1.0.0"}"#, r#"{"a":[1]}"#] {
        assert_eq!(
            Advisories.packages_in(bad.as_bytes()).expect_err(bad).kind,
            Kind::Invalid
        );
    }
}

#[test]
fn answers_of_upstreams_are_joined() {
    let answer = |answers: &[&'static str]| {
        let answers: Vec<Bytes> = answers
            .iter()
            .map(|answer| Bytes::from_static(answer.as_bytes()))
            .collect();
        Advisories
            .answer(&answers)
            .map(|reply| String::from_utf8_lossy(&reply.body).into_owned())
    };
    assert_eq!(answer(&[]).expect("none"), "{}");
    let both = answer(&[r#"{"a":[{"id":1.0}]}"#, r#"{"b":[],"a":[{"id":2}]}"#]);
    assert_eq!(both.expect("both"), r#"{"a":[{"id":1.0},{"id":2}],"b":[]}"#);
    assert_eq!(
        answer(&["<html>"]).expect_err("no answer").kind,
        Kind::Upstream
    );
}
