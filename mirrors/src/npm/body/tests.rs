use super::*;
use larder_model::Kind;
use std::io::Cursor;

const MAX_TEXT_BYTES: usize = 1 << 20;

type Data = (String, String, bool);

fn scanned(body: &str) -> Result<(String, Vec<Data>), Problem> {
    let found = scan(&mut Cursor::new(body), Limit::from(MAX_TEXT_BYTES))?;
    let data = |at: &Attachment| {
        let start = usize::try_from(at.start).expect("small");
        (
            at.name.clone(),
            body[start..start + usize::try_from(at.length).expect("small")].to_owned(),
            at.plain,
        )
    };
    Ok((
        String::from_utf8(found.text).expect("text"),
        found.attachments.iter().map(data).collect(),
    ))
}

#[test]
fn only_the_data_of_attachments_is_skipped() {
    let body = r#" {"data":"0", "_attachments" : { "a\/\u002e\"tgz" : {"length":1, "data"
        : "QUJD", "x":{"data":"1"}}, "b":{"data":"a\"b\\", "y":["data","2"]}, "c":{"data":5}},
        "x":[{"_attachments":{"d":{"data":"3"}}}], "_attachments2":{"e":{"data":"4"}}}"#;
    let (text, attachments) = scanned(body).expect("a body");
    assert_eq!(text, body.replace("QUJD", "").replace("a\\\"b\\\\", ""));
    let expected = [("a/.\"tgz", "QUJD", true), ("b", "a\\\"b\\\\", false)];
    assert_eq!(
        attachments,
        expected.map(|(name, data, plain)| (name.to_owned(), data.to_owned(), plain))
    );
}

#[test]
fn an_escaped_name_is_the_same() {
    let (_, attachments) =
        scanned(r#"{"_attach\u006dents":{"a":{"d\u0061ta":"QQ=="}}}"#).expect("a body");
    assert_eq!(attachments, [("a".to_owned(), "QQ==".to_owned(), true)]);
}

#[test]
fn hostile_bodies_are_read_to_their_end() {
    let attachment = r#"{"_attachments":{"a":{"data":"QUJD"#;
    for end in 0..attachment.len() {
        let _ = scanned(&attachment[..end]);
    }
    assert_eq!(scanned(attachment).expect_err("cut").kind, Kind::Invalid);
    assert_eq!(
        scanned(&format!("{attachment}\\")).expect_err("cut").kind,
        Kind::Invalid
    );
    assert_eq!(
        scanned(&"[".repeat(1000)).expect_err("deep").kind,
        Kind::Invalid
    );
    assert_eq!(
        scanned("{\"\\x\":1}").expect_err("a key").kind,
        Kind::Invalid
    );
    for odd in [
        "}}}{{{\"data\":\"x\"",
        "{{{\"data\":\"x\"",
        "{,,,\"a\",\"b\":\"c\"",
        "]]:\"x\"",
        "",
    ] {
        let _ = scanned(odd);
    }
    let large = format!("{{\"data\":\"{}\"}}", "A".repeat(MAX_TEXT_BYTES));
    assert_eq!(scanned(&large).expect_err("large").kind, Kind::TooLarge);
    let within = format!(
        "{{\"_attachments\":{{\"a\":{{\"data\":\"{}\"}}}}}}",
        "A".repeat(MAX_TEXT_BYTES)
    );
    assert_eq!(
        scanned(&within).expect("an attachment").1[0].1.len(),
        MAX_TEXT_BYTES
    );
}
