use super::*;

fn oid(digit: char) -> String {
    digit.to_string().repeat(64)
}

#[test]
fn a_request_is_read() {
    let body = format!(
        r#"{{"operation":"upload","transfers":["lfs-standalone-file","basic"],"ref":{{"name":"refs/heads/main"}},
        "objects":[{{"oid":"{}","size":12}},{{"oid":"../x","size":1}},{{"oid":"{}","size":-1}}],
        "hash_algo":"sha256"}}"#,
        oid('a'),
        oid('B')
    );
    let batch = read_batch(body.as_bytes()).expect("batch");
    assert_eq!(batch.operation, Operation::Upload);
    assert_eq!(batch.objects[0].digest, digest_of(&oid('a')));
    assert_eq!(batch.objects[0].size, Some(12));
    assert_eq!(
        (batch.objects[1].digest, batch.objects[1].size),
        (None, Some(1))
    );
    assert_eq!(
        (batch.objects[2].digest, batch.objects[2].size),
        (None, None)
    );
}

#[test]
fn what_is_no_request_is_refused() {
    for (body, kind) in [
        ("", Kind::Invalid),
        (r#"{"operation":"delete","objects":[]}"#, Kind::Invalid),
        (r#"{"operation":"download"}"#, Kind::Invalid),
        (
            r#"{"operation":"download","objects":[],"hash_algo":"sha512"}"#,
            Kind::Conflict,
        ),
    ] {
        let problem = read_batch(body.as_bytes()).expect_err(body);
        assert_eq!(problem.kind, kind, "{body}");
    }
    let many = vec![format!(r#"{{"oid":"{}","size":1}}"#, oid('a')); MAX_OBJECTS + 1].join(",");
    let many = format!(r#"{{"operation":"download","objects":[{many}]}}"#);
    let problem = read_batch(many.as_bytes()).expect_err("many");
    assert_eq!(problem.kind, Kind::TooLarge);
    assert!(read_object(br#"{"oid":"x","size":1}"#).is_err());
}

#[test]
fn an_answer_has_addresses_or_errors() {
    let object = |digit| Object {
        oid: oid(digit),
        digest: digest_of(&oid(digit)),
        size: Some(3),
    };
    let told = answer(&[
        (object('a'), Outcome::Download("http://l/a".to_owned())),
        (
            object('b'),
            Outcome::Upload("http://l/b".to_owned(), "http://l/v".to_owned()),
        ),
        (object('c'), Outcome::Nothing),
        (object('d'), Outcome::Refused(Refusal::missing())),
    ]);
    let told: serde_json::Value = serde_json::from_slice(&told.expect("answer")).expect("JSON");
    assert_eq!(told["transfer"], "basic");
    let objects = &told["objects"];
    assert_eq!(objects[0]["actions"]["download"]["href"], "http://l/a");
    assert_eq!(objects[1]["actions"]["upload"]["href"], "http://l/b");
    assert_eq!(objects[1]["actions"]["verify"]["href"], "http://l/v");
    assert!(objects[2].get("actions").is_none() && objects[2].get("error").is_none());
    assert_eq!(objects[3]["error"]["code"], 404);
}

#[test]
fn an_upstreams_answer_is_read() {
    let body = format!(
        r#"{{"objects":[
        {{"oid":"{}","size":5,"actions":{{"download":{{"href":"https://s.example/x?sig=1",
            "header":{{"Authorization":"Basic eA==","Host":"other.example","Content-Length":"3"}},"expires_in":60}}}}}},
        {{"oid":"{}","error":{{"code":410,"message":"gone"}}}},
        {{"oid":"{}"}}]}}"#,
        oid('a'),
        oid('b'),
        oid('c')
    );
    let mut found = read_answer(body.as_bytes()).expect("answer");
    let lead = found.remove(&oid('a')).expect("a").expect("lead");
    assert_eq!((lead.size, lead.lifetime), (5, Duration::from_mins(1)));
    assert_eq!(lead.headers.len(), 1, "{lead:?}");
    let shown = format!("{lead:?}");
    assert!(!shown.contains("eA==") && !shown.contains("sig"), "{shown}");
    let refused = found.remove(&oid('b')).expect("b").expect_err("refusal");
    assert_eq!((refused.code, &*refused.message), (410, "gone"));
    assert_eq!(found.remove(&oid('c')).expect("c"), Err(Refusal::missing()));
    for body in [
        "<html>",
        r#"{"transfer":"tus","objects":[]}"#,
        r#"{"objects":[{"oid":"a","actions":{"download":{"href":"x","header":{"a b":"c"}}}}]}"#,
        r#"{"objects":[{"oid":"a","actions":{"download":{"href":"x","header":{"a":"c\nd"}}}}]}"#,
    ] {
        let problem = read_answer(body.as_bytes()).expect_err(body);
        assert_eq!(problem.kind, Kind::Upstream, "{body}");
    }
}

#[test]
fn a_question_is_one_that_a_server_reads() {
    let digest = digest_of(&oid('a')).expect("digest");
    let batch = read_batch(&question(&[(digest, 7)]).expect("question")).expect("batch");
    assert_eq!(batch.operation, Operation::Download);
    assert_eq!(batch.objects[0].oid, oid('a'));
    assert_eq!(path_of(&digest), format!("lfs/{}", oid('a')));
}
