use super::*;

#[test]
fn segments_are_decoded_once() {
    assert_eq!(segments("a/b%40c").expect("path"), ["a", "b@c"]);
    assert_eq!(segments("%2565").expect("path"), ["%65"]);
    assert_eq!(segments("a//b/").expect("path"), ["a", "", "b", ""]);
    assert_eq!(segments("%40a%2Fb/c").expect("path"), ["@a/b", "c"]);
    for bad in [
        "%2Fb",
        "a%2F",
        "a%2F%2Fb",
        "a%2F..%2Fb",
        "a%5cb",
        "a%00",
        "a%0",
        "a%zz",
        "%ff",
        "a%0d%0a",
    ] {
        assert!(segments(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_path_has_one_spelling() {
    for (path, expected) in [
        ("/api/v1/%75sers", "/api/v1/users"),
        ("/a/@b%2fc/%2565", "/a/%40b%2Fc/%2565"),
        ("/a//ä/~", "/a//%C3%A4/~"),
        ("/a/../b", "/a/../b"),
        ("", ""),
    ] {
        assert_eq!(canonical(path).expect(path), expected);
    }
}
