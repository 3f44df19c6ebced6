use super::*;

#[test]
fn a_secret_is_found_wherever_it_stands() {
    let token = format!("lrd_{}", "0a".repeat(32));
    for (text, secret) in [
        (format!("x{token}y"), Some(&*token)),
        (format!("lrd_ {token}"), Some(&*token)),
        ("it is hunter2.".to_owned(), Some("hunter2")),
        (String::new(), None),
        (token[..67].to_owned(), None),
        ("lrd_18f4 \u{fffd}lrd_".to_owned(), None),
    ] {
        assert_eq!(found(&text, "hunter2"), secret, "{text}");
    }
}
