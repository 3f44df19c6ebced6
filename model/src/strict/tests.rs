use super::*;

#[test]
fn one_reading_only() {
    for good in [
        "{}",
        "[]",
        "1",
        r#"{"a":{"b":[1,2,{"a":null}]},"b":"a"}"#,
        " {} \n",
    ] {
        assert!(check(good.as_bytes()).is_ok(), "{good}");
    }
    for bad in [
        "",
        "{",
        "{} {}",
        "{}x",
        r#"{"a":1,"a":1}"#,
        r#"{"x":[{"a":1,"a":2}]}"#,
        r#"{"a":1,"\u0061":2}"#,
        "{'a':1}",
        "\u{feff}{}",
    ] {
        assert!(check(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(check("[".repeat(100_000).as_bytes()).is_err());
    assert!(check(format!("[{}1]", "1,".repeat(300_000)).as_bytes()).is_err());
}
