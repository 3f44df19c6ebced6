use super::*;

#[test]
fn addresses() {
    let kept = |text: &str| address(text).expect("address");
    assert_eq!(kept("https://a.example"), "https://a.example/");
    assert_eq!(kept("http://127.0.0.1:81/x/"), "http://127.0.0.1:81/x/");
    // As cargo's configuration has the address of an index.
    assert_eq!(kept("sparse+https://a.example/i"), "https://a.example/i/");
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

#[test]
fn lists_of_mirrors() {
    for list in [
        "https://m.example/metalink?repo=fedora-39&arch=x86_64",
        "http://127.0.0.1:81/mirrorlist",
    ] {
        assert_eq!(list_address(list).expect("list"), list);
    }
    assert_eq!(
        folder_of("https://m.example/a/metalink?repo=x/y"),
        "https://m.example/a"
    );
    assert_eq!(folder_of("https://m.example/metalink"), "https://m.example");
    assert_eq!(folder_of("https://m.example"), "https://m.example");
    for bad in [
        "m.example/list",
        "https://u:p@m.example/list",
        "https://m.example/list#x",
        "https://m.example/a b",
    ] {
        assert!(list_address(bad).is_err(), "{bad}");
    }
}

#[test]
fn variables_are_the_clients() {
    for (text, name) in [
        ("https://a.example/$releasever/$basearch/os", "$releasever,"),
        ("https://a.example/el${releasever}/", "${releasever},"),
        ("https://a.example/x/$basearch", "$basearch,"),
    ] {
        let problem = address(text).expect_err(text);
        assert!(problem.detail.contains(name), "{}", problem.detail);
    }
    let list = "https://m.example/metalink?repo=epel-$releasever&arch=x86_64";
    let problem = list_address(list).expect_err("a variable");
    assert!(
        problem.detail.contains("$releasever,"),
        "{}",
        problem.detail
    );
    assert!(
        address("https://a.example/US$1/").is_ok(),
        "that is no variable"
    );
}
