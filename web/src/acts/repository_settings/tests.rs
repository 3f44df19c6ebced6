use super::*;

#[test]
fn addresses() {
    let kept = |text: &str| address(text).expect("address");
    assert_eq!(kept("https://a.example"), "https://a.example/");
    assert_eq!(kept("http://127.0.0.1:81/x/"), "http://127.0.0.1:81/x/");
    for bad in [
        "a.example",
        "ftp://a.example/",
        "https://",
        "https://u:p@a.example/",
        "https://a.example/?x",
        "https://a b/",
    ] {
        assert!(address(bad).is_err(), "{bad}");
    }
}
