use super::*;

#[test]
fn hosts_get_a_port() {
    for (host, expected) in [
        ("a.example", "a.example:0"),
        ("a.example:8443", "a.example:8443"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("[::1]", "[::1]:0"),
        ("[::1]:81", "[::1]:81"),
    ] {
        assert_eq!(with_port(host), expected);
    }
}
