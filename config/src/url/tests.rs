use super::*;

#[test]
fn right_urls_are_tidied() {
    for (text, tidy) in [
        ("https://larder.example.org", "https://larder.example.org"),
        ("HTTPS://Larder.Example.org/", "https://larder.example.org"),
        ("http://127.0.0.1:7070/", "http://127.0.0.1:7070"),
        ("http://[::1]:7070", "http://[::1]:7070"),
        (
            "https://store.example.org/account/",
            "https://store.example.org/account",
        ),
    ] {
        assert_eq!(Url::parse(text).expect(text).to_string(), tidy);
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "larder.example.org",
        "ftp://larder.example.org",
        "https://",
        "https:///path",
        "https://a b",
        "https://host:",
        "https://host:0",
        "https://host:70000",
        "https://host:+80",
        "https://user@host",
        "https://host?q",
        "https://host/p?q",
        "https://host/p#f",
        "https://[::1",
        "https://[nope]",
        "https://[::1]x",
    ] {
        assert_eq!(Url::parse(text), None, "{text}");
    }
}
