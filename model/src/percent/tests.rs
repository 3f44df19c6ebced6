use super::*;

#[test]
fn well_encoded_or_nothing() {
    for (text, decoded) in [
        ("", Some("")),
        ("a+b", Some("a+b")),
        ("%40a%2Fb", Some("@a/b")),
        ("%c3%A4", Some("ä")),
        ("%2525", Some("%25")),
        ("%", None),
        ("%4", None),
        ("%+f", None),
        ("%zz", None),
        ("%ff", None),
    ] {
        assert_eq!(decode(text).as_deref(), decoded, "{text}");
    }
    assert_eq!(decode_form("a+b%2Bc").as_deref(), Some("a b+c"));
    assert_eq!(decode_form("+%").as_deref(), None);
    assert_eq!(decode_form("a%00b").as_deref(), None);
}
