use super::*;

#[test]
fn one_spelling() {
    for (text, expected) in [
        ("https://larder.example", "https://larder.example"),
        ("HTTPS://Larder.example:443//", "https://larder.example"),
        ("http://127.0.0.1:7070/", "http://127.0.0.1:7070"),
        (" http://[::1]:7070 ", "http://[::1]:7070"),
        ("https://a.example/larder/", "https://a.example/larder"),
    ] {
        assert_eq!(
            Server::parse(text).expect(text).to_string(),
            expected,
            "{text}"
        );
    }
    for bad in [
        "",
        "larder.example",
        "larder.example:7070",
        "ftp://a.example",
        "https://u:p@a.example",
        "https://a.example/?x",
        "https://a.example/#x",
        "file:///x",
    ] {
        assert_eq!(Server::parse(bad).expect_err(bad).exit().code(), 2, "{bad}");
    }
}

#[test]
fn calls_are_encoded() {
    let server = Server::parse("https://a.example/base").expect("server");
    let url = server
        .call(&["users", "a@b+c/../d"], &[("after", "oci/a b&c")])
        .expect("call");
    assert_eq!(
        url.as_str(),
        "https://a.example/base/api/v1/users/a@b+c%2F..%2Fd?after=oci%2Fa+b%26c"
    );
    let server = Server::parse("http://localhost:7070").expect("server");
    assert_eq!(
        server.call(&["whoami"], &[]).expect("call").as_str(),
        "http://localhost:7070/api/v1/whoami"
    );
}

#[test]
fn this_machine() {
    for (text, local) in [
        ("http://localhost:1", true),
        ("http://127.0.0.2", true),
        ("http://[::1]:7070", true),
        ("http://10.0.0.1", false),
        ("http://localhost.example", false),
    ] {
        assert_eq!(Server::parse(text).expect(text).is_local(), local, "{text}");
    }
}
